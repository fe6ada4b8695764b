"""Streams of events are read as the standard says, and written so that no reader breaks a line."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secondlook.domain.server_sent import ServerSent, as_json, read_server_sent


def read(content: bytes, size: int = 0) -> list[ServerSent]:
    async def pieces() -> AsyncIterator[bytes]:
        for at in range(0, len(content), size or max(1, len(content))):
            yield content[at : at + (size or len(content))]

    async def run() -> list[ServerSent]:
        return [one async for one in read_server_sent(pieces())]

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("content", "events"),
    [
        ("data: a\n\ndata:b\n\n", [ServerSent("a"), ServerSent("b")]),
        ("data: a\r\n\r\ndata: b\r\r", [ServerSent("a"), ServerSent("b")]),
        ("event: x\nid: 7\ndata: a\ndata: b\n\ndata: c\n\n", [ServerSent("a\nb", "x", "7"), ServerSent("c", "", "7")]),
        (
            "data: one\u2028two\u2029three\u0085four\x0bfive\n\n",
            [ServerSent("one\u2028two\u2029three\u0085four\x0bfive")],
        ),
        ("data:\n\ndata\n\n: note\n\nretry: 5\n\ndata: a\n\n", [ServerSent("a")]),
        ("\ufeffdata: a\n\n", [ServerSent("a")]),
        ("data: a\n\ndata: not ended", [ServerSent("a"), ServerSent("not ended")]),
        ("data:  two spaces\n\n", [ServerSent(" two spaces")]),
        ("", []),
    ],
)
@pytest.mark.parametrize("size", [0, 1, 2, 7])
def test_events(content: str, events: list[ServerSent], size: int) -> None:
    assert read(content.encode(), size) == events


def test_bytes_that_are_no_text_break_nothing() -> None:
    assert read(b"data: \xff\n\ndata: b\n\n") == [ServerSent("\ufffd"), ServerSent("b")]


@given(st.text())
def test_what_is_written_is_one_line_for_every_reader(text: str) -> None:
    written = as_json({"text": text})
    assert len(written.splitlines()) == 1
    assert json.loads(written) == {"text": text}
    assert read(f"data: {written}\n\n".encode(errors="surrogatepass"), 3)[0].data == written or "\\ud" in repr(text)


@given(st.lists(st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), min_size=1), min_size=1))
def test_lines_of_data_are_read_back(lines: list[str]) -> None:
    content = "".join(f"data: {one}\n" for one in lines) + "\n"
    assert read(content.encode(), 5) == [ServerSent("\n".join(lines))]
