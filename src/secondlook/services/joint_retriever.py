"""Several indexes read as if they were one, so that one search can go through all of them."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from secondlook.domain.chunk import Chunk
from secondlook.domain.filters import Filter
from secondlook.domain.options import MatchMode, Retrieval
from secondlook.errors import BackendError, SecondlookError
from secondlook.ports import Hit, Hits, Retriever

T = TypeVar("T")


@dataclass(slots=True)
class Member:
    """One index of the joint one: how it is searched, and what came of it.

    Attributes:
        found: chunks that it gave.
        milliseconds: spent in it; several indexes are read at the same time.
        error: why it is left out from then on.
    """

    index: str
    retrieval: Retrieval
    found: int = 0
    milliseconds: float = 0.0
    error: SecondlookError | None = None


class JointRetriever:
    """A ``Retriever`` over the members, for one search.

    Each member is searched its own way, whatever is asked: its methods, match mode and filter count. All members are
    read at once. One that fails is left out with everything it gave before; the others go on. The lists are merged by
    score, since all vectors are of one embedder; BM25 is weighed by the words of each member alone, and with
    ``by_share`` keyword hits are merged by their share of the BM25 that is attainable in their own index.
    """

    def __init__(self, retriever: Retriever, members: Sequence[Member], *, by_share: bool = False) -> None:
        self._retriever = retriever
        self._by_share = by_share
        self._members = {one.index: one for one in members}
        self._home: dict[str, str] = {}

    async def search_vectors(self, index: str, vector: bytes, num: int, where: Filter | None) -> Hits:
        """The nearest chunks of all members that have vectors."""

        async def search(one: Member) -> Hits:
            if one.retrieval.type == "keyword":
                return Hits()
            return await self._retriever.search_vectors(one.index, vector, num, one.retrieval.where)

        return self._merged(await self._each(search), num)

    async def search_keywords(
        self, index: str, text: str, num: int, *, match_mode: MatchMode, where: Filter | None
    ) -> Hits:
        """The best chunks by BM25 of all members that have keywords."""

        async def search(one: Member) -> Hits:
            if one.retrieval.type == "vector":
                return Hits()
            return await self._retriever.search_keywords(
                one.index, text, num, match_mode=one.retrieval.match_mode, where=one.retrieval.where
            )

        return self._merged(await self._each(search), num)

    async def score_vectors(self, index: str, vector: bytes, chunk_ids: Sequence[str]) -> Mapping[str, float]:
        """Cosine of each of these chunks that has a vector, and whose member is searched by vectors."""

        async def score(one: Member) -> Mapping[str, float]:
            mine = self._of(one, chunk_ids) if one.retrieval.type != "keyword" else []
            return await self._retriever.score_vectors(one.index, vector, mine) if mine else {}

        return _joined(await self._each(score))

    async def fetch_chunks(self, index: str, chunk_ids: Sequence[str]) -> Mapping[str, Chunk]:
        """The chunks, each with the index where it lies."""

        async def fetch(one: Member) -> Mapping[str, Chunk]:
            mine = self._of(one, chunk_ids)
            chunks = await self._retriever.fetch_chunks(one.index, mine) if mine else {}
            return {chunk_id: replace(chunk, index=one.index) for chunk_id, chunk in chunks.items()}

        found = await self._each(fetch)
        for at, chunks in found.items():
            self._members[at].found = len(chunks)
        return _joined(found)

    async def fetch_stored(self, index: str, chunk_ids: Sequence[str]) -> Mapping[str, bytes]:
        """What the members keep of each chunk; what fails here is a failure of the reranker's, which can do without."""
        wanted = {one.index: self._of(one, chunk_ids) for one in self._members.values()}
        parts = [self._retriever.fetch_stored(at, mine) for at, mine in wanted.items() if mine]
        return {key: value for part in await asyncio.gather(*parts) for key, value in part.items()}

    async def read_generation(self, index: str) -> int:
        """One number for the generations of all members."""
        return hash(tuple([await self._retriever.read_generation(one.index) for one in self._members.values()]))

    async def fetch_neighbours(self, index: str, chunk: Chunk, by: int) -> Sequence[Chunk]:
        """The chunks around this one, of its own index."""
        return await self._retriever.fetch_neighbours(chunk.index, chunk, by)

    def _of(self, member: Member, chunk_ids: Sequence[str]) -> list[str]:
        return [one for one in chunk_ids if self._home.get(one) == member.index]

    async def _each(self, work: Callable[[Member], Awaitable[T]]) -> dict[str, T]:
        """What each member gives, by index; a member that failed, now or before, gives nothing."""
        found: dict[str, T] = {}

        async def run(one: Member) -> None:
            started = time.perf_counter()
            try:
                found[one.index] = await work(one)
            except SecondlookError as error:
                one.error = error
            except (OSError, ValueError, RuntimeError, MemoryError) as error:
                one.error = BackendError(f"it failed: {error or type(error).__name__}")
                one.error.__cause__ = error
            one.milliseconds += (time.perf_counter() - started) * 1000

        async with asyncio.TaskGroup() as group:
            for one in self._members.values():
                if one.error is None:
                    group.create_task(run(one))
        return {at: given for at, given in found.items() if self._members[at].error is None}

    def _merged(self, found: Mapping[str, Hits], num: int) -> Hits:
        for index, hits in found.items():
            self._home.update((hit.chunk_id, index) for hit in hits.hits)
        best_first = sorted((hit for hits in found.values() for hit in hits.hits), key=self._worth, reverse=True)
        ceilings = [hits.ceiling for hits in found.values() if hits.ceiling is not None]
        return Hits(tuple(best_first[:num]), max(ceilings, default=None))

    def _worth(self, hit: Hit) -> float:
        return hit.share if self._by_share and hit.share is not None else hit.score


def _joined(parts: Mapping[str, Mapping[str, T]]) -> dict[str, T]:
    return {key: value for part in parts.values() for key, value in part.items()}
