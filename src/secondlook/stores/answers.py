"""Answers on disk, found by like wording: one SQLite file, which may be deleted at any time the server is down."""

import asyncio
import json
import logging
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import TypeVar

import numpy as np

from secondlook.domain.answer import LONGEST_LIFE, Question, Recalled
from secondlook.errors import BackendError
from secondlook.stores.minhash import BANDS, FORM, Fingerprint, fingerprint, likeness

log = logging.getLogger(__name__)
T = TypeVar("T")

SCHEMA = """
CREATE TABLE IF NOT EXISTS made_with(value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS answers(
    id INTEGER PRIMARY KEY, of_index TEXT NOT NULL, epoch TEXT NOT NULL, scope TEXT NOT NULL, shingles BLOB NOT NULL,
    content BLOB NOT NULL, size INTEGER NOT NULL, made_at REAL NOT NULL, used_at REAL NOT NULL);
CREATE INDEX IF NOT EXISTS answers_of_index ON answers(of_index, epoch);
CREATE INDEX IF NOT EXISTS answers_used ON answers(used_at, size);
CREATE TABLE IF NOT EXISTS buckets(bucket INTEGER NOT NULL, answer INTEGER NOT NULL, PRIMARY KEY(bucket, answer))
    WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS buckets_answer ON buckets(answer);
CREATE TRIGGER IF NOT EXISTS answers_gone AFTER DELETE ON answers BEGIN
    DELETE FROM buckets WHERE answer = old.id; END;
"""
LIKELY = """
SELECT id, shingles, made_at FROM buckets JOIN answers ON id = answer
WHERE bucket IN (SELECT value FROM json_each(?)) AND scope = ? AND epoch = ? AND made_at > ? AND made_at <= ?
GROUP BY id ORDER BY count(*) DESC, made_at DESC LIMIT 50
"""
PAGE = 4096
ROW = 500 + 60 * BANDS
"""Bytes that an answer takes on disk besides its content, about."""
LARGEST_SHARE = 8
"""An answer that would take more than this part of the room is not kept."""
PATIENCE = 0.25
"""Seconds to wait for another process that writes; then it is a miss."""
REST = 5.0
"""Seconds after a failure in which the file is left alone, so that searches do not wait for it one after the other."""
TOUCH = 60.0
"""Seconds after which a use is written down anew."""


class AnswerFile:
    """Answers in ``path``, at most ``room`` bytes of them; the one unused for longest goes.

    ``made_with`` names what all answers depend on; a file that was made with something
    else is emptied. A damaged file is replaced by an empty one.

    Raises:
        BackendError: the file cannot be used; nothing that was asked has happened.
    """

    def __init__(self, path: Path, *, room: int, made_with: str = "", clock: Callable[[], float] = time.time) -> None:
        self._path = path
        self._room = room
        self._made_with = f"{made_with}/{FORM}"
        self._clock = clock
        self._lock = threading.Lock()
        self._rests_until = 0.0
        self._connection: sqlite3.Connection | None = None

    async def find(self, question: Question, *, least: float, life: float) -> Recalled | None:
        """The answer to the most alike question of the same scope and epoch, if it is alike enough and young enough."""

        def run(connection: sqlite3.Connection) -> Recalled | None:
            print_, now = fingerprint(question.text, question.scope), self._clock()
            rows = connection.execute(
                LIKELY, [json.dumps(print_.buckets), question.scope, question.epoch, now - life, now]
            ).fetchall()
            told = [(likeness(np.frombuffer(blob, "<u4"), print_.shingles), made, name) for name, blob, made in rows]
            alike, made_at, name = max(told, default=(0.0, 0.0, 0))
            if alike < least:
                return None
            connection.execute("UPDATE answers SET used_at = ? WHERE id = ? AND used_at < ?", [now, name, now - TOUCH])
            [content] = connection.execute("SELECT content FROM answers WHERE id = ?", [name]).fetchone()
            return Recalled(content, alike, now - made_at)

        return await self._do(run)

    async def keep(self, question: Question, content: bytes) -> None:
        """Remember the answer; it takes the place of one to the same question, and those of other epochs go."""
        size = ROW + len(content) + 8 * len(question.text)

        def run(connection: sqlite3.Connection) -> None:
            print_, now = fingerprint(question.text, question.scope), self._clock()
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(
                "DELETE FROM answers WHERE of_index = ? AND (epoch != ? OR scope = ? AND shingles = ?)",
                [question.index, question.epoch, question.scope, _packed(print_)],
            )
            connection.execute("DELETE FROM answers WHERE made_at < ?", [now - LONGEST_LIFE])
            self._make_room(connection, size)
            name = connection.execute(
                "INSERT INTO answers(of_index, epoch, scope, shingles, content, size, made_at, used_at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                [question.index, question.epoch, question.scope, _packed(print_), content, size, now, now],
            ).lastrowid
            connection.executemany(
                "INSERT OR IGNORE INTO buckets VALUES (?, ?)", [(bucket, name) for bucket in print_.buckets]
            )
            connection.execute("COMMIT")

        if size <= self._room // LARGEST_SHARE:
            await self._do(run)

    async def forget(self, index: str) -> None:
        """Forget all answers of the index; they stay forgotten, also after a loss of power."""

        def run(connection: sqlite3.Connection) -> None:
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("DELETE FROM answers WHERE of_index = ?", [index])
            connection.execute("PRAGMA synchronous = NORMAL")

        await self._do(run, at_once=True)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            if self._connection:
                self._connection.close()
            self._connection = None

    def _make_room(self, connection: sqlite3.Connection, size: int) -> None:
        [taken] = connection.execute("SELECT total(size) FROM answers").fetchone()
        wanted = taken + size - self._room
        if wanted <= 0:
            return
        gone = []
        for name, one in connection.execute("SELECT id, size FROM answers ORDER BY used_at, id"):
            gone.append((name,))
            wanted -= one
            if wanted <= 0:
                break
        connection.executemany("DELETE FROM answers WHERE id = ?", gone)

    async def _do(self, run: Callable[[sqlite3.Connection], T], *, at_once: bool = False) -> T:
        def work() -> T:
            with self._lock:
                if time.monotonic() < self._rests_until and not at_once:
                    raise BackendError(f"the answer cache {self._path} is paused after a failure")
                try:
                    return run(self._opened())
                except (sqlite3.Error, OSError) as error:
                    self._recover(error)
                    raise BackendError(f"could not use the answer cache {self._path}: {error}") from error

        return await asyncio.to_thread(work)

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            try:
                self._connection = self._open()
            except sqlite3.DatabaseError as error:
                if isinstance(error, sqlite3.OperationalError):
                    raise  # locked, or not to be written: the file itself is not at fault
                log.warning("The answer cache %s is damaged (%s); starting empty", self._path, error)
                remove_cache(self._path)
                self._connection = self._open()
        return self._connection

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, timeout=PATIENCE, isolation_level=None, check_same_thread=False)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute(f"PRAGMA journal_size_limit = {1 << 22}")
            connection.execute(f"PRAGMA max_page_count = {2 * self._room // PAGE + 64}")
            connection.executescript(SCHEMA)
            if connection.execute("SELECT value FROM made_with").fetchone() != (self._made_with,):
                connection.execute("BEGIN IMMEDIATE")
                if dropped := connection.execute("DELETE FROM answers").rowcount:
                    log.warning(
                        "The answer cache %s starts empty: another release or other settings wrote its %d answers",
                        self._path,
                        dropped,
                    )
                connection.execute("DELETE FROM made_with")
                connection.execute("INSERT INTO made_with VALUES (?)", [self._made_with])
                connection.execute("COMMIT")
        except BaseException:
            connection.close()
            raise
        return connection

    def _recover(self, error: Exception) -> None:
        """After an error the next call opens the file anew; a damaged one is gone then."""
        if self._connection:
            with suppress(sqlite3.Error):
                self._connection.close()
        self._connection = None
        if isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError):
            log.warning("The answer cache %s is damaged (%s); starting empty", self._path, error)
            remove_cache(self._path)
            return
        log.warning("Could not use the answer cache %s; pausing it for a while: %s", self._path, error)
        self._rests_until = time.monotonic() + REST


def check_cache(path: Path) -> str:
    """What is wrong with the file; empty if it is sound, or does not exist."""
    if not path.exists():
        return ""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", timeout=PATIENCE, uri=True)) as connection:
            [said] = connection.execute("PRAGMA integrity_check(1)").fetchone()
    except sqlite3.Error as error:
        said = str(error)
    return "" if said == "ok" else f"{path.name}: {' '.join(said.split())}"


def remove_cache(path: Path) -> None:
    """Remove the file, or the folder in its place; answers are generated again."""
    for ending in ("", "-wal", "-shm"):
        found = path.with_name(path.name + ending)
        with suppress(OSError):
            if found.is_dir() and not found.is_symlink():
                shutil.rmtree(found)
            else:
                found.unlink()


def _packed(print_: Fingerprint) -> bytes:
    return print_.shingles.astype("<u4").tobytes()
