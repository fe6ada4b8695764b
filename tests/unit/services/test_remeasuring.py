"""A verdict is old when time, a model or the corpus has moved on; and nothing is measured without end."""

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest

from secondlook.domain.instance import Instance, Item
from secondlook.domain.lab import ArmSpec, LabRun
from secondlook.errors import GeneratorError
from secondlook.evaluation.queries import JudgedQuery, Judgment, mark_of
from secondlook.models.extractive import ExtractiveGenerator
from secondlook.models.fakes import FakeReranker
from secondlook.services import remeasuring
from secondlook.services.intake import Upload
from secondlook.services.lab_records import LabRequest, read_request, request_json
from secondlook.services.lab_runs import LabRuns
from secondlook.services.online import OnlineTrials
from secondlook.services.remeasuring import DAY, REST, Remeasuring
from tests.unit.services.conftest import House
from tests.unit.services.test_lab_runs import fill, lab, questions


def measured(house: House, runs: LabRuns, instance: Instance) -> LabRun:
    async def work() -> LabRun:
        run = await runs.begin(instance, LabRequest(questions(30), (ArmSpec(window=6), ArmSpec("a>b", None))[:1]))
        await runs.wait(run.id)
        return await runs.get(instance, run.id)

    return house.run(work())


def test_why_a_verdict_is_old(house: House) -> None:
    instance = fill(house, reranking_mode="auto")
    runs = lab(house, FakeReranker("one@1"))
    last = measured(house, runs, instance)
    again = Remeasuring(runs, OnlineTrials(house.queries, house.catalog), days=30)
    assert house.run(again.why(instance, last)) == ""
    old = replace(last, created_at=last.created_at - 31 * DAY * 1000)
    assert house.run(again.why(instance, old)) == "it is over 30 days old"
    assert house.run(Remeasuring(runs, OnlineTrials(house.queries, house.catalog), days=0).why(instance, old)) == ""
    other = lab(house, FakeReranker("two@1"))
    assert (
        house.run(Remeasuring(other, OnlineTrials(house.queries, house.catalog), days=30).why(instance, last))
        == "the model changed from one@1 to two@1"
    )
    house.run(house.indexing.upload(instance, Upload("new.md", b"lamp oil"), wait=60))
    assert house.run(again.why(instance, last)) == "the index has grown or shrunk from 6 to 7 chunks"


def test_a_model_that_is_gone_is_no_reason(house: House) -> None:
    instance = fill(house, reranking_mode="auto")
    runs = lab(house, FakeReranker("one@1"))
    last = measured(house, runs, instance)
    report: dict[str, Any] = json.loads(last.report)
    report["arms"][2]["spec"]["model"] = "missing"
    assert (
        house.run(
            Remeasuring(runs, OnlineTrials(house.queries, house.catalog), days=30).why(
                instance, replace(last, report=json.dumps(report))
            )
        )
        == ""
    )


def test_only_those_that_follow_are_measured_and_not_twice(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    instance = fill(house, reranking_mode="auto")
    other = house.make("other")
    runs = lab(house, FakeReranker("one@1"))
    measured(house, runs, instance)
    later = lab(house, FakeReranker("two@1"))
    again = Remeasuring(later, OnlineTrials(house.queries, house.catalog), days=30)
    assert house.run(again.look()) == 0, "it rests for an hour"
    monkeypatch.setattr(remeasuring, "REST", 0)

    async def work() -> None:
        assert await again.look() == 1
        assert await again.look() == 0, "it is under way"
        [run] = [one for one in (await later.page(instance, 9, 0))[0] if one.state == "running"]
        await later.wait(run.id)
        assert await again.look() == 0, "it is new"
        assert await later.page(other, 9, 0) == ([], 0)

    house.run(work())
    last = house.run(later.last(instance))
    assert last is not None and json.loads(last.report)["arms"][2]["model"] == "two@1"


def test_an_instance_that_cannot_be_measured_stops_no_other(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remeasuring, "REST", 0)
    judged_by_one_who_left, other = fill(house, reranking_mode="auto"), house.make("other", reranking_mode="auto")
    runs = lab(house, FakeReranker("one@1"))
    last = measured(house, runs, judged_by_one_who_left)
    asked = json.loads(last.request)
    for place in (judged_by_one_who_left, other):  # the generator of the house answers no grade; this one cannot
        text = json.dumps({**asked, "judge": "nobody"})
        house.run(
            house.book.add(replace(last, id=place.uid[:8], instance_uid=place.uid, state="running", request=text))
        )
        house.run(house.book.set_state(place.uid[:8], "completed", ended_at=1, report=last.report))
    house.run(house.book.remove(last.id))
    tools = replace(runs.outside.tools, generator=ExtractiveGenerator())
    runs.outside = replace(runs.outside, tools=tools)
    seen: list[str] = []

    class Broken(Remeasuring):
        async def why(self, instance: Instance, last: LabRun) -> str:
            seen.append(instance.name)
            if len(seen) == 1:
                raise RuntimeError("no error of ours")
            return "it is old"

    assert house.run(Broken(runs, OnlineTrials(house.queries, house.catalog), days=30).look()) == 0
    assert sorted(seen) == ["docs", "other"], "one whose look failed, and one whose judge is down"


def test_an_instance_whose_run_was_refused_rests_too(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """To find out that all judgments are stale each judged document is parsed again."""
    instance, read = fill(house, reranking_mode="auto"), []

    async def reading(instance: Instance, item: Item) -> str:
        read.append(item.key)
        return await house.indexing.read_text(instance, item)

    runs = lab(house, FakeReranker("one@1"))
    runs = LabRuns(house.book, replace(runs.outside, read_text=reading))
    last = measured(house, runs, instance)
    asked = replace(read_request(last.request), queries=(JudgedQuery("a", (Judgment("d0.md", mark=mark_of(b"old")),)),))
    long_ago = replace(last, id="old", created_at=last.created_at - 2000 * REST, request=request_json(asked))
    house.run(house.book.remove(last.id))
    house.run(house.book.add(replace(long_ago, state="running", report="")))
    house.run(house.book.set_state("old", "completed", ended_at=1, report=last.report))
    house.run(house.indexing.upload(instance, Upload("new.md", b"lamp oil"), wait=60))
    again = Remeasuring(runs, OnlineTrials(house.queries, house.catalog), days=30)
    assert [house.run(again.look()) for _ in range(3)] == [0, 0, 0]
    assert read == ["d0.md"], "once, and not at each look"
    monkeypatch.setattr(remeasuring, "REST", 0)
    assert house.run(again.look()) == 0 and read == ["d0.md"] * 2, "an hour later"


@pytest.mark.parametrize("error", [GeneratorError("the judge is down"), ValueError("no error of ours")])
def test_it_looks_for_ever_and_at_both_kinds(house: House, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    monkeypatch.setattr(remeasuring, "LOOK_EVERY", 0.001)
    looks: list[str] = []

    class Failing(OnlineTrials):
        async def look(self) -> int:
            looks.append("trials")
            raise error

    again = Remeasuring(lab(house, FakeReranker()), Failing(house.queries, house.catalog), days=30)

    async def look() -> int:
        looks.append("verdicts")
        raise error

    monkeypatch.setattr(again, "look", look)

    async def work() -> None:
        task = asyncio.create_task(again.watch())
        while len(looks) < 6 and not task.done():
            await asyncio.sleep(0.001)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    house.run(work())
    assert looks[:4] == ["verdicts", "trials", "verdicts", "trials"]
