"""Searches that are counted and timed."""

from secondlook.domain.candidate import Ranking
from secondlook.domain.instance import Instance
from secondlook.domain.query import Query
from secondlook.services.searching import Ask, Searching
from secondlook.telemetry import reranks, span, stage_seconds

REASONS = (
    ("left alone", "breaker"),
    (" answered ", "status"),
    ("overloaded", "overloaded"),
    ("budget", "budget"),
    ("did not answer within", "timeout"),
    ("timed out", "timeout"),
    ("memory", "memory"),
    ("cannot be used", "connection"),
    ("self-test", "self_test"),
    ("too many for a model", "query"),
    (" scores for ", "answer"),
    ("which is no", "answer"),
    ("is too large for a number", "answer"),
    ("outside 0 to 1", "answer"),
    (" sent ", "answer"),
    ("gave no order", "answer"),
    ("seems to be in", "language"),
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
        count_search(ranking)
        return ranking


def count_search(ranking: Ranking) -> None:
    """Put the times of its stages, and what reranking did, into the metrics."""
    for step in ranking.trace:
        stage_seconds.labels(step.stage).observe(step.milliseconds / 1000)
    reranks.labels(ranking.receipt.status, reason_class(ranking.receipt.reason)).inc()


def reason_class(reason: str) -> str:
    """One word for why; empty when there is no reason, ``failed`` when it is no known one."""
    if not reason:
        return ""
    return next((name for words, name in REASONS if words.lower() in reason.lower()), "failed")
