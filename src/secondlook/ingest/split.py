"""From text to chunks: by structure, then sentences, then size, with exact byte offsets."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from semantic_text_splitter import MarkdownSplitter

HEADROOM = 2
"""Special tokens that the model adds around a passage."""


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
    splitter = MarkdownSplitter.from_callback(count_tokens, room, overlap=shared, trim=True)
    return list(_with_offsets(text, splitter.chunk_indices(text)))


def whole_text(text: str) -> list[Span]:
    """The text as one span, for instances that do not chunk; blank text gives none."""
    return [Span(text, 0, len(text.encode()))] if text.strip() else []


def _with_offsets(text: str, pieces: list[tuple[int, str]]) -> Iterator[Span]:
    """Character offsets become byte offsets in one pass over the text."""
    at_char = at_byte = 0
    for start_char, piece in pieces:
        at_byte += (
            len(text[at_char:start_char].encode()) if start_char >= at_char else -len(text[start_char:at_char].encode())
        )
        at_char = start_char
        if piece.strip():  # Unicode's separators are blank here, and letters to the splitter
            yield Span(piece, at_byte, at_byte + len(piece.encode()))
