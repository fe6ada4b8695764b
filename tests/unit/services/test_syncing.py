"""Syncs take up what failed, one at a time, and outlive a crash."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from secondlook.domain.instance import Instance, InstanceSettings
from secondlook.domain.jobs import Job
from secondlook.errors import CooldownError, JobEndedError, JobNotFoundError, PausedError, SourceError
from secondlook.models.fakes import FakeEmbedder
from secondlook.services.indexing import Upload
from secondlook.services.syncing import CANCELLED, COMPLETED, Syncing
from secondlook.supply import Source
from tests.unit.services.conftest import House


def fails(house: House, on: bool) -> None:
    assert isinstance(house.embedder, FakeEmbedder)
    house.embedder.fails = on


def put(house: House, made: Instance, *keys: str) -> None:
    for key in keys:
        house.run(house.indexing.upload(made, Upload(key, b"lamp oil"), wait=20))


def synced(house: House, made: Instance, **more: str) -> tuple[Job, list[str]]:
    """The job at its end, and its log."""
    job = house.run(house.syncing.begin(made, **more))
    house.run(house.syncing.wait())
    lines, _ = house.run(house.syncing.lines(made, job.id, 100, 0))
    return house.run(house.syncing.get(made, job.id)), [one.message for one in lines]


def test_what_failed_is_taken_up_again(house: House) -> None:
    made = house.make()
    put(house, made, "good.md")
    fails(house, True)
    put(house, made, "a.md", "b.md")
    fails(house, False)
    house.run(house.indexing.upload(made, Upload("empty.md", b""), wait=20))
    before = house.run(house.indexing.find(made, "good.md"))
    job, lines = synced(house, made, description="after deploy")
    assert (job.trigger, job.description, job.end_reason) == ("user", "after deploy", COMPLETED)
    assert job.ended_at and job.ended_at >= job.started_at
    assert [lines[0], *sorted(lines[1:-1]), lines[-1]] == [
        "re-indexing 3 failed or outdated items",
        "a.md: completed",
        "b.md: completed",
        "empty.md: file_content_empty: the file contains no text",
        "2 completed, 1 error",
    ]
    assert house.run(house.indexing.find(made, "good.md")) == before


def test_the_cooldown_is_of_users_and_of_one_instance(house: House) -> None:
    made, other = house.make(), house.make("other")
    synced(house, made)
    with pytest.raises(CooldownError, match="started moments ago") as caught:
        house.run(house.syncing.begin(made))
    assert 0 < caught.value.retry_after <= 30
    synced(house, other)
    house.run(house.syncing.begin(made, trigger="schedule"))
    house.run(house.syncing.wait())
    assert house.run(house.syncing.list(made, 10, 0))[1] == 2
    quick = Syncing(house.journal, house.catalog, house.indexing, house.pulling, cooldown=0)
    house.run(quick.begin(made))
    house.run(quick.wait())


def test_a_clock_that_is_set_back_holds_up_no_sync(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the schedule waits for the old time to come again, nor does the cooldown grow."""
    made = house.make(source_kind="web-crawler", source="https://harbour.example", sync_interval=3600)
    times = {"clock": time.time(), "steady": 50.0}
    monkeypatch.setattr(time, "time", lambda: times["clock"])
    syncing = Syncing(house.journal, house.catalog, house.indexing, house.pulling, steady=lambda: times["steady"])
    house.run(syncing.begin(made))
    house.run(syncing.wait())
    times["clock"] -= 7200
    with pytest.raises(CooldownError, match="started moments ago") as caught:
        house.run(syncing.begin(made))
    assert 0 < caught.value.retry_after <= 30
    house.run(syncing.follow_schedule())
    assert house.run(syncing.list(made, 10, 0))[1] == 1, "its hour is not over"
    times["steady"] += 31
    house.run(syncing.begin(made))
    house.run(syncing.wait())
    times["steady"] += 3601
    house.run(syncing.follow_schedule())
    house.run(syncing.wait())
    jobs, total = house.run(house.syncing.list(made, 10, 0))
    assert (total, [one.trigger for one in jobs]) == (3, ["schedule", "user", "user"]), "newest first"
    assert all(one.ended_at is not None and one.ended_at >= one.started_at for one in jobs)


def test_after_a_restart_a_job_of_the_future_holds_up_no_sync(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    made = house.make(source_kind="web-crawler", source="https://harbour.example", sync_interval=3600)
    synced(house, made)
    clock = time.time() - 7200
    monkeypatch.setattr(time, "time", lambda: clock)
    again = Syncing(house.journal, house.catalog, house.indexing, house.pulling)
    for _ in range(3):
        house.run(again.follow_schedule())
        house.run(again.wait())
    assert house.run(again.list(made, 10, 0))[1] == 2, "once, and then after an hour"


def test_one_runs_at_a_time(idle: House) -> None:
    made = idle.make()
    idle.run(idle.indexing.upload(made, Upload("a.md", b"")))
    item = idle.run(idle.indexing.find(made, "a.md"))
    idle.run(idle.catalog.set_item_status(item, "error", error="unknown_error: x"))
    syncing = Syncing(idle.journal, idle.catalog, idle.indexing, idle.pulling, cooldown=0)
    idle.run(syncing.begin(made))  # nobody indexes: it runs until it is stopped
    with pytest.raises(CooldownError, match="still running"):
        idle.run(syncing.begin(made))
    with pytest.raises(CooldownError, match="still running"):
        idle.run(syncing.begin(made, trigger="schedule"))
    idle.run(syncing.stop())


def test_a_paused_instance_syncs_nothing(house: House) -> None:
    made = house.make(paused=True, source_kind="r2", source="bucket")
    with pytest.raises(PausedError, match="paused"):
        house.run(house.syncing.begin(made))
    house.run(house.syncing.follow_schedule())
    assert house.run(house.syncing.list(made, 10, 0)) == ([], 0)


def test_a_job_is_cancelled_once(idle: House) -> None:
    made = idle.make()
    idle.run(idle.indexing.upload(made, Upload("a.md", b"lamp oil")))
    item = idle.run(idle.indexing.find(made, "a.md"))
    idle.run(idle.catalog.set_item_status(item, "error", error="unknown_error: x"))
    job = idle.run(idle.syncing.begin(made))
    ended = idle.run(idle.syncing.cancel(made, job.id))
    idle.run(idle.syncing.wait())
    assert ended.end_reason == CANCELLED
    assert idle.run(idle.syncing.get(made, job.id)).end_reason == CANCELLED
    with pytest.raises(JobEndedError, match="ended already"):
        idle.run(idle.syncing.cancel(made, job.id))
    with pytest.raises(JobNotFoundError):
        idle.run(idle.syncing.cancel(made, "nope"))
    lines, _ = idle.run(idle.syncing.lines(made, job.id, 10, 0))
    assert lines[-1].message == "cancelled by a user"


def test_a_restart_goes_on_with_what_ran(idle: House) -> None:
    made = idle.make()
    for key in ("a.md", "b.md"):
        idle.run(idle.indexing.upload(made, Upload(key, b"lamp oil")))
        item = idle.run(idle.indexing.find(made, key))
        idle.run(idle.catalog.set_item_status(item, "error", error="unknown_error: x"))
    job = idle.run(idle.syncing.begin(made))
    idle.run(idle.syncing.stop())
    assert idle.run(idle.syncing.get(made, job.id)).ended_at is None
    after = Syncing(idle.journal, idle.catalog, idle.indexing, idle.pulling)
    idle.run(idle.indexing.start())
    idle.run(after.start())
    idle.run(after.wait())
    idle.run(after.stop())
    idle.run(idle.indexing.drain())
    assert idle.run(after.get(made, job.id)).end_reason == COMPLETED
    lines, _ = idle.run(after.lines(made, job.id, 100, 0))
    assert "resumed after an interruption" in [one.message for one in lines]
    assert {one.status for one in idle.run(idle.indexing.list(made))} == {"completed"}


def test_the_schedule_is_that_of_the_instance(house: House) -> None:
    site = house.make("site", source_kind="web-crawler", source="https://harbour.example", sync_interval=900)
    plain = house.make("plain")
    house.run(house.syncing.follow_schedule())
    house.run(house.syncing.wait())
    house.run(house.syncing.follow_schedule())
    [job], total = house.run(house.syncing.list(site, 10, 0))
    assert (job.trigger, total) == ("schedule", 1)
    assert house.run(house.syncing.list(plain, 10, 0)) == ([], 0)


def test_an_instance_that_goes_takes_its_job_along(idle: House) -> None:
    made = idle.make()
    idle.run(idle.indexing.upload(made, Upload("a.md", b"lamp oil")))
    item = idle.run(idle.indexing.find(made, "a.md"))
    idle.run(idle.catalog.set_item_status(item, "error", error="unknown_error: x"))
    idle.run(idle.syncing.begin(made))
    idle.run(idle.instances.delete(made))
    idle.run(idle.indexing.start())
    idle.run(asyncio.wait_for(idle.syncing.wait(), 20))
    assert idle.run(idle.journal.list_open_jobs()) == []


def test_a_job_begins_with_the_instance_as_it_is(house: House) -> None:
    """It was paused while the request waited for its turn."""
    made = house.make()
    house.run(house.catalog.update_instance(made.uid, replace(made.settings, paused=True), 1, before=made.settings))
    with pytest.raises(PausedError, match="paused"):
        house.run(house.syncing.begin(made))


class Failing:
    """Sources that cannot be opened for good; a person changes something at that moment."""

    def __init__(self) -> None:
        self.deed: Callable[[], Awaitable[object]]

    async def open(self, settings: InstanceSettings, secret: tuple[str, str] | None) -> Source:
        await self.deed()
        raise SourceError("bucket_unauthorized", "these credentials may not read the bucket", lasting=True)


def test_a_source_that_was_fixed_while_its_sync_failed_is_not_paused(tmp_path: Path) -> None:
    """The old source fails for good; the new one, which a person has set meanwhile, gets its own sync."""
    sources = Failing()
    house = House(tmp_path, sources=sources)
    made = house.make(source_kind="r2", source="lamps")
    fixed = replace(made.settings, source="horns", top_k=9)

    async def fix() -> None:
        await house.catalog.update_instance(made.uid, fixed, 1, before=made.settings)

    sources.deed = fix
    job, lines = synced(house, made)
    assert house.run(house.catalog.get_instance_by_uid(made.uid)).settings == fixed
    assert (job.status, job.end_reason.partition(":")[0]) == ("cancelled", "source_changed")
    assert not any("paused" in one for one in lines)
    house.close()


def test_a_failing_source_pauses_its_instance_and_changes_nothing_else(tmp_path: Path) -> None:
    sources = Failing()
    house = House(tmp_path, sources=sources)
    made = house.make(source_kind="r2", source="lamps")

    async def change_another_setting() -> None:
        await house.catalog.update_instance(made.uid, replace(made.settings, top_k=9), 1, before=made.settings)

    sources.deed = change_another_setting
    job, lines = synced(house, made)
    found = house.run(house.catalog.get_instance_by_uid(made.uid)).settings
    assert found == replace(made.settings, top_k=9, paused=True)
    assert job.status == "failed" and lines[-1] == "Syncs are paused. Fix the problem, then set paused to false."
    house.close()
