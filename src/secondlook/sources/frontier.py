"""What a crawler has still to visit: in order, and no host more than it bears."""

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
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

    Attributes:
        left: by host, how many targets were left out since it was waited for long enough.
    """

    def __init__(self, pace_of: Callable[[str], Pace]) -> None:
        self._pace_of = pace_of
        self._waiting: dict[str, deque[tuple[int, Target]]] = {}
        self._running: Counter[str] = Counter()
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

    def clear(self) -> None:
        """Nothing waits any more."""
        self._waiting.clear()

    def take(self) -> Target | None:
        """The first whose host may be asked now; None if there is none. It runs until ``end``."""
        if self._running.total() >= MOST_AT_ONCE:
            return None
        ready = [(line[0][0], host) for host, line in self._waiting.items() if self._opens_in(host, line) == 0]
        if not ready:
            return None
        _, host = min(ready)
        line = self._waiting[host]
        _, target = line.popleft()
        if not line:
            del self._waiting[host]
        self._running[host] += 1
        return target

    def end(self, target: Target) -> None:
        """It does not run any more; what waits for its host is left out if that was waited for long enough."""
        host = _host(target)
        self._running[host] -= 1
        if self._pace_of(target.url).spent:
            self.left[host] += len(self._waiting.pop(host, ()))

    def opens_in(self) -> float | None:
        """Seconds until another can be taken; None if one that runs must end before."""
        if self._running.total() >= MOST_AT_ONCE:
            return None
        waits = [self._opens_in(host, line) for host, line in self._waiting.items()]
        return min((one for one in waits if one is not None), default=None)

    def _opens_in(self, host: str, line: deque[tuple[int, Target]]) -> float | None:
        pace = self._pace_of(line[0][1].url)
        return pace.opens_in() if self._running[host] < pace.width else None


def _host(target: Target) -> str:
    return urlsplit(target.url).netloc
