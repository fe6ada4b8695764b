"""Slides, in the order of the show."""

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
    with pytest.raises(FileUnreadableError, match="file_is_corrupt: the archive holds no presentation"):
        read_slides(make_docx(), Wanted())
