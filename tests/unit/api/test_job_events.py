"""Who follows a job hears of it while it runs, until it ends, is gone, or the server stops."""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from secondlook.api import job_events
from secondlook.api.job_events import BEAT, follow
from secondlook.domain.instance import Instance
from secondlook.domain.jobs import Job, JobLine
from secondlook.services.syncing import NEWS
from tests.unit.services.conftest import House


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(job_events, "LOOK_EVERY", 0.01)
    made = House(tmp_path)
    yield made
    made.close()


def begin(house: House) -> tuple[Instance, Job]:
    made = house.make()
    job = Job("j1", made.uid, "user", started_at=1, last_seen_at=1)
    house.run(house.journal.add_job(job))
    return made, job


async def heard(frames: AsyncIterator[bytes]) -> tuple[str, Any]:
    """Name and data of the next event."""
    lines = (await asyncio.wait_for(anext(frames), 10)).decode().strip().split("\n")
    fields = dict(line.split(": ", 1) for line in lines)
    return fields["event"], json.loads(fields["data"])


def test_lines_and_states_come_as_they_are_written(house: House) -> None:
    made, job = begin(house)

    async def work() -> None:
        frames = follow(house.syncing, made, job.id, 0)
        name, data = await heard(frames)
        assert (name, data["job"]["id"], data["items"]) == ("job", "j1", {})
        for at in (5, 6):
            await house.journal.add_job_line(job.id, JobLine(at, f"line {at}"))
            assert (await heard(frames))[1]["message"] == f"line {at}"
            name, data = await heard(frames)
            assert (name, data["job"]["last_seen_at"][-4:]) == ("job", f"{at:03}Z")
        await house.journal.end_job(job.id, 7, "completed")
        assert (await heard(frames))[1]["job"]["end_reason"] == "completed"
        assert (await heard(frames))[0] == "end"
        with pytest.raises(StopAsyncIteration):
            await anext(frames)

    house.run(work())


def test_a_long_log_comes_whole_and_in_order(house: House) -> None:
    made, job = begin(house)
    for at in range(2 * NEWS + 1):
        house.run(house.journal.add_job_line(job.id, JobLine(at, str(at))))
    house.run(house.journal.end_job(job.id, 7, "completed"))

    async def work() -> list[str]:
        frames = [frame.decode() async for frame in follow(house.syncing, made, job.id, 0)]
        return [json.loads(one.split("data: ")[1])["message"] for one in frames if "event: log" in one]

    assert house.run(work()) == [str(at) for at in range(2 * NEWS + 1)]


def test_silence_is_filled(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_events, "BEAT_EVERY", 0.05)
    made, job = begin(house)

    async def work() -> list[bytes]:
        frames = follow(house.syncing, made, job.id, 0)
        return [await asyncio.wait_for(anext(frames), 10) for _ in range(3)]

    assert house.run(work())[1:] == [BEAT, BEAT]


def test_a_job_that_goes_with_its_instance(house: House) -> None:
    made, job = begin(house)

    async def work() -> tuple[str, Any]:
        frames = follow(house.syncing, made, job.id, 0)
        await heard(frames)
        await house.instances.delete(made)
        return await heard(frames)

    name, data = house.run(work())
    assert (name, data["success"]) == ("error", False)


def test_a_server_that_stops_lets_go(house: House) -> None:
    made, job = begin(house)

    async def work() -> list[str]:
        frames = follow(house.syncing, made, job.id, 0)
        first = await heard(frames)
        house.syncing.dismiss()
        return [first[0], *[frame.decode() async for frame in frames]]

    assert house.run(work()) == ["job"], "no end: whoever follows comes again"


def test_a_database_that_fails_ends_no_job(house: House, tmp_path: Path) -> None:
    made, job = begin(house)

    async def work() -> list[str]:
        frames = follow(house.syncing, made, job.id, 0)
        first = await heard(frames)
        with closing(sqlite3.connect(tmp_path / "catalog.sqlite")) as connection:
            connection.execute("ALTER TABLE jobs RENAME TO away")
            connection.commit()
        return [first[0], *[frame.decode() async for frame in frames]]

    assert house.run(work()) == ["job"], "no error: whoever follows comes again"
