"""What a converter makes of a file, and the one place that picks the converter."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module

from secondlook.errors import FileUnreadableError
from secondlook.ingest.kinds import TEXT_LIMIT, Kind

CONVERTERS: Mapping[str, str] = {
    "page": "markup:read_page",
    "rows": "sheets:read_rows",
    "sheets": "sheets:read_sheets",
    "numbers": "numbers:read_numbers",
    "pdf": "pdf:read_pdf",
    "word": "word:read_word",
    "slides": "slides:read_slides",
    "writing": "writing:read_writing",
    "picture": "pictures:read_picture",
    "legacy": "legacy:read_legacy",
    "rtf": "rtf:read_rtf",
}
"""Module and function of each kind; loaded when the first file of its kind comes."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """How to read.

    Attributes:
        ocr: whether to recognise the text of scanned pages of a PDF.
        languages: of pictures, as Tesseract names them: ``eng+deu``.
    """

    ocr: bool = False
    languages: str = "eng"


@dataclass(frozen=True, slots=True)
class Reading:
    """A document as Markdown.

    Attributes:
        title: what the document calls itself, where that can be relied on.
        pages: the first byte of each page or slide in the text (UTF-8), if it has any.
        fields: names and values that a page carries for machines, names in lower case.
        notes: sentences for the item's log about what was left out.
    """

    text: str
    title: str = ""
    pages: Sequence[int] = ()
    fields: Mapping[str, str] = field(default_factory=dict, hash=False)
    notes: Sequence[str] = ()


def convert(kind: Kind, content: bytes, wanted: Wanted) -> Reading:
    """The document as Markdown.

    Raises:
        FileUnreadableError: it is locked, broken, holds no text or too much.
    """
    module, _, name = CONVERTERS[kind].partition(":")
    converter: Callable[[bytes, Wanted], Reading] = getattr(import_module(f"secondlook.ingest.formats.{module}"), name)
    found = converter(content, wanted)
    check_size(len(found.text.encode(errors="replace")))
    if not found.text.strip():
        raise FileUnreadableError(
            "markdown_conversion_empty", ": ".join(["the document contains no text", *found.notes])
        )
    return found


def check_size(size: int) -> None:
    """Raises ``FileUnreadableError`` when so many bytes of text are too many."""
    if size > TEXT_LIMIT:
        raise FileUnreadableError(
            "markdown_too_large", f"the document yields more than {TEXT_LIMIT:,} bytes of text: split it"
        )


def join_pages(pages: Sequence[str]) -> tuple[str, Sequence[int]]:
    """The pages with a blank line between them, and the first byte of each.

    Raises:
        FileUnreadableError: they are too much text.
    """
    starts, at = [], 0
    for page in pages:
        starts.append(at)
        at += len(page.encode(errors="replace")) + 2
    check_size(at)
    return "\n\n".join(pages), starts
