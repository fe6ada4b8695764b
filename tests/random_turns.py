"""A store that takes its time: every call waits for a random number of turns of the event loop, before and after."""

import asyncio
import functools
import inspect
from collections.abc import Awaitable, Callable
from random import Random
from typing import Any


class RandomTurns:
    """What it wraps, each coroutine function slowed down; the real store does the work.

    Turns are not time: a test that uses this stays fast, and meets the orders of events that a busy machine meets.
    """

    def __init__(self, inner: object, random: Random, most: int = 8) -> None:
        self._inner = inner
        self._random = random
        self._most = most

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        return self._slowed(found) if inspect.iscoroutinefunction(found) else found

    def _slowed(self, call: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        @functools.wraps(call)
        async def slowed(*arguments: Any, **named: Any) -> Any:
            await self._pause()
            result = await call(*arguments, **named)
            await self._pause()
            return result

        return slowed

    async def _pause(self) -> None:
        for _ in range(self._random.randint(0, self._most)):
            await asyncio.sleep(0)
