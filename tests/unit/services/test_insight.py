"""Measures of a period: nothing is lost between the buckets, and the shares are those of the definition."""

import itertools
import random

import pytest

from secondlook.domain.queries import Outcome, Period
from secondlook.services.insight import SPANS, measure, percentile, summarise

NOW = 1_790_000_123_456


def outcome(at: int, **more: object) -> Outcome:
    plain = {"kind": "search", "results": 1, "top_changed": None, "status": "ran", "cause": "", "cached": False}
    return Outcome(at, **{"failed": False, **plain, **more})  # type: ignore[arg-type]  # fields of the outcome


@pytest.mark.parametrize("period", SPANS)
def test_every_search_is_in_one_bucket(period: Period) -> None:
    span, seconds = SPANS[period]
    chance = random.Random(3)
    found = sorted(
        (outcome(NOW - chance.randrange(1000 * (span - seconds)), results=chance.randrange(2)) for _ in range(500)),
        key=lambda one: one.at,
    )
    made = measure(found, period, NOW)
    assert sum(one.count for one in made.buckets) == made.whole.count == 500
    assert sum(one.no_results for one in made.buckets) == made.whole.no_results
    starts = [one.at for one in made.buckets]
    assert {after - before for before, after in itertools.pairwise(starts)} == {1000 * seconds}
    assert starts[0] == made.since and starts[-1] <= NOW < starts[-1] + 1000 * seconds
    assert span // seconds == len(starts)


def test_what_lies_outside_is_left_out() -> None:
    made = measure([outcome(NOW - 3_600_001), outcome(NOW + 1), outcome(NOW)], "hour", NOW)
    assert made.whole.count == 1
    assert measure([], "hour", NOW).whole.count == 0


def test_counts() -> None:
    found = [
        outcome(1, kind="chat", top_changed=True),
        outcome(2, top_changed=False, results=0),
        outcome(3, status="fell_back", cause="budget"),
        outcome(4, status="", cause="timeout", failed=True, results=0),
        outcome(5, status="skipped", cause="off", cached=True),
        outcome(6, status="", failed=True, results=0),
    ]
    made = summarise(0, found)
    assert (made.count, made.chats, made.no_results, made.failed, made.cached) == (6, 1, 1, 2, 1)
    assert (made.reranked, made.top_changed) == (2, 1)
    assert made.fallbacks == {"budget": 1, "timeout": 1, "failed": 1}


def test_times_are_those_of_each_stage() -> None:
    found = [outcome(at, stages={"total": float(at), **({"rerank": 7.0} if at == 3 else {})}) for at in range(1, 21)]
    assert summarise(0, found).times == {"total": {"p50": 10.0, "p95": 19.0}, "rerank": {"p50": 7.0, "p95": 7.0}}


@pytest.mark.parametrize(("share", "value"), [(0.0, 1.0), (0.2, 1.0), (0.21, 2.0), (0.5, 3.0), (1.0, 5.0)])
def test_the_nearest_rank(share: float, value: float) -> None:
    assert percentile([1.0, 2.0, 3.0, 4.0, 5.0], share) == value
