"""A verdict is old when time, a model or the corpus has moved on; and nothing is measured without end."""

import asyncio
import json
import time
from dataclasses import replace
from typing import Any

import pytest

from secondlook.domain.instance import Instance
from secondlook.domain.lab import ArmSpec, LabRun
from secondlook.models.fakes import FakeReranker
from secondlook.ports import Rerankers
from secondlook.services import remeasuring
from secondlook.services.intake import Upload
from secondlook.services.lab_records import LabRequest
from secondlook.services.lab_runs import LabRuns
from secondlook.services.remeasuring import DAY, Remeasuring
from tests.unit.services.conftest import House
from tests.unit.services.test_lab_runs import fill, lab, questions


def measured(house: House, runs: LabRuns, instance: Instance) -> LabRun:
    async def work() -> LabRun:
        run = await runs.begin(instance, LabRequest(questions(30), (ArmSpec(window=6), ArmSpec("a>b", None))[:1]))
        await runs.wait(run.id)
        return await runs.get(instance, run.id)

    return house.run(work())


def test_why_a_verdict_is_old(house: House) -> None:
    instance = fill(house, reranking_auto=True)
    runs = lab(house, FakeReranker("one@1"))
    last = measured(house, runs, instance)
    again = Remeasuring(runs, days=30)
    assert house.run(again.why(instance, last)) == ""
    old = replace(last, created_at=last.created_at - 31 * DAY * 1000)
    assert house.run(again.why(instance, old)) == "it is over 30 days old"
    assert house.run(Remeasuring(runs, days=0).why(instance, old)) == ""
    other = lab(house, FakeReranker("two@1"))
    assert house.run(Remeasuring(other, days=30).why(instance, last)) == "one@1 was measured, and two@1 is there"
    house.run(house.indexing.upload(instance, Upload("new.md", b"lamp oil"), wait=60))
    assert house.run(again.why(instance, last)) == "the index had 6 chunks and has 7"


def test_a_model_that_is_gone_is_no_reason(house: House) -> None:
    instance = fill(house, reranking_auto=True)
    runs = lab(house, FakeReranker("one@1"))
    last = measured(house, runs, instance)
    report: dict[str, Any] = json.loads(last.report)
    report["arms"][1]["spec"]["model"] = "missing"
    assert house.run(Remeasuring(runs, days=30).why(instance, replace(last, report=json.dumps(report)))) == ""


def test_only_those_that_follow_are_measured_and_not_twice(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    instance = fill(house, reranking_auto=True)
    other = house.make("other")
    runs = lab(house, FakeReranker("one@1"))
    measured(house, runs, instance)
    later = lab(house, FakeReranker("two@1"))
    again = Remeasuring(later, days=30)
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
    assert last is not None and json.loads(last.report)["arms"][1]["model"] == "two@1"


def test_it_looks_for_ever_and_stands_failures(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remeasuring, "LOOK_EVERY", 0.001)
    runs = lab(house, FakeReranker())
    runs.outside = replace(runs.outside, tools=replace(house.tools, rerankers=Rerankers(house.find, FakeReranker())))
    again = Remeasuring(runs, days=30)
    looks: list[float] = []

    async def look() -> int:
        looks.append(time.monotonic())
        raise remeasuring.SecondlookError("down")

    monkeypatch.setattr(again, "look", look)

    async def work() -> None:
        task = asyncio.create_task(again.watch())
        while len(looks) < 3:
            await asyncio.sleep(0.001)
        task.cancel()

    house.run(work())
    assert len(looks) >= 3
