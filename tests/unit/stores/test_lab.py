"""Runs and rows are kept in order, end once, and go with their instance."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from secondlook.domain.lab import LabRun
from secondlook.errors import JobNotFoundError
from secondlook.stores.database import Database
from secondlook.stores.lab import SqlLabBook

RUN = LabRun("r1", "u1", "running", 10, 3, origin="x.csv", request='{"a": 1}', reason="why")


def test_a_run_from_its_beginning_to_its_end(tmp_path: Path) -> None:
    async def work() -> None:
        database = Database(f"sqlite+aiosqlite:///{tmp_path / 'c.sqlite'}")
        book = SqlLabBook(database)
        await book.open()
        await book.open()
        await book.add(RUN)
        await book.add(replace(RUN, id="r2", created_at=20))
        await book.add(replace(RUN, id="other", instance_uid="u2", created_at=5))
        assert await book.get("u1", "r1") == RUN
        with pytest.raises(JobNotFoundError, match="no run 'r1'"):
            await book.get("u2", "r1")
        assert await book.take("u1", "r1", "me", now=1, until=5)
        assert await book.add_rows("r1", 0, ["a", "b"], owner="me")
        assert await book.add_rows("r1", 2, ["c"], owner="me") and await book.add_rows("r1", 3, [], owner="me")
        assert not await book.add_rows("r1", 3, ["d"], owner="you"), "who does not measure keeps nothing"
        assert not await book.set_state("r1", "error", ended_at=30, owner="you")
        assert await book.rows("r1") == ["a", "b", "c"] and await book.rows("r1", 1, 1) == ["b"]
        assert [one.id for one in await book.list_open()] == ["other", "r1", "r2"]
        page, total = await book.list("u1", 1, 1)
        assert total == 2 and page == [replace(RUN, request="{}", done=3)], "a page has no request"
        assert await book.last("u1") is None
        assert await book.set_state("r1", "completed", ended_at=30, report="{}")
        assert not await book.set_state("r1", "error", ended_at=31), "it ends once"
        last = await book.last("u1")
        assert await book.reports("u1", 5) == ["{}"] and await book.reports("u2", 5) == []
        assert await book.list_completed("u1", 5) == ["r1"] and await book.list_completed("u2", 5) == []
        assert last is not None and (last.id, last.ended_at, last.report) == ("r1", 30, "{}")
        await book.remove("r2")
        await book.forget("u1")
        assert await book.rows("r1") == []
        assert [one.id for one in await book.list_open()] == ["other"] and await book.last("u1") is None
        await database.close()

    asyncio.run(work())


def test_one_at_a_time_measures_an_instance(tmp_path: Path) -> None:
    async def work() -> None:
        database = Database(f"sqlite+aiosqlite:///{tmp_path / 'c.sqlite'}")
        book = SqlLabBook(database)
        await book.open()
        await book.add(RUN)
        tries = [book.take("u1", "r1", f"owner-{at}", now=1, until=5) for at in range(4)]
        assert sorted(await asyncio.gather(*tries)) == [False, False, False, True]
        await book.end_all("owner-")
        assert await book.take("u1", "r1", "me", now=1, until=5)
        assert await book.hold("r1", "me", until=9) and not await book.hold("r1", "you", until=9)
        assert not await book.take("u1", "r2", "you", now=9, until=20), "until then"
        held = [await book.owner_of(uid, now=now) for uid, now in (("u1", 9), ("u1", 10), ("u2", 9))]
        assert held == ["me", "", ""]
        assert not await book.take("u1", "r2", "you", now=9, until=20, gone="another"), "it is not who holds it"
        assert await book.take("u1", "r1", "they", now=9, until=9, gone="me") and not await book.hold(
            "r1", "me", until=9
        )
        assert await book.take("u1", "r1", "me", now=9, until=9, gone="they")
        assert await book.take("u1", "r1", "you", now=10, until=20) and not await book.hold("r1", "me", until=30)
        assert await book.set_state("r1", "completed", ended_at=30, report="{}", owner="you")
        assert not await book.hold("r1", "you", until=30), "it has ended"
        await book.leave("you")
        assert await book.take("u1", "r3", "me", now=1, until=5)
        await book.forget("u1")
        assert await book.take("u1", "r3", "you", now=1, until=5)
        await database.close()

    asyncio.run(work())


def test_only_whose_turn_it_is_begins_anew_or_ends_what_is_left(tmp_path: Path) -> None:
    async def work() -> None:
        database = Database(f"sqlite+aiosqlite:///{tmp_path / 'c.sqlite'}")
        book = SqlLabBook(database)
        await book.open()
        await book.add(RUN)
        await book.add(replace(RUN, id="of another", instance_uid="u2"))
        assert await book.take("u1", "r1", "me", now=1, until=5)
        assert await book.add_rows("r1", 0, ["a"], owner="me")
        assert not await book.begin_anew("r1", '{"a": 2}', owner="you")
        assert await book.get("u1", "r1") == replace(RUN, done=1)
        assert await book.begin_anew("r1", '{"a": 2}', owner="me")
        assert await book.get("u1", "r1") == replace(RUN, request='{"a": 2}')
        await book.end_left("u1", "you", ended_at=30, reason="left")
        assert (await book.get("u1", "r1")).state == "running"
        await book.end_left("u1", "me", ended_at=30, reason="left")
        ended = await book.get("u1", "r1")
        assert (ended.state, ended.ended_at, ended.reason) == ("error", 30, "left")
        assert [one.id for one in await book.list_open()] == ["of another"]
        assert not await book.begin_anew("r1", "{}", owner="me"), "it has ended"
        await database.close()

    asyncio.run(work())
