"""A ranking sorts in one place, stably, and never changes in place."""

from dataclasses import FrozenInstanceError, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secondlook.domain.candidate import Candidate, Evidence, Look, Ranking, Receipt, Step, changed
from secondlook.domain.chunk import Chunk
from secondlook.domain.query import Query

SCORES = st.lists(st.sampled_from([0.0, 0.25, 0.5, 1.0]), max_size=12)


def candidates(scores: list[float]) -> list[Candidate]:
    return [Candidate(Chunk(f"c{at}", "i", "k", "t"), score) for at, score in enumerate(scores)]


def ids(ranking: Ranking) -> list[str]:
    return [one.chunk.id for one in ranking.candidates]


@given(SCORES)
def test_ordered_is_by_falling_score_and_ties_keep_their_order(scores: list[float]) -> None:
    ranking = Ranking(Query("q")).ordered(candidates(scores))
    places = sorted(range(len(scores)), key=lambda at: (-scores[at], at))
    assert ids(ranking) == [f"c{at}" for at in places]
    assert ids(ranking.ordered(ranking.candidates)) == ids(ranking)


@given(SCORES)
def test_placed_writes_down_rank_and_score_and_keeps_the_order(scores: list[float]) -> None:
    ranking = Ranking(Query("q")).kept(candidates(scores))
    placed = ranking.placed()
    assert ids(placed) == ids(ranking)
    assert [one.evidence.retrieval_rank for one in placed.candidates] == list(range(1, len(scores) + 1))
    assert [one.evidence.retrieval_score for one in placed.candidates] == scores
    assert [one.score for one in placed.candidates] == scores


def test_placed_loses_no_evidence() -> None:
    proof = Evidence(vector_score=0.5, vector_rank=2, keyword_score=3.0, boost=0.1)
    [found] = Ranking(Query("q")).kept([Candidate(Chunk("c", "i", "k", "t"), 0.7, proof)]).placed().candidates
    assert (found.evidence.vector_score, found.evidence.vector_rank) == (0.5, 2)
    assert (found.evidence.keyword_score, found.evidence.boost) == (3.0, 0.1)


def test_each_change_is_a_new_ranking() -> None:
    empty = Ranking(Query("q"))
    full = empty.kept(candidates([0.1, 0.9])).noted(Step("fuse", 1.0, 2)).noted(Step("filter", 1.0, 2, "x"))
    assert (empty.candidates, empty.trace) == ((), ())
    assert [step.stage for step in full.trace] == ["fuse", "filter"]
    assert full.ordered(full.candidates).trace == full.trace
    assert ids(full.kept(reversed(full.candidates))) == ["c1", "c0"]
    with pytest.raises(FrozenInstanceError):
        full.candidates = ()  # type: ignore[misc]  # what is shown


def test_a_ranking_that_nobody_reranked_says_so() -> None:
    assert Ranking(Query("q")).receipt == Receipt("skipped", "reranking is off", cause="off")


def test_what_is_changed_is_what_replace_gives() -> None:
    evidence = Evidence(cosine=0.5, vector_rank=3, looks=(Look(1, "m", 0.5, 1, 0.5),), sentence="Oil.")
    changes = {"relevance": 0.25, "looks": (), "fused_rank": 2}
    made = changed(evidence, **changes)
    assert made == replace(evidence, **changes)  # type: ignore[arg-type]  # as they are
    assert evidence.relevance is None and evidence.looks
    with pytest.raises(FrozenInstanceError):
        made.relevance = 0.5  # type: ignore[misc]  # that is what is tried
    with pytest.raises(KeyError):
        changed(evidence, unknown=1)
