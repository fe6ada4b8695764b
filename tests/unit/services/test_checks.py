"""Each index is checked once after a start: before it is read, or in its turn."""

import asyncio
from pathlib import Path

import pytest

from secondlook.engines.embedded import EmbeddedEngine
from secondlook.ports import IndexShape
from secondlook.services.checks import CheckedRetriever, Checks


def test_what_is_asked_for_is_checked_first_and_all_of_it_once() -> None:
    order: list[str] = []

    async def run() -> None:
        checks, held = Checks(), asyncio.Event()

        def check(name: str) -> "asyncio.Future[None]":
            async def work() -> None:
                if name == "a":
                    await held.wait()
                order.append(name)

            return asyncio.ensure_future(work())

        checks.begin({name: lambda name=name: check(name) for name in "abcd"})  # type: ignore[misc]
        await asyncio.sleep(0)  # the first has begun and waits
        await asyncio.gather(checks.ensure("c"), checks.ensure("c"))
        assert order == ["c"] and checks
        held.set()
        await asyncio.gather(*(checks.ensure(name) for name in "abcd"), checks.ensure("unknown"))
        while checks:
            await asyncio.sleep(0)

    asyncio.run(run())
    assert sorted(order) == list("abcd") and order[0] == "c"


def test_one_who_stops_waiting_ends_no_check() -> None:
    async def run() -> None:
        checks, held, done = Checks(), asyncio.Event(), asyncio.Event()

        async def work() -> None:
            await held.wait()
            done.set()

        checks.begin({"a": work})
        waiting = asyncio.create_task(checks.ensure("a"))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        held.set()
        await checks.ensure("a")
        await asyncio.wait_for(done.wait(), 5)
        await checks.stop()
        assert not checks

    asyncio.run(run())


def test_an_index_is_read_after_its_check(tmp_path: Path) -> None:
    async def run() -> None:
        engine, checks = EmbeddedEngine(tmp_path), Checks()
        seen: list[str] = []

        async def work() -> None:
            await engine.create_index("a", IndexShape(0, "porter"))
            seen.append("a")

        checks.begin({"a": work})
        retriever = CheckedRetriever(engine, checks)
        hits = await retriever.search_keywords("a", "oil", 5, match_mode="or", where=None)
        assert (hits.hits, seen) == ((), ["a"])
        assert await retriever.read_generation("a") > 0
        assert await retriever.fetch_chunks("a", ["x"]) == await retriever.fetch_stored("a", ["x"]) == {}
        engine.close()

    asyncio.run(run())
