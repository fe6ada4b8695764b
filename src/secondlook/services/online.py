"""What people's clicks say of reranking that is tried on them, and the way back when it is worse."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

from secondlook.domain.instance import Instance
from secondlook.domain.queries import Feedback, LoggedQuery
from secondlook.errors import InstanceChangedError
from secondlook.evaluation.interleaving import Outcome, Team, settle
from secondlook.evaluation.report import percentile
from secondlook.ports import Catalog
from secondlook.services.queries import QueryLog
from secondlook.services.trying import teams_of

log = logging.getLogger(__name__)

GOOD = ("click", "thumbs_up")


@dataclass(frozen=True, slots=True)
class Shadowed:
    """What reranking in the shadow would have done: searches, those with another first result, failures, its time."""

    queries: int
    top_changed: int
    fell_back: int
    p50: float
    p95: float


@dataclass(frozen=True, slots=True)
class Online:
    """Both ways to try, as far as the query log knows of them."""

    outcome: Outcome
    interleaved: int
    shadow: Shadowed


class OnlineTrials:
    """Reads the query log, and ends trials that people's clicks decide against reranking."""

    def __init__(self, queries: QueryLog, catalog: Catalog) -> None:
        self._queries = queries
        self._catalog = catalog

    async def result(self, instance: Instance) -> Online:
        """What is known now of the trial that runs, or of the last one."""
        lines = await self._queries.tried(instance)
        said = [one for heard in await self._queries.judged(instance.uid) for one in heard.feedback]
        teams = {line.id: teams_of(line.found) for line in lines}
        drafted = {name: found for name, found in teams.items() if found}
        shadows = [line for line in lines if line.kind == "shadow"]
        return Online(settle(clicks_of(drafted, said)), len(drafted), _shadowed(shadows))

    async def look(self) -> int:
        """End each interleaving that reranking has lost, with reranking off, and say how many."""
        ended = 0
        for instance in await self._catalog.list_instances("", None):
            if instance.settings.reranking_mode != "interleave":
                continue
            try:
                ended += await self._look_at(instance)
            except Exception:  # whatever fails one trial, the others are looked after
                log.exception("could not check the trial of %s/%s", instance.account, instance.name)
        return ended

    async def _look_at(self, instance: Instance) -> bool:
        outcome = (await self.result(instance)).outcome
        return outcome.answer == "off" and await self._end(instance, outcome)

    async def _end(self, instance: Instance, outcome: Outcome) -> bool:
        """Whether it was ended; settings that have changed while it was looked at stay."""
        before = instance.settings
        settings = replace(before, reranking=False, reranking_mode="fixed")
        try:
            await self._catalog.update_instance(instance.uid, settings, self._queries.now(), before=before)
        except InstanceChangedError:
            return False
        place = (instance.account, instance.name, outcome.wins, outcome.losses, outcome.p)
        log.warning(
            "%s/%s: switched reranking off, since it won on %d and lost on %d of the clicked queries (p = %.4f)", *place
        )
        return True


def clicks_of(drafted: dict[str, dict[str, Team]], said: Sequence[Feedback]) -> list[list[Team]]:
    """Of each interleaved query, the teams of the results that somebody liked; each result counts once."""
    found: dict[str, dict[str, Team]] = {}
    for one in said:
        team = drafted.get(one.query_id, {}).get(one.chunk_id)
        if team and one.kind in GOOD:
            found.setdefault(one.query_id, {})[one.chunk_id] = team
    return [list(teams.values()) for teams in found.values()]


def _shadowed(lines: Sequence[LoggedQuery]) -> Shadowed:
    times = [line.stages.get("rerank", 0.0) for line in lines]
    return Shadowed(
        len(lines),
        sum(line.top_changed is True for line in lines),
        sum(line.status == "fell_back" for line in lines),
        percentile(times, 0.5),
        percentile(times, 0.95),
    )
