"""Stores over the real ones whose calls meet others: random turns of the event loop, or a deed at one moment."""

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


class Interrupted:
    """What it wraps; after the call number ``call`` of ``method``, ``deed`` happens before the caller goes on."""

    def __init__(self, inner: object, method: str, deed: Callable[[], Awaitable[object]], *, call: int = 1) -> None:
        self._inner = inner
        self._left = call
        self._method = method
        self._deed = deed

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if name != self._method:
            return found

        async def interrupted(*arguments: Any, **named: Any) -> Any:
            result = await found(*arguments, **named)
            self._left -= 1
            if self._left == 0:
                await self._deed()
            return result

        return interrupted
