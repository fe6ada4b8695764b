"""The queue of items: taken by lease, tried, tried again where that may help, and given up where it does not."""

import asyncio
import contextlib
import itertools
import logging
import secrets
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from secondlook.domain.instance import Item
from secondlook.domain.jobs import ItemLine
from secondlook.domain.lease import Lease
from secondlook.errors import SecondlookError
from secondlook.ledgers import Leases
from secondlook.services.chunking import Steps
from secondlook.services.failures import Failure, judge, wait_before
from secondlook.services.waiting import SetBack, set_within

T = TypeVar("T")
Role = Literal["server", "worker", "command"]
"""The one that holds the lock of the data folder; one that helps it; one that indexes what it uploads itself."""
log = logging.getLogger(__name__)

WORKERS = 2
"""Items indexed at once: one is split while the passages of the other are embedded."""
OWN_AT_ONCE = 500
"""Items that one statement names."""
BEATS = 6
"""Times that a lease is renewed before it would lapse."""


@dataclass(frozen=True, slots=True)
class WorkingOptions:
    """How the queue is worked.

    Attributes:
        attempts: at one version of an item before it is given up.
        retry_wait: seconds before the second attempt; each further one waits twice as long.
        lease: seconds without a heartbeat after which another worker takes the item.
        stall: seconds without any progress after which an attempt is broken off.
        poll: seconds between two looks at what other processes queued and settled.
    """

    attempts: int = 5
    retry_wait: float = 2.0
    lease: float = 30.0
    stall: float = 600.0
    poll: float = 1.0


@dataclass
class _Attempt:
    lease: Lease
    steps: Steps
    task: asyncio.Task[None]
    stalled: bool = False


class Working:
    """A few workers on the queue that the catalogue holds, beside those of other processes.

    A lease is renewed while its worker lives. If it lapses, whoever works the queue puts the item back. An attempt is
    counted when it begins, so that an item which takes the whole process down is given up like any other.

    Args:
        index: does the work and settles the lease, or raises.
    """

    def __init__(
        self,
        leases: Leases,
        index: Callable[[Lease, Steps], Coroutine[Any, Any, None]],
        how: WorkingOptions | None = None,
    ) -> None:
        self._leases = leases
        self._index = index
        self._how = how or WorkingOptions()
        self._role: Role = "server"
        self._numbers = itertools.count()
        self._name = ""
        self._own: dict[str, int] = {}
        self._attempts: dict[str, _Attempt] = {}
        self._watched: dict[tuple[str, int], asyncio.Event] = {}
        self._more, self._progress = asyncio.Event(), asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self, role: Role) -> None:
        """Start; the server first requeues what the previous server left running."""
        self._role = role
        self._name = f"{role}-{secrets.token_hex(8)}"
        if role == "server":
            await self._leases.end_all("server-")
            await self._leases.pull_in(_now())
        if role != "command":
            await self._put_lapsed_back()
        loops = [self._work() for _ in range(WORKERS)]
        self._tasks = [asyncio.create_task(one) for one in (*loops, self._beat(), self._watch())]

    async def stop(self) -> None:
        """Break off what runs, uncounted: it goes on at the next start, or with another process."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []

    def add(self, item: Item) -> None:
        """The item was queued just now; an attempt at an earlier version of it is broken off."""
        if self._role == "command" or not self._tasks:
            self._own[item.id] = item.version
        for one in self._attempts.values():
            if one.lease.item.id == item.id and one.lease.item.version != item.version:
                one.task.cancel()
        self._more.set()
        self._more = asyncio.Event()

    def settled(self, item: Item) -> asyncio.Event:
        """Set once this version of the item may be neither queued nor running."""
        return self._watched.setdefault((item.id, item.version), asyncio.Event())

    def tell(self, item: Item) -> None:
        """This version of the item is settled, or will never be."""
        if event := self._watched.pop((item.id, item.version), None):
            event.set()
        self._progress.set()
        self._progress = asyncio.Event()

    async def count_left(self) -> int:
        """How many items are not settled: of all, or of those that a command queued itself."""
        if self._role != "command":
            return await self._leases.count_unfinished()
        for some in _parts(list(self._own)):  # workers forget some meanwhile, and uploads add more
            await self._forget_settled(some)
        return len(self._own)

    @property
    def progress(self) -> asyncio.Event:
        """Set once something more is settled here; read it before ``count_left``, so that nothing is missed."""
        return self._progress

    async def _work(self) -> None:
        while True:
            more = self._more  # before the queue is read: what is added meanwhile sets it
            try:
                lease = await self._take()
            except Exception:  # whatever fails the catalogue, the worker must go on
                log.exception("Could not read the queue; retrying in %g s", self._how.poll)
                lease = None
            if lease:
                await self._attempt(lease)
            else:
                await set_within(more, self._how.poll)

    async def _take(self) -> Lease | None:
        if self._role != "command":
            return await self._ask(None)
        while only := list(itertools.islice(self._own, OWN_AT_ONCE)):
            if (lease := await self._ask(only)) or not await self._forget_settled(only):
                return lease
        return None

    async def _ask(self, only: Sequence[str] | None) -> Lease | None:
        owner, now = f"{self._name}-{next(self._numbers)}", _now()
        return await self._leases.take(owner, now=now, until=now + self._length(), only=only)

    async def _forget_settled(self, item_ids: Sequence[str]) -> bool:
        """Whether any of these own items is settled: here, by another worker meanwhile, or by another process."""
        before = {one: self._own.get(one) for one in item_ids}
        left = await self._leases.list_unfinished(item_ids)
        for one, version in before.items():
            if one not in left and self._own.get(one) == version:  # not uploaded again meanwhile
                self._own.pop(one, None)
        return any(one not in self._own for one in item_ids)

    async def _attempt(self, lease: Lease) -> None:
        steps = Steps(lease.item.key)
        if lease.attempt > 1:
            steps.note("retry", f"attempt {lease.attempt} of {self._how.attempts}")
        attempt = _Attempt(lease, steps, asyncio.create_task(self._index(lease, steps)))
        self._attempts[lease.owner] = attempt
        try:
            await asyncio.wait([attempt.task])
            await self._conclude(attempt)
        except asyncio.CancelledError:
            attempt.task.cancel()
            await asyncio.gather(attempt.task, return_exceptions=True)
            with contextlib.suppress(Exception):  # the lease then lapses
                await self._leases.put_back(lease, due_at=_now(), attempts=lease.attempt - 1)
            raise
        finally:
            del self._attempts[lease.owner]
            self.tell(lease.item)

    async def _conclude(self, attempt: _Attempt) -> None:
        """Have the lease end; what the catalogue does not take now lapses."""
        lease, task = attempt.lease, attempt.task
        error = TimeoutError(self._stalled()) if attempt.stalled else None if task.cancelled() else task.exception()
        try:
            if isinstance(error, Exception):
                if not isinstance(error, SecondlookError):
                    log.error("indexing %s failed", lease.item.key, exc_info=error)
                failure = judge(error, attempt.steps.stage, self._how.attempts)
                await self._end(lease, failure, attempt.steps)
            await self._leases.drop(lease)
        except Exception:  # as above
            log.exception("could not store the result of the attempt at %s", lease.item.key)

    async def _end(self, lease: Lease, failure: Failure, steps: Steps) -> None:
        """Put the item back for another attempt, or give it up."""
        kind = failure.message.partition(":")[0]
        if lease.attempt < failure.attempts:
            wait = wait_before(lease.attempt, failure, self._how.retry_wait)
            told = f"attempt {lease.attempt} of {failure.attempts} failed; retrying in {wait:.1f} s: {failure.message}"
            steps.note("retry", told, error_type=kind)
            due = _now() + round(1000 * wait)
            await self._leases.put_back(lease, due_at=due, attempts=lease.attempt, lines=steps.take())
            return
        steps.note("fail", failure.message, error_type=kind)
        await self._leases.settle(lease, "error", error=failure.message, lines=steps.take())

    async def _beat(self) -> None:
        """Renew the leases, and break off what lost its own, what is outdated and what stands still."""
        clock = SetBack()
        while True:
            await asyncio.sleep(self._how.lease / BEATS)
            try:
                await self._follow_clock(clock)
                await self._renew()
                if self._role != "command":
                    await self._put_lapsed_back()
            except Exception:  # as above
                log.exception("could not renew leases")

    async def _follow_clock(self, clock: SetBack) -> None:
        """What waits until a time keeps waiting as long as it would have, wherever the clock is set."""
        back = clock.milliseconds()
        if back and self._role == "server":
            log.warning("The clock was set back by %.0f s; what waits until a time is moved with it", back / 1000)
            await self._leases.move(by=-back, now=_now())

    async def _renew(self) -> None:
        held = list(self._attempts.values())
        if not held:
            return
        versions = await self._leases.keep([one.lease for one in held], until=_now() + self._length())
        for one in held:
            if versions.get(one.lease.owner) != one.lease.item.version:
                one.task.cancel()
            elif time.monotonic() - one.steps.moved_at > self._how.stall:
                one.stalled = True
                one.task.cancel()

    async def _put_lapsed_back(self) -> None:
        """Requeue items whose worker has disappeared, or fail them after the last attempt."""
        for lease in await self._leases.list_lapsed(_now()):
            steps = Steps(lease.item.key)
            if lease.attempt >= self._how.attempts:
                gone = f"unknown_error: {lease.attempt} attempts to index it ended when the indexing process stopped"
                await self._end(lease, Failure(gone, 0), steps)
                self.tell(lease.item)
                continue
            told = "resumed: the server or worker stopped while indexing it"
            line = ItemLine(_now(), "resume", told, lease.item.key)
            wait = wait_before(lease.attempt, Failure("", 0), self._how.retry_wait) if lease.attempt > 1 else 0.0
            due = _now() + round(1000 * wait)
            await self._leases.put_back(lease, due_at=due, attempts=lease.attempt, lines=[line])

    async def _watch(self) -> None:
        """See what other processes settled."""
        while True:
            await asyncio.sleep(self._how.poll)
            with contextlib.suppress(Exception):  # the next look may see it
                await self._look()

    async def _look(self) -> None:
        for some in _parts(list(self._watched)):
            left = await self._leases.list_unfinished([item_id for item_id, _ in some])
            for item_id, version in some:
                if left.get(item_id) != version and (event := self._watched.pop((item_id, version), None)):
                    event.set()

    def _length(self) -> int:
        return round(1000 * self._how.lease)

    def _stalled(self) -> str:
        return f"no progress for {self._how.stall:g} s: the file may be too large, or the machine too busy"


def _parts(whole: Sequence[T]) -> Sequence[Sequence[T]]:
    """As many at a time as one statement names."""
    return [whole[start : start + OWN_AT_ONCE] for start in range(0, len(whole), OWN_AT_ONCE)]


def _now() -> int:
    return int(time.time() * 1000)
