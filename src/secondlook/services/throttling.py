"""How many requests a public endpoint lets in: windows of time, counted in memory."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from secondlook.domain.endpoint import RateLimit

MOST_WINDOWS = 10_000
"""Endpoints that are counted at once; the one unused for longest is forgotten."""


@dataclass(slots=True)
class _Window:
    """The present window of time, by its number, and the one before it."""

    number: int = -1
    now: int = 0
    before: int = 0


class Throttle:
    """Counts requests by key.

    ``fixed``: at most ``requests`` in each window of the clock. ``sliding``: the same over the last period, which is
    taken to be the present window and, of the one before, the share that still lies within the period, as if its
    requests had come evenly. Either keeps two numbers a key.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._windows: dict[str, _Window] = {}

    def admit(self, key: str, limit: RateLimit) -> float:
        """0, and the request counts; or the seconds until one will be let in, and it does not."""
        now = self._clock()
        number, passed = int(now // limit.period), now % limit.period
        window = self._windows.pop(key, None) or _Window()
        self._windows[key] = window
        if len(self._windows) > MOST_WINDOWS:
            del self._windows[next(iter(self._windows))]
        if window.number != number:
            before = window.now if window.number == number - 1 else 0
            window.number, window.now, window.before = number, 0, before
        left = limit.period - passed
        weighed = window.before * left / limit.period if limit.technique == "sliding" else 0.0
        if window.now + weighed + 1 <= limit.requests:
            window.now += 1
            return 0.0
        return _wait(window, limit, passed) if limit.technique == "sliding" else left


def _wait(window: _Window, limit: RateLimit, passed: float) -> float:
    """Seconds until the weighed sum leaves room for one more."""
    room = limit.requests - 1 - window.now
    if room >= 0 and window.before:  # the window before fades out soon enough
        return max(0.0, limit.period * (1 - room / window.before) - passed)
    fading = limit.period * (1 - (limit.requests - 1) / window.now) if window.now else 0.0
    return limit.period - passed + max(0.0, fading)


def whole_seconds(wait: float) -> int:
    """As the header ``Retry-After`` has it."""
    return max(1, math.ceil(wait))
