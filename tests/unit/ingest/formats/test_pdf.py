"""PDF documents: pages, headings by size, passwords, scans."""

import pytest

from secondlook.errors import FileUnreadableError
from secondlook.ingest.formats.pdf import Line, read_pdf, write_pages
from secondlook.ingest.formats.reading import Wanted
from tests.documents import make_pdf, make_picture, need_tesseract

BODY = [(11, f"Line {at} of what the manual says.") for at in range(6)]
MANUAL = make_pdf([(24, "Lamp manual"), *BODY, (16, "Grades of"), (16, "oil"), *BODY], [(11, "The second page.")])


def test_pages_and_headings() -> None:
    found = read_pdf(MANUAL, Wanted())
    lines = "\n".join(line for _, line in BODY)
    assert found.text == f"# Lamp manual\n\n{lines}\n\n## Grades of oil\n\n{lines}\n\nThe second page."
    assert found.text.encode()[found.pages[1] :] == b"The second page."


def test_an_empty_page_is_a_page() -> None:
    found = read_pdf(make_pdf([(11, "One")], [], [(11, "Three")]), Wanted())
    assert [found.text.encode()[start : start + 3] for start in found.pages] == [b"One", b"\n\nT", b"Thr"]


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (make_pdf([(11, "secret")], password="pass"), "file_is_password_locked"),
        (MANUAL[:400], "invalid_pdf"),
        (b"%PDF-1.7\n" + b"junk " * 99, "invalid_pdf"),
        (make_pdf(picture=make_picture("Scanned oil")), "markdown_conversion_empty"),
        (make_pdf([]), "markdown_conversion_empty"),
    ],
    ids=["locked", "cut", "junk", "scan", "blank"],
)
def test_what_has_no_text(content: bytes, kind: str) -> None:
    with pytest.raises(FileUnreadableError) as caught:
        read_pdf(content, Wanted())
    assert caught.value.kind == kind


@pytest.mark.system
def test_scanned_pages_are_recognised() -> None:
    need_tesseract()
    found = read_pdf(make_pdf([(11, "Written.")], picture=make_picture("Scanned oil")), Wanted(ocr=True))
    assert found.text == "Written.\n\nScanned oil"
    assert list(found.pages) == [0, 10]


def test_where_most_lines_are_large_none_is_a_heading() -> None:
    large, small = [Line("Large words", 20)] * 5, [Line("Small words that go on and on, " * 9, 10)] * 2
    assert write_pages([[*large, *small]])[0].count("#") == 0
    assert write_pages([[]]) == [""]
    assert write_pages([[Line("Unknown", 0)]]) == ["Unknown"]


def test_deeper_levels_are_three() -> None:
    lines = [Line("x" * 500, 10), *(Line(f"Size {size}", size) for size in (40, 30, 20, 15)), *[Line("y", 10)] * 9]
    text = write_pages([lines])[0]
    assert [line.partition(" ")[0] for line in text.splitlines() if line.startswith("#")] == ["#", "##", "###", "###"]
