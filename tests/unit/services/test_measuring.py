"""Searches are as they were, and are counted."""

from pathlib import Path

import pytest

from secondlook.domain.query import Query
from secondlook.services.caching import AnswerCache
from secondlook.services.indexing import Upload
from secondlook.services.measuring import MeasuredSearching, reason_class
from secondlook.services.searching import Ask
from secondlook.stores.answers import AnswerFile
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


def test_a_kept_answer_is_no_rerank(house: House, tmp_path: Path) -> None:
    made = house.make()
    answers = AnswerFile(tmp_path / "answers.sqlite", room=1 << 20)
    measured = MeasuredSearching(house.tools, None, AnswerCache(answers, house.tools))
    names = [
        ("secondlook_reranks_total", {"status": "skipped", "reason": "off"}),
        ("secondlook_cache_reads_total", {"cache": "answers", "result": "hit"}),
        ("secondlook_cache_reads_total", {"cache": "answers", "result": "miss"}),
        ("secondlook_stage_seconds_count", {"stage": "cache"}),
    ]
    before = [count(name, **labels) for name, labels in names]
    for _ in range(3):
        house.run(measured.search(made, Query("oil"), Ask(cached=None)))
    after = [count(name, **labels) for name, labels in names]
    assert [new - old for new, old in zip(after, before, strict=True)] == [1, 2, 1, 2]
    answers.close()


@pytest.mark.parametrize(
    ("reason", "name"),
    [
        ("", ""),
        ("the reranker failed: overloaded: 9 tokens wait", "overloaded"),
        ("the reranker scored nothing within its budget of 20 ms", "budget"),
        ("the weights of m are not here; the built-in reranker took its place", "missing"),
        ("the query seems to be in German, which m does not cover; many took its place", "language"),
        ("the reranker failed: far did not answer within 200 ms", "timeout"),
        ("the reranker failed: it timed out", "timeout"),
        ("the reranker failed: far answered 503: overloaded", "status"),
        ("the reranker failed: far cannot be used: ReadError", "connection"),
        ("the reranker far is left alone after 5 failures in a row; the last: far answered 500", "breaker"),
        ("the reranker failed: memory ran out on a sequence of 9 tokens", "memory"),
        ("the reranker failed: MemoryError", "memory"),
        ("the reranker failed: it gave 2 scores for 3 passages", "answer"),
        ("the reranker failed: a score is nan, which is no number", "answer"),
        ("the reranker failed: far sent no JSON: x", "answer"),
        ("the reranker failed: the query has 600 tokens, too many for a model that reads 512", "query"),
        ("reranking is off", "off"),
        ("there was nothing to rerank", "nothing"),
        ("the reranker failed: it broke", "failed"),
    ],
)
def test_reasons_are_classes(reason: str, name: str) -> None:
    assert reason_class(reason) == name
