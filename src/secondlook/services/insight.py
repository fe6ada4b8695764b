"""How the searches of a period went: counts and times in buckets, from the query log."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from secondlook.domain.queries import Outcome, Period

SPANS: Mapping[Period, tuple[int, int]] = {
    "hour": (3600, 60),
    "day": (86_400, 1800),
    "week": (7 * 86_400, 3 * 3600),
    "month": (30 * 86_400, 86_400),
    "year": (364 * 86_400, 7 * 86_400),
}
"""Seconds of a period, and of its buckets."""
SHARES = {"p50": 0.5, "p95": 0.95}


@dataclass(frozen=True, slots=True)
class Bucket:
    """What was asked from ``at`` on, in milliseconds since 1970.

    Attributes:
        reranked: searches that a reranker put in order; ``top_changed`` those with another first result then.
        fallbacks: searches whose reranking fell back, and those that failed, by reason.
        times: milliseconds of each stage and of the whole, by share of the searches that took no longer.
    """

    at: int
    count: int = 0
    chats: int = 0
    no_results: int = 0
    failed: int = 0
    cached: int = 0
    reranked: int = 0
    top_changed: int = 0
    fallbacks: Mapping[str, int] = field(default_factory=dict, hash=False)
    times: Mapping[str, Mapping[str, float]] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Insight:
    """A period from ``since`` to ``until``: as one, and in buckets of ``seconds`` without a gap."""

    since: int
    until: int
    seconds: int
    whole: Bucket
    buckets: tuple[Bucket, ...]


def measure(found: Sequence[Outcome], period: Period, now: int) -> Insight:
    """The measures of the period that ends with ``now``; buckets begin at multiples of their length."""
    span, seconds = SPANS[period]
    width = 1000 * seconds
    first = (now - 1000 * span) // width * width + width
    groups: dict[int, list[Outcome]] = defaultdict(list)
    inside = [one for one in found if first <= one.at <= now]
    for one in inside:
        groups[(one.at - first) // width].append(one)
    number = (now - first) // width + 1
    buckets = tuple(summarise(first + at * width, groups[at]) for at in range(number))
    return Insight(first, now, seconds, summarise(first, inside), buckets)


def summarise(at: int, found: Sequence[Outcome]) -> Bucket:
    """Counts and times of these searches."""
    times: dict[str, list[float]] = defaultdict(list)
    for one in found:
        for stage, milliseconds in one.stages.items():
            times[stage].append(milliseconds)
    return Bucket(
        at,
        count=len(found),
        chats=_count(one.kind == "chat" for one in found),
        no_results=_count(one.results == 0 and not one.failed for one in found),
        failed=_count(one.failed for one in found),
        cached=_count(one.cached for one in found),
        reranked=_count(one.top_changed is not None for one in found),
        top_changed=_count(one.top_changed is True for one in found),
        fallbacks=dict(Counter(one.cause or "failed" for one in found if one.failed or one.status == "fell_back")),
        times={stage: _shares(taken) for stage, taken in times.items()},
    )


def percentile(ordered: Sequence[float], share: float) -> float:
    """The smallest value that is not exceeded by this share of them (nearest rank); they must be sorted."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def _shares(taken: Sequence[float]) -> Mapping[str, float]:
    ordered = sorted(taken)
    return {name: percentile(ordered, share) for name, share in SHARES.items()}


def _count(told: Iterable[bool]) -> int:
    return sum(told)
