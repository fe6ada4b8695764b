"""Bodies whose messages may hold images and files: those are bounded one by one, and their content is not parsed."""

import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from secondlook.api.json_values import parse_json

LONG = 1024
"""Bytes of a string that is taken out before the rest is parsed."""
MOST_QUOTES = 200_000
"""Looked at while the ends of strings are sought: four for each value, and those within texts."""
PARTS: Mapping[tuple[str, str], int] = {("image_url", "url"): 20_971_520, ("file", "file_data"): 13_981_144}
"""Where a part of a message has its content, and how many characters that may have (contract, 3.1)."""
KEPT = 64
"""Characters of the content of a part that are kept, for messages of errors."""


def parse_parts(content: bytes, most: int) -> Any:
    """The value; of images and files in its messages the first characters remain.

    Args:
        most: bytes of everything but those.

    Raises:
        ValueError: as ``parse_json``; what is not in such a part has more than ``most`` bytes, or a part is too large.
    """
    spans = list(find_long(content))
    if len(content) - sum(end - start for start, end in spans) > most:
        raise ValueError(f"it has more than {most:,} bytes besides images and files")
    mark = secrets.token_hex(8)
    pieces, end = [], 0
    for number, (start, after) in enumerate(spans):
        pieces += [content[end:start], f'"{mark}{number:x}"'.encode()]
        end = after
    raw = parse_json(b"".join((*pieces, content[end:])))
    taken = Taken(content, spans, re.compile(rf"{mark}([0-9a-f]+)"))
    inside = sum(taken.shorten(part, key, name) for part, key, name in _parts_of(raw))
    if len(content) - inside > most:
        raise ValueError(f"it has more than {most:,} bytes besides images and files")
    return taken.put_back(raw)


@dataclass(frozen=True, slots=True)
class Taken:
    """Strings that were taken out of a body, and the marks in their places."""

    content: bytes
    spans: Sequence[tuple[int, int]]
    mark: re.Pattern[str]

    def shorten(self, part: dict[str, Any], key: str, name: str) -> int:
        """Put the first characters of its content into a part of a message; the bytes that it had, 0 if it was short.

        Raises:
            ValueError: it is too large.
        """
        if (span := self._span(part[key].get(name))) is None:
            return 0
        start, end = span
        length = end - start - 2 - self.content.count(b"\\", start, end)
        if length > PARTS[key, name]:
            raise ValueError(f"{key}.{name} has {length:,} characters; the limit is {PARTS[key, name]:,}")
        part[key][name] = self.content[start + 1 : start + 1 + KEPT].decode(errors="replace") + "…"
        return end - start

    def put_back(self, value: Any) -> Any:
        """The value with every other string."""
        if isinstance(value, dict):
            return {self.put_back(key): self.put_back(one) for key, one in value.items()}
        if isinstance(value, list):
            return [self.put_back(one) for one in value]
        span = self._span(value)
        return value if span is None else parse_json(self.content[span[0] : span[1]])

    def _span(self, value: Any) -> tuple[int, int] | None:
        found = self.mark.fullmatch(value) if isinstance(value, str) else None
        return self.spans[int(found[1], 16)] if found else None


def find_long(content: bytes) -> Iterator[tuple[int, int]]:
    """Start and end of each string of more than ``LONG`` bytes, with its quotes."""
    looked, end = 0, 0
    while (start := content.find(b'"', end)) >= 0:
        end = start + 1
        while True:
            looked += 1
            end = content.find(b'"', end) + 1
            if not end:
                return  # parsing tells what is wrong
            if looked > MOST_QUOTES:
                raise ValueError(f"it has more than {MOST_QUOTES:,} quotation marks")
            if not _escapes(content, start + 1, end - 1) % 2:
                break
        if end - start > LONG:
            yield start, end


def _escapes(content: bytes, start: int, end: int) -> int:
    """How many backslashes stand right before ``end``."""
    width = LONG
    while True:
        begin = max(start, end - width)
        run = end - begin - len(content[begin:end].rstrip(b"\\"))
        if run < end - begin or begin == start:
            return run
        width *= 8


def _parts_of(raw: Any) -> Iterator[tuple[dict[str, Any], str, str]]:
    """Each part of a message with the key of its content, and the key in that."""
    for message in _rows(raw, "messages"):
        for part in _rows(message, "content"):
            for key, name in PARTS:
                if isinstance(part, dict) and isinstance(part.get(key), dict):
                    yield part, key, name


def _rows(raw: Any, key: str) -> list[Any]:
    found = raw.get(key) if isinstance(raw, dict) else None
    return found if isinstance(found, list) else []
