"""Answers that come piece by piece."""

from collections.abc import AsyncIterator

import httpx
import pytest

from secondlook.api.binding.body import Body
from secondlook.api.binding.errors import AiSearchInternalError, ai_search_error
from tests.in_loop import in_loop

EVENTS = b'event: chunks\ndata: [1]\n\ndata: {"a":\ndata: "\xc3\xa4"}\n\n: a comment\n\ndata:[DONE]\n\n'


class Pieces(httpx.AsyncByteStream):
    """Two bytes at a time; says whether it was closed."""

    def __init__(self) -> None:
        self.closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for start in range(0, len(EVENTS), 2):
            yield EVENTS[start : start + 2]

    async def aclose(self) -> None:
        self.closed = True


def body_of(pieces: Pieces) -> Body:
    return Body(httpx.Response(200, headers={"x-a": "b"}, stream=pieces), ai_search_error)


@in_loop
async def test_events() -> None:
    pieces = Pieces()
    assert [event async for event in body_of(pieces).events()] == [
        ("chunks", "[1]"), ("", '{"a":\n"ä"}'), ("", "[DONE]"),
    ]  # fmt: skip
    assert pieces.closed


@in_loop
async def test_read_whole_and_once() -> None:
    pieces = Pieces()
    body = body_of(pieces)
    assert (body.status, body.headers["x-a"]) == (200, "b")
    assert await body.text() == EVENTS.decode()
    assert pieces.closed
    with pytest.raises(httpx.StreamConsumed):
        await body.read()


@in_loop
async def test_closed_early() -> None:
    pieces = Pieces()
    async with body_of(pieces) as body:
        async for part in body:
            assert part == b"ev"
            break
    assert pieces.closed


class Breaking(Pieces):
    """One event, then the connection is gone."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"data: 1\n\n"
        raise httpx.ReadError("gone")


@in_loop
async def test_an_answer_that_breaks_off() -> None:
    pieces = Breaking()
    events = body_of(pieces).events()
    assert await anext(events) == ("", "1")
    with pytest.raises(AiSearchInternalError, match="cut short"):
        await anext(events)
    assert pieces.closed
    with pytest.raises(AiSearchInternalError, match="cut short"):
        await body_of(Breaking()).text()
