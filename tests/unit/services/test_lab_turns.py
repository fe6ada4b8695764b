"""A turn is kept while its work goes on, and work without a turn ends."""

import asyncio
import os
import subprocess
import time
from collections.abc import Awaitable, Callable

import pytest

from secondlook.domain.lab import LabRun
from secondlook.services import lab_turns
from secondlook.services.lab_turns import LabTurns, is_gone, process_name
from tests.unit.services.conftest import House

KNOWN = pytest.mark.skipif(not process_name(os.getpid()), reason="only Linux tells when a process began")
RUN = LabRun("r1", "u1", "running", 10, 3)


async def for_ever() -> None:
    await asyncio.Event().wait()


async def until(enough: asyncio.Event) -> None:
    await enough.wait()


def over_a_run(house: House, work: Callable[[LabTurns, LabTurns], Awaitable[None]]) -> None:
    """``work`` with two processes' turns."""

    async def inside() -> None:
        await house.book.add(RUN)
        await work(LabTurns(house.book), LabTurns(house.book))

    house.run(inside())


def test_one_process_at_a_time(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lab_turns, "BEATS", 6000)

    async def work(one: LabTurns, other: LabTurns) -> None:
        turn = await one.take("u1", "r1")
        lapsed = round(1000 * (time.time() + lab_turns.LEASE)) + 1
        assert turn and await one.take("u1", "r2") is None and await other.take("u1", "r1") is None
        assert await other.is_taken("u1") and not await other.is_taken("u2")
        assert await other.take("u2", "r3"), "another instance"
        assert not await house.book.owner_of("u1", now=lapsed)
        enough = asyncio.Event()
        kept = asyncio.create_task(one.keep(turn, until(enough)))
        while not await house.book.owner_of("u1", now=lapsed):
            await asyncio.sleep(0.001)  # until it is renewed
        waiting = asyncio.create_task(other.wait("u1", "r1"))
        assert await other.take("u1", "r1") is None and not waiting.done()
        enough.set()
        assert (await waiting).run_id == "r1"
        await kept

    over_a_run(house, work)


def test_a_turn_of_a_process_that_was_killed_is_over(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lab_turns, "LEASE", 0.05)

    async def work(killed: LabTurns, other: LabTurns) -> None:
        assert await killed.take("u1", "r1") and await other.take("u1", "r1") is None
        await asyncio.sleep(0.06)
        assert await other.take("u1", "r1")

    over_a_run(house, work)


@pytest.mark.process
@KNOWN
def test_nobody_waits_for_a_process_of_this_machine_that_is_no_more(house: House) -> None:
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as other:
        name = process_name(other.pid)
        assert name and name != process_name(os.getpid()) and not is_gone(name)
    assert is_gone(name), "whatever its exit"

    async def work(killed: LabTurns, later: LabTurns) -> None:
        killed.process = name
        turn = await killed.take("u1", "r1")
        assert turn and len(turn.owner) <= 80, "as long as the column"
        assert not await later.is_taken("u1") and await later.take("u1", "r2")
        assert await later.is_taken("u1") and await killed.take("u1", "r1") is None
        assert not await house.book.hold("r1", turn.owner, until=9), "a turn that was taken over is lost"

    over_a_run(house, work)


@KNOWN
def test_who_may_be_alive_is_waited_for() -> None:
    ours = process_name(os.getpid())
    machine, pid, start = ours.split(".")
    assert is_gone(f"{machine}.{pid}.{int(start) + 1}"), "its number was given to another"
    for name in (ours, f"{'0' * 12}.{pid}.{int(start) + 1}", "", "a.b.c"):
        assert not is_gone(name)
    first = process_name(1)
    assert not is_gone(first or f"{machine}.1.0"), "perhaps another user's"


def test_a_server_that_starts_waits_for_no_earlier_one(house: House) -> None:
    async def work(one: LabTurns, other: LabTurns) -> None:
        await one.serve()
        assert await one.take("u1", "r1") and await one.take("u2", "r2") and await other.take("u3", "r3")
        await other.serve()
        assert await other.take("u1", "r1") and await other.take("u3", "r4") is None, "a command's is left alone"

    over_a_run(house, work)


def test_work_is_broken_off_when_its_run_was_ended(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lab_turns, "LEASE", 0.06)

    async def work(one: LabTurns, other: LabTurns) -> None:
        turn = await one.take("u1", "r1")
        assert turn
        kept = asyncio.create_task(one.keep(turn, for_ever()))
        await asyncio.sleep(0.05)
        assert not kept.done()
        await house.book.set_state("r1", "cancelled", ended_at=11)
        await asyncio.wait_for(kept, 5)
        assert await other.take("u1", "r2"), "the turn is free"

    over_a_run(house, work)


def test_what_the_work_raises_is_told(house: House) -> None:
    async def failing() -> None:
        raise ValueError("no")

    async def work(one: LabTurns, other: LabTurns) -> None:
        turn = await one.take("u1", "r1")
        assert turn
        with pytest.raises(ValueError, match="no"):
            await one.keep(turn, failing())
        assert await other.take("u1", "r1")

    over_a_run(house, work)
