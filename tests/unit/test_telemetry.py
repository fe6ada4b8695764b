"""The stopwatch."""

from secondlook.telemetry import Stopwatch


def test_it_stops_when_left() -> None:
    with Stopwatch() as watch:
        running = watch.milliseconds
    stopped = watch.milliseconds
    assert 0 <= running <= stopped
    assert watch.milliseconds == stopped


def test_it_stops_when_the_work_fails() -> None:
    watch = Stopwatch()
    try:
        with watch:
            raise ValueError
    except ValueError:
        stopped = watch.milliseconds
    assert watch.milliseconds == stopped
