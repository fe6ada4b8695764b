"""Syncs: jobs that bring the index in step with the source, when a user asks or when their time has come."""

import asyncio
import contextlib
import logging
import math
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from secondlook.domain.instance import Instance, InstanceSettings, Item, ItemStatus
from secondlook.domain.jobs import CANCELLED, CHANGED, COMPLETED, PAUSED, Job, JobLine, Severity, SyncState, Trigger
from secondlook.domain.wording import plural
from secondlook.errors import (
    CooldownError,
    InstanceNotFoundError,
    ItemNotFoundError,
    JobEndedError,
    JobNotFoundError,
    PausedError,
    SecondlookError,
    SourceError,
)
from secondlook.ledgers import Journal
from secondlook.ports import Catalog
from secondlook.services.indexing import Indexing
from secondlook.services.pull_state import SHRANK
from secondlook.services.pulling import Pulling
from secondlook.services.settings_change import change_settings

log = logging.getLogger(__name__)

COOLDOWN = 30.0
"""Seconds between two syncs that users ask for (contract, 2)."""
TICK = 60.0
"""Seconds between two looks at whose time has come; the shortest interval is 900."""
AGAIN: tuple[ItemStatus, ...] = ("error", "outdated")
AGAIN_AT_ONCE = 64
"""Failed items that may be indexed again at once."""
NEWS = 100
"""Lines of a log told at once to who follows a job."""
LAST_WORDS = 250
"""Milliseconds after its end in which a job may still get a line: why it was cancelled."""


@dataclass(frozen=True, slots=True)
class JobNews:
    """A job at one moment, for who follows it.

    Attributes:
        lines: of its log, those after the one that is known, oldest first.
        counts: items of its instance by status.
        more: whether there are further lines already.
        last: whether the job has ended, and all its lines are known.
    """

    job: Job
    lines: Sequence[JobLine]
    counts: Mapping[ItemStatus, int]
    more: bool
    last: bool


class Syncing:
    """Runs jobs, one at a time for each instance. A job that a crash broke off goes on at the next start."""

    def __init__(
        self,
        journal: Journal,
        catalog: Catalog,
        indexing: Indexing,
        pulling: Pulling,
        *,
        cooldown: float = COOLDOWN,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._journal = journal
        self._catalog = catalog
        self._indexing = indexing
        self._pulling = pulling
        self._cooldown = cooldown
        self._steady = steady
        self._beginning = asyncio.Lock()
        self._begun: dict[str, float] = {}
        self._running: dict[str, asyncio.Task[None]] = {}
        self._clock: asyncio.Task[None] | None = None
        self._nudged = asyncio.Event()
        self._dismissed = asyncio.Event()
        self._counted: dict[str, tuple[float, Mapping[ItemStatus, int]]] = {}

    async def start(self) -> None:
        """Go on with the jobs that an earlier process left, and begin to look at the schedule."""
        for job in await self._journal.list_open_jobs():
            instance = await self._catalog.get_instance_by_uid(job.instance_uid)
            await self._journal.add_job_line(job.id, _line("resumed after an interruption", "warning"))
            self._run(instance, job)
        self._clock = asyncio.create_task(self._keep_time())

    async def stop(self) -> None:
        """Break off what runs; it goes on at the next start."""
        tasks = [*self._running.values(), *([self._clock] if self._clock else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._clock = None

    async def begin(self, instance: Instance, *, description: str = "", trigger: Trigger = "user") -> Job:
        """The new job, which runs in the background.

        Raises:
            PausedError: the instance is paused.
            CooldownError: one runs, or a user asked for one within the cooldown.
        """
        async with self._beginning:
            instance = await self._catalog.get_instance_by_uid(instance.uid)  # it may have changed while this waited
            if instance.settings.paused:
                raise PausedError(f"instance {instance.name!r} is paused: set paused to false to sync")
            now = int(time.time() * 1000)
            started = now
            for before in (await self._journal.list_jobs(instance.uid, 1, 0))[0]:
                self._check_cooldown(before, now, trigger)
                started = max(now, before.started_at + 1)  # the newest, wherever the clock was set
            job = Job(secrets.token_hex(12), instance.uid, trigger, description, started_at=started, last_seen_at=now)
            await self._journal.add_job(job)
            self._begun[instance.uid] = self._steady()
        self._run(instance, job)
        return job

    def nudge(self) -> None:
        """Look at the schedule now: an instance is new."""
        self._nudged.set()

    async def follow_change(self, instance: Instance, before: InstanceSettings) -> None:
        """Begin a job if the instance has another source than before, wants something else of it, or was paused.

        One that runs ends when it sees the change, and the schedule begins the next.
        """
        now = instance.settings
        changed = now.origin != before.origin
        if now.source_kind and not now.paused and (changed or before.paused):
            with contextlib.suppress(CooldownError):
                await self.begin(instance, description="the instance changed", trigger="schedule")

    async def sync_item(self, instance: Instance, item_id: str, *, wait: float | None = None) -> Item:
        """The item, fetched anew if a source brought it and indexed again, or as it is after ``wait`` seconds.

        Raises:
            ItemNotFoundError, PausedError, ItemSyncError
            ItemSourceError, SourceError: it cannot be fetched.
        """
        item = await self._indexing.get(instance, item_id)
        if not item.source or item.source != instance.settings.source_id:
            return await self._indexing.sync(instance, item_id, wait=wait)
        if instance.settings.paused:
            raise PausedError(
                f"instance {instance.name!r} is paused and does not sync items: set paused to false first"
            )
        pulled = await self._pulling.pull_one(instance, item)
        if pulled.version == item.version:  # the same bytes as before: indexed again because it was asked for
            return await self._indexing.sync(instance, pulled.id, wait=wait)
        with contextlib.suppress(TimeoutError):  # the caller then sees the status: queued or running
            async with asyncio.timeout(wait or 0):
                return await self._indexing.wait_for(pulled)
        return await self._indexing.get(instance, pulled.id)

    async def check_source(self, account: str, settings: InstanceSettings, *, inferred: bool) -> None:
        """As ``Pulling.check``."""
        await self._pulling.check(account, settings, inferred=inferred)

    async def probe(
        self, account: str, settings: InstanceSettings, secret: tuple[str, str] | None = None
    ) -> Sequence[str]:
        """As ``Pulling.probe``."""
        return await self._pulling.probe(account, settings, secret)

    async def fingerprint(self, instance: Instance) -> str:
        """As ``Pulling.fingerprint``."""
        return await self._pulling.fingerprint(instance)

    async def cancel(self, instance: Instance, job_id: str) -> Job:
        """The job, ended; the item that it has just queued is still indexed.

        Raises:
            JobNotFoundError, JobEndedError
        """
        job = await self._journal.get_job(instance.uid, job_id)
        now = int(time.time() * 1000)
        if not await self._journal.end_job(job_id, now, CANCELLED):
            raise JobEndedError(f"job {job_id!r} has ended already, with {job.end_reason or COMPLETED!r}")
        if task := self._running.get(job_id):
            task.cancel()
        await self._journal.add_job_line(job_id, _line("cancelled by a user", "warning"))
        return await self._journal.get_job(instance.uid, job_id)

    async def get(self, instance: Instance, job_id: str) -> Job:
        """Raises ``JobNotFoundError``."""
        return await self._journal.get_job(instance.uid, job_id)

    async def list(self, instance: Instance, limit: int, offset: int) -> tuple[Sequence[Job], int]:
        """A page of the jobs, newest first, and how many there are."""
        return await self._journal.list_jobs(instance.uid, limit, offset)

    async def states(self, instances: Sequence[Instance]) -> Sequence[SyncState]:
        """What is known of the syncs of each of these."""
        found = await self._journal.sync_states([one.uid for one in instances])
        return [found.get(one.uid, SyncState()) for one in instances]

    async def lines(self, instance: Instance, job_id: str, limit: int, offset: int) -> tuple[Sequence[JobLine], int]:
        """A page of the job's log, oldest first, and how many lines there are; raises ``JobNotFoundError``."""
        await self._journal.get_job(instance.uid, job_id)
        return await self._journal.list_job_lines(job_id, limit, offset)

    async def look(self, instance: Instance, job_id: str, after: int, *, counted_within: float) -> JobNews:
        """What is new of the job since the line of that number; raises ``JobNotFoundError``.

        Items are counted at most once in so many seconds, whoever follows.
        """
        job = await self._journal.get_job(instance.uid, job_id)  # before its lines: it ends after them
        lines = await self._journal.list_job_lines_after(job_id, after, NEWS)
        counted_at, counts = self._counted.get(instance.uid, (-math.inf, {}))
        over = job.ended_at is not None and int(time.time() * 1000) - job.ended_at > LAST_WORDS
        ended = over and len(lines) < NEWS
        if ended or time.monotonic() - counted_at >= counted_within:
            found = await self._catalog.count_items([instance.uid])
            counts = found[instance.uid].statuses if instance.uid in found else {}
            self._counted[instance.uid] = time.monotonic(), counts
        return JobNews(job, lines, counts, len(lines) == NEWS, ended)

    async def pause(self, seconds: float) -> bool:
        """Whether nobody may follow any longer, after that time or as soon as it is so."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._dismissed.wait()
        return self._dismissed.is_set()

    def dismiss(self) -> None:
        """Let go of those who follow jobs: the server is about to end."""
        self._dismissed.set()

    async def wait(self) -> None:
        """Return when no job runs."""
        while self._running:
            await asyncio.wait(self._running.values())

    async def follow_schedule(self) -> None:
        """Begin a job for each instance with an external source that is not paused and whose time has come."""
        now = int(time.time() * 1000)
        for instance in await self._catalog.list_instances("", None):
            if not instance.settings.source_kind or instance.settings.paused:
                continue
            last, _ = await self._journal.list_jobs(instance.uid, 1, 0)
            due = not last or self._seconds_since(last[0], now) >= instance.settings.sync_interval
            if due or last[0].end_reason.startswith(CHANGED):
                with contextlib.suppress(CooldownError, InstanceNotFoundError, PausedError):  # it changed meanwhile
                    await self.begin(instance, trigger="schedule")

    def _seconds_since(self, job: Job, now: int) -> float:
        """Since the newest job of an instance began: after the clock was set back, by one that never is."""
        if job.started_at <= now:
            return (now - job.started_at) / 1000
        begun = self._begun.get(job.instance_uid)
        return math.inf if begun is None else self._steady() - begun  # of an earlier process nobody knows

    def _check_cooldown(self, before: Job, now: int, trigger: Trigger) -> None:
        left = self._cooldown - self._seconds_since(before, now)
        if before.ended_at is None:
            raise CooldownError(
                f"job {before.id!r} of this instance is still running: wait, or cancel it", max(left, 1.0)
            )
        if trigger == before.trigger == "user" and left > 0:
            raise CooldownError(f"a sync was started moments ago: try again in {left:.0f} s", left)

    def _run(self, instance: Instance, job: Job) -> None:
        task = asyncio.create_task(self._work(instance, job))
        self._running[job.id] = task
        task.add_done_callback(lambda _: self._running.pop(job.id, None))

    async def _work(self, instance: Instance, job: Job) -> None:
        try:
            reason = await self._follow_source(instance, job)
        except PausedError as error:
            reason = f"{PAUSED}: {error}"
        except SourceError as error:
            reason = str(error)
            await self._tell_end(job, reason)
            if error.lasting and not await self._pause(instance, job):
                reason = f"{CHANGED}: the source was changed while it was being read: another sync will start"
        except Exception as error:  # the job loop: a job that fails must end, and say so
            if not isinstance(error, SecondlookError):
                log.exception("job %s of %s failed", job.id, instance.name)
            reason = f"unknown_error: {error}"
        await self._journal.end_job(job.id, int(time.time() * 1000), _storable(reason))
        if reason.startswith(CHANGED):
            self.nudge()

    async def _follow_source(self, instance: Instance, job: Job) -> str:
        """Why it ended."""

        async def tell(message: str, severity: Severity) -> None:
            await self._tell(job, message, severity)

        await self._take_again(instance, job)
        if instance.settings.source_kind:
            await self._pulling.pull(instance, tell, may_shrink=await self._may_shrink(instance, job))
        return COMPLETED

    async def _may_shrink(self, instance: Instance, job: Job) -> bool:
        """Whether a person asks again after a sync that would have removed most of what is there."""
        newest, _ = await self._journal.list_jobs(instance.uid, 2, 0)
        before = [one for one in newest if one.id != job.id]
        return job.trigger == "user" and bool(before) and before[0].end_reason.startswith(SHRANK)

    async def _pause(self, instance: Instance, job: Job) -> bool:
        """Only a person can fix the source: no further sync is tried until then (contract, 18.7).

        False if somebody has set another source since the job began.
        """

        def change(current: InstanceSettings) -> InstanceSettings | None:
            return replace(current, paused=True) if current.origin == instance.settings.origin else None

        with contextlib.suppress(InstanceNotFoundError):
            if not await change_settings(self._catalog, instance.uid, change, now=int(time.time() * 1000)):
                return False
            await self._tell_end(job, "Syncs are paused. Fix the problem, then set paused to false.")
        return True

    async def _tell_end(self, job: Job, message: str) -> None:
        with contextlib.suppress(JobNotFoundError):  # it went with its instance
            await self._tell(job, message, "error")

    async def _take_again(self, instance: Instance, job: Job) -> None:
        """Index again what is kept here; what a source has is fetched from there."""
        failed = (await self._catalog.list_items(instance.uid, AGAIN))[::-1]
        again = [item for item in failed if not item.source or item.status == "outdated"]
        if not again:
            if not instance.settings.source_kind:
                await self._tell(job, "no failed or outdated items: nothing to do")
            return
        await self._tell(job, f"re-indexing {plural(len(again), 'failed or outdated item')}")
        done: dict[str, int] = {"completed": 0, "error": 0}
        waiting = iter(again)

        async def take_some() -> None:
            for item in waiting:  # what one of these has taken, no other gets
                await self._take_one_again(instance, job, item, done)

        taking = [asyncio.create_task(take_some()) for _ in range(min(AGAIN_AT_ONCE, len(again)))]
        try:
            await asyncio.gather(*taking)
        finally:
            for task in taking:
                task.cancel()
            await asyncio.gather(*taking, return_exceptions=True)
        await self._tell(job, _summary(done))

    async def _take_one_again(self, instance: Instance, job: Job, item: Item, done: dict[str, int]) -> None:
        with contextlib.suppress(ItemNotFoundError):  # deleted meanwhile
            if (await self._indexing.get(instance, item.id)).status not in AGAIN:
                return  # taken up meanwhile
            today = await self._catalog.get_instance_by_uid(instance.uid)  # its schema may have changed
            now = await self._indexing.wait_for(await self._indexing.reindex(today, item.id))
            done[now.status] = done.get(now.status, 0) + 1
            await self._tell_of(job, now)

    async def _tell(self, job: Job, message: str, severity: Severity = "info") -> None:
        await self._journal.add_job_line(job.id, _line(message, severity))

    async def _tell_of(self, job: Job, item: Item) -> None:
        if item.status == "error":
            await self._tell(job, f"{item.key}: {item.error}", "error")
        else:
            await self._tell(job, f"{item.key}: {item.status}")

    async def _keep_time(self) -> None:
        while True:
            try:
                await self.follow_schedule()
            except SecondlookError:
                log.exception("could not check the sync schedule; retrying in %g s", TICK)
            with contextlib.suppress(TimeoutError):  # the usual case
                async with asyncio.timeout(TICK):
                    await self._nudged.wait()
            self._nudged.clear()


def _line(message: str, severity: Severity = "info") -> JobLine:
    return JobLine(int(time.time() * 1000), _storable(message), severity)


def _storable(text: str) -> str:
    """The text without what no database could keep: a source may call a thing anything."""
    return text.replace("\0", "\ufffd").encode(errors="replace").decode()


def _summary(done: Mapping[str, int]) -> str:
    return ", ".join(f"{number:,} {status}" for status, number in done.items())
