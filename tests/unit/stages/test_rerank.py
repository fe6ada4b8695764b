"""The second look: a permutation of the window, or the retrieval order as it was."""

import asyncio
import math
from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from secondlook.domain.candidate import Ranking
from secondlook.domain.options import Plan, Reranking
from secondlook.errors import InvalidModelError, RerankerError
from secondlook.models.fakes import FakeReranker
from secondlook.ports import Passage, Reranker, Scores
from secondlook.stages.rerank import rerank_candidates
from tests.unit.stages.conftest import Bench, ids, make_ranking, run

SCORES = [0.9, 0.8, 0.7, 0.6, 0.5]


class Slow:
    """A reranker that never comes back."""

    identity = "slow"
    wants_stored = False

    async def score(self, query: str, passages: Sequence[Passage]) -> Scores:
        await asyncio.Event().wait()
        return Scores(())


def rerank(
    bench: Bench, options: Reranking, default: Reranker | None = None, ranking: Ranking | None = None
) -> Ranking:
    found = make_ranking(SCORES) if ranking is None else ranking
    return run(rerank_candidates(found, Plan("i", reranking=options), bench.tools(default)))


def test_the_best_come_first_with_their_scores(bench: Bench) -> None:
    found = rerank(bench, Reranking(min_relevance=None))
    assert ids(found) == ["c0", "c2", "c3", "c1", "c4"]
    assert [one.score for one in found.candidates] == [1.0, 0.5, 0.5, 0.0, 0.0]
    assert all(one.score == one.evidence.relevance for one in found.candidates)
    assert [one.evidence.retrieval_rank for one in found.candidates] == [1, 3, 4, 2, 5]
    assert found.receipt.status == "ran"
    assert found.receipt.model == "fake-reranker@1"
    assert found.receipt.candidates_in == 5


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.floats(0, 1), max_size=12), st.integers(1, 12), st.randoms(use_true_random=False))
def test_it_is_a_permutation_of_the_window(bench: Bench, scores: list[float], window: int, chance: object) -> None:
    table = {f"text{at}": at * 7 % 5 / 5 for at in range(12)}
    scorer = FakeReranker(scorer=lambda query, passage: table.get(passage.text, 0.3))
    ranking = make_ranking(scores)
    found = rerank(bench, Reranking(window=window, min_relevance=None), scorer, ranking)
    assert sorted(ids(found)) == sorted(ids(ranking)[:window])
    assert [one.score for one in found.candidates] == sorted((one.score for one in found.candidates), reverse=True)


def test_the_threshold_is_inclusive(bench: Bench) -> None:
    assert ids(rerank(bench, Reranking(min_relevance=0.5))) == ["c0", "c2", "c3"]
    assert ids(rerank(bench, Reranking(min_relevance=1.0))) == ["c0"]


@pytest.mark.parametrize(
    ("reranker", "word"),
    [
        (FakeReranker(error=RuntimeError("out of memory")), "out of memory"),
        (FakeReranker(extra_scores=1), "6 scores for 5"),
        (FakeReranker(scorer=lambda query, passage: math.nan), "outside 0 to 1"),
        (FakeReranker(scorer=lambda query, passage: 1.5), "outside 0 to 1"),
        (Slow(), "budget of 20 ms"),
    ],
)
def test_a_failure_changes_nothing_but_the_receipt(bench: Bench, reranker: Reranker, word: str) -> None:
    before = make_ranking(SCORES)
    found = rerank(bench, Reranking(budget=0.02, min_relevance=0.99), reranker, before)
    assert found.candidates == before.candidates, "the threshold is held against nothing"
    assert found.receipt.status == "fell_back"
    assert word in found.receipt.reason
    assert found.trace[-1].stage == "rerank"
    with pytest.raises(RerankerError, match=word):
        rerank(bench, Reranking(budget=0.02, raise_on_failure=True), reranker, before)


def test_a_missing_model_is_substituted_refused_or_left_out(bench: Bench) -> None:
    found = rerank(bench, Reranking("missing"))
    assert found.receipt.status == "substituted"
    assert "took its place" in found.receipt.reason
    assert (found.receipt.asked, found.receipt.model) == ("missing", "fake-reranker@1")
    assert ids(found)[0] == "c0"
    left = rerank(bench, Reranking("missing", missing="fall_back"))
    assert left.receipt.status == "fell_back"
    assert ids(left) == ids(make_ranking(SCORES))
    with pytest.raises(RerankerError, match="not here"):
        rerank(bench, Reranking("missing", missing="fall_back", raise_on_failure=True))
    with pytest.raises(RerankerError, match="not here"):
        rerank(bench, Reranking("missing", missing="error"))


def test_an_unknown_model_is_an_error(bench: Bench) -> None:
    with pytest.raises(InvalidModelError):
        rerank(bench, Reranking("no/such"))


def test_a_model_that_is_found_unknown_late_is_an_error_too(bench: Bench) -> None:
    class Late(FakeReranker):
        async def score(self, query: str, passages: Sequence[Passage]) -> Scores:
            raise InvalidModelError("withdrawn")

    with pytest.raises(InvalidModelError, match="withdrawn"):
        rerank(bench, Reranking(), Late())


def test_nothing_to_rerank(bench: Bench) -> None:
    found = rerank(bench, Reranking(), ranking=make_ranking([]))
    assert found.receipt.status == "skipped"
    assert found.candidates == ()


def test_what_the_index_keeps_is_given_to_who_wants_it(bench: Bench) -> None:
    seen: list[bytes | None] = []

    class Curious(FakeReranker):
        wants_stored = True

        async def score(self, query: str, passages: Sequence[Passage]) -> Scores:
            seen.extend(passage.stored for passage in passages)
            return await super().score(query, passages)

    rerank(bench, Reranking(), Curious())
    assert seen == [b"oil lamp in winter", b"fog horn", b"lamp", b"grades of oil", b"the bell"]
