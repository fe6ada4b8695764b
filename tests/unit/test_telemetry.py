"""A stopwatch runs from its entry to its exit; metrics are text; spans are there where their library is."""

import time

import pytest

from secondlook import telemetry
from secondlook.telemetry import Stopwatch, render_metrics, span


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


def test_metrics_are_text() -> None:
    telemetry.reranks.labels("ran", "").inc()
    text = render_metrics().decode()
    assert 'secondlook_reranks_total{reason="",status="ran"}' in text
    assert "# TYPE secondlook_queue_wait_seconds histogram" in text
    assert "process_resident_memory_bytes" in text


@pytest.mark.parametrize("module", ["opentelemetry.trace", "no.such.module"])
def test_spans_with_and_without_their_library(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    find = telemetry.importlib.import_module
    monkeypatch.setattr(telemetry.importlib, "import_module", lambda name: find(module))
    telemetry._tracer.cache_clear()
    inside = False
    with span("test"):
        inside = True
    telemetry._tracer.cache_clear()
    assert inside
    with pytest.raises(ValueError, match="lamp"), span("test"):
        raise ValueError("lamp")
