"""Runs of the Lab: they go on after a crash, can be cancelled, and end in a report."""

import asyncio
import json
import logging
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from secondlook.domain.instance import Instance, InstanceSettings
from secondlook.domain.lab import ArmSpec, LabRun
from secondlook.domain.options import RerankStage
from secondlook.domain.wording import plural
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
from secondlook.evaluation.report import QueryRow
from secondlook.ledgers import LabBook
from secondlook.ports import declared
from secondlook.services.arms import MOST_ARMS, base_plan, check_arm, default_arms, plan_of
from secondlook.services.judging import Judge
from secondlook.services.lab_records import (
    LabRequest,
    chosen_spec,
    read_request,
    request_json,
    settings_for,
)
from secondlook.services.lab_turns import LabTurns, Turn
from secondlook.services.lab_work import LabTools, LabWork, Progress, read_rows_of
from secondlook.services.query_sets import QuerySets
from secondlook.services.settings_change import change_settings
from secondlook.services.trusts import Trusts

log = logging.getLogger(__name__)

MOST_QUERIES = 5000
MOST_CONCURRENT = 16
BY_COMMAND = "by a command"
"""Reason of a run that a command makes beside the server, which leaves it alone."""
LEFT = "interrupted: the process that ran it has stopped"
KEPT = 50
"""Runs of an instance that are kept; the oldest beyond go."""


class LabRuns:
    """Begins, runs, resumes and cancels; one run at a time, so that none is measured beside another."""

    def __init__(self, book: LabBook, outside: LabTools) -> None:
        self._book = book
        self.outside = outside
        self.trusts = Trusts(book)
        self.sets = QuerySets(outside.catalog, outside.indexer, outside.read_text)
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._turns = LabTurns(book)
        self._alone = asyncio.Lock()
        self._checking: set[str] = set()

    async def start(self) -> None:
        """Resume, as the server, the runs that an earlier one left; runs of deleted instances are removed."""
        await self._turns.serve()
        for run in await self._book.list_open():
            if run.reason == BY_COMMAND:
                continue
            try:
                instance = await self.outside.catalog.get_instance_by_uid(run.instance_uid)
            except InstanceNotFoundError:
                await self._book.forget(run.instance_uid)
                continue
            whole = await self._book.get(run.instance_uid, run.id)
            await self._begin(instance, whole.id, await asyncio.to_thread(read_request, whole.request))

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
        request = await self._checked(instance, request)
        wanted = await asyncio.to_thread(request_json, request)
        for old in (await self._book.list(instance.uid, KEPT, 0))[0]:
            if old.state == "running" and old.reason == BY_COMMAND:
                whole = await self._book.get(instance.uid, old.id)
                if whole.request == wanted:
                    turn = await self._take(instance, old.id)
                    await self._begin(instance, old.id, request, on_progress, turn)
                    await self.wait(old.id)
                    return await self._book.get(instance.uid, old.id)
        run = await self._add(instance, request, BY_COMMAND, on_progress)
        await self.wait(run.id)
        return await self._book.get(instance.uid, run.id)

    async def begin(
        self, instance: Instance, request: LabRequest, *, reason: str = "", on_progress: Progress | None = None
    ) -> LabRun:
        """The new run, in the background.

        Raises:
            CooldownError: one runs over this instance, here or in another process.
            GeneratorError: the judge cannot grade.
            CallerError: there are no queries or too many, two arms are one, all judgments are stale, or no judged item
                is there.
            InvalidModelError, InvalidRetrievalTypeError: an arm cannot be.
        """
        return await self._add(instance, await self._checked(instance, request), reason, on_progress)

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

    async def rows(self, run: LabRun, limit: int | None = None, offset: int = 0) -> Sequence[QueryRow]:
        """What the queries came to so far, in their order; a part of them unless all are wanted."""
        return await read_rows_of(self._book, run.id, limit, offset)

    async def generated(self, instance: Instance, *, limit: int) -> Sequence[JudgedQuery]:
        """Questions that the language model asks; raises as ``QuerySets.generated``."""
        return await self.sets.generated(instance, self.outside.tools.generator, limit=limit)

    async def cancel(self, instance: Instance, run_id: str) -> LabRun:
        """The run, ended; raises ``JobNotFoundError`` or ``JobEndedError``."""
        run = await self._book.get(instance.uid, run_id)
        ended = await self._book.set_state(run_id, "cancelled", ended_at=_now(), reason="cancelled by a user")
        if not ended:
            raise JobEndedError(f"Lab run {run_id!r} has already ended ({run.state}) and cannot be cancelled")
        if task := self._tasks.get(run_id):
            task.cancel()
            await asyncio.wait([task])
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
        self.trusts.forget(instance.uid)

    async def apply(self, instance: Instance, report: Mapping[str, Any], *, following: bool = False) -> Instance | None:
        """The instance with the settings of the verdict; None when there is not enough evidence to change any.

        With ``following`` also None when the instance does not follow verdicts any more.

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
                f"{arm.name} was measured with {arm.retrieval_type!r} retrieval, but searches of {instance.name!r} use"
                f" {own!r} by default, and an instance has no setting for it: send retrieval_type with each"
                " search, or measure configurations without it"
            )
        stages = tuple(RerankStage(**one) for one in told.get("reranking_stages", ()))
        changed = {**told, "reranking_stages": stages} if "reranking_stages" in told else told
        now = _now()

        def change(current: InstanceSettings) -> InstanceSettings | None:
            if following and current.reranking_mode != "auto":
                return None
            return current.choosing(**changed).after(current, now)

        return await change_settings(self.outside.catalog, instance.uid, change, now=now)

    async def follow(self, instance: Instance) -> Instance:
        """The instance as the last verdict would have it, if it follows verdicts."""
        if instance.settings.reranking_mode != "auto":
            return instance
        run = await self._book.last(instance.uid)
        return (run and await self._obey(instance, json.loads(run.report))) or instance

    async def _obey(self, instance: Instance, report: Mapping[str, Any]) -> Instance | None:
        """As ``apply``; a verdict that cannot be set is left alone."""
        try:
            return await self.apply(instance, report, following=True)
        except CallerError as error:
            log.warning("could not apply the Lab's verdict to %s/%s: %s", instance.account, instance.name, error)
            return None

    async def _checked(self, instance: Instance, request: LabRequest) -> LabRequest:
        """The request with everything filled in; what costs little is checked before any document is read again."""
        if instance.uid in self._checking:
            raise _under_way(())
        self._checking.add(instance.uid)
        try:
            open_runs = await self._open_runs(instance)
            if self._is_ours(open_runs) or await self._turns.is_taken(instance.uid):
                raise _under_way(open_runs)
            arms = await self._checked_arms(instance, request)
            found = await self._checked_queries(instance, request)
            generation = await self.outside.tools.retriever.read_generation(instance.uid)
            return replace(found, arms=arms, generation=generation)
        finally:
            self._checking.discard(instance.uid)

    async def _checked_arms(self, instance: Instance, request: LabRequest) -> tuple[ArmSpec, ...]:
        arms = request.arms or tuple(default_arms(await self.outside.models.all()))
        names = [check_arm(arm).name for arm in arms]
        if len(set(names)) < len(names) or len(names) > MOST_ARMS:
            raise CallerError(
                f"a run compares at most {MOST_ARMS} different configurations; this one has {', '.join(names)}"
            )
        for arm in arms:
            plan = plan_of(arm, instance, self.outside.defaults)
            for stage in plan.reranking.cascade if plan.reranking else ():
                self._check_model(stage.model)
        if not 1 <= request.concurrency <= MOST_CONCURRENT:
            raise CallerError(f"concurrency is {request.concurrency}; it must be 1 to {MOST_CONCURRENT}")
        return tuple(arms)

    async def _checked_queries(self, instance: Instance, request: LabRequest) -> LabRequest:
        if not 1 <= len(request.queries) <= MOST_QUERIES:
            given = plural(len(request.queries), "judged query", "judged queries")
            raise CallerError(f"the run has {given}: give 1 to {MOST_QUERIES:,}, or set limit to draw a sample")
        unknown = await self.sets.unknown(instance, request.queries)
        if request.judge is not None:  # fail early if the judge cannot grade
            await self._judge(request.judge).grade(
                "when does lamp oil freeze", "Lamp oil freezes at minus ten degrees."
            )
        queries, stale = await self.sets.fresh(instance, request.queries, bare=request.judge is not None)
        if not queries:
            told = f" ({plural(stale, 'judgment')} out of date: the text has changed since)" if stale else ""
            raise CallerError(f"no judged queries left{told}: give 1 to {MOST_QUERIES:,}")
        return replace(request, queries=tuple(queries), stale=stale, unknown=len(unknown))

    def _judge(self, model: str) -> Judge:
        return Judge(self.outside.tools.generator, self._book, model)

    def _check_model(self, name: str) -> None:
        if not name:
            return
        try:
            reason = declared(self.outside.tools.rerankers.find(name)).unavailable
        except SetupError as error:
            raise InvalidModelError(f"the reranker {name!r} cannot be measured: {error}") from error
        if reason:
            raise InvalidModelError(f"the reranker {name!r} cannot be measured: {reason}")

    async def _add(self, instance: Instance, request: LabRequest, reason: str, on_progress: Progress | None) -> LabRun:
        """A new run, begun. Ends abandoned runs first, except when the new run is a gate, which gives no verdict."""
        run_id = secrets.token_hex(12)
        turn = await self._take(instance, run_id)
        try:
            old = (await self._book.list(instance.uid, KEPT, 0))[0]
            for one in old[KEPT - 1 :]:
                await self._book.remove(one.id)
            if request.followed:
                await self._book.end_left(instance.uid, turn.owner, ended_at=_now(), reason=LEFT)
            told = await asyncio.to_thread(request_json, request)
            number = len(request.queries)
            run = LabRun(run_id, instance.uid, "running", _now(), number, 0, request.origin, told, reason=reason)
            await self._book.add(run)
        except BaseException:
            await self._turns.end(turn)
            raise
        await self._begin(instance, run_id, request, on_progress, turn)
        return run

    async def _take(self, instance: Instance, run_id: str) -> Turn:
        """The turn; raises ``CooldownError`` while another run is under way, here or in another process."""
        open_runs = await self._open_runs(instance)
        turn = None if self._is_ours(open_runs) else await self._turns.take(instance.uid, run_id)
        if turn is None:
            raise _under_way(open_runs)
        return turn

    async def _open_runs(self, instance: Instance) -> Sequence[LabRun]:
        return [one for one in (await self._book.list(instance.uid, KEPT, 0))[0] if one.state == "running"]

    def _is_ours(self, open_runs: Sequence[LabRun]) -> bool:
        return any(one.id in self._tasks for one in open_runs)

    async def _begin(
        self,
        instance: Instance,
        run_id: str,
        request: LabRequest,
        on_progress: Progress | None = None,
        turn: Turn | None = None,
    ) -> None:
        task = asyncio.create_task(self._in_turn(instance, run_id, request, on_progress, turn))
        self._tasks[run_id] = task
        task.add_done_callback(lambda _: self._tasks.pop(run_id, None))
        await asyncio.sleep(0)  # let the task start, so that a cancellation still releases the lease

    async def _in_turn(
        self,
        instance: Instance,
        run_id: str,
        request: LabRequest,
        on_progress: Progress | None,
        turn: Turn | None,
    ) -> None:
        turn = turn or await self._turns.wait(instance.uid, run_id)
        await self._turns.keep(turn, self._guarded(instance, turn, request, on_progress))

    async def _guarded(self, instance: Instance, turn: Turn, request: LabRequest, on_progress: Progress | None) -> None:
        try:
            async with self._alone:
                report = await LabWork(self._book, self.outside, instance, turn, on_progress).do(request)
            if report:
                await self._conclude(instance, request, report)
            return
        except SecondlookError as error:
            told = str(error)
        except Exception as error:
            log.exception("Lab run %s failed", turn.run_id)
            told = f"it failed: {type(error).__name__}"
        await self._book.set_state(turn.run_id, "error", ended_at=_now(), reason=told, owner=turn.owner)

    async def _conclude(self, instance: Instance, request: LabRequest, report: Mapping[str, Any]) -> None:
        self.trusts.forget(instance.uid)
        current = await self.outside.catalog.get_instance_by_uid(instance.uid)
        if request.followed and current.settings.reranking_mode == "auto":
            await self._obey(instance, report)


def _under_way(open_runs: Sequence[LabRun]) -> CooldownError:
    told = next((f" (run {one.id}, {one.done:,} of {one.queries:,} queries)" for one in open_runs), "")
    return CooldownError(
        f"a Lab run of this instance is in progress{told}, in this server or another process: wait for it, or"
        " cancel it",
        10,
    )


def _now() -> int:
    return int(time.time() * 1000)
