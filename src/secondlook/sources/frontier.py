"""What a crawler has still to visit: in order, and no host more than it bears."""

import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import count
from urllib.parse import urlsplit

from secondlook.sources.pacing import Pace
from secondlook.sources.sitemaps import Named

MOST_AT_ONCE = 16
"""Pages of all hosts together."""


@dataclass(frozen=True, slots=True)
class Target:
    """A page to visit, ``depth`` links from the start; ``tries`` are those before."""

    url: str
    depth: int = 0
    named: Named | None = None
    tries: int = 0


class Frontier:
    """Targets by host. One that is busy holds up its own targets alone.

    A host that has targets waiting stands in ``_ready``, by the number of its first, or in ``_later``, by the moment
    when it opens; one that is asked as much as it bears stands in neither until something of it ends. Paces change by
    themselves, but a host never opens sooner than was said, so it is enough to look at those that come first.

    Attributes:
        left: by host, how many targets were left out since it was waited for long enough.
    """

    def __init__(self, pace_of: Callable[[str], Pace]) -> None:
        self._pace_of = pace_of
        self._waiting: dict[str, deque[tuple[int, Target]]] = {}
        self._running: dict[str, int] = {}
        self._ready: list[tuple[float, str]] = []
        self._later: list[tuple[float, str]] = []
        self._standing: set[str] = set()
        self._number = count()
        self.left: Counter[str] = Counter()

    def __bool__(self) -> bool:
        """Whether anything waits."""
        return bool(self._waiting)

    def put(self, target: Target) -> None:
        """Add it as the last."""
        host = _host(target)
        if self._pace_of(target.url).spent:
            self.left[host] += 1
        else:
            self._waiting.setdefault(host, deque()).append((next(self._number), target))
            self._stand(host)

    def clear(self) -> None:
        """Nothing waits any more."""
        for one in (self._waiting, self._ready, self._later, self._standing):
            one.clear()

    def take(self) -> Target | None:
        """The first whose host may be asked now; None if there is none. It runs until ``end``."""
        host = self._first()
        if host is None:
            return None
        self._leave(self._ready)
        line = self._waiting[host]
        _, target = line.popleft()
        if not line:
            del self._waiting[host]
        self._running[host] = self._running.get(host, 0) + 1
        self._stand(host)
        return target

    def end(self, target: Target) -> None:
        """It does not run any more; what waits for its host is left out if that was waited for long enough."""
        host = _host(target)
        self._running[host] -= 1
        if not self._running[host]:
            del self._running[host]
        if self._pace_of(target.url).spent:
            self.left[host] += len(self._waiting.pop(host, ()))
        self._stand(host)

    def opens_in(self) -> float | None:
        """Seconds until another can be taken; None if one that runs must end before."""
        if self._first() is not None:
            return 0.0
        if self._full() or not self._later:
            return None
        return max(self._later[0][0] - time.monotonic(), 0.0)

    def _full(self) -> bool:
        return sum(self._running.values()) >= MOST_AT_ONCE

    def _first(self) -> str | None:
        """The host of the target that is to be taken now."""
        if self._full():
            return None
        while self._later and self._later[0][0] <= time.monotonic():
            self._stand(self._leave(self._later))
        while self._ready:
            number, host = self._ready[0]
            if self._place(host) == (0.0, number):
                return host
            self._stand(self._leave(self._ready))
        return None

    def _place(self, host: str) -> tuple[float, int] | None:
        """Seconds until it opens, and the number of its first; None if nothing of it can be taken before one ends."""
        line = self._waiting.get(host)
        if not line:
            return None
        number, target = line[0]
        pace = self._pace_of(target.url)
        return (pace.opens_in(), number) if self._running.get(host, 0) < pace.width else None

    def _stand(self, host: str) -> None:
        """Put the host where it belongs, unless it stands somewhere."""
        place = None if host in self._standing else self._place(host)
        if place:
            wait, number = place
            self._standing.add(host)
            if wait:
                heappush(self._later, (time.monotonic() + wait, host))
            else:
                heappush(self._ready, (number, host))

    def _leave(self, heap: list[tuple[float, str]]) -> str:
        """The first of them, which stands nowhere any more."""
        _, host = heappop(heap)
        self._standing.discard(host)
        return host


def _host(target: Target) -> str:
    return urlsplit(target.url).netloc
