"""Connections to index files, kept open in a bounded number for all indexes together."""

import resource
import sqlite3
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path

FILES = 3
"""Of a connection: the database, its write-ahead log, and the memory shared by its readers."""
LEAST_IDLE, MOST_IDLE = 4, 64


@dataclass(slots=True, eq=False)
class OpenIndex:
    """An index in use: its file, its idle connections, the write lock, and counts that hold for one generation.

    Its shape is read where it is used: another process may have changed it.
    """

    path: Path
    idle: list[sqlite3.Connection] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    counted: tuple[int, dict[str, int]] = field(default_factory=lambda: (-1, {}))
    closed: bool = False


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
