"""The match threshold keeps the order, is idempotent, and lets keyword hits pass."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from secondlook.domain.candidate import Ranking, Threshold
from secondlook.domain.options import Filtering
from secondlook.stages.filter import filter_candidates
from tests.unit.stages.conftest import ids, make_ranking

SCORES = st.lists(st.none() | st.floats(0, 1), max_size=10)


def with_share(ranking: Ranking, share: float, *, complete: bool = False) -> Ranking:
    """The candidates as keywords found them, each with this share of the attainable BM25."""
    words = {"keyword_rank": 1, "keyword_share": share, "keyword_complete": complete}
    return ranking.kept(replace(one, evidence=replace(one.evidence, **words)) for one in ranking.candidates)


@given(SCORES, st.floats(0, 1))
def test_laws(scores: list[float | None], least: float) -> None:
    ranking = make_ranking([1.0] * len(scores), vector_scores=scores)
    once = filter_candidates(ranking, Filtering(least))
    assert ids(once) == [f"c{at}" for at, score in enumerate(scores) if score is None or score >= least]
    assert ids(filter_candidates(once, Filtering(least))) == ids(once)


@given(SCORES, st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_a_higher_share_never_keeps_more(scores: list[float | None], least: float, low: float, high: float) -> None:
    ranking = with_share(make_ranking([1.0] * len(scores), vector_scores=scores), 0.5)
    low, high = sorted((low, high))
    strict = set(ids(filter_candidates(ranking, Filtering(least, keyword_share=None))))
    few = set(ids(filter_candidates(ranking, Filtering(least, keyword_share=high))))
    assert strict <= few <= set(ids(filter_candidates(ranking, Filtering(least, keyword_share=low))))


def test_the_trace_says_how_many_were_dropped() -> None:
    found = filter_candidates(make_ranking([1, 1], vector_scores=[0.9, 0.1]), Filtering(0.4))
    assert found.trace[-1].note == "1 below the match threshold (0.4)"
    assert found.thresholds == (Threshold("match", 0.4, 1),)
    assert filter_candidates(make_ranking([1]), Filtering(0.4)).trace[-1].note == ""


def test_no_threshold_is_named_where_none_was_applied() -> None:
    assert filter_candidates(make_ranking([1], vector_scores=[0.9]), Filtering(0.0)).thresholds == ()
    assert filter_candidates(make_ranking([1]), Filtering(0.4)).thresholds == ()
    found = filter_candidates(make_ranking([1], vector_scores=[0.9]), Filtering(0.4))
    assert found.thresholds == (Threshold("match", 0.4, 0),)


def test_instances_that_differ_share_no_value() -> None:
    ranking = make_ranking([1, 1], vector_scores=[0.3, 0.1])
    differing = filter_candidates(ranking, Filtering(0.2, {"a": 0.2, "b": 0.5})).thresholds
    assert differing == (Threshold("match", None, 1),)
    assert str(differing[0]) == "1 below the match threshold of its instance"
    assert filter_candidates(ranking, Filtering(0.2, {"a": 0.2, "b": 0.2})).thresholds == (Threshold("match", 0.2, 1),)


def test_a_hit_that_passes_is_marked_and_keeps_its_vector_score() -> None:
    ranking = with_share(make_ranking([1], vector_scores=[0.1]), 0.0, complete=True)
    [passed] = filter_candidates(ranking, Filtering(0.4)).candidates
    assert (passed.evidence.keyword_match, passed.evidence.vector_score) == (True, 0.1)
    assert filter_candidates(ranking, Filtering(0.4, keyword_share=None)).candidates == ()


def test_a_keyword_hit_that_is_dropped_says_what_it_lacked() -> None:
    [gone] = filter_candidates(with_share(make_ranking([1], vector_scores=[0.1]), 0.2), Filtering(0.4)).dropped
    assert gone.reason == ("its vector score 0.1000 is below 0.4, its share of the attainable BM25 0.20 below 0.25")
