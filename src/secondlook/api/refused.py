"""Lines in the log for failed sign-ins: one a minute for each address, with the number of those in between."""

import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from starlette.requests import Request

log = logging.getLogger(__name__)

EVERY = 60.0
"""Seconds between two lines of one address."""
MOST_ADDRESSES = 1000
"""Addresses that are remembered; the one that failed first goes."""
MOST_LINES = 60
"""Lines of all addresses in ``EVERY`` seconds."""
LONGEST = 200
"""Characters of a path that are shown."""


@dataclass(slots=True)
class Failed:
    """Failures of one address since its last line."""

    told: float
    untold: int = 0


class FailedSignIns:
    """Writes them down, however many there are, in a bounded number of lines."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._by_address: OrderedDict[str, Failed] = OrderedDict()
        self._minute = clock()
        self._lines = self._untold = 0

    def note(self, request: Request, error: Exception) -> None:
        """The request had no valid token, or no valid code of a sign-in link."""
        now, address = self._clock(), request.client.host if request.client else "an unknown address"
        if now - self._minute >= EVERY:
            self._begin_minute(now)
        found = self._by_address.get(address)
        if found and now - found.told < EVERY:
            found.untold += 1
            return
        if self._lines >= MOST_LINES:
            self._untold += 1
            return
        self._lines += 1
        more = f" ({found.untold} more since the last line)" if found and found.untold else ""
        where = f"{request.method} {request.scope['path'][:LONGEST]!r}"
        log.warning("sign-in failed from %s: %s: %s%s", address, where, error, more)
        self._by_address[address] = Failed(now)
        self._by_address.move_to_end(address)
        if len(self._by_address) > MOST_ADDRESSES:
            self._by_address.popitem(last=False)

    def _begin_minute(self, now: float) -> None:
        if self._untold:
            log.warning("sign-in failed %d more times, from other addresses", self._untold)
        self._minute, self._lines, self._untold = now, 0, 0
