"""A stopwatch runs from its entry to its exit; metrics are text; spans go where an SDK sends them."""

import subprocess
import sys
import time

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from secondlook import telemetry
from secondlook.telemetry import Stopwatch, record_span, render_metrics, span, tell


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


@pytest.mark.process
def test_without_an_sdk_nothing_is_recorded_and_errors_go_on() -> None:
    """In a process of its own: where one test has set a provider up, all have it."""
    code = (
        "import sys\n"
        "from secondlook.telemetry import Stopwatch, record_span, span, tell\n"
        "from opentelemetry.trace import get_current_span\n"
        "with Stopwatch('test'), span('inner', passages=3):\n"
        "    tell(status='ran')\n"
        "    assert not get_current_span().is_recording()\n"
        "record_span('test', 1, 2)\n"
        "assert not [name for name in sys.modules if name.startswith('opentelemetry.sdk')]\n"
        "with span('test'):\n"
        "    raise SystemExit(7)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 7


def test_spans_stand_in_each_other_and_tell_what_they_are_told(spans: InMemorySpanExporter) -> None:
    with Stopwatch("outer"):
        with span("inner", passages=3):
            tell(status="ran")
        record_span("aside", 1_000, 4_000, tokens=7)
    inner, aside, outer = spans.get_finished_spans()
    assert [one.name for one in (inner, aside, outer)] == ["secondlook.inner", "secondlook.aside", "secondlook.outer"]
    assert inner.parent == aside.parent == outer.context
    assert dict(inner.attributes or {}) == {"secondlook.passages": 3, "secondlook.status": "ran"}
    assert (aside.start_time, aside.end_time) == (1_000, 4_000)


def test_an_error_is_noted_in_its_span(spans: InMemorySpanExporter) -> None:
    with pytest.raises(ValueError, match="lamp"), Stopwatch("test"):
        raise ValueError("lamp")
    [found] = spans.get_finished_spans()
    assert (found.status.is_ok, found.events[0].name) == (False, "exception")


def test_a_stopwatch_without_a_name_has_no_span(spans: InMemorySpanExporter) -> None:
    with Stopwatch():
        pass
    assert spans.get_finished_spans() == ()
