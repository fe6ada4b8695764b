"""Documents of Word."""

import pytest

from secondlook.errors import FileUnreadableError
from secondlook.ingest.formats.package import open_package
from secondlook.ingest.formats.reading import Wanted
from secondlook.ingest.formats.word import read_word, slim
from tests.documents import OFFICE, RELS, make_docx, make_word, make_xlsx, make_zip


def test_a_document() -> None:
    assert read_word(make_docx(), Wanted()).text == (
        "# Lamp manual\n\nWarm the reservoir to 12 °C.\n\n## Oil\n\nUse grade B in winter.\n\n- Check the wick\n"
        "- Trim it\n\n| Grade | Freezes |\n| --- | --- |\n| B | -20 |"
    )


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (make_docx()[:2000], "could not open"),
        (make_zip({"a.txt": "words"}), "contains no Word document"),
        (make_xlsx({"a": [["b"]]}), "contains no Word document"),
        (make_word("<w:p>" * 400 + "</w:p>" * 400), "nested more than"),
        (make_word("<w:p>"), "XML is broken"),
    ],
    ids=["cut", "archive", "workbook", "deep", "broken"],
)
def test_what_is_refused(content: bytes, words: str) -> None:
    with pytest.raises(FileUnreadableError, match=f"file_is_corrupt: .*{words}"):
        read_word(content, Wanted())


def test_a_picture_outside_the_document_is_not_fetched() -> None:
    """mammoth before 1.11 read any file that a document named (CVE-2025-11849)."""
    drawing = (
        '<w:p><w:r><w:drawing><wp:inline xmlns:wp="x" xmlns:a="a"><a:blip r:link="p"'
        f' xmlns:r="{OFFICE}/officeDocument/2006/relationships"/></wp:inline></w:drawing><w:t>Seen</w:t></w:r></w:p>'
    )
    rels = (
        f'<Relationships xmlns="{RELS}"><Relationship Id="p" Target="file:///etc/passwd" TargetMode="External"'
        f' Type="{OFFICE}/officeDocument/2006/relationships/image"/></Relationships>'
    )
    assert read_word(make_word(drawing, **{"word/_rels/document.xml.rels": rels}), Wanted()).text == "Seen"


def test_only_what_decides_about_text_is_read() -> None:
    whole = open_package(make_docx())
    slimmed = open_package(slim(whole))
    assert set(slimmed.namelist()) < set(whole.namelist())
    assert slimmed.read("word/document.xml") == whole.read("word/document.xml")
    styles = slimmed.read("word/styles.xml")
    assert len(styles) < len(whole.read("word/styles.xml")) / 4
    assert b"List Bullet" in styles
