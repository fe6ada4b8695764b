"""Connections to index files, kept open in a bounded number for all indexes together."""

import resource
import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from secondlook.engines.keywords import attain_bm25
from secondlook.engines.tables import read_generation

FILES = 3
"""Of a connection: the database, its write-ahead log, and the memory shared by its readers."""
LEAST_IDLE, MOST_IDLE = 4, 64


@dataclass(slots=True, eq=False)
class OpenIndex:
    """An index in use: its file, its idle connections, the write lock, and counts that hold for one generation.

    Its shape is read where it is used: another process may have changed it.
    """

    path: Path
    inode: int = 0
    idle: list[sqlite3.Connection] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    counted: tuple[int, dict[str, int]] = field(default_factory=lambda: (-1, {}))
    closed: bool = False

    @classmethod
    def at(cls, path: Path) -> "OpenIndex":
        """The index in the file that lies there now."""
        return cls(path, path.stat().st_ino)

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
    counted_at, counts = found.counted
    if counted_at != generation:
        counts = {}
        found.counted = generation, counts  # both at once: another thread may read them
    if "" not in counts:
        counts[""] = connection.execute("SELECT count(*) FROM chunks").fetchone()[0]
    for phrase in phrases:
        if phrase not in counts:
            sql = "SELECT count(*) FROM fts WHERE fts MATCH ?"
            counts[phrase] = connection.execute(sql, [phrase]).fetchone()[0]
    held = [counts[phrase] for phrase in phrases]
    return attain_bm25(counts[""], held), attain_bm25(counts[""], [max(num, 1) for num in held])
