"""Runs end in a verdict that deserves its name, go on after a crash, and can be cancelled."""

import asyncio
import json
import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from secondlook.domain.instance import Instance, Item
from secondlook.domain.lab import ArmSpec, LabRun
from secondlook.domain.options import RerankStage
from secondlook.errors import (
    CallerError,
    CooldownError,
    GeneratorError,
    InvalidModelError,
    JobEndedError,
    JobNotFoundError,
)
from secondlook.evaluation.queries import JudgedQuery, Judgment, judged, mark_of
from secondlook.models.extractive import ExtractiveGenerator
from secondlook.models.fakes import FakeReranker
from secondlook.ports import Passage, Rerankers, Scores
from secondlook.services import lab_runs, lab_work
from secondlook.services.intake import Upload
from secondlook.services.lab_records import LabRequest, request_json
from secondlook.services.lab_runs import LabRuns
from secondlook.services.lab_turns import Turn
from secondlook.services.lab_work import LabTools, LabWork
from secondlook.services.models import ModelList
from secondlook.services.searching import SearchDefaults
from tests.unit.services.conftest import House

QUERIES = 60


def fill(house: House, **settings: Any) -> Instance:
    """Six documents that share all words of the queries but a number."""
    instance = house.make(**settings)
    for at in range(6):
        text = f"lamp oil of grade {at}. " + "lamp oil " * (6 - at)
        house.run(house.indexing.upload(instance, Upload(f"d{at}.md", text.encode()), wait=60))
    return instance


def questions(number: int = QUERIES) -> tuple[JudgedQuery, ...]:
    return tuple(judged(f"lamp oil grade for lantern {at}", {f"d{at % 6}.md": 1}) for at in range(number))


def truth(query: str, passage: Passage) -> float:
    return 0.9 if passage.text.startswith(f"lamp oil of grade {int(query.rsplit(maxsplit=1)[-1]) % 6}.") else 0.1


def lab(house: House, reranker: FakeReranker) -> LabRuns:
    tools = replace(house.tools, rerankers=Rerankers(house.find, reranker))
    return LabRuns(house.book, LabTools(tools, house.catalog, house.engine, ModelList(lambda: ()), SearchDefaults()))


def finished(house: House, runs: LabRuns, instance: Instance, request: LabRequest) -> dict[str, Any]:
    async def work() -> dict[str, Any]:
        run = await runs.begin(instance, request)
        await runs.wait(run.id)
        done = await runs.get(instance, run.id)
        assert done.state == "completed", done.reason
        told: dict[str, Any] = json.loads(done.report)
        return told

    return house.run(work())


def test_a_planted_oracle_is_on_and_noise_is_off(house: House) -> None:
    instance = fill(house)
    request = LabRequest(questions(), (ArmSpec(window=6),))
    oracle = finished(house, lab(house, FakeReranker(scorer=truth)), instance, request)
    assert oracle["verdict"]["answer"] == "on"
    assert oracle["arms"][2]["ndcg@10"] == 1.0
    draw = random.Random(7)
    noise = finished(
        house,
        lab(house, FakeReranker(scorer=lambda q, p: draw.random() * (0.5 if truth(q, p) > 0.5 else 1))),
        instance,
        request,
    )
    assert noise["verdict"]["answer"] == "off"
    few = finished(house, lab(house, FakeReranker(scorer=truth)), instance, replace(request, queries=questions(15)))
    assert few["verdict"]["answer"] == "not enough evidence"


def test_a_run_that_a_crash_broke_off_goes_on_where_it_stopped(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lab_work, "KEEP_EVERY", 0.0)
    instance, asked = fill(house), []

    class Stopping(FakeReranker):
        async def score(self, query: str, passages: Sequence[Passage]) -> Scores:
            asked.append(query)
            if len(asked) == 30:
                raise asyncio.CancelledError  # as a process that ends
            return await super().score(query, passages)

    request = LabRequest(questions(), (ArmSpec(window=6),))

    async def broken() -> str:
        runs = lab(house, Stopping(scorer=truth))
        run = await runs.begin(instance, request)
        await runs.wait(run.id)
        return run.id

    run_id = house.run(broken())
    left = house.run(house.book.get(instance.uid, run_id))
    assert (left.state, left.done) == ("running", 28), "the first query warmed up"

    async def after() -> None:
        runs = lab(house, Stopping(scorer=truth))
        await runs.start()
        await runs.wait(run_id)

    asked.clear()
    asked.extend(["before"] * 31)
    house.run(after())
    done = house.run(house.book.get(instance.uid, run_id))
    assert done.state == "completed" and done.done == QUERIES
    assert len(asked) - 31 == 1 + QUERIES - 28, "what was measured is not measured again"
    rows = house.run(house.lab.rows(done))
    assert [row.query for row in rows] == [one.text for one in request.queries]


def test_figures_of_another_index_are_not_mixed_in(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lab_work, "KEEP_EVERY", 0.0)
    instance = fill(house)
    runs = lab(house, FakeReranker(scorer=truth))

    async def begun() -> str:
        run = await runs.begin(instance, LabRequest(questions(), (ArmSpec(window=6),)))
        while (await runs.get(instance, run.id)).done < 3:
            await asyncio.sleep(0.01)
        await runs.stop()
        return run.id

    run_id = house.run(begun())
    house.run(house.indexing.upload(instance, Upload("new.md", b"lamp oil"), wait=60))

    async def after() -> None:
        again = lab(house, FakeReranker(scorer=truth))
        await again.start()
        await again.wait(run_id)

    house.run(after())
    done = house.run(house.book.get(instance.uid, run_id))
    assert done.done == QUERIES and not json.loads(done.report)["index_changed"], "all are of one state"


def test_a_run_that_began_anew_goes_on_from_there(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lab_work, "KEEP_EVERY", 0.0)
    instance = fill(house)

    async def until(run_id: str, runs: LabRuns, least: int, most: int) -> None:
        while not least <= (await runs.get(instance, run_id)).done < most:
            await asyncio.sleep(0.005)
        await runs.stop()

    async def work() -> None:
        first = lab(house, FakeReranker(scorer=truth))
        run = await first.begin(instance, LabRequest(questions(), (ArmSpec(window=6),)))
        await until(run.id, first, 20, 60)
        await house.indexing.upload(instance, Upload("new.md", b"lamp oil"), wait=60)
        second = lab(house, FakeReranker(scorer=truth))
        await second.start()
        await until(run.id, second, 3, 20)
        measured = (await second.get(instance, run.id)).done
        asked: list[str] = []
        third = lab(house, FakeReranker(scorer=lambda query, passage: asked.append(query) or truth(query, passage)))
        await third.start()
        await third.wait(run.id)
        assert (await third.get(instance, run.id)).state == "completed"
        assert len(set(asked)) == 1 + QUERIES - measured, "the first, to warm up, and what was left"

    house.run(work())


def test_cancel_and_remove(house: House) -> None:
    instance = fill(house)

    class Slow(FakeReranker):
        async def score(self, query: str, passages: Sequence[Passage]) -> Scores:
            await asyncio.sleep(0.05)
            return await super().score(query, passages)

    runs = lab(house, Slow())

    async def work() -> None:
        run = await runs.begin(instance, LabRequest(questions(), (ArmSpec(window=6),)))
        with pytest.raises(CooldownError, match="in progress"):
            await runs.begin(instance, LabRequest(questions(), (ArmSpec(window=6),)))
        ended = await runs.cancel(instance, run.id)
        assert (ended.state, ended.reason) == ("cancelled", "cancelled by a user")
        with pytest.raises(JobEndedError, match="has already ended"):
            await runs.cancel(instance, run.id)
        await runs.remove(instance, run.id)
        with pytest.raises(JobNotFoundError):
            await runs.get(instance, run.id)
        again = await runs.begin(instance, LabRequest(questions(), (ArmSpec(window=6),)))
        await runs.remove(instance, again.id)
        assert await runs.page(instance, 10, 0) == ([], 0)

    house.run(work())


def test_what_cannot_be_measured_is_told_before(house: House) -> None:
    instance = fill(house)
    runs = lab(house, FakeReranker())
    bad = {
        "no judged queries left": LabRequest((judged("a", {"d0.md": 0}),), (ArmSpec(),)),
        r"None of the 2 judged items \(for example 'x'\) is in 'docs'\. Its keys look like 'd0\.md'\.": LabRequest(
            (judged("a", {"x": 1, "y": 1}),), (ArmSpec(),)
        ),
        "different configurations": LabRequest(questions(3), (ArmSpec(), ArmSpec())),
        "concurrency is 99": LabRequest(questions(3), (ArmSpec(),), concurrency=99),
        "5,000": LabRequest(questions(5001), (ArmSpec(),)),
    }
    for told, request in bad.items():
        with pytest.raises(CallerError, match=told):
            house.run(runs.begin(instance, request))
    with pytest.raises(InvalidModelError):
        house.run(runs.begin(instance, LabRequest(questions(3), (ArmSpec("unknown"),))))
    assert house.run(runs.page(instance, 10, 0)) == ([], 0)


def test_weights_that_are_not_here(house: House) -> None:
    with pytest.raises(InvalidModelError, match=r"'missing' cannot be measured: .*not here"):
        house.run(lab(house, FakeReranker()).begin(fill(house), LabRequest(questions(3), (ArmSpec("missing"),))))


def test_a_failure_is_told_with_its_reason(house: House) -> None:
    instance = fill(house)

    async def work() -> None:
        runs = lab(house, FakeReranker())
        run = await runs.begin(instance, LabRequest(questions(3), (ArmSpec(),)))
        house.engine.close()
        (house.folder / "indexes" / f"{instance.uid}.sqlite").write_bytes(b"not a database" * 1000)
        await runs.wait(run.id)
        done = await runs.get(instance, run.id)
        assert done.state == "error" and done.reason

    house.run(work())


def test_an_instance_that_follows_verdicts_is_set(house: House) -> None:
    instance = fill(house, reranking_mode="auto")
    request = LabRequest(questions(), (ArmSpec(window=6),))
    finished(house, lab(house, FakeReranker(scorer=truth)), instance, request)
    settings = house.run(house.catalog.get_instance_by_uid(instance.uid)).settings
    assert settings.reranking and settings.reranking_stages == (RerankStage("", 6),)
    finished(house, lab(house, FakeReranker(scorer=lambda q, p: 1 - truth(q, p))), instance, request)
    assert not house.run(house.catalog.get_instance_by_uid(instance.uid)).settings.reranking
    finished(house, lab(house, FakeReranker(scorer=truth)), instance, replace(request, followed=False))
    assert not house.run(house.catalog.get_instance_by_uid(instance.uid)).settings.reranking, "a gate is no verdict"
    fixed = house.run(house.catalog.get_instance_by_uid(instance.uid))
    runs = lab(house, FakeReranker())
    assert house.run(
        runs.follow(replace(fixed, settings=replace(fixed.settings, reranking_mode="fixed")))
    ).settings == replace(fixed.settings, reranking_mode="fixed")
    house.run(runs.forget(instance))
    assert house.run(runs.last(instance)) is None


def test_a_command_takes_up_its_own_run_and_a_server_leaves_it(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lab_work, "KEEP_EVERY", 0.0)
    instance = fill(house)
    request = LabRequest(questions(), (ArmSpec(window=6),))
    steps: list[int] = []

    async def work() -> None:
        runs = lab(house, FakeReranker(scorer=truth))
        task = asyncio.create_task(runs.command(instance, request, lambda what, done, total: steps.append(done)))
        while len(steps) < 3:
            await asyncio.sleep(0.01)
        await runs.stop()
        await task
        [open_run], _ = await runs.page(instance, 10, 0)
        server = lab(house, FakeReranker(scorer=truth))
        await server.start()
        assert (await server.get(instance, open_run.id)).state == "running", "nobody took it up"
        steps.clear()
        done = await lab(house, FakeReranker(scorer=truth)).command(
            instance, request, lambda what, done, total: steps.append(done)
        )
        assert done.id == open_run.id and done.state == "completed" and steps[0] > 1
        other = await lab(house, FakeReranker(scorer=truth)).command(
            instance, replace(request, queries=questions(40)), lambda what, done, total: None
        )
        assert other.id != done.id and other.state == "completed"

    house.run(work())


def test_the_first_row_is_the_instance_as_it_is_set(house: House) -> None:
    """With its reranking and all thresholds; it is no arm of the verdict."""
    instance = fill(house, reranking=True)
    seldom = FakeReranker(scorer=lambda query, passage: 0.1 + 0.8 * truth(query, passage))
    report = finished(house, lab(house, seldom), instance, LabRequest(questions(), (ArmSpec(window=6),)))
    created, off, arm = report["arms"]
    assert (created["name"], created["comparison"], created["spec"], created["on_front"]) == (
        "as created",
        None,
        None,
        False,
    )
    assert created["model"] == arm["model"] and created["ndcg@10"] == pytest.approx(arm["ndcg@10"])
    bare = replace(instance, settings=replace(instance.settings, reranking=False))
    report = finished(house, lab(house, seldom), bare, LabRequest(questions(), (ArmSpec(window=6),)))
    created, off, arm = report["arms"]
    assert created["model"] is None and created["ndcg@10"] == off["ndcg@10"]


def test_what_retrieval_gains_is_not_credited_to_reranking(house: House) -> None:
    instance = fill(house, vector_index=False, match_mode="and")
    asked = tuple(judged(f"lamp oil grade {at % 6} lantern {at}", {f"d{at % 6}.md": 1}) for at in range(QUERIES))
    idle = LabRequest(asked, (ArmSpec(window=6, weight=1e-9, match_mode="or"),))
    report = finished(house, lab(house, FakeReranker(scorer=lambda q, p: 0.5)), instance, idle)
    _, off, wider, arm = report["arms"]
    assert [one["name"] for one in (off, wider)] == ["off", "off, or"]
    assert off["ndcg@10"] == 0 < wider["ndcg@10"] == pytest.approx(arm["ndcg@10"])
    assert arm["baseline"] == "off, or" and wider["baseline"] is wider["comparison"] is off["comparison"] is None
    assert arm["comparison"]["difference"] == 0 and report["verdict"]["answer"] == "not enough evidence"


def test_the_retrieval_of_the_chosen_arm_is_set_with_it(house: House) -> None:
    instance = fill(house, vector_index=False, match_mode="and", min_score=0.0)
    runs = lab(house, FakeReranker(scorer=truth))
    report = finished(house, runs, instance, LabRequest(questions(), (ArmSpec(window=6, match_mode="or"),)))
    assert report["verdict"]["answer"] == "on" and "0.0000 to" not in report["verdict"]["sentence"]
    changed = house.run(runs.apply(instance, report))
    assert changed is not None
    assert (changed.settings.reranking, changed.settings.match_mode) == (True, "or"), "the state that was measured"


def test_what_is_applied_begins_the_trial_anew(house: House) -> None:
    """Clicks on the model of before say nothing of the one that is set."""
    instance = fill(house, reranking_mode="interleave")
    runs = lab(house, FakeReranker(scorer=truth))
    report = finished(house, runs, instance, LabRequest(questions(), (ArmSpec(window=6),)))
    changed = house.run(runs.apply(instance, report))
    assert changed is not None and changed.settings.reranking_mode == "interleave"
    assert changed.settings.tried_since == changed.modified_at != instance.settings.tried_since
    again = house.run(runs.apply(changed, report))
    assert again is not None and again.settings == changed.settings, "the same settings are the same trial"


def test_a_type_of_retrieval_that_is_no_setting_is_refused(house: House) -> None:
    instance = fill(house, reranking_mode="auto")
    runs = lab(house, FakeReranker(scorer=truth))
    keyword = LabRequest(questions(), (ArmSpec(window=6, retrieval_type="keyword"),))
    report = finished(house, runs, instance, keyword)
    assert report["verdict"]["answer"] == "on"
    with pytest.raises(CallerError, match=r"keyword was measured with 'keyword' retrieval.*'docs' use 'hybrid'"):
        house.run(runs.apply(instance, report))
    settings = house.run(house.catalog.get_instance_by_uid(instance.uid)).settings
    assert settings == instance.settings == house.run(runs.follow(instance)).settings
    own = finished(house, runs, instance, LabRequest(questions(), (ArmSpec(window=6, retrieval_type="hybrid"),)))
    assert house.run(runs.apply(instance, own)) is not None, "that is how it is searched anyway"


def test_an_arm_that_its_retrieval_holds_below_the_search_as_it_is_does_not_win(house: House) -> None:
    instance = fill(house, vector_index=False, match_mode="or")
    asked = tuple(judged(f"grade {at % 6} lantern {at % 10}", {f"d{at % 6}.md": 1}) for at in range(QUERIES))
    asked = (*asked[:50], *(judged(f"lamp oil grade for {at}", {f"d{at % 6}.md": 1}) for at in range(50, 60)))
    narrow = LabRequest(asked, (ArmSpec(window=6, match_mode="and"),))
    report = finished(house, lab(house, FakeReranker(scorer=lambda q, p: 0.5)), instance, narrow)
    _, off, own, arm = report["arms"]
    assert own["ndcg@10"] < off["ndcg@10"] and arm["baseline"] == "off, and"
    assert any("below the search as configured" in flag for flag in arm["flags"]) and not own["flags"]


def test_judged_items_that_are_not_there_are_counted(house: House) -> None:
    instance = fill(house)
    mistyped = tuple(judged(f"lamp oil {at}", {"D0.md": 1, "d0.markdown": 1}) for at in range(3))
    asked = LabRequest((*questions(12), *mistyped), (ArmSpec(window=6),))
    assert finished(house, lab(house, FakeReranker()), instance, asked)["unknown_items"] == 2
    known = LabRequest(questions(12), (ArmSpec(window=6),))
    assert finished(house, lab(house, FakeReranker()), instance, known)["unknown_items"] == 0


class Slow(FakeReranker):
    async def score(self, query: str, passages: Sequence[Passage]) -> Scores:
        await asyncio.sleep(0.01)
        return await super().score(query, passages)


def quiet(what: str, done: int, total: int) -> None:
    pass


def test_the_same_command_twice_is_one_run_and_a_refusal(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lab_work, "KEEP_EVERY", 0.0)
    instance, request = fill(house), LabRequest(questions(30), (ArmSpec(window=6),))

    async def work() -> None:
        both = [lab(house, Slow()).command(instance, request, quiet) for _ in range(2)]
        found = await asyncio.gather(*both, return_exceptions=True)
        [refused] = [one for one in found if isinstance(one, CooldownError)]
        assert "in this server or another process" in str(refused)
        [done] = [one for one in found if isinstance(one, LabRun)]
        assert (done.state, done.done) == ("completed", 30)
        assert (await lab(house, Slow()).page(instance, 9, 0))[1] == 1

    house.run(work())


def test_a_command_notices_that_the_server_cancelled_it(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lab_work, "KEEP_EVERY", 0.0)
    instance, steps = fill(house), []

    async def work() -> None:
        request = LabRequest(questions(), (ArmSpec(window=6),))
        command = lab(house, Slow()).command(instance, request, lambda what, done, total: steps.append(done))
        task, server = asyncio.create_task(command), lab(house, Slow())
        while len(steps) < 3:
            await asyncio.sleep(0.005)
        [run], _ = await server.page(instance, 9, 0)
        with pytest.raises(CooldownError, match=rf"run {run.id}, \d+ of 60 queries"):
            await server.begin(instance, request)
        await server.cancel(instance, run.id)
        ended = await task
        assert (ended.state, ended.reason) == ("cancelled", "cancelled by a user") and steps[-1] < QUERIES

    house.run(work())


def test_what_a_killed_command_left_is_in_nobodys_way(house: House) -> None:
    instance, request = fill(house), LabRequest(questions(30), (ArmSpec(window=6),))

    async def work() -> None:
        left = LabRun("left", instance.uid, "running", 1, 30, reason=lab_runs.BY_COMMAND)
        await house.book.add(left)
        assert await house.book.take(instance.uid, "left", "command-killed", now=0, until=1)
        gate = await lab(house, FakeReranker()).command(instance, replace(request, followed=False), quiet)
        assert gate.state == "completed" and (await house.book.get(instance.uid, "left")).state == "running"
        runs = lab(house, FakeReranker())
        run = await runs.begin(instance, request)
        await runs.wait(run.id)
        assert (await runs.get(instance, run.id)).state == "completed"
        assert await house.book.get(instance.uid, "left") == replace(
            left, state="error", reason=lab_runs.LEFT, ended_at=(await house.book.get(instance.uid, "left")).ended_at
        )

    house.run(work())


def test_a_gate_cancels_no_run(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lab_work, "KEEP_EVERY", 0.0)
    instance, request = fill(house), LabRequest(questions(30), (ArmSpec(window=6),))

    async def work() -> None:
        steps: list[int] = []
        runs = lab(house, Slow())
        task = asyncio.create_task(runs.command(instance, request, lambda what, done, total: steps.append(done)))
        while not steps:
            await asyncio.sleep(0.005)
        with pytest.raises(CooldownError, match="in progress"):
            await lab(house, Slow()).command(instance, replace(request, followed=False), quiet)
        assert (await task).state == "completed"

    house.run(work())


def test_nothing_is_read_for_a_run_that_is_refused(house: House) -> None:
    instance, read = fill(house), []

    async def reading(instance: Instance, item: Item) -> str:
        read.append(item.key)
        return await house.indexing.read_text(instance, item)

    stale = JudgedQuery("lamp oil", (Judgment("d0.md", mark=mark_of(b"old")), Judgment("d1.md")))
    request = LabRequest((*questions(9), stale), (ArmSpec(window=6),))
    ours, others = (LabRuns(house.book, replace(lab(house, Slow()).outside, read_text=reading)) for _ in range(2))

    async def work() -> None:
        many = replace(request, queries=(*questions(lab_runs.MOST_QUERIES), stale))
        with pytest.raises(CallerError, match="the run has 5,001 judged queries: give 1 to 5,000"):
            await ours.begin(instance, many)
        mute = replace(ours.outside, tools=replace(ours.outside.tools, generator=ExtractiveGenerator()))
        with pytest.raises(GeneratorError):
            await LabRuns(house.book, mute).begin(instance, replace(request, judge=""))
        assert read == [], "too many, and nobody who could grade"
        found = await asyncio.gather(*(ours.begin(instance, request) for _ in range(2)), return_exceptions=True)
        [run] = [one for one in found if isinstance(one, LabRun)]
        assert sum(isinstance(one, CooldownError) for one in found) == 1 and read == ["d0.md"]
        for runs in (ours, others):
            with pytest.raises(CooldownError, match="in progress"):
                await runs.begin(instance, request)
            with pytest.raises(CooldownError, match="in progress"):
                await runs.command(instance, request, quiet)
        await ours.wait(run.id)
        assert read == ["d0.md"], "one is in progress"

    house.run(work())


def test_who_stood_still_spoils_nothing_of_who_went_on(house: House) -> None:
    """A process that slept from its turn on, until another had gone on with the run over an index that had changed."""
    instance, request = fill(house), LabRequest(questions(3), (ArmSpec(window=6),), generation=-1)
    outside = lab(house, FakeReranker()).outside

    async def work() -> None:
        run = LabRun("r", instance.uid, "running", 1, 3, request=request_json(request))
        await house.book.add(run)
        for owner in ("slept", "awake"):
            assert await house.book.take(instance.uid, "r", owner, now=2, until=1)
        assert await house.book.add_rows("r", 0, ["{}"], owner="awake")
        assert await LabWork(house.book, outside, instance, Turn(instance.uid, "r", "slept")).do(request) is None
        assert await house.book.get(instance.uid, "r") == replace(run, done=1)

    house.run(work())


def test_memory_is_told_in_one_unit(monkeypatch: pytest.MonkeyPatch) -> None:
    found = lab_work.most_memory()
    assert 10 < found < 100_000
    monkeypatch.setattr(lab_work.sys, "platform", "darwin")
    assert lab_work.most_memory() < found / 500


def test_a_run_that_is_cancelled_at_once_leaves_the_turn(house: House) -> None:
    instance, request = fill(house), LabRequest(questions(3), (ArmSpec(window=6),))

    async def work() -> None:
        runs = lab(house, FakeReranker())
        for _ in range(3):
            await runs.cancel(instance, (await runs.begin(instance, request)).id)

    house.run(work())
