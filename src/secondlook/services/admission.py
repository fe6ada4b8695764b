"""How much of each kind of work the server does at once; more is refused at once, and told when to come again."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from secondlook.errors import OverloadedError

RETRY_AFTER = 1.0
"""Seconds; most searches take less."""


@dataclass(slots=True)
class Room:
    """At most ``most`` at once, of which one tenant takes at most three quarters, and ``slow`` ones half."""

    what: str
    most: int
    _inside: Counter[str] = field(default_factory=Counter)
    _slow: int = 0

    @contextmanager
    def enter(self, tenant: str = "", *, slow: bool = False) -> Iterator[None]:
        """While it lasts, it counts; raises ``OverloadedError`` where there is no room."""
        total, own = self._inside.total(), self._inside[tenant]
        if total >= self.most or own >= max(1, self.most * 3 // 4) or (slow and self._slow >= max(1, self.most // 2)):
            raise OverloadedError(f"too many {self.what} at once ({total}); retry in a moment", RETRY_AFTER)
        self._inside[tenant] += 1
        self._slow += slow
        try:
            yield
        finally:
            self._slow -= slow
            self._inside[tenant] -= 1
            if not self._inside[tenant]:
                del self._inside[tenant]


@dataclass(frozen=True, slots=True)
class Admission:
    """A room for searches and chats until their passages are found, one for changes, one for files that are sent.

    A search with a filter is slow: filters are evaluated for every metadata of an index.
    """

    searches: Room = field(default_factory=lambda: Room("searches", 64))
    writes: Room = field(default_factory=lambda: Room("changes", 64))
    files: Room = field(default_factory=lambda: Room("uploads and downloads", 64))
