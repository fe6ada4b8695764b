"""The measures are those of ir_measures and trec_eval, and what one gets by hand."""

import math

import ir_measures
import pytest
from hypothesis import given
from hypothesis import strategies as st

from secondlook.evaluation.metrics import ndcg_at, recall_at, reciprocal_rank_at

NAMES = [f"d{at}" for at in range(12)]
RANKED = st.lists(st.sampled_from(NAMES), unique=True, min_size=1)
JUDGED = st.dictionaries(st.sampled_from(NAMES), st.integers(0, 3), min_size=1)
CUTS = st.sampled_from([1, 3, 10, 50])


def theirs(measure: object, ranked: list[str], judgments: dict[str, int]) -> float:
    """What ir_measures says of one query."""
    run = {"q": {one: float(len(ranked) - rank) for rank, one in enumerate(ranked)}}
    [found] = ir_measures.iter_calc([measure], {"q": judgments}, run)
    return float(found.value)


def test_ndcg_by_hand() -> None:
    judged = {"a": 3, "b": 2, "c": 0, "d": 1}
    found = 2 / math.log2(2) + 0 / math.log2(3) + 3 / math.log2(4)
    best = 3 / math.log2(2) + 2 / math.log2(3) + 1 / math.log2(4)
    assert ndcg_at(10, ["b", "c", "a"], judged) == pytest.approx(found / best)
    assert ndcg_at(10, ["a", "b", "d"], judged) == 1.0
    assert ndcg_at(1, ["b", "a"], judged) == pytest.approx(2 / 3)
    assert ndcg_at(10, ["x", "y"], judged) == 0.0


def test_reciprocal_rank_by_hand() -> None:
    judged = {"a": 1, "b": 0, "c": 2}
    assert reciprocal_rank_at(10, ["b", "x", "c", "a"], judged) == pytest.approx(1 / 3)
    assert reciprocal_rank_at(2, ["b", "x", "c"], judged) == 0.0
    assert reciprocal_rank_at(1, ["a"], judged) == 1.0


def test_recall_by_hand() -> None:
    judged = {"a": 1, "b": 0, "c": 2, "d": 1}
    assert recall_at(2, ["a", "b", "c"], judged) == pytest.approx(1 / 3)
    assert recall_at(50, ["a", "b", "c"], judged) == pytest.approx(2 / 3)


def test_nothing_relevant_or_nothing_found_is_zero() -> None:
    for measure in (ndcg_at, reciprocal_rank_at, recall_at):
        assert measure(10, ["a"], {}) == 0.0
        assert measure(10, ["a"], {"a": 0, "b": -1}) == 0.0
        assert measure(10, [], {"a": 1}) == 0.0


@given(RANKED, JUDGED, CUTS)
def test_they_agree_with_ir_measures(ranked: list[str], judged: dict[str, int], cut: int) -> None:
    assert ndcg_at(cut, ranked, judged) == pytest.approx(theirs(ir_measures.nDCG @ cut, ranked, judged), abs=1e-9)
    assert reciprocal_rank_at(cut, ranked, judged) == pytest.approx(theirs(ir_measures.RR @ cut, ranked, judged))
    assert recall_at(cut, ranked, judged) == pytest.approx(theirs(ir_measures.R @ cut, ranked, judged))


@given(RANKED, JUDGED, CUTS)
def test_they_lie_between_0_and_1_and_a_better_order_never_measures_less(
    ranked: list[str], judged: dict[str, int], cut: int
) -> None:
    best = sorted(ranked, key=lambda one: -judged.get(one, 0))
    for measure in (ndcg_at, reciprocal_rank_at, recall_at):
        assert 0 <= measure(cut, ranked, judged) <= measure(cut, best, judged) + 1e-12 <= 1 + 1e-9
