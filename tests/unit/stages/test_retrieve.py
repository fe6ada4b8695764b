"""Retrieval asks the methods of the plan and nothing else."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from secondlook.domain.candidate import Failure
from secondlook.domain.chunk import Chunk
from secondlook.domain.filters import Comparison
from secondlook.domain.options import Plan, Retrieval
from secondlook.domain.query import Query
from secondlook.errors import BackendError, IndexCorruptError, OverloadedError, RetrievalError
from secondlook.models.fakes import FakeEmbedder
from secondlook.ports import Hits
from secondlook.stages.retrieve import retrieve_candidates
from tests.unit.stages.conftest import Bench, run

OIL = Query("oil")


def test_hybrid(bench: Bench) -> None:
    plan = Plan("i", Retrieval("hybrid", match_mode="or"))
    found = run(retrieve_candidates(OIL, plan, bench.tools()))
    assert found.keyword is not None and {hit.chunk_id for hit in found.keyword.hits} == {"c0", "c3"}
    assert found.vector is not None and len(found.vector.hits) == 5
    assert set(found.chunks) == {"c0", "c1", "c2", "c3", "c4"}


def test_keyword_hits_get_their_vector_score(bench: Bench) -> None:
    plan = Plan("i", Retrieval("hybrid", num_candidates=1, match_mode="or"))
    found = run(retrieve_candidates(Query("bell lamp"), plan, bench.tools()))
    assert set(found.vector_scores) == set(found.chunks)
    assert all(0 <= score <= 1 for score in found.vector_scores.values())


class Lenient(FakeEmbedder):
    """Its scores are the square roots of its cosines."""

    def score_cosine(self, cosine: float) -> float:
        return math.sqrt(cosine)


def test_the_embedder_says_what_a_cosine_is_worth(bench: Bench) -> None:
    plan = Plan("i", Retrieval("hybrid", match_mode="or"))
    plain = run(retrieve_candidates(OIL, plan, bench.tools()))
    bench.embedder = Lenient()
    found = run(retrieve_candidates(OIL, plan, bench.tools()))
    assert found.cosines == plain.cosines == plain.vector_scores
    assert found.vector_scores == {one: math.sqrt(cosine) for one, cosine in found.cosines.items()}
    assert found.vector and plain.vector
    assert [hit.chunk_id for hit in found.vector.hits] == [hit.chunk_id for hit in plain.vector.hits]
    assert all(hit.score == found.vector_scores[hit.chunk_id] for hit in found.vector.hits)


@pytest.mark.parametrize(("kind", "absent"), [("vector", "keyword"), ("keyword", "vector")])
def test_one_method_alone(bench: Bench, kind: str, absent: str) -> None:
    options = Retrieval("vector" if kind == "vector" else "keyword")
    found = run(retrieve_candidates(OIL, Plan("i", options), bench.tools()))
    assert getattr(found, absent) is None
    assert getattr(found, kind).hits


def test_keyword_search_needs_no_embedder(bench: Bench) -> None:
    bench.embedder = FakeEmbedder(fails=True)
    assert run(retrieve_candidates(OIL, Plan("i", Retrieval("keyword")), bench.tools())).chunks
    with pytest.raises(BackendError, match="embedder is down"):
        run(retrieve_candidates(OIL, Plan("i"), bench.tools()))


def test_the_filter_reaches_both_methods(bench: Bench) -> None:
    options = replace(Retrieval("hybrid", match_mode="or"), where=Comparison("colour", "eq", "red"))
    assert run(retrieve_candidates(OIL, Plan("i", options), bench.tools())).chunks == {}


@pytest.mark.parametrize("partial", [True, False, None])
def test_a_method_that_fails(bench: Bench, partial: bool | None) -> None:
    bench.embedder = FakeEmbedder(fails=True)
    plan = Plan("i", Retrieval("hybrid", match_mode="or", partial=partial))
    if partial:
        found = run(retrieve_candidates(OIL, plan, bench.tools()))
        assert found.vector is None
        assert found.keyword is not None and set(found.chunks) == {"c0", "c3"}
        assert found.failures == (Failure("vector", "the embedder is down"),)
        return
    with pytest.raises(RetrievalError if partial is False else BackendError, match="the embedder is down"):
        run(retrieve_candidates(OIL, plan, bench.tools()))


def test_an_index_that_is_damaged(bench: Bench) -> None:
    """Neither method can search it: no part of a result to be content with."""
    plan = Plan("absent", Retrieval("hybrid", partial=True))
    with pytest.raises(IndexCorruptError, match="its file is missing"):
        run(retrieve_candidates(OIL, plan, bench.tools()))


def test_an_index_that_fails(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: object, **__: object) -> Hits:
        raise BackendError("the disk is slow")

    for method in ("search_vectors", "search_keywords"):
        monkeypatch.setattr(bench.engine, method, fail)
    found = run(retrieve_candidates(OIL, Plan("i", Retrieval("hybrid", partial=True)), bench.tools()))
    assert (found.vector, found.keyword, found.chunks) == (None, None, {})
    assert [one.method for one in found.failures] == ["vector", "keyword"]


def test_chunks_that_cannot_be_fetched(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(index: str, chunk_ids: Sequence[str]) -> Mapping[str, Chunk]:
        raise BackendError("the disk is gone")

    monkeypatch.setattr(bench.engine, "fetch_chunks", fail)
    found = run(retrieve_candidates(OIL, Plan("i", Retrieval("vector", partial=True)), bench.tools()))
    assert (found.vector, found.chunks) == (None, {})
    assert found.failures == (Failure("vector", "the disk is gone"),)


def test_a_full_queue_is_no_failure_of_a_method(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(text: str) -> bytes:
        raise OverloadedError("too much waits")

    monkeypatch.setattr(bench.embedder, "embed_query", refuse)
    with pytest.raises(OverloadedError):
        run(retrieve_candidates(OIL, Plan("i", Retrieval(partial=True)), bench.tools()))
