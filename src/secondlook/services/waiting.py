"""Waiting for an event, and for work that a cancelled caller must not break off."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


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
