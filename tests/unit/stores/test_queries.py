"""The query log on disk: whole lines come back, each index sees its own, and what is bounded stays so."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pytest

from secondlook.domain.queries import Feedback, FoundChunk, LoggedQuery
from secondlook.stores.database import Database
from secondlook.stores.queries import SqlQueries

T = TypeVar("T")
WHOLE = LoggedQuery(
    "q1",
    1000,
    "chat",
    "Lamp  OIL",
    public=True,
    searched="lamp oil freezes",
    options={"retrieval": "hybrid", "top_k": 5, "min_score": 0.4, "min_relevance": None, "filtered": True},
    results=2,
    found=(FoundChunk("c1", "a.md", 3, 9, "00ff", 1, 0.9, 4, 0.5, 0.9), FoundChunk("c2", "b.md", 0, 4, "aa", 2, 0.3)),
    stages={"retrieve": 3.5, "total": 9.25},
    total=9.25,
    status="ran",
    top_changed=True,
)


@pytest.fixture
def using(tmp_path: Path) -> Callable[[Callable[[SqlQueries], Awaitable[T]]], T]:
    """Runs work over an opened store; the file stays for the next one."""

    def run(work: Callable[[SqlQueries], Awaitable[T]]) -> T:
        async def inside() -> T:
            database = Database(f"sqlite+aiosqlite:///{tmp_path / 'catalog.sqlite'}")
            store = SqlQueries(database)
            try:
                await store.open()
                return await work(store)
            finally:
                await database.close()

        return asyncio.run(inside())

    return run


Using = Callable[[Callable[[SqlQueries], Awaitable[object]]], object]


def line(name: str, at: int = 0, query: str = "oil", **more: object) -> LoggedQuery:
    return LoggedQuery(name, at, "search", query, **more)  # type: ignore[arg-type]  # fields of the line


async def ids(store: SqlQueries, uid: str = "u", **more: object) -> list[str]:
    found, total = await store.list(uid, 100, 0, **{"only": "all", "order": "newest", **more})  # type: ignore[arg-type]  # named choices
    assert total == len(found)
    return [one.id for one in found]


def test_a_line_comes_back_whole_after_a_restart(using: Using) -> None:
    async def write(store: SqlQueries) -> None:
        await store.add([("u", WHOLE)], most=10)

    async def read(store: SqlQueries) -> None:
        assert await store.get("u", "q1") == WHOLE
        assert await store.latest("u", "lamp oil") == WHOLE
        assert await store.get("other", "q1") is None
        assert await store.latest("other", "lamp oil") is None
        [outcome] = await store.list_outcomes("u", 0)
        assert (outcome.kind, outcome.results, outcome.top_changed, outcome.failed) == ("chat", 2, True, False)
        assert outcome.stages == WHOLE.stages

    using(write)
    using(read)


def test_the_newest_stay_and_each_index_has_its_own(using: Using) -> None:
    async def work(store: SqlQueries) -> None:
        await store.add([("other", line("x"))], most=3)
        for number in range(7):
            await store.add([("u", line(f"q{number}", number))], most=3)
        assert await ids(store) == ["q6", "q5", "q4"]
        assert await ids(store, order="oldest") == ["q4", "q5", "q6"]
        assert await ids(store, "other") == ["x"]
        await store.trim("u", 6)
        assert await ids(store) == ["q6"]
        assert sorted(await store.list_uids()) == ["other", "u"]
        await store.forget("u")
        assert await store.list_uids() == ["other"]

    using(work)


def test_many_lines_are_one_write(using: Using) -> None:
    async def work(store: SqlQueries) -> None:
        await store.add([("u", line(str(number))) for number in range(5000)], most=4000)
        found, total = await store.list("u", 1, 0, only="all", order="oldest")
        assert (found[0].id, total) == ("1000", 4000)

    using(work)


def test_what_is_asked_for_is_listed(using: Using) -> None:
    lines = [
        line("plain", results=3, total=1.0, top_changed=False),
        line("moved", results=3, total=9.0, top_changed=True),
        line("empty", query="snow_shoes 100%", total=2.0),
        line("fell", results=1, status="fell_back", cause="budget", total=3.0),
        line("failed", error="RetrievalError: away", total=4.0),
        line("kept", results=1, cached=True, total=0.5),
    ]

    async def work(store: SqlQueries) -> None:
        await store.add([("u", one) for one in lines], most=100)
        assert await ids(store, only="no_results") == ["empty"]
        assert await ids(store, only="top_changed") == ["moved"]
        assert await ids(store, only="fell_back") == ["fell"]
        assert await ids(store, only="failed") == ["failed"]
        assert await ids(store, only="cached") == ["kept"]
        assert (await ids(store, order="slowest"))[:2] == ["moved", "failed"]
        assert await ids(store, text=" 100% ") == ["empty"]
        assert [await ids(store, text=one) for one in ("s_ow", "sn%es")] == [[], []]  # they stand for themselves
        page, total = await store.list("u", 2, 1, only="all", order="newest")
        assert ([one.id for one in page], total) == (["failed", "fell"], 6)

    using(work)


def test_queries_are_grouped_by_their_words(using: Using) -> None:
    lines = [
        line("a", 10, "Lamp oil", total=2.0, results=1),
        line("b", 20, "fog", total=5.0),
        line("c", 30, "lamp  OIL", total=4.0),
        line("d", 5, "lamp oil", total=99.0),
    ]

    async def work(store: SqlQueries) -> None:
        await store.add([("u", one) for one in lines], most=100)
        first, second = await store.list_top("u", 10, since=10, only="all")
        assert (first.query, first.count, first.mean, first.without_results, first.last) == ("lamp  OIL", 2, 3.0, 1, 30)
        assert (second.query, second.count, second.without_results) == ("fog", 1, 1)
        assert [one.count for one in await store.list_top("u", 10, since=0, only="no_results")] == [2, 1]
        assert len(await store.list_top("u", 1, since=0, only="all")) == 1

    using(work)


def test_feedback_comes_back_and_is_bounded(using: Using) -> None:
    given = [Feedback(at, "click", "oil", "q", "a.md", "c", 3, 9, "ff", at) for at in range(5)]

    async def work(store: SqlQueries) -> None:
        for one in given:
            await store.add_feedback("u", [one], most=3)
        assert await store.list_feedback("u") == given[2:]
        assert await store.list_feedback("other") == []
        await store.trim("u", 4)
        assert await store.list_feedback("u") == given[4:]
        whole = replace(given[0], kind="thumbs_down", key="", chunk_id="", start=None, end=None, hash="", position=None)
        await store.add_feedback("other", [whole], most=3)
        assert await store.list_feedback("other") == [whole]

    using(work)


def test_what_was_tried_on_those_who_search(using: Using) -> None:
    async def work(store: SqlQueries) -> None:
        drafted = (FoundChunk("c1", "a.md", 0, 1, "00", 1, 0.5, team="retrieval"),)
        plain = (FoundChunk("c1", "a.md", 0, 1, "00", 1, 0.5),)
        lines = [
            line("old", 4, found=drafted),
            line("plain", 5, '"team": "re', searched='"team": "retrieval"', found=plain),
            line("drafted", 6, found=drafted),
            replace(line("shadow", 7), kind="shadow"),
        ]
        await store.add([*(("u", one) for one in lines), ("other", line("theirs", 8, found=drafted))], most=10)
        assert await store.list_tried("u", 5) == lines[2:]

    using(work)
