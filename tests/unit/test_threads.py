"""Threads take only so much, and leave off what nobody waits for."""

import asyncio
import threading
from contextvars import ContextVar

import pytest

from secondlook.errors import OverloadedError
from secondlook.threads import BoundedThreads, check_wanted, is_abandoned

PATIENCE = 30.0

name: ContextVar[str] = ContextVar("name", default="")


def test_the_result_the_error_and_the_context() -> None:
    async def run() -> None:
        threads = BoundedThreads("tests", threads=1, waiting=1)
        name.set("here")
        assert await threads.run(name.get) == "here"
        with pytest.raises(ZeroDivisionError):
            await threads.run(lambda: 1 // 0)
        threads.close()
        assert await threads.run(lambda: 1) == 1
        threads.close()

    asyncio.run(run())


def test_beyond_the_bound_work_is_refused_until_there_is_room() -> None:
    async def run() -> None:
        threads, go, begun = BoundedThreads("tests", threads=1, waiting=1), threading.Event(), threading.Event()

        def work() -> bool:
            begun.set()
            return go.wait(PATIENCE)

        running, waiting = (asyncio.create_task(threads.run(work)) for _ in range(2))
        assert await asyncio.to_thread(begun.wait, PATIENCE)
        with pytest.raises(OverloadedError, match="too many tests") as caught:
            await threads.run(lambda: 1)
        assert caught.value.retry_after == 1
        go.set()
        assert await running
        assert await waiting
        assert await threads.run(lambda: 1) == 1
        threads.close()

    asyncio.run(run())


def test_what_nobody_waits_for_is_broken_off_and_what_has_not_begun_never_begins() -> None:
    async def run() -> None:
        threads = BoundedThreads("tests", threads=1, waiting=1)
        begun, ended = threading.Event(), threading.Event()
        seen: list[str] = []

        def work() -> None:
            begun.set()
            try:
                while True:
                    check_wanted()
            finally:
                seen.append("ended" if is_abandoned() else "wanted")
                ended.set()

        running = asyncio.create_task(threads.run(work))
        waiting = asyncio.create_task(threads.run(lambda: seen.append("begun")))
        assert await asyncio.to_thread(begun.wait, PATIENCE)
        waiting.cancel()
        running.cancel()
        for task in (waiting, running):
            with pytest.raises(asyncio.CancelledError):
                await task
        assert await asyncio.to_thread(ended.wait, PATIENCE)
        assert await threads.run(lambda: list(seen)) == ["ended"]
        threads.close()

    asyncio.run(run())


def test_outside_of_such_work_everything_is_wanted() -> None:
    check_wanted()
    assert not is_abandoned()
