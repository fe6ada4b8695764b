"""The work of one run of the Lab: its queries one after another, kept as they come, and the report."""

import asyncio
import resource
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from secondlook.domain.instance import Instance
from secondlook.evaluation.report import LabReport, QueryRow, sum_up
from secondlook.ledgers import LabBook
from secondlook.ports import Catalog, Indexer, Tools
from secondlook.services.arms import as_created, base_plan, off_plans, plan_of
from secondlook.services.judging import Judge
from secondlook.services.lab import Bench
from secondlook.services.lab_records import LabRequest, read_row, report_json, report_of, request_json, rows_json
from secondlook.services.lab_turns import Turn
from secondlook.services.models import ModelList
from secondlook.services.query_sets import ReadText
from secondlook.services.searching import SearchDefaults
from secondlook.services.trusts import Trusts

Progress = Callable[[str, int, int], None]
KEEP_EVERY = 2.0
"""Seconds between two writes of what was measured, each of which says too whether the run was ended elsewhere."""


@dataclass(frozen=True, slots=True)
class LabTools:
    """What runs need of the outside; ``read_text`` is the text of an item as it was stored, where that can be had."""

    tools: Tools
    catalog: Catalog
    indexer: Indexer
    models: ModelList
    defaults: SearchDefaults
    read_text: ReadText | None = None


@dataclass(frozen=True, slots=True)
class LabWork:
    """A run over an instance, in its turn."""

    book: LabBook
    outside: LabTools
    instance: Instance
    turn: Turn
    on_progress: Progress | None = None

    async def do(self, request: LabRequest) -> Mapping[str, Any] | None:
        """The report, kept with the run; None if it was ended elsewhere, or goes on there.

        Queries that were measured before count, unless the index has changed since: then all begin again.
        """
        outside, instance = self.outside, self.instance
        generation = await outside.tools.retriever.read_generation(instance.uid)
        if generation != request.generation:
            request = replace(request, generation=generation)
            wanted = await asyncio.to_thread(request_json, request)
            if not await self.book.begin_anew(self.turn.run_id, wanted, owner=self.turn.owner):
                return None
        started = time.perf_counter()
        rows = await self._measure(request)
        if rows is None:
            return None
        seconds = time.perf_counter() - started
        report = await asyncio.to_thread(_sum_up, rows, request)
        changed = await outside.tools.retriever.read_generation(instance.uid) != generation
        chunks = await outside.indexer.count_chunks(instance.uid)
        cost = {"seconds": seconds, "memory_mb": most_memory(), "index_changed": changed, "chunks": chunks}
        told = report_of(report, request, cost)
        kept = await self.book.set_state(
            self.turn.run_id,
            "completed",
            ended_at=int(time.time() * 1000),
            report=report_json(told),
            owner=self.turn.owner,
        )
        return told if kept else None

    async def _measure(self, request: LabRequest) -> list[QueryRow] | None:
        outside = self.outside
        arms = {arm.name: plan_of(arm, self.instance, outside.defaults) for arm in request.arms}
        judge = None if request.judge is None else Judge(outside.tools.generator, self.book, request.judge)
        offs = off_plans(request.arms, self.instance, outside.defaults)
        created = await Trusts(self.book).applied(as_created(self.instance, outside.defaults))
        bench = Bench(outside.tools, base_plan(self.instance, outside.defaults), arms, judge, offs, created)
        await bench.measure(request.queries[0])  # models are loaded and caches are warm when figures are taken
        rows = await read_rows_of(self.book, self.turn.run_id)
        waiting: list[QueryRow] = []
        kept_at = time.monotonic()
        while len(rows) < len(request.queries):
            part = request.queries[len(rows) : len(rows) + request.concurrency]
            found = await asyncio.gather(*(bench.measure(one) for one in part))
            rows += found
            waiting += found
            if self.on_progress:
                self.on_progress("Lab", len(rows), len(request.queries))
            if time.monotonic() - kept_at >= KEEP_EVERY or len(rows) == len(request.queries):
                told = await asyncio.to_thread(rows_json, waiting)
                first = len(rows) - len(waiting)
                if not await self.book.add_rows(self.turn.run_id, first, told, owner=self.turn.owner):
                    return None
                waiting, kept_at = [], time.monotonic()
        return rows


async def read_rows_of(book: LabBook, run_id: str, limit: int | None = None, offset: int = 0) -> list[QueryRow]:
    """What the run's queries came to so far, read in a thread: of a thousand it is a second's work."""
    told = await book.rows(run_id, limit, offset)
    return await asyncio.to_thread(lambda: [read_row(one) for one in told])


def most_memory() -> float:
    """Mebibytes that the process had at most; its own measure is bytes on macOS, and kibibytes elsewhere."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def _sum_up(rows: Sequence[QueryRow], request: LabRequest) -> LabReport:
    weights = {arm.name: arm.weight for arm in request.arms}
    offs = {arm.name: arm.off for arm in request.arms}
    return sum_up(rows, weights, budget=request.budget, baselines=offs, unknown_items=request.unknown)
