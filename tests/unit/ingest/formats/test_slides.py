"""Slides, in the order of the show."""

from bisect import bisect_right

import pytest

from secondlook.errors import FileUnreadableError
from secondlook.ingest.formats.reading import Wanted
from secondlook.ingest.formats.slides import read_slides
from tests.documents import make_docx, make_pptx, shape

TABLE = (
    "<a:tbl><a:tr><a:tc><a:p><a:r><a:t>Grade</a:t></a:r></a:p></a:tc><a:tc><a:p><a:r><a:t>B</a:t></a:r></a:p></a:tc>"
    "</a:tr></a:tbl>"
)


def test_a_presentation() -> None:
    last = shape("Oil", "title") + shape("Warm it.\nSlowly.", "body") + shape("7", "sldNum") + TABLE
    content = make_pptx([last, shape("Öl and lamp", "ctrTitle"), shape("Free words")], "Say hello")
    found = read_slides(content, Wanted())
    assert found.text == (
        "## Slide 1\n\nFree words\n\n## Öl and lamp\n\n## Oil\n\nWarm it.\nSlowly.\n\n| Grade | B |\n| --- | --- |\n\n"
        "Notes: Say hello"
    )
    source = found.text.encode()
    assert [source[start:].decode().split("\n")[0] for start in found.pages] == [
        "## Slide 1",
        "## Öl and lamp",
        "## Oil",
    ]


def test_slides_without_words_are_no_text() -> None:
    assert read_slides(make_pptx([shape(""), ""]), Wanted()).text == ""


def test_what_is_no_presentation() -> None:
    with pytest.raises(FileUnreadableError, match="file_is_corrupt: the archive contains no presentation"):
        read_slides(make_docx(), Wanted())


MATH = 'xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"'
HALF = "<m:f><m:num><m:r><m:t>a+b</m:t></m:r></m:num><m:den><m:r><m:t>2</m:t></m:r></m:den></m:f>"


def test_what_is_there_in_two_forms_is_read_once() -> None:
    space = 'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'
    math = f"<p:sp><p:txBody><a:p><a:r><a:t>It is </a:t></a:r><m:oMath {MATH}>{HALF}</m:oMath></a:p></p:txBody></p:sp>"
    inner = f"<mc:Choice Requires='a14'>{math}</mc:Choice><mc:Fallback>{shape('It is a picture')}</mc:Fallback>"
    both = f"<mc:AlternateContent {space}>{inner}</mc:AlternateContent>"
    assert read_slides(make_pptx([shape("Oil", "title") + both]), Wanted()).text == "## Oil\n\nIt is (a+b)/2"
    alone = f"<mc:AlternateContent {space}><mc:Fallback>{shape('Seen')}</mc:Fallback></mc:AlternateContent>"
    assert read_slides(make_pptx([alone]), Wanted()).text == "## Slide 1\n\nSeen"


def test_hidden_slides_are_left_out_and_the_others_keep_their_numbers() -> None:
    found = read_slides(make_pptx([shape("third"), shape("secret", "title"), shape("first")], hidden=[2]), Wanted())
    assert found.text.split() == "## Slide 1 first ## Slide 3 third".split()
    assert bisect_right(found.pages, found.text.index("third")) == 3
    assert found.notes == ["hidden slides were skipped: 2"]
    assert read_slides(make_pptx([shape("secret", "title")], hidden=[1]), Wanted()).text == ""


def test_merged_cells() -> None:
    def cell(text: str, attributes: str = "") -> str:
        return f"<a:tc {attributes}><a:p><a:r><a:t>{text}</a:t></a:r></a:p></a:tc>"

    rows = [
        cell("Name") + cell("Limits", 'gridSpan="2"') + cell("", 'hMerge="1"'),
        cell("Pro", 'rowSpan="2"') + cell("1") + cell("2"),
        cell("", 'vMerge="1"') + cell("3") + cell("4"),
    ]
    table = f"<a:tbl>{''.join(f'<a:tr>{row}</a:tr>' for row in rows)}</a:tbl>"
    assert read_slides(make_pptx([table]), Wanted()).text == (
        "## Slide 1\n\n| Name | Limits | Limits |\n| --- | --- | --- |\n| Pro | 1 | 2 |\n| Pro | 3 | 4 |"
    )
