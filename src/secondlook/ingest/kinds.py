"""Which files are read: by the ending of their name, and by what their first bytes say."""

import shutil
from importlib.util import find_spec
from pathlib import PurePosixPath
from typing import Literal

from secondlook.domain.charsets import looks_binary
from secondlook.errors import FileTooLargeError, FileUnreadableError, UnsupportedFileError

Kind = Literal[
    "text", "markup", "gzip", "page", "rows", "pdf", "sheets", "word", "slides", "writing", "picture",
    "numbers", "legacy", "rtf",
]  # fmt: skip
"""``text`` and ``markup`` (XML) are read here; ``gzip`` is text once unpacked; the others are converted in a child."""

MEBIBYTE = 1 << 20
PLAIN_LIMIT = 10 * MEBIBYTE
"""The most bytes of plain text, and of a PDF whose text is to be recognised (contract of Oct 2026, 18.2)."""
RICH_LIMIT = 4 * MEBIBYTE
"""The most bytes of any other file (the same)."""
TEXT_LIMIT = 10 * MEBIBYTE
"""The most bytes of text that a file may become."""
PLAIN = frozenset(
    ".txt .rst .log .ini .conf .env .properties .gitignore .editorconfig .toml .markdown .md .mdx .mdoc .tex .latex .sh"
    " .bat .ps1 .sgml .json .yaml .yml .css .js .php .py .rb .java .c .cpp .cxx .h .hpp .go .rs .swift .dart .el .sql"
    " .jsonl .ts .tsx .jsx".split()
)
PROSE = frozenset(".txt .rst .markdown .md .mdx .mdoc .tex .latex".split())
"""Those of them that people write for people."""
RICH: dict[str, Kind] = {
    ".html": "page", ".htm": "page", ".xml": "markup", ".svg": "markup", ".csv": "rows", ".pdf": "pdf",
    ".xlsx": "sheets", ".xlsm": "sheets", ".xlsb": "sheets", ".xls": "sheets", ".et": "sheets", ".ods": "sheets",
    ".rtf": "rtf", ".docx": "word", ".pptx": "slides", ".odt": "writing", ".numbers": "numbers",
    ".jpeg": "picture", ".jpg": "picture", ".png": "picture", ".webp": "picture", ".gif": "picture", ".bmp": "picture",
}  # fmt: skip
LEGACY = {".doc": "catdoc", ".ppt": "catppt"}
"""Endings that are read only where these programs are installed."""
RECOGNISER = "tesseract"
"""The program that finds text in pictures."""
ADVICE = {
    ".doc": "install catdoc (Debian: catdoc), or save it as .docx",
    ".ppt": "install catdoc (Debian: catdoc), or save it as .pptx",
}
"""What to do with well-known files that nothing here reads."""
MARKS: tuple[tuple[bytes, str, str], ...] = (
    (b"%PDF-", "a PDF document", ".pdf"),
    (b"PK\3\4", "a ZIP archive or an office document", ".docx or .xlsx"),
    (b"PK\5\6", "an empty ZIP archive", ".zip"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Office document from before 2007", ".xls"),
    (b"\x1f\x8b", "data packed with gzip", ".log.gz"),
    (b"\x89PNG\r\n\x1a\n", "a picture", ".png"),
    (b"\xff\xd8\xff", "a picture", ".jpg"),
    (b"GIF87a", "a picture", ".gif"),
    (b"GIF89a", "a picture", ".gif"),
)
"""First bytes, what they say, and the ending that fits."""
ARCHIVES = (b"PK\3\4", b"PK\5\6")
OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
RTF = b"{\\rtf"
LOCKED = "EncryptedPackage".encode("utf-16-le")
"""The stream that holds an encrypted document of Office (MS-OFFCRYPTO, 2.3.4.4)."""


def file_type(key: str) -> str:
    """The lower-case extension with its dot; a dot file is its own extension; a packed log is ``.log.gz``."""
    path = PurePosixPath(key)
    if path.name.lower().endswith(".log.gz"):
        return ".log.gz"
    return (path.suffix or (path.name if path.name.startswith(".") else "")).lower()


def is_code(key: str) -> bool:
    """Whether a file of that name holds source code, settings, data or a log rather than prose."""
    return file_type(key) in PLAIN - PROSE or file_type(key) == ".log.gz"


def kind_of(key: str) -> Kind | None:
    """How a file of that name is read; None if it is not."""
    suffix = file_type(key)
    if suffix in PLAIN:
        return "text"
    if suffix in LEGACY:
        return "legacy" if shutil.which(LEGACY[suffix]) else None
    return "gzip" if suffix == ".log.gz" else RICH.get(suffix)


def is_readable(key: str) -> bool:
    """Whether a folder's file of that name is worth taking: some are only where what reads them is installed."""
    kind = kind_of(key)
    if kind == "numbers":
        return find_spec("numbers_parser") is not None
    return kind is not None and (kind != "picture" or shutil.which(RECOGNISER) is not None)


def check_file(key: str, size: int, *, ocr: bool = False) -> None:
    """Nothing if the file can be indexed.

    Args:
        ocr: whether the text of scanned pages is to be recognised; a PDF may then be larger.

    Raises:
        UnsupportedFileError: files of its type are not read.
        FileTooLargeError: it is over 10 MiB, for plain text, or 4 MiB (contract of Oct 2026).
    """
    kind, suffix = kind_of(key), file_type(key)
    limit = RICH_LIMIT if kind and kind not in ("text", "gzip") and not (ocr and kind == "pdf") else PLAIN_LIMIT
    if size > limit:
        raise FileTooLargeError(f"over_size: {key} has {size:,} bytes; the limit is {limit:,}: split the file")
    if kind is None:
        advice = ADVICE.get(suffix, "convert it to text, Markdown, HTML, PDF or an Office format")
        raise UnsupportedFileError(
            f"unsupported_type: {key}: files of type {suffix or '(none)'} are not indexed: {advice}"
        )


def check_content(key: str, content: bytes) -> None:
    """Nothing if the first bytes may be those of a file of that name; an empty file is not looked at.

    Raises:
        FileUnreadableError: they are of another type, of a locked document, or of none.
    """
    kind = kind_of(key)
    if not content:
        return
    if kind in ("text", "markup", "page", "rows"):
        if found := _disguised(content):
            what, ending = found
            raise FileUnreadableError("unsupported_type", f"{key} contains {what}, not text: rename it to *{ending}")
        if looks_binary(content):
            raise FileUnreadableError("file_is_corrupt", f"{key} contains binary data, not text")
    elif kind == "pdf" and b"%PDF-" not in content[:1024]:
        raise FileUnreadableError("invalid_pdf", f"{key} is not a valid PDF (missing %PDF header)")
    elif kind == "gzip" and not content.startswith(b"\x1f\x8b"):
        raise FileUnreadableError("file_is_corrupt", f"{key} is not gzip-compressed: remove .gz from its name")
    elif kind == "picture" and not _is_picture(content):
        raise FileUnreadableError("file_is_corrupt", f"{key} is not an image in a supported format")
    elif kind in ("legacy", "rtf"):
        _check_legacy(key, kind, content)
    elif kind in ("word", "slides", "writing", "sheets", "numbers"):
        _check_office(key, kind, content)


def _check_legacy(key: str, kind: Kind, content: bytes) -> None:
    if content.lstrip()[: len(RTF)] == RTF:  # Word writes it under the ending .doc too
        return
    if kind == "rtf":
        raise FileUnreadableError("file_is_corrupt", f"{key} is not a valid RTF document (missing RTF header)")
    if content.startswith(ARCHIVES):
        raise FileUnreadableError(
            "unsupported_type", f"{key} is in the current Office format: rename it (.docx, .pptx)"
        )
    if not content.startswith(OLD_OFFICE):
        raise FileUnreadableError("file_is_corrupt", f"{key} is not a Word or PowerPoint document")


def _check_office(key: str, kind: Kind, content: bytes) -> None:
    if content.startswith(OLD_OFFICE):
        if LOCKED in content:
            raise FileUnreadableError(
                "file_is_password_locked", f"{key} is encrypted: save it without a password and upload it again"
            )
        if kind != "sheets":
            raise FileUnreadableError(
                "unsupported_type", f"{key} is an Office document from before 2007: save it in the current format"
            )
    elif not content.startswith(ARCHIVES):
        raise FileUnreadableError("file_is_corrupt", f"{key} is not an Office document (missing ZIP header)")


def _disguised(content: bytes) -> tuple[str, str] | None:
    """What the bytes are and the ending that fits, if they are surely no text."""
    for mark, what, ending in MARKS:
        if content.startswith(mark) and (mark == b"%PDF-" or not _is_text(content[:8192])):
            return what, ending
    return None


def _is_text(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError as error:
        return error.end == len(content) and error.reason == "unexpected end of data"
    return b"\0" not in content


def _is_picture(content: bytes) -> bool:
    return content.startswith((b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a", b"BM")) or (
        content[:4] == b"RIFF" and content[8:12] == b"WEBP"
    )
