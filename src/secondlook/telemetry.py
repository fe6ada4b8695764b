"""Wall times and counts, so that stages hold no counters, and whom work is done for."""

import importlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from types import TracebackType
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4 as METRICS_TYPE

__all__ = ["METRICS_TYPE", "Stopwatch", "render_metrics", "span", "tenant"]

tenant: ContextVar[str] = ContextVar("tenant", default="")
"""For whom the present work is done: the account, and while candidates are scored their index; they take turns."""

REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
TOKENS = (8, 32, 128, 256, 512, 768, 1024)
SEQUENCES = (1, 2, 4, 8, 16, 32, 64)


def _histogram(name: str, about: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
    return Histogram(f"secondlook_{name}", about, labels, buckets=buckets, registry=REGISTRY)


queue_wait = _histogram("queue_wait_seconds", "From a call until the first of its runs begins.", SECONDS, "priority")
tokenise_seconds = _histogram("tokenise_seconds", "Making tokens of a few texts.", SECONDS)
infer_seconds = _histogram("infer_seconds", "One run of a model.", SECONDS)
run_tokens = _histogram("run_tokens", "Tokens of a run.", TOKENS)
run_sequences = _histogram("run_sequences", "Sequences of a run.", SEQUENCES)
stage_seconds = _histogram("stage_seconds", "One stage of a search.", SECONDS, "stage")
rejected = Counter("secondlook_rejected", "Calls refused because too much waited.", ["priority"], registry=REGISTRY)
reranks = Counter("secondlook_reranks", "What reranking did, and why.", ["status", "reason"], registry=REGISTRY)


def render_metrics() -> bytes:
    """Every metric in the text format of Prometheus."""
    return generate_latest(REGISTRY)


@contextmanager
def span(name: str) -> Iterator[None]:
    """A span of OpenTelemetry around the work, where its API is installed; nothing else."""
    tracer = _tracer()
    if tracer is None:
        yield
        return
    with tracer.start_as_current_span(f"secondlook.{name}"):
        yield


@cache
def _tracer() -> Any:  # of a library that need not be there
    try:
        return importlib.import_module("opentelemetry.trace").get_tracer("secondlook")
    except ImportError:
        return None


class Stopwatch:
    """Milliseconds since it was entered; stops when left."""

    def __init__(self) -> None:
        self._started = time.perf_counter()
        self._stopped: float | None = None

    def __enter__(self) -> "Stopwatch":
        self._started = time.perf_counter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped = time.perf_counter()

    @property
    def milliseconds(self) -> float:
        """Elapsed so far, or until it was left."""
        return ((self._stopped or time.perf_counter()) - self._started) * 1000
