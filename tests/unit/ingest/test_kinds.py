"""Which files are read, how large they may be, and what happens to those that are not what they are called."""

import pytest

from secondlook.errors import FileTooLargeError, FileUnreadableError, UnsupportedFileError
from secondlook.ingest.kinds import (
    PLAIN,
    PLAIN_LIMIT,
    RICH,
    RICH_LIMIT,
    check_content,
    check_file,
    file_type,
    is_readable,
    kind_of,
)
from tests.documents import need_catdoc

CONTRACT = (
    ".txt .rst .log .log.gz .ini .conf .env .properties .gitignore .editorconfig .toml .markdown .md .mdx .mdoc .tex"
    " .latex .sh .bat .ps1 .sgml .json .yaml .yml .css .js .php .py .rb .java .c .cpp .cxx .h .hpp .go .rs .swift .dart"
    " .el .sql .pdf .jpeg .jpg .png .webp .svg .gif .bmp .html .htm .xml .xlsx .xlsm .xlsb .xls .et .docx .ods .odt"
    " .csv .numbers"
).split()
"""Every ending of section 18.2."""
OLD = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("a/b/oil.md", ".md"),
        ("OIL.MD", ".md"),
        ("archive.tar.gz", ".gz"),
        ("server.LOG.gz", ".log.gz"),
        (".env", ".env"),
        ("conf/.gitignore", ".gitignore"),
        (".env.local", ".local"),
        ("Makefile", ""),
        ("a.b/Makefile", ""),
        ("", ""),
    ],
)
def test_file_types(key: str, kind: str) -> None:
    assert file_type(key) == kind


@pytest.mark.parametrize("suffix", CONTRACT)
def test_every_type_of_the_contract_is_read(suffix: str) -> None:
    assert kind_of(f"a/file{suffix}")
    check_file(f"a/file{suffix}", RICH_LIMIT)


def test_ours_are_those_of_the_contract_and_a_few() -> None:
    ours = PLAIN | set(RICH) | {".log.gz"}
    assert ours - set(CONTRACT) == {".jsonl", ".ts", ".tsx", ".jsx", ".pptx", ".rtf"}


@pytest.mark.parametrize("key", ["oil.md", "a/.env", ".GITIGNORE", "x.py", "a.log.gz"])
def test_plain_files_may_have_ten_mebibytes(key: str) -> None:
    check_file(key, PLAIN_LIMIT)
    with pytest.raises(FileTooLargeError, match=r"over_size: .* 10,485,761 bytes; the limit is 10,485,760"):
        check_file(key, PLAIN_LIMIT + 1)


@pytest.mark.parametrize("key", ["page.HTML", "a.csv", "a.pdf", "a.docx", "a.png", "a.xml"])
def test_others_may_have_four(key: str) -> None:
    check_file(key, RICH_LIMIT)
    with pytest.raises(FileTooLargeError, match="4,194,305 bytes; the limit is 4,194,304"):
        check_file(key, RICH_LIMIT + 1)


def test_a_scanned_pdf_may_have_ten() -> None:
    check_file("a.pdf", PLAIN_LIMIT, ocr=True)
    with pytest.raises(FileTooLargeError):
        check_file("a.docx", PLAIN_LIMIT, ocr=True)


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("Makefile", r"type \(none\)"),
        (".npmrc", r"type \.npmrc"),
        ("plan.pages", r"type \.pages are not indexed: convert it to text"),
        ("a.tar.gz", r"type \.gz"),
    ],
)
def test_types_that_are_refused(key: str, words: str) -> None:
    with pytest.raises(UnsupportedFileError, match=f"unsupported_type: .*{words}"):
        check_file(key, 1)


@pytest.mark.parametrize(
    ("key", "content", "kind", "words"),
    [
        (
            "report.txt",
            b"%PDF-1.7\n1 0 obj",
            "unsupported_type",
            r"a PDF document, not text: rename it to \*\.pdf",
        ),
        ("page.html", b"%PDF-1.7\n1 0 obj", "unsupported_type", r"contains a PDF document"),
        ("notes.md", b"PK\3\4\x14\0\x06\0\x08\0", "unsupported_type", "contains a ZIP archive"),
        ("notes.md", OLD + b"\0" * 8, "unsupported_type", "Office document from before 2007"),
        ("a.log", b"\x1f\x8b\x08\0", "unsupported_type", r"packed with gzip, not text: rename it to \*\.log\.gz"),
        ("logo.md", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "unsupported_type", r"picture, not text: .*\.png"),
        ("tricky.md", b"\0\1\2" * 9, "file_is_corrupt", "contains binary data"),
        ("page.html", b"<p>\0</p>", "file_is_corrupt", "contains binary data"),
        ("a.pdf", b"Dear Sir or Madam", "invalid_pdf", "not a valid PDF"),
        ("a.docx", b"Dear Sir or Madam", "file_is_corrupt", "not an Office document"),
        ("a.docx", OLD, "unsupported_type", "before 2007: save it in the current format"),
        ("a.docx", OLD + "EncryptedPackage".encode("utf-16-le"), "file_is_password_locked", "save it without"),
        ("a.xlsx", OLD + "EncryptedPackage".encode("utf-16-le"), "file_is_password_locked", "save it without"),
        ("a.png", b"<svg/>", "file_is_corrupt", "not an image"),
        ("a.rtf", b"PK\3\4", "file_is_corrupt", "not a valid RTF"),
        ("a.log.gz", b"plain words", "file_is_corrupt", r"remove \.gz from its name"),
    ],
)
def test_files_that_lie(key: str, content: bytes, kind: str, words: str) -> None:
    with pytest.raises(FileUnreadableError, match=words) as caught:
        check_content(key, content)
    assert caught.value.kind == kind
    assert str(caught.value).startswith(f"{kind}: {key}")


@pytest.mark.system
def test_a_document_of_word_that_is_none() -> None:
    need_catdoc()
    with pytest.raises(FileUnreadableError, match=r"file_is_corrupt: a\.doc.* is not a Word"):
        check_content("a.doc", b"Dear Sir or Madam")


@pytest.mark.parametrize(
    ("key", "content"),
    [
        ("a.txt", b"PK\3\4 is how archives begin"),
        ("a.txt", b"GIF89a is what pictures begin with"),
        ("a.txt", "ÿØÿ".encode()),
        ("a.txt", b"\xff\xfeA\0"),
        ("a.md", b""),
        ("a.pdf", b"\n\n%PDF-1.4"),
        ("a.xls", OLD),
        ("a.et", OLD),
        ("a.xls", b"PK\3\4"),
        ("a.jpg", b"\x89PNG\r\n\x1a\n"),
        ("a.webp", b"RIFF\0\0\0\0WEBPVP8 "),
        ("a.bmp", b"BM\0\0"),
    ],
)
def test_files_that_may_be_what_they_say(key: str, content: bytes) -> None:
    check_content(key, content)


def test_pictures_of_a_folder_are_taken_where_they_can_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert is_readable("a.md")
    assert is_readable("a.pdf")
    assert not is_readable("a.png")
    assert not is_readable("a.exe")
