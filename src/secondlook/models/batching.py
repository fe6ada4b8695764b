"""One queue and a fixed set of workers for all inference: requests share runs, within bounds and in turn."""

import asyncio
import functools
import itertools
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, InvalidStateError, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeVar, get_args

import numpy as np
from numpy.typing import NDArray

from secondlook.errors import BackendError, MemoryRanOutError, OverloadedError
from secondlook.telemetry import (
    infer_seconds,
    queue_wait,
    record_span,
    rejected,
    run_padding,
    run_sequences,
    run_tokens,
    span,
    tenant,
    tokenise_seconds,
)

S = TypeVar("S")
T = TypeVar("T")
Floats = NDArray[np.float32]
Ids = NDArray[np.int32]
Priority = Literal["query", "passage", "indexing"]
"""What goes first: short queries, then passages that somebody waits for, then indexing."""

QUEUE_TOKENS = 131_072
"""Tokens that may wait at one priority: about 20 s of the built-in model on two cores (benchmarks/speed/load.py)."""
FIRST_RATE = 4000.0
"""Tokens a second that are assumed until the first runs are done."""
LONGEST_WAIT = 60.0
"""Seconds that a caller is asked to stay away at most."""
TEXTS_A_TURN = 32
"""Texts that are tokenised at once; a few milliseconds."""
TURN_OF_THE_LAST = 8
"""Every so many runs the lowest priority that waits goes first, so that indexing never stands still."""


class Session(Protocol):
    """A runtime with the model in it; thread-safe."""

    @property
    def name(self) -> str:
        """Runtime and precision."""

    @property
    def tokens_a_run(self) -> int:
        """Sequences go together into a run until they have this many tokens."""

    @property
    def pads(self) -> bool:
        """Whether it fills the sequences of a run up to the longest; none here does."""

    def infer(self, ids: Sequence[Ids], types: Sequence[Ids]) -> list[Floats]:
        """One output a sequence, the same whatever its company."""


@dataclass(slots=True, eq=False)
class _Job:
    """The sequences of one call; ``waiting`` are the places not yet in a run, longest first."""

    session: Session
    ids: Sequence[Ids]
    types: Sequence[Ids]
    finish: Callable[[int, Floats], Any]
    tenant: str
    waiting: deque[int]
    left: int
    priority: Priority
    done: list[Any]
    future: "Future[list[Any]]" = field(default_factory=Future)
    came: int = field(default_factory=time.time_ns)
    began: int = 0

    def waiting_tokens(self) -> int:
        return sum(len(self.ids[place]) for place in self.waiting)


Piece = tuple[_Job, int]
"""A sequence in a run: its job and its place there."""


@dataclass(slots=True, eq=False)
class _Line:
    """The jobs of a tenant, and the tokens it was served since it came."""

    jobs: deque[_Job] = field(default_factory=deque)
    served: int = 0


class _Level:
    """What waits at one priority; not thread-safe."""

    def __init__(self) -> None:
        self.tokens = 0
        self._lines: dict[str, _Line] = {}

    def put(self, job: _Job) -> None:
        """At the end of its tenant's line; a new tenant starts at the lowest served count."""
        if job.tenant not in self._lines:
            self._lines[job.tenant] = _Line(served=min((line.served for line in self._lines.values()), default=0))
        self._lines[job.tenant].jobs.append(job)
        self.tokens += job.waiting_tokens()

    def remove(self, job: _Job) -> None:
        """Its waiting sequences are no longer wanted; nothing happens if none waits."""
        line = self._lines.get(job.tenant)
        if line and job in line.jobs:
            line.jobs.remove(job)
            self.tokens -= job.waiting_tokens()
            if not line.jobs:
                del self._lines[job.tenant]

    def take_run(self) -> list[Piece]:
        """Sequences for one session until its run is full, the tenant that was served least next each time."""
        pieces: list[Piece] = []
        room = 1
        while room > 0:
            ready = [
                line for line in self._lines.values() if not pieces or line.jobs[0].session is pieces[0][0].session
            ]
            if not ready:
                break
            line = min(ready, key=lambda one: one.served)
            job = line.jobs[0]
            if len(job.waiting) == len(job.ids):
                job.began = max(job.came, time.time_ns())
                queue_wait.labels(job.priority).observe((job.began - job.came) / 1e9)
            place = job.waiting.popleft()
            length = len(job.ids[place])
            room = (room if pieces else job.session.tokens_a_run) - length
            pieces.append((job, place))
            line.served += length
            self.tokens -= length
            if not job.waiting:
                line.jobs.popleft()
            if not line.jobs:
                del self._lines[job.tenant]
        return pieces

    def __bool__(self) -> bool:
        return bool(self._lines)

    def jobs(self) -> Iterator[_Job]:
        """All that wait."""
        return itertools.chain.from_iterable(line.jobs for line in self._lines.values())


class Scheduler:
    """Runs the models in ``threads`` workers, one core each; the event loop only waits.

    Sequences of all calls that wait are put together into runs. A tenant (telemetry.tenant)
    that waits gets as many tokens as any other. A result never depends on its company.

    Args:
        capacity: tokens that may wait at one priority, but for indexing, which waits as long
            as it must. A call is let in whatever its size when nothing else waits.
    """

    def __init__(self, threads: int, *, capacity: int = QUEUE_TOKENS) -> None:
        self._capacity = capacity
        self._levels = {priority: _Level() for priority in get_args(Priority)}
        self._changed = threading.Condition()
        self._closed = False
        self._threads = [threading.Thread(target=self._work, name=f"infer-{at}", daemon=True) for at in range(threads)]
        self._readers = ThreadPoolExecutor(threads, thread_name_prefix="tokenise")
        self._runs = 0
        self._rate = FIRST_RATE

    async def read(self, work: Callable[[], T]) -> T:
        """What ``work`` returns, tokenising say, done off the event loop."""

        def timed() -> T:
            with tokenise_seconds.time():
                return work()

        with span("tokenise"):
            return await asyncio.get_running_loop().run_in_executor(self._readers, timed)

    async def read_in_turns(self, work: Callable[[Sequence[S]], list[T]], texts: Sequence[S]) -> list[T]:
        """What ``work`` makes of the texts, a few at a time, so that calls take turns."""
        found: list[T] = []
        for at in range(0, len(texts), TEXTS_A_TURN):
            found += await self.read(functools.partial(work, texts[at : at + TEXTS_A_TURN]))
        return found

    def admit(self, priority: Priority, tokens: int = 1) -> None:
        """Raises ``OverloadedError`` when so many more tokens would not be let in now."""
        waiting = self._levels[priority].tokens
        if priority != "indexing" and waiting and waiting + tokens > self._capacity:
            rejected.labels(priority).inc()
            wait = min(LONGEST_WAIT, max(1.0, waiting / self._rate))
            raise OverloadedError(
                f"overloaded: {waiting:,} tokens are queued and {tokens:,} more were requested; the queue holds"
                f" {self._capacity:,}: try again in {wait:.0f} s",
                wait,
            )

    async def infer(
        self,
        session: Session,
        ids: Sequence[Ids],
        types: Sequence[Ids],
        *,
        finish: Callable[[int, Floats], T],
        priority: Priority = "passage",
    ) -> list[T]:
        """``finish(place, output)`` of each sequence, in order, called in a worker; what waits goes when cancelled.

        Raises:
            OverloadedError: too much waits.
            BackendError: the model failed, memory ran out on one sequence, or the server stops.
        """
        if not ids:
            return []
        order = sorted(range(len(ids)), key=lambda place: -len(ids[place]))
        job = _Job(session, ids, types, finish, tenant.get(), deque(order), len(ids), priority, [None] * len(ids))
        job.future.add_done_callback(lambda _: self._drop(job, priority))
        with self._changed:
            if self._closed:
                raise BackendError("the server is stopping: models accept no more work")
            self.admit(priority, job.waiting_tokens())
            self._levels[priority].put(job)
            self._changed.notify(len(self._threads))
            for thread in self._threads:
                if thread.ident is None:
                    thread.start()
        try:
            return await asyncio.wrap_future(job.future)
        finally:
            _trace(job)

    def close(self) -> None:
        """Let the runs that go on end, fail what waits, stop the workers."""
        with self._changed:
            self._closed = True
            waiting = [job for level in self._levels.values() for job in level.jobs()]
            self._changed.notify_all()
        for job in waiting:
            _fail(job, BackendError("the server is stopping: models accept no more work"))
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()
        self._readers.shutdown(wait=False, cancel_futures=True)

    def _drop(self, job: _Job, priority: Priority) -> None:
        with self._changed:
            self._levels[priority].remove(job)

    def _work(self) -> None:
        while pieces := self._take():
            started = time.monotonic()
            self._run(pieces)
            seconds = time.monotonic() - started
            lengths = [len(job.ids[place]) for job, place in pieces]
            tokens = sum(lengths)
            infer_seconds.observe(seconds)
            run_tokens.observe(tokens)
            run_sequences.observe(len(pieces))
            run_padding.observe(padding_share(lengths, pieces[0][0].session.pads))
            rate = len(self._threads) * tokens / max(seconds, 1e-6)
            self._rate += (rate - self._rate) / 16  # of the last runs, roughly; it only tells when to come again

    def _take(self) -> list[Piece]:
        """The next run, once there is one; none when the scheduler is closed."""
        with self._changed:
            while not self._closed:
                full = [level for level in self._levels.values() if level]
                if full:
                    self._runs += 1
                    return full[-1 if self._runs % TURN_OF_THE_LAST == 0 else 0].take_run()
                self._changed.wait()
            return []

    def _run(self, pieces: Sequence[Piece]) -> None:
        """Infer and hand out; a run that fails is tried again in parts, so that nobody fails for another."""
        pieces = [(job, place) for job, place in pieces if not job.future.done()]
        if not pieces:
            return
        session = pieces[0][0].session
        try:
            found = session.infer([job.ids[place] for job, place in pieces], [job.types[at] for job, at in pieces])
            if len(found) != len(pieces):
                raise BackendError(f"{session.name} gave {len(found)} outputs for {len(pieces)} sequences")
        except MemoryError as error:
            if len(pieces) == 1:
                job, place = pieces[0]
                reason = MemoryRanOutError(f"out of memory on a sequence of {len(job.ids[place])} tokens")
                reason.__cause__ = error
                _fail(job, reason)
            else:
                middle = len(pieces) // 2
                self._run(pieces[:middle])
                self._run(pieces[middle:])
        except Exception as error:  # the worker pool: whatever a runtime raises belongs to who asked
            jobs = list(dict.fromkeys(job for job, _ in pieces))
            if len(jobs) == 1:
                _fail(jobs[0], error)
            else:
                for job in jobs:
                    self._run([piece for piece in pieces if piece[0] is job])
        else:
            for piece, output in zip(pieces, found, strict=True):
                self._finish(*piece, output)

    def _finish(self, job: _Job, place: int, output: Floats) -> None:
        try:
            job.done[place] = job.finish(place, output)
        except Exception as error:  # the worker pool, as above
            _fail(job, error)
            return
        with self._changed:
            job.left -= 1
            whole = job.left == 0
        if whole:
            with suppress(InvalidStateError):  # it was cancelled just now
                job.future.set_result(job.done)


def padding_share(lengths: Sequence[int], pads: bool) -> float:
    """The share of a run that is padding: what is missing in the sequences to the longest, of all that is read."""
    return 1 - sum(lengths) / (len(lengths) * max(lengths)) if pads and max(lengths) else 0.0


def _trace(job: _Job) -> None:
    """The spans of a call that has ended: its wait, and from the begin of its first run."""
    ended = time.time_ns()
    record_span("queue_wait", job.came, job.began or ended, priority=job.priority)
    if job.began:
        tokens = sum(map(len, job.ids))
        record_span("infer", job.began, ended, session=job.session.name, sequences=len(job.ids), tokens=tokens)


def _fail(job: _Job, error: Exception) -> None:
    with suppress(InvalidStateError):  # it was cancelled, or failed already
        job.future.set_exception(error)
