"""Searches that are counted and timed."""

from secondlook.domain.candidate import Ranking
from secondlook.domain.instance import Instance
from secondlook.domain.query import Query
from secondlook.errors import RerankerError
from secondlook.services.searching import Ask, Searching
from secondlook.telemetry import first_results, reranks, span, stage_seconds


class MeasuredSearching(Searching):
    """The same searches; the times of their stages, and what reranking did, become metrics."""

    async def search(self, instance: Instance, query: Query, ask: Ask) -> Ranking:
        """The ranking; raises as ``Searching.search``."""
        with span("search"):
            try:
                ranking = await super().search(instance, query, ask)
            except RerankerError as error:
                count_refusal(error)
                raise
        count_search(ranking)
        return ranking


def count_search(ranking: Ranking) -> None:
    """Put the times of its stages, and what reranking did, into the metrics; a kept answer was not reranked now."""
    for step in ranking.trace:
        stage_seconds.labels(step.stage).observe(step.milliseconds / 1000)
    if not ranking.reuse:
        reranks.labels(ranking.receipt.status, ranking.receipt.cause).inc()
        if ranking.receipt.last and ranking.candidates:
            kept = ranking.candidates[0].evidence.retrieval_rank == 1
            first_results.labels("kept" if kept else "moved").inc()


def count_refusal(error: RerankerError) -> None:
    """A search that was not to fall back failed for its reranker."""
    reranks.labels("refused", error.cause).inc()
