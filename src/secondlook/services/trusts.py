"""Thresholds as probabilities: what runs of the Lab say that a model's scores are worth on an instance."""

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from secondlook.domain.options import Plan
from secondlook.evaluation.calibration import Calibration
from secondlook.ledgers import LabBook

FRESH = 10.0
"""Seconds for which calibrations are not looked up again; a command may have made newer ones."""
MOST_REPORTS = 50
"""Of an instance that are looked through, newest first; more are not kept."""
FEWEST_PAIRS = 50
"""Pairs that a calibration must have been held against: fewer say little of nine in ten."""
NEVER = 1.01
"""A threshold that no score reaches: none of the model's scores is worth the probability."""


@dataclass(frozen=True, slots=True)
class _Known:
    """What was found at a time of the monotonic clock, in the reports of those completed runs."""

    at: float
    runs: Sequence[str]
    found: Mapping[str, Calibration]


class Trusts:
    """Calibrations by instance and identity of the model.

    Whole reports are read once for all who search at the same time, and again only when other runs are completed.
    """

    def __init__(self, book: LabBook) -> None:
        self._book = book
        self._known: dict[str, _Known] = {}
        self._lookups: dict[str, asyncio.Task[Mapping[str, Calibration]]] = {}

    async def applied(self, plan: Plan) -> Plan:
        """The plan; where its threshold is a probability, with the score that stands for it, by model.

        A model that was not calibrated here keeps the probability as the threshold of its scores.
        """
        options = plan.reranking
        if options is None or not options.probable or options.min_relevance is None:
            return plan
        wanted = options.min_relevance
        found = {name: one.threshold(wanted) for name, one in (await self.of(plan.index)).items()}
        by_model = {name: NEVER if least is None else least for name, least in found.items()}
        return replace(plan, reranking=replace(options, by_model=by_model))

    async def of(self, uid: str) -> Mapping[str, Calibration]:
        """What is known of the models on that instance."""
        known = self._known.get(uid)
        if known and time.monotonic() - known.at < FRESH:
            return known.found
        task = self._lookups.get(uid)
        if task is None:
            task = self._lookups[uid] = asyncio.create_task(self._look_up(uid))
            task.add_done_callback(lambda done: done.cancelled() or done.exception())  # mark the exception as retrieved
        await asyncio.wait([task])  # cancelling one waiter must not cancel the shared task
        return task.result()

    def forget(self, uid: str) -> None:
        """There are newer ones; what is being looked up is kept no more."""
        self._known.pop(uid, None)
        self._lookups.pop(uid, None)

    async def _look_up(self, uid: str) -> Mapping[str, Calibration]:
        task = asyncio.current_task()
        try:
            runs = await self._book.list_completed(uid, MOST_REPORTS)
            known = self._known.get(uid)
            if known and known.runs == runs:
                found = known.found
            else:
                reports = await self._book.reports(uid, MOST_REPORTS)
                found = await asyncio.to_thread(latest_calibrations, reports)
            if self._lookups.get(uid) is task:
                self._known[uid] = _Known(time.monotonic(), runs, found)
            return found
        finally:
            if self._lookups.get(uid) is task:
                del self._lookups[uid]


def latest_calibrations(reports: Sequence[str]) -> Mapping[str, Calibration]:
    """Of each model the newest, by its identity; one over made queries alone counts where people's made none.

    Args:
        reports: as JSON, newest first.
    """
    of_people: dict[str, Calibration] = {}
    of_made: dict[str, Calibration] = {}
    for text in reports:
        report = json.loads(text)
        kind = of_made if report["synthetic"] == report["queries"] else of_people
        for model, found in calibrations_in(report).items():
            kind.setdefault(model, found)
    return of_made | of_people


def calibrations_in(report: Mapping[str, Any]) -> Mapping[str, Calibration]:
    """Those of a report that rest on enough pairs, by identity of the model; of several, that of the most pairs."""
    told = [
        (one["model"], one["calibration"])
        for one in report["arms"]
        if one["model"] and one["calibration"] and one["calibration"]["pairs"] >= FEWEST_PAIRS
    ]
    most_last = sorted(told, key=lambda pair: int(pair[1]["pairs"]))
    return {
        model: Calibration(
            one["method"],
            tuple(score for score, _ in one["points"]),
            tuple(probability for _, probability in one["points"]),
            one["slope"],
            one["intercept"],
        )
        for model, one in most_last
    }
