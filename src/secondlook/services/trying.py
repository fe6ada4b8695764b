"""Reranking that is tried on those who search: in the shadow of the order they get, or mixed with it."""

import asyncio
import logging
import time
from collections.abc import Sequence
from dataclasses import replace
from random import Random

from secondlook.domain.candidate import Candidate, Ranking
from secondlook.domain.instance import Instance
from secondlook.domain.options import Generation
from secondlook.domain.queries import LONGEST_QUERY, FoundChunk, LoggedQuery
from secondlook.domain.query import Query
from secondlook.errors import SecondlookError
from secondlook.evaluation.interleaving import Team, team_draft
from secondlook.services.generating import Answer
from secondlook.services.queries import QueryLog, new_id
from secondlook.services.searching import Ask, Searching

log = logging.getLogger(__name__)

MOST_SHADOWS = 8
"""Searches reranked in the shadow at the same time; further ones are skipped: live searches have priority."""
MOST_FOUND = 20


class TryingSearching:
    """The searches of ``inner``, with a trial of reranking for requests that leave reranking unspecified.

    In the mode ``shadow`` they get the order of retrieval, and what the reranker would have made of it is noted in the
    query log afterwards; in the mode ``interleave`` they get both orders in one list, each result marked with the
    order that it came from.
    """

    def __init__(self, inner: Searching, queries: QueryLog, *, random: Random | None = None) -> None:
        self._inner = inner
        self._queries = queries
        self._random = random or Random()  # a coin, no secret
        self._shadows: set[asyncio.Task[None]] = set()

    async def search(self, instance: Instance, query: Query, ask: Ask) -> Ranking:
        """The ranking; raises as ``Searching.search``."""
        mode = _mode(instance, ask)
        if mode == "interleave" and not ask.expand_by:
            asked = replace(ask, rerank=True, cached=False)
            return mixed(await self._inner.search(instance, query, asked), self._random)
        ranking = await self._inner.search(instance, query, ask)
        if mode == "shadow":
            self._begin(instance, query, ask, ranking)
        return ranking

    async def answer(self, instance: Instance, query: Query, ask: Ask, *, generation: Generation) -> Answer:
        """The answer, from the order of retrieval while reranking is tried; raises as ``Searching.answer``."""
        answer = await self._inner.answer(instance, query, ask, generation=generation)
        if _mode(instance, ask) == "shadow":
            self._begin(instance, query, ask, answer.ranking)
        return answer

    async def forget(self, instance: Instance, *, quietly: bool = False) -> None:
        """Forget the instance's kept answers, as ``Searching.forget``."""
        await self._inner.forget(instance, quietly=quietly)

    async def settle(self) -> None:
        """Until nothing is reranked in the shadow."""
        await asyncio.gather(*self._shadows, return_exceptions=True)

    async def stop(self) -> None:
        """Let go of what is reranked in the shadow."""
        for task in self._shadows:
            task.cancel()
        await self.settle()

    def _begin(self, instance: Instance, query: Query, ask: Ask, served: Ranking) -> None:
        if self._queries.wants(instance) and not ask.unlogged and len(self._shadows) < MOST_SHADOWS:
            task = asyncio.create_task(self._rerank(instance, query, ask, served))
            self._shadows.add(task)
            task.add_done_callback(self._shadows.discard)

    async def _rerank(self, instance: Instance, query: Query, ask: Ask, served: Ranking) -> None:
        began = time.perf_counter()
        try:
            asked = replace(ask, rerank=True, cached=False, explain=False, rewriting=False)
            ranking = await self._inner.search(instance, replace(query, text=served.query.text), asked)
        except SecondlookError as error:
            log.warning("could not rerank a search of %s in the shadow: %s", instance.name, error)
            return
        first = [one.chunk.id for one in (*ranking.candidates[:1], *served.candidates[:1])]
        total = round((time.perf_counter() - began) * 1000, 3)
        ranked = enumerate(ranking.candidates[:MOST_FOUND], 1)
        self._queries.note(
            instance,
            LoggedQuery(
                new_id(),
                self._queries.now(),
                "shadow",
                query.text[:LONGEST_QUERY],
                results=len(ranking.candidates),
                found=tuple(FoundChunk.of(one.chunk, rank, one.score, one.evidence) for rank, one in ranked),
                stages={step.stage: round(step.milliseconds, 3) for step in ranking.trace} | {"total": total},
                total=total,
                status=ranking.receipt.status,
                cause=ranking.receipt.cause,
                reason=ranking.receipt.reason,
                top_changed=len(set(first)) > 1 if len(first) > 1 else None,
            ),
        )


def mixed(ranking: Ranking, random: Random) -> Ranking:
    """A reranked ranking, drafted from its own order and that of retrieval; as it is where the reranker made none."""
    if not ranking.candidates or ranking.receipt.last is None:
        return ranking
    gone = [one.candidate for one in ranking.dropped if one.stage in ("cut", "rerank")]
    pool = [*ranking.candidates, *(one for one in gone if one.evidence.retrieval_rank is not None)]
    known = {one.chunk.id: one for one in pool}
    retrieval = sorted(known, key=lambda name: known[name].evidence.retrieval_rank or 0)
    reranked = [one.chunk.id for one in ranking.candidates]
    size = len(ranking.candidates)
    drafted = team_draft(retrieval, reranked, size, random)
    shown = [_marked(known[name], team) for name, team in drafted]
    served = {name for name, _ in drafted}
    left = tuple(one for one in ranking.dropped if one.candidate.chunk.id not in served)
    reason = "interleaved with the retrieval order"
    return replace(ranking.kept(shown), dropped=left, receipt=replace(ranking.receipt, reason=reason))


def teams_of(found: Sequence[FoundChunk]) -> dict[str, Team]:
    """Chunk -> the order that it was drafted from."""
    return {one.chunk_id: one.team for one in found if one.team}


def _marked(candidate: Candidate, team: Team) -> Candidate:
    return replace(candidate, evidence=replace(candidate.evidence, team=team))


def _mode(instance: Instance, ask: Ask) -> str:
    return instance.settings.reranking_mode if ask.rerank is None else "fixed"
