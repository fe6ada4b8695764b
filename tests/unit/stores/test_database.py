"""A transaction is kept whole or not at all, and failures are told."""

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError

from secondlook.errors import BackendError, SetupError
from secondlook.stores.database import Database


def prepare(connection: Connection) -> None:
    connection.execute(text("CREATE TABLE IF NOT EXISTS t (id INTEGER PRIMARY KEY)"))


def test_whole_or_not_at_all(tmp_path: Path) -> None:
    async def work() -> None:
        database = Database(f"sqlite+aiosqlite:///{tmp_path / 'a.sqlite'}")
        await database.open(prepare)
        try:
            assert await database.write(text("INSERT INTO t VALUES (1)"), text("UPDATE t SET id = id + 1")) == 1
            with pytest.raises(IntegrityError):
                await database.write(text("INSERT INTO t VALUES (3)"), text("INSERT INTO t VALUES (2)"))
            assert [row["id"] for row in await database.rows(text("SELECT id FROM t"))] == [2]
            with pytest.raises(BackendError, match="no such table"):
                await database.rows(text("SELECT id FROM nowhere"))
            with pytest.raises(BackendError, match="no such table"):
                await database.write(text("DELETE FROM nowhere"))
        finally:
            await database.close()

    asyncio.run(work())


def test_closing_waits_for_what_has_begun_and_takes_nothing_more(tmp_path: Path) -> None:
    before = set(threading.enumerate())

    async def work() -> None:
        database = Database(f"sqlite+aiosqlite:///{tmp_path / 'a.sqlite'}")
        await database.open(prepare)
        begun = asyncio.Event()

        async def write_slowly() -> None:
            async with database.transaction() as connection:
                begun.set()
                await asyncio.sleep(0.05)
                await connection.execute(text("INSERT INTO t VALUES (7)"))

        slow = asyncio.create_task(write_slowly())
        waiting = asyncio.create_task(database.write(text("INSERT INTO t VALUES (8)")))
        await begun.wait()
        await database.close()
        assert slow.done() and waiting.done() and waiting.result() == 1
        for late in (database.rows(text("SELECT id FROM t")), database.write(text("DELETE FROM t"))):
            with pytest.raises(BackendError, match="is closed"):
                await late
        for thread in set(threading.enumerate()) - before:
            thread.join(5)  # a connection has one, which ends with it
            assert not thread.is_alive()
        await database.open(prepare)
        assert [row["id"] for row in await database.rows(text("SELECT id FROM t ORDER BY id"))] == [7, 8]
        await database.close()

    asyncio.run(work())


def refuse(connection: Connection) -> None:
    connection.execute(text("SELECT 1"))
    raise SetupError("too new")


def fail(connection: Connection) -> None:
    connection.execute(text("SELECT * FROM nowhere"))


@pytest.mark.parametrize(("make", "told"), [(refuse, "too new"), (fail, r"could not open .*a\.sqlite \(no such table")])
def test_what_cannot_be_opened_leaves_nothing_open(
    tmp_path: Path, make: Callable[[Connection], None], told: str
) -> None:
    before = set(threading.enumerate())

    async def work() -> None:
        database = Database(f"sqlite+aiosqlite:///{tmp_path / 'a.sqlite'}")
        with pytest.raises(SetupError, match=told):
            await database.open(make)
        for thread in set(threading.enumerate()) - before:
            thread.join(5)  # a connection has one, which ends with it
            assert not thread.is_alive()

    asyncio.run(work())


def test_what_is_broken_off_while_it_connects_or_asks_leaves_no_thread_to_a_closed_loop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed: list[object] = []
    monkeypatch.setattr(threading, "excepthook", failed.append)
    before = set(threading.enumerate())

    async def work(turns: int) -> None:
        database = Database(f"sqlite+aiosqlite:///{tmp_path / 'a.sqlite'}")
        await database.open(prepare)
        asking = [asyncio.create_task(database.rows(text("SELECT id FROM t"))) for _ in range(4)]
        for _ in range(turns):
            await asyncio.sleep(0)
        for _ in range(2):  # the second falls into the orderly end of the connection
            for one in asking:
                one.cancel()
            await asyncio.sleep(0)
        await asyncio.gather(*asking, return_exceptions=True)
        await database.close()

    for turns in range(60):
        asyncio.run(work(turns % 20))
    for thread in set(threading.enumerate()) - before:
        thread.join(5)
        assert not thread.is_alive()
    assert failed == []
