"""From text to chunks: by structure, then sentences, then size, with exact byte offsets."""

import re
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from semantic_text_splitter import MarkdownSplitter

HEADROOM = 2
"""Special tokens that the model adds around a passage."""
LONGEST_TOKEN = 16
"""Characters that a token stands for at most, on average over a passage; models take what they do not know for one."""
LONGEST_LINE = 8_000
"""Characters of a line that are split at once; the splitter reads all that is left of a line for each chunk of it."""
ENDS = tuple(re.compile(one) for one in (r"[.!?][\"'”’)\]]?\s+|[。！？…][」』”’）]?", r"\s+|[,;:，；：、}\]>]"))
"""Where a line that is too long may be cut, the better places first."""


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a text: ``text`` equals the source's UTF-8 bytes ``start`` to ``end``."""

    text: str
    start: int
    end: int


def split_text(text: str, *, size: int, overlap: int, count_tokens: Callable[[str], int]) -> list[Span]:
    """The text in spans of at most ``size`` tokens, in order; blank text gives none.

    Args:
        overlap: percent of ``size`` that neighbouring chunks may share.
    """
    if not text.strip():
        return []
    room = max(1, size - HEADROOM)
    shared = min(room - 1, room * overlap // 100)

    def count(piece: str) -> int:
        least = len(piece) // LONGEST_TOKEN
        return least if least > room else max(least, count_tokens(piece))

    splitter = MarkdownSplitter.from_callback(count, room, overlap=shared, trim=True)
    pieces = [
        (start + at, piece)
        for start, end in _stretches(text)
        for at, piece in splitter.chunk_indices(text[start:end])
        if piece.strip()  # Unicode's separators are blank here, and letters to the splitter
    ]
    return list(_with_offsets(text, pieces))


def whole_text(text: str) -> list[Span]:
    """The text as one span, for instances that do not chunk; blank text gives none."""
    return [Span(text, 0, len(text.encode()))] if text.strip() else []


def _stretches(text: str) -> Iterator[tuple[int, int]]:
    """Begin and end of the parts that are split by themselves: all of the text, but for lines that are too long."""
    begun = at = 0
    while at < len(text):
        end = text.find("\n", at) + 1 or len(text)
        if end - at <= LONGEST_LINE:
            at = end
            continue
        if begun < at:
            yield begun, at
        while end - at > LONGEST_LINE:
            cut = _last_end(text, at + LONGEST_LINE // 2, at + LONGEST_LINE)
            yield at, cut
            at = cut
        begun, at = at, end
    if begun < len(text):
        yield begun, len(text)


def _last_end(text: str, first: int, last: int) -> int:
    """The last good place between both where the text may be cut, ``last`` if there is none."""
    for kind in ENDS:
        if found := deque(kind.finditer(text, first, last), maxlen=1):
            return found[0].end()
    return last


def _with_offsets(text: str, pieces: list[tuple[int, str]]) -> Iterator[Span]:
    """Character offsets become byte offsets in one pass over the text."""
    at_char = at_byte = 0
    for start_char, piece in pieces:
        at_byte += (
            len(text[at_char:start_char].encode()) if start_char >= at_char else -len(text[start_char:at_char].encode())
        )
        at_char = start_char
        yield Span(piece, at_byte, at_byte + len(piece.encode()))
