"""Rows kept in memory until anything is committed to the database, by this process or by another."""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class Kept(Generic[T]):
    """The last ``most`` answers to a question; none outlives a commit, so whoever asks after one sees what it changed.

    Args:
        version: a value that every commit changes; None where there is none, and then nothing is kept.
    """

    def __init__(self, version: Callable[[], Hashable | None], most: int = 1024) -> None:
        self._ask_version = version
        self._most = most
        self._version: Hashable | None = None
        self._found: OrderedDict[Hashable, T] = OrderedDict()

    async def get(self, key: Hashable, ask: Callable[[], Awaitable[T]]) -> T:
        """What ``ask`` returns, or returned since the last commit; what it raises, and None, is not kept."""
        version = self._ask_version()
        if version is None:
            return await ask()
        if version != self._version:
            self._version = version
            self._found.clear()
        if key in self._found:
            self._found.move_to_end(key)
            return self._found[key]
        found = await ask()
        if found is not None and version == self._version:  # read after ``version`` was, so no older than it
            self._found[key] = found
            if len(self._found) > self._most:
                self._found.popitem(last=False)
        return found
