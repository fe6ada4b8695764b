"""From bytes to text: plain text here, other documents in a child process."""

import asyncio
import html
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import cast

from secondlook.domain.charsets import looks_binary
from secondlook.domain.letters import as_typed
from secondlook.errors import FileUnreadableError
from secondlook.ingest.encoding import decode, decode_page
from secondlook.ingest.formats.reading import Wanted
from secondlook.ingest.front_matter import read_front_matter
from secondlook.ingest.kinds import TEXT_LIMIT, Kind, check_content, check_file, file_type, kind_of
from secondlook.ingest.pool import ReaderPool

FRONT_MATTER = re.compile(r"\A---[ \t]*\r?\n(.{0,65536}?)\r?\n---[ \t]*(?:\r?\n|\Z)", re.DOTALL)
OPENING = re.compile(r"<(!--|!\[CDATA\[|(?:script|style)\b)?", re.IGNORECASE | re.ASCII)
OPENING_INSIDE = re.compile(r"<(?=[a-z/!?])(!--|(?:script|style)\b)?", re.IGNORECASE | re.ASCII)
"""What may open a tag within CDATA: all else is text there, and feeds put whole pages in it."""
LITERAL = "![cdata["
CLOSING = {
    LITERAL: re.compile(r"\]\]>"),
    "!--": re.compile("-->"),
    "script": re.compile(r"</script\s*>", re.IGNORECASE | re.ASCII),
    "style": re.compile(r"</style\s*>", re.IGNORECASE | re.ASCII),
    "": re.compile(">"),
}
LONGEST_TAG = 2000
"""Characters; a < without its > in reach is text."""
BLANK_LINES = re.compile(r"(?<![ \t])[ \t]*\n\s*\n\s*")
"""The lookbehind lets it start at the first of many spaces only, or a line of them would take quadratic time."""


@dataclass(frozen=True, slots=True)
class Document:
    """A file's text, and what else it carried.

    Attributes:
        front_matter: the fields at the head of a Markdown file.
        title: of a page, where there is no front matter.
        pages: the first byte of each page in the text, where the file has pages.
        fields: names and values for machines; only those of the instance's schema count.
        notes: sentences for the item's log about what was left out.
    """

    text: str
    front_matter: Mapping[str, object]
    title: str = ""
    pages: Sequence[int] = ()
    fields: Mapping[str, str] = field(default_factory=dict)
    notes: Sequence[str] = ()


async def read_file(key: str, content: bytes, pool: ReaderPool, wanted: Wanted) -> Document:
    """The file's text; plain text is read here, all else in a child of the pool.

    Raises:
        FileUnreadableError: it is not what its name says, it is broken, locked, empty or too large to read.
        FileTooLargeError, UnsupportedFileError: as ``check_file``.
    """
    check_file(key, len(content), ocr=wanted.ocr)
    if not content:
        raise FileUnreadableError("file_content_empty", "the file contains no text")
    check_content(key, content)
    kind = cast(Kind, kind_of(key))  # it has one, as check_file says
    if kind in ("text", "markup", "gzip"):
        return await asyncio.to_thread(parse_file, key, content)
    try:
        found = await pool.read(kind, content, wanted)
    except FileUnreadableError as error:
        raise FileUnreadableError(error.kind, f"{key}: {error.why}") from error
    pages, text = _typed_pages(found.text, found.pages)
    return Document(text, {}, as_typed(found.title), pages, found.fields, found.notes)


def parse_file(key: str, content: bytes) -> Document:
    """The text of a plain file, of XML, or of a packed log.

    Raises:
        FileUnreadableError: the bytes are no text, or unpack to too much.
    """
    if file_type(key) == ".log.gz":
        content = unpack(key, content)
    if looks_binary(content):
        raise FileUnreadableError("file_is_corrupt", f"{key} contains binary data, not text")
    is_markup = kind_of(key) == "markup"
    text = decode_page(content) if is_markup else decode(content)
    front: Mapping[str, object] = {}
    if file_type(key) in (".md", ".mdx", ".markdown", ".mdoc") and (found := FRONT_MATTER.match(text)):
        fields = read_front_matter(found.group(1))
        if fields is not None:
            front, text = fields, text[found.end() :]
    if is_markup:
        text = BLANK_LINES.sub("\n\n", html.unescape(_without_tags(text)))
    return Document(as_typed(text.replace("\r\n", "\n").replace("\0", "")), front)


def _typed_pages(text: str, pages: Sequence[int]) -> tuple[Sequence[int], str]:
    """The letters of each page as they are typed, and where the pages begin then, in bytes."""
    if not pages:
        return pages, as_typed(text)
    content, begun, parts = text.encode(), [], []
    size = 0
    for first, after in pairwise([0, *pages, len(content)]):
        begun.append(size)
        parts.append(as_typed(content[first:after].decode()))
        size += len(parts[-1].encode())
    return begun[1:], "".join(parts)


def unpack(key: str, content: bytes) -> bytes:
    """What gzip packed, however many members it has, up to ``TEXT_LIMIT`` bytes.

    Raises:
        FileUnreadableError: it is more, or broken.
    """
    kept = bytearray()
    while content.strip(b"\0"):
        stream = zlib.decompressobj(wbits=31)
        try:
            kept += stream.decompress(content, TEXT_LIMIT + 1 - len(kept))
        except zlib.error as error:
            raise FileUnreadableError("file_is_corrupt", f"could not unpack {key} ({error})") from error
        if len(kept) > TEXT_LIMIT:
            raise FileUnreadableError("over_size", f"{key} unpacks to more than {TEXT_LIMIT:,} bytes: split the log")
        if not stream.eof:
            raise FileUnreadableError("file_is_corrupt", f"{key} is truncated: compress it again")
        content = stream.unused_data
    return bytes(kept)


def _without_tags(text: str, opening: re.Pattern[str] = OPENING) -> str:
    """The text with one space for each comment, script, style sheet and tag, in linear time whatever it holds.

    What stands in CDATA is kept, and the tags of a page in it are taken away like those around.
    """
    if "<" not in text:
        return text
    closings = {name: _Ahead(pattern.finditer(text)) for name, pattern in CLOSING.items()}
    kept: list[str] = []
    at = 0
    for found in opening.finditer(text):
        start, inside = found.span()
        if start < at:
            continue
        name = (found.group(1) or "").lower()
        if name == LITERAL:
            close, end = closings[name].span_after(inside)
            kept += (text[at:start], _without_tags(text[inside:close], OPENING_INSIDE))
            at = end or inside
            continue
        _, end = closings[name].span_after(inside) if name else (0, 0)
        if not end and (near := closings[""].span_after(start + 1)[1]) and near - start <= LONGEST_TAG + 2:
            end = near
        if end:
            kept += (text[at:start], " ")
            at = end
    return "".join([*kept, text[at:]])


class _Ahead:
    """Matches to come; asked for places that only grow, it looks at each part of the text once."""

    def __init__(self, matches: Iterator[re.Match[str]]) -> None:
        self._matches = matches
        self._next = next(matches, None)

    def span_after(self, place: int) -> tuple[int, int]:
        """Where the first match from that place on begins and ends; zeros if there is none."""
        while self._next and self._next.start() < place:
            self._next = next(self._matches, None)
        return self._next.span() if self._next else (0, 0)
