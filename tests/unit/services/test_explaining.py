"""Why an item is among the results: each verdict, with its numbers."""

import re
from typing import Any

import pytest

from secondlook.domain.filters import Comparison
from secondlook.domain.instance import Instance
from secondlook.domain.options import RerankStage
from secondlook.domain.query import Query
from secondlook.services.explaining import Explaining, Ranks, Why
from secondlook.services.indexing import Upload
from secondlook.services.searching import Ask, SearchDefaults
from tests.unit.services.conftest import House

PAGES = {
    "oil.md": "warm the lamp oil",
    "grades.md": "grades of lamp oil and of other oil",
    "fog.md": "two blasts of the fog horn",
}


@pytest.fixture
def made(house: House) -> Instance:
    instance = house.make()
    for key, text in PAGES.items():
        house.run(house.indexing.upload(instance, Upload(key, text.encode()), wait=20))
    return instance


def why(house: House, made: Instance, key: str, window: int = 50, **ask: Any) -> Why:
    explaining = Explaining(house.tools, house.catalog, house.engine, defaults=SearchDefaults(window=window))
    asked = Ask(**{"min_relevance": None, "retrieval_type": "keyword", **ask})
    return house.run(explaining.why(made, Query("warm lamp oil"), asked, item_key=key))


VECTOR = {"retrieval_type": "vector"}
RERANK = {"rerank": True, **VECTOR}


@pytest.mark.parametrize(
    ("key", "ask", "window", "verdict", "reason"),
    [
        ("oil.md", {}, 50, "returned", "result 1 of 2"),
        ("no.md", {}, 50, "not_indexed", "no item 'no.md'"),
        ("fog.md", {"where": Comparison("filename", "eq", "oil.md")}, 50, "filtered_out", "metadata filter"),
        ("fog.md", {}, 50, "not_retrieved", "keyword search did not find it"),
        ("fog.md", {**VECTOR, "top_k": 1}, 1, "not_retrieved", "fetched 1 hit from each method.*ranked it 3"),
        ("fog.md", {**VECTOR, "min_score": 0.3}, 50, "below_threshold", r"its vector score 0\.\d+ is below 0\.3"),
        ("grades.md", {"top_k": 1}, 50, "outranked", "rank 2 is beyond the limit of 1"),
        (
            "fog.md",
            {**RERANK, "min_relevance": 0.3},
            50,
            "below_reranking_threshold",
            "relevance score 0.0000 is below 0.3",
        ),
        (
            "fog.md",
            {"stages": (RerankStage("", 3), RerankStage("", 2)), "top_k": 2, **RERANK},
            50,
            "outside_window",
            "rank 3 is outside the window of 2",
        ),
        (
            "fog.md",
            {"stages": (RerankStage("", 3, 1),), "top_k": 1, **RERANK},
            50,
            "outranked",
            "rank 3 is beyond the 1 kept by this stage",
        ),
    ],
)
def test_every_verdict(
    house: House, made: Instance, key: str, ask: dict[str, Any], window: int, verdict: str, reason: str
) -> None:
    found = why(house, made, key, window, **ask)
    assert found.verdict == verdict
    assert re.search(reason, found.reason), found.reason
    if found.candidate is not None:
        assert found.candidate.chunk.item_key == key
        assert str(found.rank) in found.reason or found.rank


def test_ranks_are_those_over_the_whole_index(house: House, made: Instance) -> None:
    found = why(house, made, "fog.md", 1, retrieval_type="hybrid", fusion_method="rrf", top_k=1)
    assert (found.verdict, found.ranks) == ("not_retrieved", Ranks(vector=3))


def test_an_item_that_is_not_ready(idle: House) -> None:
    instance = idle.make()
    idle.run(idle.indexing.upload(instance, Upload("oil.md", b"lamp oil"), wait=0))
    found = why(idle, instance, "oil.md")
    assert (found.verdict, found.reason) == ("not_indexed", "the item has no chunks; its status is queued")


@pytest.mark.parametrize("ask", [{}, {"top_k": 1}, RERANK, {**RERANK, "min_relevance": 0.5}, {**VECTOR, "top_k": 2}])
def test_it_agrees_with_the_search(house: House, made: Instance, ask: dict[str, Any]) -> None:
    asked = Ask(**{"min_relevance": None, "retrieval_type": "keyword", **ask})
    results = house.run(house.searching.search(made, Query("warm lamp oil"), asked)).candidates
    for key in PAGES:
        found = why(house, made, key, **ask)
        assert (found.verdict == "returned") == any(one.chunk.item_key == key for one in results)
