"""Searches that are written into the query log of instances that keep one, once they are answered."""

import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

from secondlook.domain.candidate import Ranking
from secondlook.domain.instance import Instance
from secondlook.domain.options import Generation, Plan
from secondlook.domain.queries import LONGEST_QUERY, FoundChunk, LoggedQuery, QueryKind
from secondlook.domain.query import Query
from secondlook.errors import BackendError
from secondlook.ports import Delta
from secondlook.services.admission import Admission, Room
from secondlook.services.generating import Answer
from secondlook.services.joint_searching import Joint, JointSearching, MakeAsk, MakeGeneration
from secondlook.services.queries import QueryLog, new_id
from secondlook.services.searching import Ask, SearchDefaults, Searching, make_plan
from secondlook.services.trying import TryingSearching
from secondlook.telemetry import tenant

MOST_FOUND = 20
"""Results of a search that are kept."""
LONGEST_REASON = 300


class Recorder:
    """Takes down one search: begun before it, and told how it ended."""

    def __init__(self, queries: QueryLog, defaults: SearchDefaults, query: Query, *, kind: QueryKind) -> None:
        self._queries = queries
        self._defaults = defaults
        self._query = query
        self._kind = kind
        self._at = queries.now()
        self._began = time.perf_counter()
        self.id = new_id()

    def end(
        self, instance: Instance, ask: Ask, ranking: Ranking, *, generated: float | None = None, error: str = ""
    ) -> None:
        """It was answered; ``generated`` are the milliseconds of the answer's words, ``error`` why they broke off."""
        plan = make_plan(instance, ask, self._defaults)
        own = [(rank, one) for rank, one in enumerate(ranking.candidates, 1) if one.chunk.index in ("", instance.uid)]
        spent = {step.stage: step.milliseconds for step in ranking.trace}
        explaining = spent.pop("explain", 0.0)  # who looks into a search does not make it slow for others
        stages = {stage: round(taken, 3) for stage, taken in spent.items()}
        if generated is not None:
            stages["generate"] = round(generated, 3)
        receipt, searched = ranking.receipt, ranking.query.text
        reranked = receipt.last is not None and ranking.candidates and not ranking.reuse
        line = self._line(ask, error)
        total = round(line.total - explaining, 3)
        logged = replace(
            line,
            total=total,
            searched="" if searched == self._query.text else searched[:LONGEST_QUERY],
            options=options_of(plan),
            results=len(own),
            found=tuple(FoundChunk.of(one.chunk, rank, one.score, one.evidence) for rank, one in own[:MOST_FOUND]),
            stages={**stages, "total": total},
            status=receipt.status,
            cause=receipt.cause,
            reason=receipt.reason[:LONGEST_REASON],
            top_changed=ranking.candidates[0].evidence.retrieval_rank != 1 if reranked else None,
            cached=ranking.reuse is not None,
        )
        self._queries.note(instance, logged)

    def fail(self, instance: Instance, ask: Ask, error: BackendError) -> None:
        """It failed."""
        line = self._line(ask, f"{type(error).__name__}: {error}")
        self._queries.note(instance, replace(line, cause=error.cause, stages={"total": line.total}))

    def _line(self, ask: Ask, error: str) -> LoggedQuery:
        return LoggedQuery(
            self.id,
            self._at,
            self._kind,
            self._query.text[:LONGEST_QUERY].encode(errors="replace").decode(),  # half a character cannot be stored
            public=ask.public,
            playground=ask.playground,
            total=self._taken(),
            error=error[:LONGEST_REASON],
        )

    def _taken(self) -> float:
        return round((time.perf_counter() - self._began) * 1000, 3)


class RecordedSearching:
    """The searches of ``inner``; those of instances that keep a query log are told to it."""

    def __init__(
        self,
        inner: Searching | TryingSearching,
        queries: QueryLog,
        defaults: SearchDefaults | None = None,
        room: Room | None = None,
    ) -> None:
        self._inner = inner
        self._queries = queries
        self._defaults = defaults or SearchDefaults()
        self._room = room or Admission().searches

    async def search(self, instance: Instance, query: Query, ask: Ask) -> Ranking:
        """The ranking; raises as ``Searching.search``, and ``OverloadedError`` while there are too many."""
        with self._room.enter(tenant.get(), slow=ask.where is not None):
            return await self._search(instance, query, ask)

    async def _search(self, instance: Instance, query: Query, ask: Ask) -> Ranking:
        if ask.unlogged or not self._queries.wants(instance):
            return await self._inner.search(instance, query, ask)
        recorder = Recorder(self._queries, self._defaults, query, kind="search")
        try:
            ranking = await self._inner.search(instance, query, ask)
        except BackendError as error:
            recorder.fail(instance, ask, error)
            raise
        recorder.end(instance, ask, ranking)
        return replace(ranking, logged=recorder.id)

    async def answer(self, instance: Instance, query: Query, ask: Ask, *, generation: Generation) -> Answer:
        """The answer, which is noted when its last word was read; raises as ``Searching.answer``, and as ``search``."""
        with self._room.enter(tenant.get(), slow=ask.where is not None):
            return await self._answer(instance, query, ask, generation)

    async def _answer(self, instance: Instance, query: Query, ask: Ask, generation: Generation) -> Answer:
        if ask.unlogged or not self._queries.wants(instance):
            return await self._inner.answer(instance, query, ask, generation=generation)
        recorder = Recorder(self._queries, self._defaults, query, kind="chat")
        try:
            answer = await self._inner.answer(instance, query, ask, generation=generation)
        except BackendError as error:
            recorder.fail(instance, ask, error)
            raise
        return recorded(answer, recorder, [(instance, ask)])

    async def forget(self, instance: Instance, *, quietly: bool = False) -> None:
        """Forget the instance's kept answers, as ``Searching.forget``."""
        await self._inner.forget(instance, quietly=quietly)


class RecordedJoint:
    """The same for searches of several instances: each that keeps a log notes what it gave."""

    def __init__(
        self,
        inner: JointSearching,
        queries: QueryLog,
        defaults: SearchDefaults | None = None,
        room: Room | None = None,
    ) -> None:
        self._inner = inner
        self._queries = queries
        self._defaults = defaults or SearchDefaults()
        self._room = room or Admission().searches

    async def search(
        self, place: tuple[str, str], names: Sequence[str], query: Query, *, make_ask: MakeAsk, partial: bool = True
    ) -> Joint:
        """One list; raises as ``JointSearching.search``."""
        recorder = Recorder(self._queries, self._defaults, query, kind="search")
        with self._room.enter(tenant.get()):
            joint = await self._inner.search(place, names, query, make_ask=make_ask, partial=partial)
        wanted = self._wanted(joint, make_ask)
        for instance, ask in wanted:
            recorder.end(instance, ask, joint.ranking)
        return replace(joint, ranking=replace(joint.ranking, logged=recorder.id)) if wanted else joint

    async def answer(
        self,
        place: tuple[str, str],
        names: Sequence[str],
        query: Query,
        *,
        make_ask: MakeAsk,
        make_generation: MakeGeneration,
        partial: bool = True,
    ) -> tuple[Joint, Answer]:
        """One list and the answer; raises as ``JointSearching.answer``."""
        recorder = Recorder(self._queries, self._defaults, query, kind="chat")
        with self._room.enter(tenant.get()):
            joint, answer = await self._inner.answer(
                place, names, query, make_ask=make_ask, make_generation=make_generation, partial=partial
            )
        if not (wanted := self._wanted(joint, make_ask)):
            return joint, answer
        answer = recorded(answer, recorder, wanted)
        return replace(joint, ranking=answer.ranking), answer

    def _wanted(self, joint: Joint, make_ask: MakeAsk) -> list[tuple[Instance, Ask]]:
        asks = [(one, make_ask(one)) for one in joint.members if self._queries.wants(one)]
        return [(one, ask) for one, ask in asks if not ask.unlogged]


def recorded(answer: Answer, recorder: Recorder, wanted: Sequence[tuple[Instance, Ask]]) -> Answer:
    """The same answer; when its last word was read, or it broke off, these instances note it."""
    ranking = replace(answer.ranking, logged=recorder.id)

    async def deltas() -> AsyncIterator[Delta]:
        began, problem = time.perf_counter(), ""
        try:
            async for delta in answer.deltas:
                yield delta
        except BackendError as error:
            problem = f"{type(error).__name__}: {error}"
            raise
        finally:
            taken = (time.perf_counter() - began) * 1000
            for instance, ask in wanted:
                recorder.end(instance, ask, ranking, generated=taken, error=problem)

    return replace(answer, ranking=ranking, deltas=deltas())


def options_of(plan: Plan) -> dict[str, str | int | float | bool | None]:
    """What of a plan makes one search differ from another."""
    rerank = plan.reranking
    return {
        "retrieval": plan.retrieval.type,
        "top_k": plan.top_k,
        "min_score": plan.filtering.min_score,
        "filtered": plan.retrieval.where is not None,
        "rewriting": plan.rewriting is not None,
        "boosted": plan.boosting is not None,
        "reranking": rerank is not None,
        "reranker": ">".join(one.model for one in rerank.cascade) if rerank else None,
        "window": rerank.cascade[0].window if rerank else None,
        "min_relevance": rerank.min_relevance if rerank else None,
        "weight": rerank.weight if rerank else None,
        "explained": plan.explain,
    }
