"""A host that has enough is left alone as long as it asks, within bounds, and then asked slowly."""

import asyncio
import email.utils
import time

import pytest

from secondlook.sources.pacing import Pace, Patience, read_retry_after

HOUR = Patience(first=100.0, longest=3600.0, in_all=10_000.0)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0", 0), ("120", 120), (" 7 ", 7), ("", None), ("soon", None), ("-5", None), ("1.5", None), ("٣", None),
     ("Sun, 06 Nov 1994 08:49:37 GMT", 0), ("Sunday, 06-Nov-94 08:49:37 GMT", 0), ("9" * 40, 999_999_999)],
)  # fmt: skip
def test_what_retry_after_says(text: str, seconds: float | None) -> None:
    assert read_retry_after(text) == seconds


def test_a_date_to_come() -> None:
    told = read_retry_after(email.utils.formatdate(time.time() + 100, usegmt=True))
    assert told is not None and 90 < told <= 100


def refuse(pace: Pace, *, after: str = "", status: int = 429, asked_at: float | None = None) -> float:
    """The wait that follows."""
    pace.note(status, {"retry-after": after}, time.monotonic() + 1e6 if asked_at is None else asked_at)
    return pace.opens_in()


def test_each_refusal_doubles_the_wait_and_halves_what_is_asked_at_once() -> None:
    pace = Pace(HOUR, 8)
    waits = [refuse(pace, status=status) for status in (429, 502, 503, 504)]
    assert waits == pytest.approx([100, 200, 400, 800], abs=1)
    assert pace.width == 1
    pace.note(404, {}, 0)
    assert pace.width == 2 and refuse(Pace(HOUR, 8)) == pytest.approx(100, abs=1)
    pace.note(500, {}, 0)
    assert pace.width == 2, "that says nothing of how busy it is"
    for _ in range(20):
        pace.note(200, {}, 0)
    assert pace.width == 8
    pace.delay = 0.5
    assert pace.width == 1


def test_the_host_says_how_long_within_bounds() -> None:
    assert refuse(Pace(HOUR, 8), after="500") == pytest.approx(500, abs=1)
    assert refuse(Pace(HOUR, 8), after="86400") == pytest.approx(3600, abs=1)
    assert refuse(Pace(HOUR, 8), after="0") == pytest.approx(100, abs=1)
    assert refuse(Pace(HOUR, 8), after="1000000000000000000000") == pytest.approx(3600, abs=1)


def test_what_was_asked_before_the_first_refusal_is_no_further_one() -> None:
    pace, before = Pace(HOUR, 8), time.monotonic() - 1
    assert [refuse(pace, asked_at=before) for _ in range(8)] == pytest.approx([100] * 8, abs=1)
    assert not pace.spent


def test_patience_ends_unless_the_host_gives_something() -> None:
    pace = Pace(Patience(first=100.0, longest=100.0, in_all=250.0), 8)
    for spent in (False, False, True):
        pace._next = 0.0  # the wait is over
        refuse(pace)
        assert pace.spent is spent
    pace.note(304, {}, 0)
    assert not pace.spent


def test_turns_are_apart_and_one_that_gives_up_takes_none() -> None:
    async def work() -> None:
        pace = Pace(Patience(), 8)
        pace.delay = 0.05
        begun = await pace.turn()
        gone = [asyncio.create_task(pace.turn()) for _ in range(100)]
        await asyncio.sleep(0)
        for task in gone:
            task.cancel()
        await asyncio.gather(*gone, return_exceptions=True)
        first, second = await asyncio.gather(pace.turn(), pace.turn())
        assert first >= begun + 0.05 and second >= first + 0.05
        assert pace.opens_in() <= 0.05

    asyncio.run(work())
