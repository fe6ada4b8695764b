"""What is kept of a database is never older than its last commit."""

import asyncio

import pytest

from secondlook.stores.kept import Kept


class Source:
    """A value, and its version; ``asked`` counts the questions."""

    def __init__(self) -> None:
        self.version: int | None = 1
        self.value: str | None = "old"
        self.asked = 0

    async def ask(self) -> str | None:
        self.asked += 1
        return self.value


def test_an_answer_is_kept_until_the_version_changes() -> None:
    source = Source()
    kept: Kept[str | None] = Kept(lambda: source.version)

    async def work() -> list[str | None]:
        found = [await kept.get("key", source.ask) for _ in range(3)]
        source.value, source.version = "new", 2
        return [*found, await kept.get("key", source.ask), await kept.get("key", source.ask)]

    assert asyncio.run(work()) == ["old", "old", "old", "new", "new"]
    assert source.asked == 2


def test_what_changes_while_it_is_read_is_not_kept() -> None:
    source = Source()
    kept: Kept[str | None] = Kept(lambda: source.version)
    read, go_on = asyncio.Event(), asyncio.Event()

    async def slow() -> str | None:
        before = source.value
        read.set()
        await go_on.wait()
        return before

    async def work() -> tuple[str | None, ...]:
        reading = asyncio.create_task(kept.get("key", slow))
        await read.wait()
        source.value, source.version = "new", 2
        during = await kept.get("key", source.ask)
        go_on.set()
        return await reading, during, await kept.get("key", source.ask)

    assert asyncio.run(work()) == ("old", "new", "new")


def test_without_a_version_and_without_an_answer_nothing_is_kept() -> None:
    source = Source()
    kept: Kept[str | None] = Kept(lambda: source.version)
    source.value = None
    for _ in range(2):
        assert asyncio.run(kept.get("key", source.ask)) is None
    source.value, source.version = "there", None
    for _ in range(2):
        assert asyncio.run(kept.get("key", source.ask)) == "there"
    assert source.asked == 4


def test_a_failure_is_not_kept() -> None:
    source = Source()
    kept: Kept[str | None] = Kept(lambda: source.version)

    async def fail() -> str | None:
        raise LookupError

    with pytest.raises(LookupError):
        asyncio.run(kept.get("key", fail))
    assert asyncio.run(kept.get("key", source.ask)) == "old"


def test_only_so_many_are_kept() -> None:
    source = Source()
    kept: Kept[str | None] = Kept(lambda: source.version, most=2)

    async def work() -> None:
        for key in (1, 2, 1, 3, 1, 2):
            await kept.get(key, source.ask)

    asyncio.run(work())
    assert source.asked == 4
