"""Notices belong to one request, are said once, and are bounded."""

import asyncio

from starlette.types import Message, Receive, Scope, Send

from secondlook.api.notices import LONGEST, MOST, Notices, messages, note


async def _never() -> Message:
    raise AssertionError("nothing is received")


async def _ignore(message: Message) -> None:
    """Nothing is sent."""


def test_a_notice_is_said_once_and_outside_of_a_request_never() -> None:
    seen: list[object] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        for text in ("a", "b", "a", "x" * (LONGEST + 1), *map(str, range(MOST))):
            note(7, text)
        seen.append(messages())

    note(7, "outside")
    asyncio.run(Notices(app)({"type": "http"}, _never, _ignore))
    [found] = seen
    assert isinstance(found, list) and len(found) == MOST
    assert found[:3] == [
        {"code": 7, "message": "a"},
        {"code": 7, "message": "b"},
        {"code": 7, "message": "x" * LONGEST},
    ]
    assert messages() == []


def test_requests_at_the_same_time_do_not_share_notices() -> None:
    seen: dict[str, object] = {}

    async def serve(name: str, other: asyncio.Event, own: asyncio.Event) -> None:
        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            note(7, name)
            own.set()
            await other.wait()
            seen[name] = messages()

        await Notices(app)({"type": "http"}, _never, _ignore)

    async def work() -> None:
        one, two = asyncio.Event(), asyncio.Event()
        await asyncio.gather(serve("one", two, one), serve("two", one, two))

    asyncio.run(work())
    assert seen == {name: [{"code": 7, "message": name}] for name in ("one", "two")}
