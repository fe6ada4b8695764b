"""How fast a host may be asked: the delay that it asks for, and how it is left alone when it has enough."""

import asyncio
import email.utils
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC

from secondlook.errors import ItemSourceError

BUSY = (429, 502, 503, 504)
"""Answers of a host that can take no more for now (RFC 9110, 15.6.3 to 15.6.5; RFC 6585, 4)."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long is waited for a host that has enough; seconds.

    Attributes:
        first: before it is asked again; twice as long each time that it refuses again, or as long as it says.
        longest: of one wait, whatever it says.
        in_all: of all waits since it last gave something; then the rest of it is left to the next sync.
        tries: how often one address is asked for.
    """

    first: float = 1.0
    longest: float = 60.0
    in_all: float = 300.0
    tries: int = 3


class BusyError(ItemSourceError):
    """A host has enough for now: what was asked for may be asked for again once its turn has come."""


class Pace:
    """When one host may be asked next. Moments are those of ``time.monotonic``.

    Attributes:
        delay: seconds between two requests that the host asks for.
        width: requests at once.
        spent: whether it was waited for long enough.
    """

    def __init__(self, patience: Patience, widest: int) -> None:
        self._patience = patience
        self._widest = widest
        self._turn = asyncio.Lock()
        self._held_since = self._next = 0.0
        self._rounds = 0
        self._waited = 0.0
        self._width = widest
        self.delay = 0.0

    @property
    def width(self) -> int:
        """As above; a host that asks for a delay is asked one thing after the other."""
        return 1 if self.delay else self._width

    @property
    def spent(self) -> bool:
        """As above."""
        return self._waited > self._patience.in_all

    def opens_in(self) -> float:
        """Seconds until it may be asked again."""
        return max(self._next - time.monotonic(), 0.0)

    async def turn(self) -> float:
        """Return, with the moment, when it may be asked; those who wait go one after the other."""
        async with self._turn:
            await self._wait()
            now = time.monotonic()
            self._next = max(self._next, now + self.delay)
            return now

    async def _wait(self) -> None:
        if (left := self.opens_in()) > 0:
            await asyncio.sleep(left)
            await self._wait()  # an answer to another request may have put it off

    def note(self, status: int, headers: Mapping[str, str], asked_at: float) -> None:
        """What it answered to a request of that moment."""
        if status in BUSY:
            self._hold(headers, asked_at)
        elif status < 500:
            self._rounds, self._waited = 0, 0.0
            self._width = min(self._width + 1, self._widest)

    def _hold(self, headers: Mapping[str, str], asked_at: float) -> None:
        """Leave it alone for a while; what was asked before it was last held tells nothing new."""
        if not self._rounds or asked_at >= self._held_since:
            self._rounds += 1
        doubled = self._patience.first * 2.0 ** min(self._rounds - 1, 30)
        told = read_retry_after(headers.get("retry-after", "")) or 0.0
        before, now = self.opens_in(), time.monotonic()
        wait = max(min(max(told, doubled), self._patience.longest), before)
        self._waited += wait - before
        self._next = now + wait
        self._held_since = now
        self._width = max(self._width // 2, 1)


def read_retry_after(text: str) -> float | None:
    """Seconds that ``Retry-After`` asks for, given as such or as a date (RFC 9110, 10.2.3); None if it does not."""
    text = text.strip()
    if text.isascii() and text.isdecimal():
        return float(text[:9])
    try:
        moment = email.utils.parsedate_to_datetime(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return max(moment.timestamp() - time.time(), 0.0)
    except (ValueError, TypeError, OverflowError):
        return None
