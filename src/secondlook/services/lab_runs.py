"""Runs of the Lab: they go on after a crash, can be cancelled, and end in a report."""

import asyncio
import json
import logging
import resource
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from secondlook.domain.instance import Instance
from secondlook.domain.lab import LabRun
from secondlook.domain.options import RerankStage
from secondlook.errors import (
    CallerError,
    CooldownError,
    InstanceNotFoundError,
    InvalidModelError,
    JobEndedError,
    SecondlookError,
    SetupError,
)
from secondlook.evaluation.queries import JudgedQuery
from secondlook.evaluation.report import LabReport, QueryRow, sum_up
from secondlook.ledgers import LabBook
from secondlook.ports import Catalog, Indexer, Tools
from secondlook.services.arms import MOST_ARMS, base_plan, check_arm, default_arms, off_plans, plan_of
from secondlook.services.judging import Judge
from secondlook.services.lab import Bench
from secondlook.services.lab_records import (
    LabRequest,
    chosen_spec,
    read_request,
    read_row,
    report_json,
    report_of,
    request_json,
    rows_json,
    settings_for,
)
from secondlook.services.models import ModelList
from secondlook.services.query_sets import QuerySets, ReadText
from secondlook.services.searching import SearchDefaults
from secondlook.services.trusts import Trusts

log = logging.getLogger(__name__)

Progress = Callable[[str, int, int], None]
KEEP_EVERY = 2.0
"""Seconds between two writes of what was measured."""
MOST_QUERIES = 5000
MOST_CONCURRENT = 16
BY_COMMAND = "by a command"
"""Reason of a run that a command makes beside the server, which leaves it alone."""
KEPT = 50
"""Runs of an instance that are kept; the oldest beyond go."""


@dataclass(frozen=True, slots=True)
class LabTools:
    """What runs need of the outside; ``read_text`` is the text of an item as it was stored, where that can be had."""

    tools: Tools
    catalog: Catalog
    indexer: Indexer
    models: ModelList
    defaults: SearchDefaults
    read_text: ReadText | None = None


class LabRuns:
    """Begins, runs, resumes and cancels; one run at a time, so that none is measured beside another."""

    def __init__(self, book: LabBook, outside: LabTools) -> None:
        self._book = book
        self.outside = outside
        self.trusts = Trusts(book)
        self.sets = QuerySets(outside.catalog, outside.indexer, outside.read_text)
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._turn = asyncio.Lock()
        self._beginning = asyncio.Lock()

    async def start(self) -> None:
        """Go on with the runs that an earlier process left; those of instances that are gone are forgotten."""
        for run in await self._book.list_open():
            if run.reason == BY_COMMAND:
                continue
            try:
                instance = await self.outside.catalog.get_instance_by_uid(run.instance_uid)
            except InstanceNotFoundError:
                await self._book.forget(run.instance_uid)
                continue
            whole = await self._book.get(run.instance_uid, run.id)
            self._begin(instance, whole.id, read_request(whole.request))

    async def stop(self) -> None:
        """Break off what runs; it goes on at the next start."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def command(self, instance: Instance, request: LabRequest, on_progress: Progress) -> LabRun:
        """A run to its end, for a command; one that was broken off goes on if it was to do the same.

        Raises:
            as ``begin``.
        """
        wanted = request_json(await self._checked(instance, request))
        for old in (await self._book.list(instance.uid, KEPT, 0))[0]:
            if old.state == "running" and old.reason == BY_COMMAND:
                whole = await self._book.get(instance.uid, old.id)
                if whole.request == wanted:
                    self._begin(instance, old.id, read_request(wanted), on_progress)
                    await self.wait(old.id)
                    return await self._book.get(instance.uid, old.id)
                await self.cancel(instance, old.id)
        run = await self.begin(instance, request, reason=BY_COMMAND, on_progress=on_progress)
        await self.wait(run.id)
        return await self._book.get(instance.uid, run.id)

    async def begin(
        self, instance: Instance, request: LabRequest, *, reason: str = "", on_progress: Progress | None = None
    ) -> LabRun:
        """The new run, in the background.

        Raises:
            CooldownError: one runs over this instance.
            GeneratorError: the judge cannot grade.
            CallerError: there are no queries or too many, two arms are one, all judgments are stale, or no judged item
                is there.
            InvalidModelError, InvalidRetrievalTypeError: an arm cannot be.
        """
        request = await self._checked(instance, request)
        async with self._beginning:
            runs, _ = await self._book.list(instance.uid, KEPT, 0)
            if any(run.state == "running" for run in runs):
                raise CooldownError("a run of the Lab is under way over this instance: wait for it, or cancel it", 10)
            for old in runs[KEPT - 1 :]:
                await self._book.remove(old.id)
            now = int(time.time() * 1000)
            run = LabRun(
                secrets.token_hex(12),
                instance.uid,
                "running",
                now,
                len(request.queries),
                origin=request.origin,
                request=request_json(request),
                reason=reason,
            )
            await self._book.add(run)
        self._begin(instance, run.id, request, on_progress)
        return run

    async def wait(self, run_id: str) -> None:
        """Until it has ended here."""
        if task := self._tasks.get(run_id):
            await asyncio.wait([task])

    async def page(self, instance: Instance, limit: int, offset: int) -> tuple[Sequence[LabRun], int]:
        """A page of the runs, newest first, and how many there are."""
        return await self._book.list(instance.uid, limit, offset)

    async def get(self, instance: Instance, run_id: str) -> LabRun:
        """Raises ``JobNotFoundError``."""
        return await self._book.get(instance.uid, run_id)

    async def last(self, instance: Instance) -> LabRun | None:
        """The newest that came to a verdict."""
        return await self._book.last(instance.uid)

    async def rows(self, run: LabRun) -> Sequence[QueryRow]:
        """What the queries came to so far."""
        return [read_row(one) for one in await self._book.rows(run.id)]

    async def generated(self, instance: Instance, *, limit: int) -> Sequence[JudgedQuery]:
        """Questions that the language model asks; raises as ``QuerySets.generated``."""
        return await self.sets.generated(instance, self.outside.tools.generator, limit=limit)

    async def cancel(self, instance: Instance, run_id: str) -> LabRun:
        """The run, ended; raises ``JobNotFoundError`` or ``JobEndedError``."""
        run = await self._book.get(instance.uid, run_id)
        ended = await self._book.set_state(
            run_id, "cancelled", ended_at=int(time.time() * 1000), reason="cancelled by a user"
        )
        if not ended:
            raise JobEndedError(f"run {run_id!r} of the Lab has ended ({run.state}), and cannot be cancelled")
        if task := self._tasks.get(run_id):
            task.cancel()
        return await self._book.get(instance.uid, run_id)

    async def remove(self, instance: Instance, run_id: str) -> None:
        """Forget it, breaking it off if it runs; raises ``JobNotFoundError``."""
        await self._book.get(instance.uid, run_id)
        if task := self._tasks.get(run_id):
            task.cancel()
            await asyncio.wait([task])
        await self._book.remove(run_id)

    async def forget(self, instance: Instance) -> None:
        """Forget all runs of an instance that goes."""
        for run in (await self._book.list(instance.uid, KEPT, 0))[0]:
            if task := self._tasks.get(run.id):
                task.cancel()
        await self._book.forget(instance.uid)

    async def apply(self, instance: Instance, report: Mapping[str, Any]) -> Instance | None:
        """The instance with the settings of the verdict; None when there is not enough evidence to change any.

        Raises:
            CallerError: the arm of the verdict is no setting of an instance.
        """
        arm = chosen_spec(report)
        told: dict[str, Any] = settings_for(report["verdict"]["answer"], arm)
        if not told:
            return None
        own = base_plan(instance, self.outside.defaults).retrieval.type
        if told["reranking"] and arm and arm.retrieval_type not in (None, own):
            raise CallerError(
                f"{arm.name} was measured with retrieval {arm.retrieval_type!r}, and searches of {instance.name!r} are"
                f" {own!r} unless they ask for another type, which is no setting of an instance: ask for it in each"
                " search, or measure arms without it"
            )
        stages = tuple(RerankStage(**one) for one in told.get("reranking_stages", ()))
        changed = {**told, "reranking_stages": stages} if "reranking_stages" in told else told
        current = await self.outside.catalog.get_instance_by_uid(instance.uid)
        settings = replace(current.settings, **changed)
        return await self.outside.catalog.update_instance(instance.uid, settings, int(time.time() * 1000))

    async def follow(self, instance: Instance) -> Instance:
        """The instance as the last verdict would have it, if it follows verdicts."""
        if instance.settings.reranking_mode != "auto":
            return instance
        run = await self._book.last(instance.uid)
        return (run and await self._obey(instance, json.loads(run.report))) or instance

    async def _obey(self, instance: Instance, report: Mapping[str, Any]) -> Instance | None:
        """As ``apply``; a verdict that cannot be set is left alone."""
        try:
            return await self.apply(instance, report)
        except CallerError as error:
            log.warning("the Lab's verdict on %s/%s is not followed: %s", instance.account, instance.name, error)
            return None

    async def _checked(self, instance: Instance, request: LabRequest) -> LabRequest:
        arms = request.arms or tuple(default_arms(await self.outside.models.all()))
        names = [check_arm(arm).name for arm in arms]
        if len(set(names)) < len(names) or len(names) > MOST_ARMS:
            raise CallerError(f"up to {MOST_ARMS} arms that differ can be compared, these are {', '.join(names)}")
        for arm in arms:
            plan = plan_of(arm, instance, self.outside.defaults)
            for stage in plan.reranking.cascade if plan.reranking else ():
                self._check_model(stage.model)
        if not 1 <= request.concurrency <= MOST_CONCURRENT:
            raise CallerError(f"the concurrency is {request.concurrency}, it must be 1 to {MOST_CONCURRENT}")
        unknown = await self.sets.unknown(instance, request.queries)
        queries, stale = await self.sets.fresh(instance, request.queries, bare=request.judge is not None)
        if not 1 <= len(queries) <= MOST_QUERIES:
            told = f" ({stale} judgments speak of text that is no longer there)" if stale else ""
            raise CallerError(
                f"{len(queries)} judged queries are left{told}: give 1 to {MOST_QUERIES:,}, or a limit to draw as many"
            )
        if request.judge is not None:  # once, so that one that cannot is told before anything is measured
            await self._judge(request.judge).grade(
                "when does lamp oil freeze", "Lamp oil freezes at minus ten degrees."
            )
        generation = await self.outside.tools.retriever.read_generation(instance.uid)
        found = replace(request, queries=tuple(queries), stale=stale, unknown=len(unknown))
        return replace(found, arms=tuple(arms), generation=generation)

    def _judge(self, model: str) -> Judge:
        return Judge(self.outside.tools.generator, self._book, model)

    def _check_model(self, name: str) -> None:
        try:
            if name:
                self.outside.tools.rerankers.find(name)
        except SetupError as error:
            raise InvalidModelError(f"the reranker {name!r} cannot be measured: {error}") from error

    def _begin(self, instance: Instance, run_id: str, request: LabRequest, on_progress: Progress | None = None) -> None:
        task = asyncio.create_task(self._guarded(instance, run_id, request, on_progress))
        self._tasks[run_id] = task
        task.add_done_callback(lambda _: self._tasks.pop(run_id, None))

    async def _guarded(
        self, instance: Instance, run_id: str, request: LabRequest, on_progress: Progress | None
    ) -> None:
        try:
            async with self._turn:
                await self._work(instance, run_id, request, on_progress)
        except SecondlookError as error:
            await self._book.set_state(run_id, "error", ended_at=int(time.time() * 1000), reason=str(error))
        except Exception as error:
            log.exception("run %s of the Lab failed", run_id)
            told = f"it failed: {type(error).__name__}"
            await self._book.set_state(run_id, "error", ended_at=int(time.time() * 1000), reason=told)

    async def _work(self, instance: Instance, run_id: str, request: LabRequest, on_progress: Progress | None) -> None:
        outside = self.outside
        if await outside.tools.retriever.read_generation(instance.uid) != request.generation:
            await self._book.drop_rows(run_id)
        arms = {arm.name: plan_of(arm, instance, outside.defaults) for arm in request.arms}
        judge = None if request.judge is None else self._judge(request.judge)
        offs = off_plans(request.arms, instance, outside.defaults)
        bench = Bench(outside.tools, base_plan(instance, outside.defaults), arms, judge, offs)
        await bench.measure(request.queries[0])  # models are loaded and caches are warm when figures are taken
        rows = [read_row(one) for one in await self._book.rows(run_id)]
        waiting: list[QueryRow] = []
        kept_at = time.monotonic()
        started = time.perf_counter()
        while len(rows) < len(request.queries):
            part = request.queries[len(rows) : len(rows) + request.concurrency]
            found = await asyncio.gather(*(bench.measure(one) for one in part))
            rows += found
            waiting += found
            if on_progress:
                on_progress("Lab", len(rows), len(request.queries))
            if time.monotonic() - kept_at >= KEEP_EVERY or len(rows) == len(request.queries):
                told = await asyncio.to_thread(rows_json, waiting)
                await self._book.add_rows(run_id, len(rows) - len(waiting), told)
                waiting, kept_at = [], time.monotonic()
        seconds = time.perf_counter() - started
        report = await asyncio.to_thread(self._sum_up, rows, request)
        changed = await outside.tools.retriever.read_generation(instance.uid) != request.generation
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        chunks = await outside.indexer.count_chunks(instance.uid)
        cost = {"seconds": seconds, "memory_mb": memory, "index_changed": changed, "chunks": chunks}
        told_report = report_of(report, request, cost)
        await self._book.set_state(
            run_id, "completed", ended_at=int(time.time() * 1000), report=report_json(told_report)
        )
        self.trusts.forget(instance.uid)
        current = await outside.catalog.get_instance_by_uid(instance.uid)
        if request.followed and current.settings.reranking_mode == "auto":
            await self._obey(instance, told_report)

    def _sum_up(self, rows: Sequence[QueryRow], request: LabRequest) -> LabReport:
        weights = {arm.name: arm.weight for arm in request.arms}
        offs = {arm.name: arm.off for arm in request.arms}
        return sum_up(rows, weights, budget=request.budget, baselines=offs, unknown_items=request.unknown)
