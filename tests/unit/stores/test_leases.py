"""A lease is had by one of many, holds until it lapses, and knows a newer version from its own."""

import asyncio
import time
from collections.abc import Coroutine, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import pytest

from secondlook.domain.instance import Instance, InstanceSettings, Item, ItemStatus
from secondlook.domain.jobs import ItemLine
from secondlook.domain.lease import Lease
from secondlook.stores.catalog import SqlCatalog
from secondlook.stores.journal import SqlJournal
from secondlook.stores.leases import CANDIDATES, SqlLeases

T = TypeVar("T")
FOREVER = 1 << 60
LATER = FOREVER // 2


class Shelf:
    """Leases over a catalogue with one instance; a second process has connections of its own."""

    def __init__(self, folder: Path) -> None:
        self._runner = asyncio.Runner()
        url = f"sqlite+aiosqlite:///{folder / 'catalog.sqlite'}"
        self.catalogs = [SqlCatalog(url), SqlCatalog(url)]
        for one in self.catalogs:
            self(one.open())
        self.catalog = self.catalogs[0]
        self.it, self.other = (SqlLeases(one.database) for one in self.catalogs)
        self(self.catalog.add_instance(Instance("u1", "acc", "default", "docs", InstanceSettings(), 1, 1)))

    def __call__(self, work: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(work)

    def put(self, key: str, status: ItemStatus = "queued") -> Item:
        return self(self.catalog.put_item(Item(f"i-{key}", "u1", key, status, "md5", 3)))

    def take(self, owner: str = "me-1", *, now: int = LATER, only: list[str] | None = None) -> Lease | None:
        return self(self.it.take(owner, now=now, until=now + 1000, only=only))

    def taken(self, owner: str = "me-1") -> Lease:
        found = self.take(owner)
        assert found
        return found

    def status(self, item: Item) -> tuple[str, int]:
        found = self(self.catalog.get_item("u1", item.id))
        return found.status, found.version

    def close(self) -> None:
        for one in self.catalogs:
            self(one.close())
        self._runner.close()


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    made = Shelf(tmp_path)
    yield made
    made.close()


def test_times_follow_a_clock_that_is_set_back(shelf: Shelf) -> None:
    now = int(time.time() * 1000) + 60_000
    waits, runs = shelf.put("waits"), shelf.put("runs")
    lease = shelf.take("me-1", now=now, only=[runs.id])
    assert lease
    other = shelf.take("me-2", now=now, only=[waits.id])
    assert other
    shelf(shelf.it.put_back(other, due_at=now + 5_000, attempts=1))
    back = now - 7_200_000
    shelf(shelf.it.move(by=-7_200_000, now=back))
    assert shelf.take("me-3", now=back + 4_999, only=[waits.id]) is None
    assert shelf(shelf.it.list_lapsed(back + 999)) == [], "its worker still holds it"
    assert shelf.take("me-3", now=back + 5_000, only=[waits.id])
    assert [one.owner for one in shelf(shelf.it.list_lapsed(back + 1_001))] == ["me-1"]


def test_what_an_earlier_clock_wrote_is_over_at_the_next_start(shelf: Shelf) -> None:
    ahead, soon = shelf.put("ahead"), shelf.put("soon")
    now = int(time.time() * 1000) + 60_000
    for item, due in ((ahead, now + 7_200_000), (soon, now + 300_000)):
        lease = shelf.take("me-1", now=now, only=[item.id])
        assert lease
        shelf(shelf.it.put_back(lease, due_at=due, attempts=1))
    shelf(shelf.it.pull_in(now))
    assert shelf.take("me-2", now=now, only=[ahead.id])
    assert shelf.take("me-2", now=now, only=[soon.id]) is None, "a wait as any"


def test_what_is_due_for_longest_comes_first(shelf: Shelf) -> None:
    for key in ("a.md", "b.md"):
        shelf.put(key)
    shelf.put("done.md", "completed")
    first = shelf.taken("me-1")
    assert (first.item.key, first.item.status, first.attempt) == ("a.md", "running", 1)
    assert shelf.status(first.item) == ("running", 1)
    assert shelf(shelf.it.put_back(first, due_at=LATER - 1, attempts=1))
    assert [shelf.taken(f"me-{at}").item.key for at in (2, 3)] == ["b.md", "a.md"]
    assert shelf.take("me-4") is None


def test_what_is_not_due_waits(shelf: Shelf) -> None:
    item = shelf.put("a.md")
    lease = shelf.taken()
    assert shelf(shelf.it.put_back(lease, due_at=LATER + 5, attempts=1))
    assert shelf.status(item) == ("queued", 1)
    assert shelf.take("me-2") is None
    again = shelf.take("me-3", now=LATER + 5)
    assert again and again.attempt == 2


def test_instances_take_turns(shelf: Shelf) -> None:
    for uid in ("u2", "u3"):
        shelf(shelf.catalog.add_instance(Instance(uid, "acc", "default", uid, InstanceSettings(), 1, 1)))
    for at in range(40):
        shelf.put(f"{at:02}.md")
    for uid, number in (("u2", 3), ("u3", 1)):
        for at in range(number):
            shelf(shelf.catalog.put_item(Item(f"{uid}-{at}", uid, f"{at}.md", "queued", "md5", 3)))
    first = [shelf.taken(f"me-{at}").item for at in range(8)]
    assert [one.instance_uid for one in first] == ["u1", "u2", "u3", "u1", "u2", "u1", "u2", "u1"]
    assert [one.key for one in first if one.instance_uid == "u1"] == ["00.md", "01.md", "02.md", "03.md"]
    shelf(shelf.catalog.put_item(Item("late", "u3", "late.md", "queued", "md5", 3)))
    assert shelf.taken("me-9").item.id == "late", "36 items of another instance wait, and it does not wait for them"


def test_an_instance_of_which_nothing_is_due_or_free_loses_its_turn_alone(shelf: Shelf) -> None:
    shelf(shelf.catalog.add_instance(Instance("u0", "acc", "default", "first", InstanceSettings(), 1, 1)))
    shelf(shelf.catalog.put_item(Item("early", "u0", "a.md", "queued", "md5", 3)))
    held = shelf.taken("me-0")
    shelf(shelf.catalog.put_item(Item("early", "u0", "a.md", "queued", "changed", 3)))  # while its lease runs
    mine = shelf.put("b.md")
    found = shelf.take("me-1")
    assert held.item.id == "early" and found and found.item.id == mine.id
    assert shelf.take("me-2") is None
    later = shelf.take("me-3", now=LATER + 2000)
    assert later and (later.item.id, later.item.version) == ("early", 2)


def test_some_alone_may_be_asked_for(shelf: Shelf) -> None:
    shelf.put("a.md")
    mine = shelf.put("b.md")
    assert shelf.take(only=["nope"]) is None
    found = shelf.take("me-2", only=[mine.id, "nope"])
    assert found and found.item.key == "b.md"


def test_of_many_who_ask_one_has_it(shelf: Shelf) -> None:
    items = {shelf.put(f"{at}.md").id for at in range(3 * CANDIDATES)}

    async def ask() -> list[Lease]:
        asked = [
            which.take(f"{name}-{at}", now=LATER, until=LATER + 1000)
            for at in range(2 * CANDIDATES)
            for name, which in (("me", shelf.it), ("you", shelf.other))
        ]
        return [one for one in await asyncio.gather(*asked) if one]

    found = shelf(ask())
    assert len(found) == len(items)
    assert {one.item.id for one in found} == items


def test_a_lease_that_is_kept_holds_and_one_that_lapses_does_not(shelf: Shelf) -> None:
    item = shelf.put("a.md")
    lease = shelf.taken()
    assert shelf(shelf.it.list_lapsed(LATER + 1000)) == []
    assert [one.owner for one in shelf(shelf.it.list_lapsed(LATER + 1001))] == ["me-1"]
    assert shelf(shelf.it.keep([lease], until=LATER + 5000)) == {"me-1": 1}
    assert shelf(shelf.it.list_lapsed(LATER + 1001)) == []
    shelf(shelf.it.end_all("you-"))
    assert shelf(shelf.it.list_lapsed(LATER)) == []
    shelf(shelf.it.end_all("me-"))
    [lapsed] = shelf(shelf.it.list_lapsed(LATER))
    assert (lapsed.item.id, lapsed.attempt) == (item.id, 1)
    assert shelf(shelf.it.put_back(lapsed, due_at=0, attempts=1))
    assert shelf(shelf.it.keep([lease], until=FOREVER)) == {}
    assert not shelf(shelf.it.settle(lease, "completed", chunks_count=1)), "its holder comes too late"
    assert shelf.status(item) == ("queued", 1)
    again = shelf.taken("me-2")
    assert again.attempt == 2
    assert shelf(shelf.it.settle(again, "completed", chunks_count=1))
    assert shelf.status(item) == ("completed", 1)


def test_a_newer_version_waits_for_the_lease_and_begins_anew(shelf: Shelf) -> None:
    item = shelf.put("a.md")
    lease = shelf.taken()
    assert shelf(shelf.it.holds(lease))
    newer = shelf.put("a.md")
    assert (newer.id, newer.version) == (item.id, 2)
    assert shelf.take("me-2") is None, "somebody still writes the older one"
    assert shelf(shelf.it.keep([lease], until=LATER + 2000)) == {"me-1": 2}
    assert not shelf(shelf.it.holds(lease))
    line = ItemLine(1, "read", "late", "a.md")
    assert not shelf(shelf.it.note(lease, [line]))
    assert not shelf(shelf.it.settle(lease, "completed", lines=[line]))
    assert not shelf(shelf.it.put_back(lease, due_at=0, attempts=1))
    assert shelf(SqlJournal(shelf.catalog.database).list_item_lines(item.id, 10, None)) == []
    shelf(shelf.it.drop(lease))
    again = shelf.taken("me-3")
    assert (again.item.version, again.attempt) == (2, 1)


def test_outcome_and_lines_are_kept_together(shelf: Shelf) -> None:
    shelf.put("a.md")
    lease = shelf.taken()
    lines = [ItemLine(1, "read", "read", "a.md"), ItemLine(2, "fail", "x", "a.md")]
    assert shelf(shelf.it.note(lease, lines[:1]))
    assert shelf(shelf.it.settle(lease, "error", error="unknown_error: x", lines=lines[1:]))
    found = shelf(shelf.catalog.get_item("u1", lease.item.id))
    assert found == replace(lease.item, status="error", error="unknown_error: x")
    kept = shelf(SqlJournal(shelf.catalog.database).list_item_lines(found.id, 10, None))
    assert [one.action for one in kept] == ["fail", "read"]


def test_what_is_left_is_counted(shelf: Shelf) -> None:
    ids = [shelf.put(key).id for key in ("a.md", "b.md")] + [shelf.put("c.md", "completed").id]
    shelf.taken()
    shelf.put("b.md")
    assert shelf(shelf.it.count_unfinished()) == 2
    assert shelf(shelf.it.list_unfinished(ids)) == {ids[0]: 1, ids[1]: 2}
