"""Threads for one kind of work, in a bounded number, with a bounded queue; what nobody waits for is broken off."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextvars import ContextVar, copy_context
from typing import TypeVar

from secondlook.errors import OverloadedError

T = TypeVar("T")

RETRY_AFTER = 1.0
"""Seconds after which a caller who was refused should come again."""


class _Work:
    """One piece of work, and whether nobody waits for it any more."""

    abandoned = False


_work: ContextVar[_Work | None] = ContextVar("work", default=None)


class BoundedThreads:
    """At most ``threads`` pieces of work at once, and ``waiting`` more that wait for a thread."""

    def __init__(self, name: str, *, threads: int, waiting: int) -> None:
        self._name = name
        self._threads = threads
        self._most = threads + waiting
        self._inside = 0
        self._guard = threading.Lock()
        self._executor: ThreadPoolExecutor | None = None

    async def run(self, work: Callable[[], T]) -> T:
        """What the work returns, which runs in a thread with the present context.

        When the caller is cancelled, work that waits never begins, and work that runs is broken off where it allows
        that: where it asks ``is_abandoned`` or ``check_wanted``.

        Raises:
            OverloadedError: too much waits.
        """
        with self._guard:
            if self._inside >= self._most:
                raise OverloadedError(f"too many {self._name}: {self._inside} are running or waiting", RETRY_AFTER)
            self._inside += 1
            executor = self._executor = self._executor or ThreadPoolExecutor(self._threads, f"secondlook-{self._name}")
        piece, context = _Work(), copy_context()
        context.run(_work.set, piece)
        future = executor.submit(context.run, work)
        future.add_done_callback(lambda _: self._leave())
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            piece.abandoned = True
            raise

    def close(self) -> None:
        """Let the threads end after what they do now; more work starts new ones."""
        with self._guard:
            executor, self._executor = self._executor, None
        if executor:
            executor.shutdown(wait=False)

    def _leave(self) -> None:
        with self._guard:
            self._inside -= 1


def is_abandoned() -> bool:
    """Whether nobody waits for the present work any more; False outside of such work."""
    piece = _work.get()
    return piece is not None and piece.abandoned


def check_wanted() -> None:
    """Raises ``CancelledError`` if nobody waits for the present work any more."""
    if is_abandoned():
        raise CancelledError
