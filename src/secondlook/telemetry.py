"""Wall times, so that stages hold no counters, and for whom the work is done."""

import time
from contextvars import ContextVar
from types import TracebackType

tenant: ContextVar[str] = ContextVar("tenant", default="")
"""The index whose candidates are being scored; empty outside of reranking. Worker threads see it too."""


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
