"""Events in time, and work that outlives its caller."""

import asyncio

import pytest

from secondlook.services.waiting import SetBack, set_within, to_the_end


def test_an_event_is_set_in_time_or_not() -> None:
    async def work() -> tuple[bool, bool]:
        event = asyncio.Event()
        early = await set_within(event, 0.001)
        event.set()
        return early, await set_within(event, 10)

    assert asyncio.run(work()) == (False, True)


@pytest.mark.parametrize(
    ("passed", "noticed"), [(0.0, 0), (5.0, 0), (-1.0, 0), (-7200.0, 7_200_000), (-90.0, 90_000), (7200.0, 0)]
)
def test_a_clock_that_is_set_back_is_noticed_once(passed: float, noticed: int) -> None:
    times = {"clock": 1000.0, "steady": 50.0}
    found = SetBack(lambda: times["clock"], lambda: times["steady"])
    times["steady"] += 10
    times["clock"] += 10 + passed
    assert found.milliseconds() == noticed
    times["steady"] += 10
    times["clock"] += 10
    assert found.milliseconds() == 0


def test_a_cancelled_caller_stops_after_the_work() -> None:
    done: list[str] = []

    async def write() -> None:
        for _ in range(5):
            await asyncio.sleep(0)
        done.append("written")

    async def work() -> None:
        task = asyncio.create_task(to_the_end(write()))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(work())
    assert done == ["written"]
