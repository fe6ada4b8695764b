"""What is to be checked of each index after a start: before its first search, or in the background."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

from secondlook.domain.chunk import Chunk
from secondlook.domain.filters import Filter
from secondlook.domain.options import MatchMode
from secondlook.ports import Hits, Retriever, Vector


class Checks:
    """One check an index, run once; true while any is left.

    A server answers at once however many indexes there are, and no search reads an index that was not checked.
    """

    def __init__(self) -> None:
        self._waiting: dict[str, Callable[[], Awaitable[None]]] = {}
        self._running: dict[str, asyncio.Task[None]] = {}
        self._all: asyncio.Task[None] | None = None

    def __bool__(self) -> bool:
        return bool(self._waiting or self._running)

    def begin(self, checks: Mapping[str, Callable[[], Awaitable[None]]]) -> None:
        """Run these by the name of the index, one after the other, in the background; they raise nothing."""
        self._waiting |= checks
        self._all = asyncio.create_task(self._run_all())

    async def ensure(self, index: str) -> None:
        """Return once the check of the index has run; it runs now if it has not begun."""
        task = self._running.get(index)
        if task is None:
            check = self._waiting.pop(index, None)
            if check is None:
                return
            task = asyncio.ensure_future(_run(check))
            self._running[index] = task
            task.add_done_callback(lambda done: self._running.pop(index, None))
        await asyncio.shield(task)

    async def stop(self) -> None:
        """End what runs; the next start checks again."""
        self._waiting.clear()
        tasks = [*self._running.values(), *([self._all] if self._all else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run_all(self) -> None:
        while self._waiting:
            await self.ensure(next(iter(self._waiting)))


async def _run(check: Callable[[], Awaitable[None]]) -> None:
    await check()


class CheckedRetriever:
    """The retriever of indexes that are checked before they are read."""

    def __init__(self, inner: Retriever, checks: Checks) -> None:
        self._inner = inner
        self._checks = checks

    async def search_vectors(self, index: str, vector: Vector, num: int, where: Filter | None) -> Hits:
        """The nearest chunks by cosine, among those that match, exactly."""
        await self._checks.ensure(index)
        return await self._inner.search_vectors(index, vector, num, where)

    async def search_keywords(
        self, index: str, text: str, num: int, *, match_mode: MatchMode, where: Filter | None
    ) -> Hits:
        """The best chunks by BM25, among those that match."""
        await self._checks.ensure(index)
        return await self._inner.search_keywords(index, text, num, match_mode=match_mode, where=where)

    async def score_vectors(self, index: str, vector: Vector, chunk_ids: Sequence[str]) -> Mapping[str, float]:
        """Cosine of each of these chunks that has a vector."""
        await self._checks.ensure(index)
        return await self._inner.score_vectors(index, vector, chunk_ids)

    async def fetch_chunks(self, index: str, chunk_ids: Sequence[str]) -> Mapping[str, Chunk]:
        """The chunks that (still) exist, by id."""
        await self._checks.ensure(index)
        return await self._inner.fetch_chunks(index, chunk_ids)

    async def fetch_stored(self, index: str, chunk_ids: Sequence[str]) -> Mapping[str, bytes]:
        """What the index keeps of each chunk for the late-interaction reranker."""
        await self._checks.ensure(index)
        return await self._inner.fetch_stored(index, chunk_ids)

    async def read_generation(self, index: str) -> int:
        """A number that every write changes."""
        await self._checks.ensure(index)
        return await self._inner.read_generation(index)

    async def fetch_neighbours(self, index: str, chunk: Chunk, by: int) -> Sequence[Chunk]:
        """The chunks at most ``by`` places before and after."""
        await self._checks.ensure(index)
        return await self._inner.fetch_neighbours(index, chunk, by)
