"""Searches that are counted and timed."""

from secondlook.domain.candidate import Ranking, Receipt
from secondlook.domain.instance import Instance
from secondlook.domain.query import Query
from secondlook.services.searching import Ask, Searching
from secondlook.telemetry import reranks, span, stage_seconds

REASONS = (
    ("overloaded", "overloaded"),
    ("budget", "budget"),
    ("took its place", "missing"),
    ("not here", "missing"),
    ("reranking is off", "off"),
    ("nothing to rerank", "nothing"),
)
"""Words of a receipt's reason, and the class it is counted as; the first that stands there."""


class MeasuredSearching(Searching):
    """The same searches; the times of their stages, and what reranking did, become metrics."""

    async def search(self, instance: Instance, query: Query, ask: Ask) -> Ranking:
        """The ranking; raises as ``Searching.search``."""
        with span("search"):
            ranking = await super().search(instance, query, ask)
        for step in ranking.trace:
            stage_seconds.labels(step.stage).observe(step.milliseconds / 1000)
        reranks.labels(ranking.receipt.status, reason_class(ranking.receipt)).inc()
        return ranking


def reason_class(receipt: Receipt) -> str:
    """One word for why; empty when there is no reason, ``failed`` when it is no known one."""
    if not receipt.reason:
        return ""
    return next((name for words, name in REASONS if words in receipt.reason), "failed")
