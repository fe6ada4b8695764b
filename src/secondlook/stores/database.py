"""A SQL database: one writer at a time, and failures told as our own errors."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Hashable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager

import aiosqlite
from sqlalchemy import URL, Connection, RowMapping, event, make_url, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from secondlook.errors import BackendError, SetupError, StorageFullError
from secondlook.stores.disk_reserve import ADVICE


class Database:
    """A database at a SQLAlchemy URL; a write has reached the disk when it returns.

    Raises:
        BackendError: the database failed. IntegrityError: a rule of it was broken, for the caller to understand.
    """

    def __init__(self, url: str) -> None:
        self._ends: set[asyncio.Future[None]] = set()
        self._engine = _make_engine(url, self._ends)
        self._writing = asyncio.Lock()
        self._using = 0
        self._unused = asyncio.Event()
        self._closed = False
        self._watch: sqlite3.Connection | None = None
        self._watches = 0
        if self._engine.dialect.name == "sqlite":
            event.listen(self._engine.sync_engine, "connect", _prepare_sqlite)

    async def open(self, prepare: Callable[[Connection], None]) -> None:
        """Connect, and let ``prepare`` make or change the tables; raises ``SetupError`` for an unusable file.

        Whatever it raises, no connection stays open.
        """
        self._closed = False
        async with AsyncExitStack() as unless_opened:
            unless_opened.push_async_callback(self.close)
            try:
                async with self._engine.begin() as connection:
                    if self._engine.dialect.name == "sqlite":  # of two processes one makes the tables
                        await connection.exec_driver_sql("BEGIN IMMEDIATE")
                    await connection.run_sync(prepare)
            except DBAPIError as error:
                raise SetupError(
                    f"could not open the catalogue {self._engine.url.database} ({error.orig}): check that it can be"
                    " read and written, or restore the data folder"
                ) from error
            unless_opened.pop_all()

    async def close(self) -> None:
        """Let what has begun come to its end, take nothing more, and close every connection."""
        self._closed = True
        while self._using:  # a connection in use would outlive its pool, and its thread the event loop
            self._unused.clear()
            await self._unused.wait()
        await self._engine.dispose()
        if self._watch:
            self._watch.close()
            self._watch = None
        here = asyncio.get_running_loop()
        while ends := [one for one in self._ends if one.get_loop() is here]:
            await asyncio.wait(ends)

    def version(self) -> Hashable | None:
        """A value that every commit changes, of this process or another; None if it cannot be had without waiting.

        SQLite tells each connection whether another one has committed, of whatever process; hence one that never
        writes. https://www.sqlite.org/pragma.html#pragma_data_version
        """
        path = _file_of(self._engine.url)
        if self._closed or path is None:
            return None
        try:
            if self._watch is None:
                self._watch = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
                self._watches += 1
            [number] = self._watch.execute("PRAGMA data_version").fetchone()
        except sqlite3.Error:  # somebody has the file to himself at this moment
            return None
        return self._watches, number

    async def check(self) -> Sequence[str]:
        """What SQLite finds wrong with the file; nothing of another database, which has checks of its own."""
        if self._engine.dialect.name != "sqlite":
            return []
        try:
            found = [
                str(value) for row in await self.rows(text("PRAGMA integrity_check(20)")) for value in row.values()
            ]
            lost = await self.rows(text("PRAGMA foreign_key_check"))
        except BackendError as error:
            return [str(error)]
        if found != ["ok"]:
            return [" ".join(one.split()) for one in found]
        return [f"a row of {row['table']} refers to no row of {row['parent']}" for row in lost[:20]]

    async def rows(self, query: object) -> Sequence[RowMapping]:
        """What a select finds."""
        with self._use():
            async with self._engine.connect() as connection:
                return (await connection.execute(query)).mappings().all()  # type: ignore[call-overload, no-any-return]  # any select

    async def write(self, *statements: object) -> int:
        """Run them in one transaction; rows changed by the last."""
        changed = 0
        async with self.transaction() as connection:
            for statement in statements:
                changed = (await connection.execute(statement)).rowcount  # type: ignore[call-overload]  # any statement
        return changed

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """A connection in a transaction, the only one that writes; all of it is kept, or nothing."""
        with self._use():
            async with self._writing, self._engine.begin() as connection:
                if self._engine.dialect.name == "sqlite":  # else another process may write between a read and a write
                    await connection.exec_driver_sql("BEGIN IMMEDIATE")
                yield connection

    @contextmanager
    def _use(self) -> Iterator[None]:
        """While it lasts, closing waits. A database that fails raises ``BackendError``; a broken rule is not ours."""
        if self._closed:
            raise BackendError("the catalogue is closed: the server is stopping")
        self._using += 1
        try:
            yield
        except IntegrityError:
            raise
        except DBAPIError as error:
            if getattr(error.orig, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_FULL:
                raise StorageFullError(f"could not write the catalogue: the disk is full: {ADVICE}") from error
            raise BackendError(f"could not use the catalogue: {error.orig}") from error
        finally:
            self._using -= 1
            if not self._using:
                self._unused.set()


class _File(aiosqlite.Connection):
    """A connection to a file of SQLite that says when its thread has ended.

    When a query is broken off, nobody waits for that end, and nobody asks whether it has been asked for already: then
    the thread has an answer for an event loop that is closed, or a task waits for a thread that has already exited.
    """

    def __init__(self, path: str, ends: set[asyncio.Future[None]]) -> None:
        super().__init__(lambda: sqlite3.connect(path), iter_chunk_size=64)
        self._thread.daemon = True
        self._ends = ends
        self._end: asyncio.Future[None] | None = None

    def stop(self) -> asyncio.Future[None] | None:
        """End it after what it has begun; raises nothing."""
        if self._end is None and (end := super().stop()):
            self._end = end
            self._ends.add(end)
            end.add_done_callback(self._ends.discard)
        return self._end


def _make_engine(url: str, ends: set[asyncio.Future[None]]) -> AsyncEngine:
    """The engine, in ``ends`` the ends of its connections that are under way, where the database is a file here."""
    place = make_url(url)
    path = _file_of(place)
    if path is None:
        return create_async_engine(place)

    async def connect() -> aiosqlite.Connection:
        return await _File(path, ends)

    return create_async_engine(place, async_creator=connect)


def _file_of(place: URL) -> str | None:
    """The file of a database of SQLite that is one."""
    if place.get_backend_name() != "sqlite" or place.database in (None, "", ":memory:"):
        return None
    return place.database


def _prepare_sqlite(connection: object, record: object) -> None:
    cursor = connection.cursor()  # type: ignore[attr-defined]  # a DBAPI connection
    for pragma in ("busy_timeout = 30000", "journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
