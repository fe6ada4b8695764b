"""What the arms of the Lab have in common for one query is asked of the index once."""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from secondlook.domain.chunk import Chunk
from secondlook.domain.filters import Filter
from secondlook.domain.options import MatchMode
from secondlook.ports import Hits, Retriever, Vector

T = TypeVar("T")


class SharedRetriever:
    """The index behind a memory, for one query: each method is asked once, for as many hits as any arm wants.

    The first hits of a longer list are those of a shorter one. ``reading`` adds up the seconds that the stored vectors
    which were asked for took when they were read.
    """

    def __init__(self, inner: Retriever, widest: int) -> None:
        self._inner = inner
        self._widest = widest
        self._found: dict[tuple[object, ...], Any] = {}
        self._stored: dict[str, tuple[bytes | None, float]] = {}
        self._chunks: dict[str, Chunk | None] = {}
        self._cosines: dict[Vector, dict[str, float | None]] = {}
        self.reading = 0.0

    async def search_vectors(self, index: str, vector: Vector, num: int, where: Filter | None) -> Hits:
        """The nearest chunks by cosine, among those that match, exactly."""
        most = max(num, self._widest)
        key = ("vectors", index, vector, most, repr(where))
        return _first(await self._once(key, lambda: self._inner.search_vectors(index, vector, most, where)), num)

    async def search_keywords(
        self, index: str, text: str, num: int, *, match_mode: MatchMode, where: Filter | None
    ) -> Hits:
        """The best chunks by BM25, among those that match."""
        most = max(num, self._widest)
        key = ("keywords", index, text, most, match_mode, repr(where))
        asked = lambda: self._inner.search_keywords(index, text, most, match_mode=match_mode, where=where)  # noqa: E731
        return _first(await self._once(key, asked), num)

    async def score_vectors(self, index: str, vector: Vector, chunk_ids: Sequence[str]) -> Mapping[str, float]:
        """Cosine of each of these chunks that has a vector."""
        known = self._cosines.setdefault(vector, {})
        return await _of_each(known, chunk_ids, lambda new: self._inner.score_vectors(index, vector, new))

    async def fetch_chunks(self, index: str, chunk_ids: Sequence[str]) -> Mapping[str, Chunk]:
        """The chunks that (still) exist, by id."""
        return await _of_each(self._chunks, chunk_ids, lambda new: self._inner.fetch_chunks(index, new))

    async def fetch_stored(self, index: str, chunk_ids: Sequence[str]) -> Mapping[str, bytes]:
        """What the index keeps of each chunk for the late-interaction reranker."""
        new = [one for one in chunk_ids if one not in self._stored]
        if new:
            began = time.perf_counter()
            found = await self._inner.fetch_stored(index, new)
            each = (time.perf_counter() - began) / len(new)
            self._stored |= {one: (found.get(one), each) for one in new}
        self.reading += sum(self._stored[one][1] for one in chunk_ids)
        told = {one: self._stored[one][0] for one in chunk_ids}
        return {one: stored for one, stored in told.items() if stored is not None}

    async def read_generation(self, index: str) -> int:
        """A number that every write changes."""
        return await self._inner.read_generation(index)

    async def fetch_neighbours(self, index: str, chunk: Chunk, by: int) -> Sequence[Chunk]:
        """The chunks at most ``by`` places before and after."""
        return await self._inner.fetch_neighbours(index, chunk, by)

    async def _once(self, key: tuple[object, ...], ask: Callable[[], Awaitable[Any]]) -> Any:
        if key not in self._found:
            self._found[key] = await ask()
        return self._found[key]


async def _of_each(
    known: dict[str, T | None], ids: Sequence[str], ask: Callable[[list[str]], Awaitable[Mapping[str, T]]]
) -> Mapping[str, T]:
    """What there is of each id; only those that are new are asked for, and None is kept for what is not there."""
    if new := [one for one in ids if one not in known]:
        found = await ask(new)
        known |= {one: found.get(one) for one in new}
    told = {one: known[one] for one in ids}
    return {one: value for one, value in told.items() if value is not None}


def _first(hits: Hits, num: int) -> Hits:
    return replace(hits, hits=hits.hits[:num])
