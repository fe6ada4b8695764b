"""A stopwatch runs from its entry to its exit."""

import time

import pytest

from secondlook.telemetry import Stopwatch


def test_it_runs_inside_and_stands_still_after() -> None:
    before = time.perf_counter()
    with Stopwatch() as watch:
        first = watch.milliseconds
        second = watch.milliseconds
    whole = (time.perf_counter() - before) * 1000
    stopped = watch.milliseconds
    assert 0 <= first <= second <= stopped <= whole
    assert watch.milliseconds == stopped


def test_an_error_stops_it_and_goes_on() -> None:
    watch = Stopwatch()
    with pytest.raises(ValueError, match="lamp"), watch:
        raise ValueError("lamp")
    assert watch.milliseconds == watch.milliseconds
