"""Fusion loses nothing and invents nothing."""

from dataclasses import replace
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secondlook.domain.candidate import FusionMethod, Ranking
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


def words(shares: dict[str, float]) -> Hits:
    """Keyword hits whose BM25 is these shares of an attainable 20."""
    return Hits(tuple(Hit(name, 20 * share, share) for name, share in shares.items()), 10.0)


def found(vector: Hits | None, keyword: Hits | None, gone: str = "") -> Found:
    names = {hit.chunk_id for one in (vector, keyword) if one for hit in one.hits} - set(gone)
    chunks = {name: Chunk(name, name, name, name) for name in names}
    scores = {hit.chunk_id: hit.score for hit in vector.hits} if vector else {}
    return Found(vector, keyword, {one: score**2 for one, score in scores.items()}, scores, chunks, 1.0)


def fuse(one: Found, options: Fusion | None = None) -> Ranking:
    return fuse_rankings(Ranking(Query("q")), one, options or Fusion())


@given(LISTS, LISTS, st.sampled_from(get_args(FusionMethod)), st.floats(0, 1))
def test_fusion_keeps_every_hit_once(left: list[str], right: list[str], method: FusionMethod, weight: float) -> None:
    merged = fuse(found(hits(left), hits(right)), Fusion(method, weight=weight))
    assert sorted(ids(merged)) == sorted(set(left) | set(right))
    assert all(0 <= one.score <= 1 for one in merged.candidates)
    assert [one.score for one in merged.candidates] == sorted((one.score for one in merged.candidates), reverse=True)


def test_reciprocal_ranks_by_hand() -> None:
    merged = fuse(found(hits(["a", "b"]), hits(["b", "c"])), Fusion("rrf"))
    scores = {one.chunk.id: one.score for one in merged.candidates}
    assert scores == pytest.approx({"a": 0.5, "b": (61 / 62 + 1) / 2, "c": 61 / 62 / 2})
    both = next(one for one in merged.candidates if one.chunk.id == "b").evidence
    assert (both.vector_rank, both.keyword_rank, both.keyword_score, both.keyword_ceiling) == (2, 1, 2.0, 10.0)


def test_max_takes_the_larger_normalised_score() -> None:
    merged = fuse(found(hits(["a", "b", "c"], [0.9, 0.5, 0.1]), hits(["c", "d"], [8.0, 2.0])), Fusion("max"))
    assert {one.chunk.id: one.score for one in merged.candidates} == pytest.approx({"a": 1, "b": 0.5, "c": 1, "d": 0})
    alike = fuse(found(hits(["a"], [0.4]), hits(["b"], [3.0])), Fusion("max"))
    assert [one.score for one in alike.candidates] == [1.0, 1.0]


def test_convex_by_hand() -> None:
    near = hits(["a", "b"], [0.9, 0.5])
    given = replace(found(near, words({"b": 0.6, "c": 0.3})), cosines={"a": 0.8, "b": 0.4, "c": 0.1})
    merged = fuse(given)
    assert [(one.chunk.id, pytest.approx(one.score)) for one in merged.candidates] == [
        ("b", 0.5 * 0.4 + 0.5 * 0.6),
        ("a", 0.5 * 0.8),
        ("c", 0.5 * 0.1 + 0.5 * 0.3),
    ]
    assert merged.candidates[0].evidence.fusion_method == "convex"
    assert (merged.fusion, merged.trace[-1].note) == ("convex, 0.5", "convex, 0.5")
    leaning = fuse(given, Fusion("convex", weight=0.2))
    assert leaning.candidates[0].score == pytest.approx(0.2 * 0.4 + 0.8 * 0.6)
    assert leaning.fusion == "convex, 0.2" and fuse(given, Fusion("rrf")).fusion == "rrf"


@given(st.floats(-1, 1), st.floats(0, 1), st.floats(0, 1))
def test_convex_needs_no_company(cosine: float, share: float, weight: float) -> None:
    """What a candidate scores does not depend on what else was found."""
    lone = replace(found(hits(["a"]), words({"a": share})), cosines={"a": cosine})
    full = replace(found(hits(["a", "x"]), words({"y": 0.9, "a": share})), cosines={"a": cosine, "x": 1.0, "y": 0.5})
    options = Fusion("convex", weight=weight)
    [alone] = fuse(lone, options).candidates
    assert alone.score == next(one.score for one in fuse(full, options).candidates if one.chunk.id == "a")
    assert 0 <= alone.score <= 1


def test_one_list_keeps_its_own_scores() -> None:
    assert [one.score for one in fuse(found(hits(["a", "b"], [0.8, 0.3]), None)).candidates] == [0.8, 0.3]
    alone = fuse(found(None, words({"a": 0.8, "b": 0.2})))
    assert [one.score for one in alone.candidates] == [0.8, 0.2]
    assert alone.candidates[0].evidence.fusion_method is None and alone.fusion == ""
    assert fuse(found(None, None)).candidates == ()


def test_a_chunk_deleted_meanwhile_is_left_out() -> None:
    assert ids(fuse(found(hits(["a", "b"]), hits(["b"]), gone="a"))) == ["b"]
