"""Instances that follow the Lab are measured again when time, a model or the corpus has moved on; trials are ended."""

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from secondlook.domain.instance import Instance
from secondlook.domain.lab import LabRun
from secondlook.errors import CooldownError, SecondlookError
from secondlook.services.lab_records import read_request
from secondlook.services.lab_runs import LabRuns
from secondlook.services.online import OnlineTrials

log = logging.getLogger(__name__)

LOOK_EVERY = 300.0
"""Seconds between two looks."""
REST = 3600
"""Seconds after any run, and after one that was refused, before an instance is measured again by itself."""
DRIFT = 0.1
"""Share of the chunks by which an index may grow or shrink before its verdict is old."""
DAY = 86_400


class Remeasuring:
    """Begins the last run again, with its queries and arms."""

    def __init__(self, runs: LabRuns, online: OnlineTrials, *, days: int) -> None:
        self._runs = runs
        self._outside = runs.outside
        self._online = online
        self._days = days
        self._refused: dict[str, float] = {}

    async def watch(self) -> None:
        """Look for ever; what goes wrong is logged, and tried again."""
        while True:
            await asyncio.sleep(LOOK_EVERY)
            await _tried("verdicts", self.look)
            await _tried("trials", self._online.look)

    async def look(self) -> int:
        """Begin a run for each instance whose verdict is old, and say how many."""
        begun = 0
        for instance in await self._outside.catalog.list_instances("", None):
            if instance.settings.reranking_mode != "auto":
                continue
            try:
                begun += await self._look_at(instance)
            except Exception:  # whatever fails one instance, the others are looked after
                log.exception("could not check whether to measure %s/%s again", instance.account, instance.name)
        return begun

    async def _look_at(self, instance: Instance) -> bool:
        last = await self._runs.last(instance)
        if last and not await self._is_resting(instance) and (why := await self.why(instance, last)):
            return await self._begin(instance, last, why)
        return False

    async def why(self, instance: Instance, last: LabRun) -> str:
        """Why the verdict is old; empty when it is not."""
        report = json.loads(last.report)
        if self._days and time.time() - last.created_at / 1000 > self._days * DAY:
            return f"it is over {self._days} days old"
        if changed := self._changed_model(report):
            return changed
        then, now = int(report["chunks"]), await self._outside.indexer.count_chunks(instance.uid)
        if abs(now - then) > DRIFT * max(1, then):
            return f"the index has grown or shrunk from {then:,} to {now:,} chunks"
        return ""

    def _changed_model(self, report: Mapping[str, Any]) -> str:
        """Which model is not the one that was measured; one that cannot be had now is no reason to measure."""
        for arm in report["arms"]:
            if arm["spec"] is None or ">" in arm["spec"]["model"]:
                continue
            with contextlib.suppress(SecondlookError):
                rerankers = self._outside.tools.rerankers
                name = arm["spec"]["model"]
                now = (rerankers.find(name) if name else rerankers.default).identity
                unloaded = arm["model"].startswith(f"{now.partition('?')[0]}@")  # its name is all that is known yet
                if arm["model"] and now != arm["model"] and not ("@" not in now and unloaded):
                    return f"the model changed from {arm['model']} to {now}"
        return ""

    async def _is_resting(self, instance: Instance) -> bool:
        now = time.monotonic()
        self._refused = {uid: at for uid, at in self._refused.items() if now - at < REST}
        if instance.uid in self._refused:
            return True
        newest, _ = await self._runs.page(instance, 1, 0)
        # below 0 the clock was set back
        return any(0 <= time.time() - run.created_at / 1000 < REST for run in newest)

    async def _begin(self, instance: Instance, last: LabRun, why: str) -> bool:
        """Whether it was begun; if not, the instance rests: each judged document may have been read to refuse it."""
        log.info("measuring %s/%s again: %s", instance.account, instance.name, why)
        self._refused[instance.uid] = time.monotonic()
        try:
            await self._runs.begin(instance, read_request(last.request))
        except CooldownError:  # one is under way, which was found out before anything was read
            del self._refused[instance.uid]
            return False
        except SecondlookError as error:  # its queries are gone, or its judge does not answer
            log.warning("%s/%s was not measured again: %s", instance.account, instance.name, error)
            return False
        del self._refused[instance.uid]
        return True


async def _tried(what: str, look: Callable[[], Awaitable[int]]) -> None:
    try:
        await look()
    except Exception:  # whatever fails, the watch must go on
        log.exception("could not check the Lab's %s; retrying in %g s", what, LOOK_EVERY)
