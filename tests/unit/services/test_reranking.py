"""Passages of a request are ordered by relevance, and nothing hides what served."""

import asyncio
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secondlook.domain.options import MissingModel
from secondlook.errors import InvalidModelError, OverloadedError, RerankerError, SetupError
from secondlook.models.fakes import FakeReranker
from secondlook.ports import Reranker, Rerankers
from secondlook.services.reranking import PassageReranking, Reranked

TEXTS = ["fog horn", "oil lamp", "the oil", "a lamp of oil"]


def rerank(
    default: Reranker | None = None, missing: MissingModel = "substitute", texts: list[str] | None = None, **more: Any
) -> Reranked:
    def find(name: str) -> Reranker:
        if name == "missing":
            raise SetupError("the weights of missing are not here")
        raise InvalidModelError(f"{name} is not known")

    service = PassageReranking(
        Rerankers(find, default or FakeReranker()), missing=missing, cut=lambda text, most: text[:most]
    )
    return asyncio.run(service.rerank("oil lamp", TEXTS if texts is None else texts, **more))


def places(found: Reranked) -> list[int]:
    return [one.place for one in found.scored]


def test_the_best_come_first_and_equal_ones_keep_their_order() -> None:
    found = rerank()
    assert places(found) == [1, 3, 2, 0]
    assert [one.relevance for one in found.scored] == [1.0, 1.0, 0.5, 0.0]
    receipt = found.receipt
    assert (receipt.status, receipt.candidates_in, receipt.candidates_out) == ("ran", 4, 4)
    assert receipt.model == "fake-reranker@1"
    assert places(rerank(top_k=2)) == [1, 3]


@given(st.lists(st.text("abcloimp ", max_size=12), max_size=8))
def test_it_is_a_permutation(texts: list[str]) -> None:
    found = rerank(texts=texts)
    assert sorted(places(found)) == list(range(len(texts)))
    assert [one.relevance for one in found.scored] == sorted((one.relevance for one in found.scored), reverse=True)


def test_passages_are_cut_when_that_is_asked() -> None:
    found = rerank(max_tokens=8)
    assert found.receipt.truncated == 1
    assert places(found) == [1, 2, 3, 0]


def test_a_missing_model_is_substituted_or_an_error() -> None:
    found = rerank(model="missing")
    assert (found.receipt.status, found.receipt.asked) == ("substituted", "missing")
    assert "was used instead" in found.receipt.reason
    for missing in ("error", "fall_back"):
        with pytest.raises(RerankerError, match="not here"):
            rerank(model="missing", missing=missing)
    with pytest.raises(InvalidModelError):
        rerank(model="no/such")


class Busy(FakeReranker):
    """Refuses."""

    async def score(self, query: str, passages: object) -> Any:
        raise OverloadedError("overloaded", 3.5)


class Broken(FakeReranker):
    """Its weights cannot be loaded."""

    async def score(self, query: str, passages: object) -> Any:
        raise SetupError("the weights are broken")


@pytest.mark.parametrize(
    ("reranker", "words"),
    [
        (FakeReranker(extra_scores=1), "5 scores for 4"),
        (FakeReranker(scorer=lambda query, passage: math.nan), "outside 0 to 1"),
        (Broken(), "weights are broken"),
    ],
)
def test_what_cannot_be_used_is_an_error(reranker: Reranker, words: str) -> None:
    with pytest.raises(RerankerError, match=words):
        rerank(reranker)


def test_a_refusal_is_told_as_it_is() -> None:
    with pytest.raises(OverloadedError) as raised:
        rerank(Busy())
    assert raised.value.retry_after == 3.5
