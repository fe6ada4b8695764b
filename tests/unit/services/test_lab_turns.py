"""A turn is kept while its work goes on, and work without a turn ends."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from secondlook.domain.lab import LabRun
from secondlook.services import lab_turns
from secondlook.services.lab_turns import LabTurns
from tests.unit.services.conftest import House

RUN = LabRun("r1", "u1", "running", 10, 3)


async def for_ever() -> None:
    await asyncio.Event().wait()


def over_a_run(house: House, work: Callable[[LabTurns, LabTurns], Awaitable[None]]) -> None:
    """``work`` with two processes' turns."""

    async def inside() -> None:
        await house.book.add(RUN)
        await work(LabTurns(house.book), LabTurns(house.book))

    house.run(inside())


def test_one_process_at_a_time(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lab_turns, "LEASE", 0.06)

    async def work(one: LabTurns, other: LabTurns) -> None:
        turn = await one.take("u1", "r1")
        assert turn and await one.take("u1", "r2") is None and await other.take("u1", "r1") is None
        assert await other.is_taken("u1") and not await other.is_taken("u2")
        assert await other.take("u2", "r3"), "another instance"
        kept = asyncio.create_task(one.keep(turn, asyncio.sleep(0.3)))
        await asyncio.sleep(0.15)
        assert await other.take("u1", "r1") is None, "longer than a lease: it was renewed"
        assert (await other.wait("u1", "r1")).run_id == "r1" and kept.done()

    over_a_run(house, work)


def test_a_turn_of_a_process_that_was_killed_is_over(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lab_turns, "LEASE", 0.05)

    async def work(killed: LabTurns, other: LabTurns) -> None:
        assert await killed.take("u1", "r1") and await other.take("u1", "r1") is None
        await asyncio.sleep(0.06)
        assert await other.take("u1", "r1")

    over_a_run(house, work)


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
