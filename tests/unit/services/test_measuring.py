"""Searches are as they were, and are counted."""

from dataclasses import replace
from pathlib import Path

import pytest

from secondlook.domain.query import Query
from secondlook.errors import RerankerError
from secondlook.models.fakes import FakeReranker
from secondlook.ports import Rerankers
from secondlook.services.caching import AnswerCache
from secondlook.services.indexing import Upload
from secondlook.services.measuring import MeasuredSearching
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


def test_it_is_counted_whether_another_result_came_first(house: House) -> None:
    made = house.make()
    for key, text in {"long.md": "Oil oil oil " + 40 * "lamp ", "short.md": "Oil."}.items():
        house.run(house.indexing.upload(made, Upload(key, text.encode()), wait=60))
    ask = Ask(rerank=True, min_relevance=None, min_score=0.0)
    for relevant, change in (("long", "kept"), ("short", "moved"), ("none", "")):
        first = house.run(house.searching.search(made, Query("oil lamp"), Ask(min_score=0.0))).candidates[0]
        wanted = first.chunk.text if relevant == "long" else None
        scorer = lambda _query, passage, wanted=wanted: 0.9 if (passage.text == wanted) == bool(wanted) else 0.1  # noqa: E731
        other = FakeReranker(
            scorer=scorer if relevant != "short" else lambda _q, p, f=first: float(p.text != f.chunk.text)
        )
        if relevant == "none":
            other = FakeReranker(error=RuntimeError("down"))
        before = {one: count("secondlook_first_results_total", change=one) for one in ("kept", "moved")}
        tools = replace(house.tools, rerankers=Rerankers(house.tools.rerankers.find, other))
        house.run(MeasuredSearching(tools).search(made, Query("oil lamp"), ask))
        after = {one: count("secondlook_first_results_total", change=one) for one in ("kept", "moved")}
        assert {one: after[one] - before[one] for one in after} == {one: float(one == change) for one in after}


def test_a_search_that_was_not_to_fall_back_is_counted_as_refused(house: House) -> None:
    made = house.make()
    house.run(house.indexing.upload(made, Upload("oil.md", b"Warm the lamp oil."), wait=60))
    before = count("secondlook_reranks_total", status="refused", reason="memory")
    failing = Rerankers(house.tools.rerankers.find, FakeReranker(error=MemoryError()))
    measured = MeasuredSearching(replace(house.tools, rerankers=failing))
    with pytest.raises(RerankerError):
        house.run(measured.search(made, Query("oil"), Ask(rerank=True, raise_on_failure=True)))
    assert count("secondlook_reranks_total", status="refused", reason="memory") == before + 1


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
