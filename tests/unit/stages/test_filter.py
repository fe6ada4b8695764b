"""The threshold keeps the order and is idempotent."""

from hypothesis import given
from hypothesis import strategies as st

from secondlook.domain.options import Filtering
from secondlook.stages.filter import filter_candidates
from tests.unit.stages.conftest import ids, make_ranking

SCORES = st.lists(st.none() | st.floats(0, 1), max_size=10)


@given(SCORES, st.floats(0, 1))
def test_laws(scores: list[float | None], least: float) -> None:
    ranking = make_ranking([1.0] * len(scores), vector_scores=scores)
    once = filter_candidates(ranking, Filtering(least))
    assert ids(once) == [f"c{at}" for at, score in enumerate(scores) if score is None or score >= least]
    assert ids(filter_candidates(once, Filtering(least))) == ids(once)


def test_the_trace_says_how_many_were_dropped() -> None:
    found = filter_candidates(make_ranking([1, 1], vector_scores=[0.9, 0.1]), Filtering(0.4))
    assert found.trace[-1].note == "1 below min_score 0.4"
    assert filter_candidates(make_ranking([1]), Filtering(0.4)).trace[-1].note == ""
