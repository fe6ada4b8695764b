"""Server-sent events: what is read of a stream, and what is written into one."""

import codecs
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass

ESCAPED = {one: f"\\u{one:04x}" for one in (0x85, 0x2028, 0x2029)}
"""Characters that some readers take for the end of a line; JSON may spell them so."""


@dataclass(frozen=True, slots=True)
class ServerSent:
    """One event; several lines of data are joined by line feeds."""

    data: str
    name: str = ""
    id: str = ""


async def read_server_sent(content: AsyncIterator[bytes]) -> AsyncIterator[ServerSent]:
    """The events of a stream in UTF-8, those without data left out.

    A line ends with CR, LF or both, and with nothing else: U+2028 and its like are text. What has begun when the
    stream ends is an event too, although the standard would drop it: servers forget the last empty line.

    Source:
        HTML Living Standard, 9.2.6.
    """
    data: list[str] = []
    name = identity = ""
    async for line in _lines(content):
        if not line:
            if any(data):
                yield ServerSent("\n".join(data), name, identity)
            data, name = [], ""
            continue
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "data":
            data.append(value)
        elif field == "event":
            name = value
        elif field == "id" and "\0" not in value:
            identity = value
    if any(data):
        yield ServerSent("\n".join(data), name, identity)


def as_json(data: object) -> str:
    """JSON on one line, whatever a reader takes for the end of a line."""
    return json.dumps(data, ensure_ascii=False).translate(ESCAPED)


async def _lines(content: AsyncIterator[bytes]) -> AsyncIterator[str]:
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    rest, begun = "", False
    async for piece in content:
        text = decoder.decode(piece)
        if text and not begun:
            text, begun = text.removeprefix("\ufeff"), True
        held = "\r" if text.endswith("\r") else ""  # a line feed may follow, which belongs to it
        whole = (rest + text).removesuffix(held).replace("\r\n", "\n").replace("\r", "\n")
        *lines, rest = whole.split("\n")
        for line in lines:
            yield line
        rest += held
    for line in (rest + decoder.decode(b"", final=True)).replace("\r", "\n").split("\n"):
        if line:
            yield line
