"""Connections to index files, kept open in a bounded number for all indexes together."""

import resource
import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from secondlook.domain.filters import Filter
from secondlook.engines.keywords import attain_bm25
from secondlook.engines.tables import DamagedError, read_generation
from secondlook.threads import BoundedThreads, check_wanted, is_abandoned

FILES = 3
"""Of a connection: the database, its write-ahead log, and the memory shared by its readers."""
LEAST_IDLE, MOST_IDLE = 4, 64
COUNTS = 10_000
"""Phrases of an index whose number of chunks is remembered; the one unused for longest goes."""
THREADS, MOST_WAITING = 8, 512
"""For reading; half as many search with a filter, which may take long, and as many write."""
STEPS = 10_000
"""Instructions of SQLite after which it asks whether anybody still waits."""


class Counts:
    """How many chunks hold each phrase, at one generation of an index; the one unused for longest goes.

    Any thread may call any method.
    """

    def __init__(self, generation: int, most: int) -> None:
        self.generation = generation
        self._most = most
        self._found: OrderedDict[str, int] = OrderedDict()
        self._guard = threading.Lock()

    def __len__(self) -> int:
        return len(self._found)

    def of(self, phrase: str, count: Callable[[], int]) -> int:
        """The number that is remembered, else that of ``count``."""
        with self._guard:
            if phrase in self._found:
                self._found.move_to_end(phrase)
                return self._found[phrase]
        number = count()
        with self._guard:
            self._found[phrase] = number
            while len(self._found) > self._most:
                self._found.popitem(last=False)
        return number


@dataclass(slots=True, eq=False)
class OpenIndex:
    """An index in use: its file, its idle connections, the write lock, and counts that hold for one generation.

    Its shape is read where it is used: another process may have changed it.
    """

    path: Path
    inode: int = 0
    idle: list[sqlite3.Connection] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    counts: Counts = field(default_factory=lambda: Counts(-1, 0))
    closed: bool = False

    @classmethod
    def at(cls, path: Path) -> "OpenIndex":
        """The index in the file that lies there now; raises ``DamagedError`` if it was dropped this moment."""
        try:
            return cls(path, path.stat().st_ino)
        except FileNotFoundError as error:
            raise DamagedError("its file is missing") from error

    def is_in_place(self) -> bool:
        """Whether the file that was opened still has its name: not removed, and no other in its place."""
        try:
            return self.path.stat().st_ino == self.inode
        except OSError:
            return False


class IdleConnections:
    """At most ``most`` connections that nobody uses; beyond that the one unused for longest is closed.

    Any thread may call any method.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._owners: OrderedDict[sqlite3.Connection, OpenIndex] = OrderedDict()
        self._guard = threading.Lock()

    def __len__(self) -> int:
        return len(self._owners)

    def take(self, index: OpenIndex) -> sqlite3.Connection | None:
        """The one used last, or None."""
        with self._guard:
            if not index.idle:
                return None
            connection = index.idle.pop()
            del self._owners[connection]
            return connection

    def give(self, index: OpenIndex, connection: sqlite3.Connection) -> None:
        """Keep it, unless the index was closed meanwhile."""
        with self._guard:
            if not index.closed:
                index.idle.append(connection)
                self._owners[connection] = index
                if len(self._owners) <= self._most:
                    return
                connection, oldest = self._owners.popitem(last=False)
                oldest.idle.remove(connection)
        connection.close()

    def close(self, index: OpenIndex) -> None:
        """Close those of the index, and those that are given back later."""
        with self._guard:
            index.closed = True
            idle = [*index.idle]
            index.idle.clear()
            for one in idle:
                del self._owners[one]
        for one in idle:
            one.close()


def most_idle() -> int:
    """A quarter of the files that this process may open, in connections."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(LEAST_IDLE, min(MOST_IDLE, soft // (4 * FILES)))


def find_ceilings(connection: sqlite3.Connection, found: OpenIndex, phrases: Sequence[str]) -> tuple[float, float]:
    """The BM25 no chunk can exceed: sum of idf(p) * (k1 + 1) over the phrases; and the same for a chunk that holds
    them all, which is why a phrase that no chunk holds counts there as if one did."""
    generation = read_generation(connection)
    if (counts := found.counts).generation != generation:
        counts = found.counts = Counts(generation, COUNTS)  # another thread keeps the one that it has

    def number(sql: str, *values: str) -> int:
        return int(connection.execute(sql, values).fetchone()[0])

    total = counts.of("", lambda: number("SELECT count(*) FROM chunks"))
    sql = "SELECT count(*) FROM fts WHERE fts MATCH ?"
    held = [counts.of(phrase, partial(number, sql, phrase)) for phrase in phrases]
    return attain_bm25(total, held), attain_bm25(total, [max(num, 1) for num in held])


class IndexThreads:
    """The threads in which indexes are read, searched with a filter, and written."""

    def __init__(self) -> None:
        self.searches = BoundedThreads("searches", threads=THREADS, waiting=MOST_WAITING)
        self.filtered = BoundedThreads("filtered searches", threads=THREADS // 2, waiting=MOST_WAITING)
        self.writes = BoundedThreads("writes", threads=THREADS // 2, waiting=MOST_WAITING)

    def for_search(self, where: Filter | None) -> BoundedThreads:
        """Those of a search with that filter."""
        return self.searches if where is None else self.filtered

    def close(self) -> None:
        """Let them end."""
        for threads in (self.searches, self.filtered, self.writes):
            threads.close()


@contextmanager
def interruptible(connection: sqlite3.Connection, *, always: bool = True) -> Iterator[None]:
    """SQLite stops in the middle of a statement when nobody waits for it any more; not where it writes."""
    check_wanted()
    connection.set_progress_handler(is_abandoned if always else None, STEPS)
    try:
        yield
    finally:
        connection.set_progress_handler(None, 0)
        if connection.in_transaction:
            connection.execute("ROLLBACK")
