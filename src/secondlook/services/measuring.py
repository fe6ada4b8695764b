"""Searches that are counted and timed."""

from collections.abc import Awaitable

from secondlook.domain.candidate import Ranking
from secondlook.domain.instance import Instance
from secondlook.domain.query import Query
from secondlook.errors import RerankerError
from secondlook.services.searching import Ask, Searching
from secondlook.telemetry import reranks, span, stage_seconds


class MeasuredSearching(Searching):
    """The same searches; the times of their stages, and what reranking did, become metrics."""

    async def search(self, instance: Instance, query: Query, ask: Ask) -> Ranking:
        """The ranking; raises as ``Searching.search``."""
        return await count_search(super().search(instance, query, ask))


async def count_search(work: Awaitable[Ranking]) -> Ranking:
    """What the search gives; the times of its stages, and what reranking did, go into the metrics."""
    with span("search"):
        try:
            ranking = await work
        except RerankerError as error:
            reranks.labels("refused", error.cause).inc()
            raise
    for step in ranking.trace:
        stage_seconds.labels(step.stage).observe(step.milliseconds / 1000)
    if not ranking.reuse:  # otherwise nothing was reranked now
        reranks.labels(ranking.receipt.status, ranking.receipt.cause).inc()
    return ranking
