"""Searches are as they were, and are counted."""

import pytest

from secondlook.domain.candidate import Receipt
from secondlook.domain.query import Query
from secondlook.services.indexing import Upload
from secondlook.services.measuring import MeasuredSearching, reason_class
from secondlook.services.searching import Ask
from secondlook.telemetry import REGISTRY
from tests.unit.services.conftest import House


def count(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def test_a_search_is_counted(house: House) -> None:
    made = house.make()
    house.run(house.indexing.upload(made, Upload("oil.md", b"Warm the lamp oil."), wait=60))
    measured = MeasuredSearching(house.tools)
    before = [
        count("secondlook_reranks_total", status="ran", reason=""),
        count("secondlook_stage_seconds_count", stage="rerank"),
    ]
    ask = Ask(rerank=True, min_relevance=None)
    found = house.run(measured.search(made, Query("oil"), ask))
    assert found.candidates == house.run(house.searching.search(made, Query("oil"), ask)).candidates
    after = [
        count("secondlook_reranks_total", status="ran", reason=""),
        count("secondlook_stage_seconds_count", stage="rerank"),
    ]
    assert [new - old for new, old in zip(after, before, strict=True)] == [1, 1]


@pytest.mark.parametrize(
    ("reason", "name"),
    [
        ("", ""),
        ("the reranker failed: overloaded: 9 tokens wait", "overloaded"),
        ("the reranker took longer than its budget of 20 ms", "budget"),
        ("the weights of m are not here; the built-in reranker took its place", "missing"),
        ("reranking is off", "off"),
        ("there was nothing to rerank", "nothing"),
        ("the reranker failed: it broke", "failed"),
    ],
)
def test_reasons_are_classes(reason: str, name: str) -> None:
    assert reason_class(Receipt("ran", reason)) == name
