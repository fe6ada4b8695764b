"""Fusion loses nothing and invents nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secondlook.domain.candidate import Ranking
from secondlook.domain.chunk import Chunk
from secondlook.domain.options import Fusion
from secondlook.domain.query import Query
from secondlook.ports import Hit, Hits
from secondlook.stages.fuse import fuse_rankings
from secondlook.stages.retrieve import Found
from tests.unit.stages.conftest import ids

LISTS = st.lists(st.sampled_from("abcdefgh"), unique=True, max_size=8)


def hits(names: list[str], scores: list[float] | None = None) -> Hits:
    found = scores or [float(len(names) - at) for at in range(len(names))]
    return Hits(tuple(Hit(name, score) for name, score in zip(names, found, strict=True)), 10.0)


def found(vector: Hits | None, keyword: Hits | None, gone: str = "") -> Found:
    names = {hit.chunk_id for one in (vector, keyword) if one for hit in one.hits} - set(gone)
    chunks = {name: Chunk(name, name, name, name) for name in names}
    scores = {hit.chunk_id: hit.score for hit in vector.hits} if vector else {}
    return Found(vector, keyword, {one: score**2 for one, score in scores.items()}, scores, chunks, 1.0)


def fuse(one: Found, options: Fusion | None = None) -> Ranking:
    return fuse_rankings(Ranking(Query("q")), one, options or Fusion())


@given(LISTS, LISTS, st.sampled_from(["rrf", "max"]))
def test_fusion_keeps_every_hit_once(left: list[str], right: list[str], method: str) -> None:
    merged = fuse(found(hits(left), hits(right)), Fusion("rrf" if method == "rrf" else "max"))
    assert sorted(ids(merged)) == sorted(set(left) | set(right))
    assert all(0 <= one.score <= 1 for one in merged.candidates)
    assert [one.score for one in merged.candidates] == sorted((one.score for one in merged.candidates), reverse=True)


def test_reciprocal_ranks_by_hand() -> None:
    merged = fuse(found(hits(["a", "b"]), hits(["b", "c"])))
    scores = {one.chunk.id: one.score for one in merged.candidates}
    assert scores == pytest.approx({"a": 0.5, "b": (61 / 62 + 1) / 2, "c": 61 / 62 / 2})
    both = next(one for one in merged.candidates if one.chunk.id == "b").evidence
    assert (both.vector_rank, both.keyword_rank, both.keyword_score, both.keyword_ceiling) == (2, 1, 2.0, 10.0)


def test_max_takes_the_larger_normalised_score() -> None:
    merged = fuse(found(hits(["a", "b", "c"], [0.9, 0.5, 0.1]), hits(["c", "d"], [8.0, 2.0])), Fusion("max"))
    assert {one.chunk.id: one.score for one in merged.candidates} == pytest.approx({"a": 1, "b": 0.5, "c": 1, "d": 0})
    alike = fuse(found(hits(["a"], [0.4]), hits(["b"], [3.0])), Fusion("max"))
    assert [one.score for one in alike.candidates] == [1.0, 1.0]


def test_one_list_keeps_its_own_scores() -> None:
    assert [one.score for one in fuse(found(hits(["a", "b"], [0.8, 0.3]), None)).candidates] == [0.8, 0.3]
    words = fuse(found(None, hits(["a", "b"], [8.0, 2.0])))
    assert [one.score for one in words.candidates] == [1.0, 0.25]
    assert words.candidates[0].evidence.fusion_method is None
    assert fuse(found(None, None)).candidates == ()


def test_a_chunk_deleted_meanwhile_is_left_out() -> None:
    assert ids(fuse(found(hits(["a", "b"]), hits(["b"]), gone="a"))) == ["b"]
