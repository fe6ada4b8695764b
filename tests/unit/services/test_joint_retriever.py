"""Several indexes read as one: merging, and what becomes of one that fails."""

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any, TypeVar

import pytest

from secondlook.domain.chunk import Chunk
from secondlook.domain.filters import Filter
from secondlook.domain.options import MatchMode, Retrieval
from secondlook.errors import BackendError, IndexCorruptError
from secondlook.ports import Hit, Hits
from secondlook.services.joint_retriever import JointRetriever, Member

T = TypeVar("T")
SCORES = {"a": {"a1": 0.9, "a2": 0.3}, "b": {"b1": 0.6}}


class Indexes:
    """Two indexes with fixed scores; what is asked of them is written down."""

    def __init__(self, fails: Mapping[str, Exception] | None = None) -> None:
        self.fails = fails or {}
        self.asked: list[tuple[str, object]] = []
        self.generations = {"a": 1, "b": 2}

    async def search_vectors(self, index: str, vector: bytes, num: int, where: Filter | None) -> Hits:
        self.asked.append((index, where))
        return self._hits(index, 1.0)

    async def search_keywords(
        self, index: str, text: str, num: int, *, match_mode: MatchMode, where: Filter | None
    ) -> Hits:
        self.asked.append((index, match_mode))
        return self._hits(index, {"a": 10.0, "b": 20.0}[index])

    async def score_vectors(self, index: str, vector: bytes, chunk_ids: Sequence[str]) -> Mapping[str, float]:
        return {one: SCORES[index][one] for one in chunk_ids}

    async def read_generation(self, index: str) -> int:
        return self.generations[index]

    async def fetch_chunks(self, index: str, chunk_ids: Sequence[str]) -> Mapping[str, Chunk]:
        return {one: Chunk(one, one, one, one) for one in chunk_ids}

    async def fetch_stored(self, index: str, chunk_ids: Sequence[str]) -> Mapping[str, bytes]:
        return {one: index.encode() for one in chunk_ids}

    async def fetch_neighbours(self, index: str, chunk: Chunk, by: int) -> Sequence[Chunk]:
        return [Chunk(index, index, index, index)]

    def _hits(self, index: str, scale: float) -> Hits:
        if index in self.fails:
            raise self.fails[index]
        return Hits(tuple(Hit(one, scale * score) for one, score in SCORES[index].items()), scale)


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


def ids(hits: Hits) -> list[str]:
    return [hit.chunk_id for hit in hits.hits]


def members(*types: str) -> list[Member]:
    return [Member(name, Retrieval(kind)) for name, kind in zip("ab", types, strict=True)]  # type: ignore[arg-type]


def test_lists_are_merged_by_score_and_cut() -> None:
    joint = JointRetriever(Indexes(), members("hybrid", "hybrid"))
    assert ids(run(joint.search_vectors("", b"", 50, None))) == ["a1", "b1", "a2"]
    assert ids(run(joint.search_vectors("", b"", 2, None))) == ["a1", "b1"]
    words = run(joint.search_keywords("", "x", 50, match_mode="and", where=None))
    assert (ids(words), words.ceiling) == (["b1", "a1", "a2"], 20.0)


def test_keyword_hits_are_merged_by_their_share_where_that_is_the_score() -> None:
    class Shares(Indexes):
        def _hits(self, index: str, scale: float) -> Hits:
            shares = {"a1": 0.9, "a2": 0.2, "b1": 0.5}
            return Hits(tuple(Hit(one, scale * score, shares[one]) for one, score in SCORES[index].items()), scale)

    joint = JointRetriever(Shares(), members("hybrid", "hybrid"), by_share=True)
    assert ids(run(joint.search_keywords("", "x", 50, match_mode="and", where=None))) == ["a1", "b1", "a2"]
    joint = JointRetriever(Shares(), members("hybrid", "hybrid"))
    assert ids(run(joint.search_keywords("", "x", 50, match_mode="and", where=None))) == ["b1", "a1", "a2"]


def test_each_member_is_searched_its_own_way() -> None:
    indexes = Indexes()
    joint = JointRetriever(
        indexes, [Member("a", Retrieval("keyword", match_mode="or")), Member("b", Retrieval("vector"))]
    )
    assert ids(run(joint.search_vectors("", b"", 50, None))) == ["b1"]
    assert ids(run(joint.search_keywords("", "x", 50, match_mode="and", where=None))) == ["a1", "a2"]
    assert indexes.asked == [("b", None), ("a", "or")]
    assert run(joint.score_vectors("", b"", ["a1", "b1"])) == {"b1": 0.6}


def test_chunks_know_where_they_lie() -> None:
    all_of_them = members("hybrid", "hybrid")
    joint = JointRetriever(Indexes(), all_of_them)
    run(joint.search_vectors("", b"", 50, None))
    chunks = run(joint.fetch_chunks("", ["a1", "a2", "b1"]))
    assert {one: chunk.index for one, chunk in chunks.items()} == {"a1": "a", "a2": "a", "b1": "b"}
    assert [one.found for one in all_of_them] == [2, 1]
    assert run(joint.fetch_stored("", ["a1", "b1"])) == {"a1": b"a", "b1": b"b"}
    [neighbour] = run(joint.fetch_neighbours("", chunks["b1"], 1))
    assert neighbour.id == "b"


@pytest.mark.parametrize("error", [IndexCorruptError("torn"), OSError("gone"), RuntimeError()])
def test_a_member_that_fails_is_left_out_with_what_it_gave(error: Exception) -> None:
    indexes, all_of_them = Indexes(), members("hybrid", "hybrid")
    joint = JointRetriever(indexes, all_of_them)
    run(joint.search_vectors("", b"", 50, None))
    indexes.fails = {"a": error}
    assert ids(run(joint.search_keywords("", "x", 50, match_mode="and", where=None))) == ["b1"]
    assert set(run(joint.fetch_chunks("", ["a1", "b1"]))) == {"b1"}
    failed, fine = all_of_them
    assert isinstance(failed.error, BackendError)
    assert str(failed.error)
    assert fine.error is None
    indexes.asked.clear()
    run(joint.search_vectors("", b"", 50, None))
    assert indexes.asked == [("b", None)]


def test_what_nobody_expects_goes_on() -> None:
    joint = JointRetriever(Indexes({"a": KeyError("a bug")}), members("hybrid", "hybrid"))
    with pytest.raises(ExceptionGroup):
        run(joint.search_vectors("", b"", 50, None))


def test_a_write_to_any_member_changes_the_generation() -> None:
    indexes = Indexes()
    joint = JointRetriever(indexes, members("hybrid", "hybrid"))
    seen = {run(joint.read_generation("joint"))}
    for generations in ({"a": 2, "b": 2}, {"a": 2, "b": 1}, {"a": 3, "b": 0}):
        indexes.generations = generations
        seen.add(run(joint.read_generation("joint")))
    assert len(seen) == 4
