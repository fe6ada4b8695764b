"""Wall times, counts and spans, so that stages hold no counters, and whom work is done for."""

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from types import TracebackType

from opentelemetry import trace
from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4 as METRICS_TYPE

__all__ = ["METRICS_TYPE", "Stopwatch", "record_span", "render_metrics", "span", "tell", "tenant"]

tenant: ContextVar[str] = ContextVar("tenant", default="")
"""For whom the present work is done: the account, and while candidates are scored their index; they take turns."""

REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
TOKENS = (8, 32, 128, 256, 512, 768, 1024)
SEQUENCES = (1, 2, 4, 8, 16, 32, 64)
SHARES = (0, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75)

Told = str | bool | int | float
"""What an attribute of a span may be."""

TRACER = trace.get_tracer("secondlook")
"""Does nothing until the process has an SDK of OpenTelemetry with a tracer provider."""


def _histogram(name: str, about: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
    return Histogram(f"secondlook_{name}", about, labels, buckets=buckets, registry=REGISTRY)


queue_wait = _histogram(
    "queue_wait_seconds", "Time from a call until the first of its runs starts.", SECONDS, "priority"
)
tokenise_seconds = _histogram("tokenise_seconds", "Tokenising a batch of texts.", SECONDS)
infer_seconds = _histogram("infer_seconds", "One run of a model.", SECONDS)
run_tokens = _histogram("run_tokens", "Tokens of a run.", TOKENS)
run_sequences = _histogram("run_sequences", "Sequences of a run.", SEQUENCES)
run_padding = _histogram("run_padding_share", "Share of a run that is padding; 0 where runs are packed.", SHARES)
stage_seconds = _histogram("stage_seconds", "One stage of a search.", SECONDS, "stage")
rejected = Counter("secondlook_rejected", "Calls refused because the queue was full.", ["priority"], registry=REGISTRY)
cache_reads = Counter(
    "secondlook_cache_reads", "Cache look-ups, by result: hit or miss.", ["cache", "result"], registry=REGISTRY
)
box_events = Counter("secondlook_box_events", "Events of search boxes on web pages.", ["kind"], registry=REGISTRY)
reranks = Counter("secondlook_reranks", "Reranks, by outcome and reason.", ["status", "reason"], registry=REGISTRY)
first_results = Counter(
    "secondlook_first_results", "Reranks, by whether they changed the top result.", ["change"], registry=REGISTRY
)


def render_metrics() -> bytes:
    """Every metric in the text format of Prometheus."""
    return generate_latest(REGISTRY)


@contextmanager
def span(name: str, **attributes: Told) -> Iterator[None]:
    """A span of OpenTelemetry around the work; an error that leaves it is noted there."""
    with TRACER.start_as_current_span(f"secondlook.{name}", attributes=_named(attributes)):
        yield


def tell(**attributes: Told) -> None:
    """Attributes of the present span."""
    trace.get_current_span().set_attributes(_named(attributes))


def record_span(name: str, began: int, ended: int, **attributes: Told) -> None:
    """A span of work that was done elsewhere; times in nanoseconds since 1970."""
    TRACER.start_span(f"secondlook.{name}", start_time=began, attributes=_named(attributes)).end(ended)


def _named(attributes: dict[str, Told]) -> dict[str, Told]:
    return {f"secondlook.{name}": value for name, value in attributes.items()}


class Stopwatch:
    """Milliseconds since it was entered; stops when left. With a name, there is a span around the time."""

    def __init__(self, name: str = "") -> None:
        self._span: AbstractContextManager[None] = span(name) if name else nullcontext()
        self._started = time.perf_counter()
        self._stopped: float | None = None

    def __enter__(self) -> "Stopwatch":
        self._span.__enter__()
        self._started = time.perf_counter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._stopped = time.perf_counter()
        self._span.__exit__(kind, error, where)

    @property
    def milliseconds(self) -> float:
        """Elapsed so far, or until it was left."""
        return ((self._stopped or time.perf_counter()) - self._started) * 1000
