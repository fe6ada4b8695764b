"""Waiting for an event, and for work that a cancelled caller must not break off."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


LEAST_SET_BACK = 2.0
"""Seconds; less is how clocks are kept right all the time."""


class SetBack:
    """Notices that the clock was set back, by a clock that never is."""

    def __init__(self, clock: Callable[[], float] = time.time, steady: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._steady = clock, steady
        self._ahead = clock() - steady()

    def milliseconds(self) -> int:
        """By how much since the last call; 0 if it was not."""
        before, self._ahead = self._ahead, self._clock() - self._steady()
        back = before - self._ahead
        return round(1000 * back) if back > LEAST_SET_BACK else 0


async def set_within(event: asyncio.Event, seconds: float) -> bool:
    """Whether the event is set before that time is over."""
    try:
        async with asyncio.timeout(seconds):
            return await event.wait()
    except TimeoutError:
        return False


async def to_the_end(work: Coroutine[Any, Any, T]) -> T:
    """What the work returns. A caller that is cancelled meanwhile stops after it, not in the middle of it."""
    task = asyncio.create_task(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.gather(task, return_exceptions=True)
        raise
