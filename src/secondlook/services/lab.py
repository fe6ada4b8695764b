"""The Lab's bench: one judged query, searched in every way that is compared."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import attrgetter
from zlib import crc32

from secondlook.domain.candidate import Ranking
from secondlook.domain.chunk import Chunk
from secondlook.domain.language import detect_language
from secondlook.domain.options import Plan, Reranking
from secondlook.domain.query import Query
from secondlook.evaluation.queries import JudgedQuery, Judgment, segments_of
from secondlook.evaluation.report import AS_CREATED, FIRST, OFF, ArmRow, QueryRow, measure
from secondlook.pipeline import search
from secondlook.ports import Embedder, Passage, Reranker, Rerankers, ScoreKind, Scores, Tools, Vector, declared
from secondlook.services.judging import RELEVANT, Judge
from secondlook.services.sharing import SharedRetriever
from secondlook.stages.rerank import rerank_candidates, reweigh
from secondlook.telemetry import tenant

PairKey = tuple[str, object]
"""Passage, and its evidence if the score depends on it."""


@dataclass(frozen=True, slots=True)
class Bench:
    """The plans that are compared: one without reranking, and the arms by name.

    The stages are those that serve. Arms that fetch the same candidates share them, and each pair of query and passage
    is read once by each model, however many arms want its score; those that differ by the weight alone share the rest.
    A judge grades those of the first ten that nobody has judged.
    ``created`` is the search of the instance's own settings, all of them.
    ``offs`` are further searches without reranking, by name, for arms whose retrieval is not that of ``base``.
    """

    tools: Tools
    base: Plan
    arms: Mapping[str, Plan] = field(hash=False)
    judge: Judge | None = None
    offs: Mapping[str, Plan] = field(default_factory=dict, hash=False)
    created: Plan | None = None

    async def measure(self, query: JudgedQuery) -> QueryRow:
        """What every arm does with the query.

        Raises:
            InvalidModelError, RerankerError: an arm names a model that is not known, or whose weights are not here.
            BackendError: the candidates cannot be had.
        """
        own = {AS_CREATED: self.created} if self.created else {}
        plans = list(dict.fromkeys(map(_bare, (self.base, *self.offs.values(), *self.arms.values(), *own.values()))))
        shared = SharedRetriever(self.tools.retriever, max(plan.num_hits for plan in plans))
        tools = replace(self.tools, retriever=shared, embedder=_OneQuery(self.tools.embedder))
        memory = _Memory(tools)
        first_of: dict[Plan, float] = {}
        pools: dict[Plan, tuple[Ranking, float]] = {}
        first = crc32(query.text.encode()) % len(plans)  # the first finds nothing warm: each plan is it in its turn
        for plan in (*plans[first:], *plans[:first]):
            started = time.perf_counter()
            ranking = await search(Query(query.text), plan, tools)
            spent = first_of.setdefault(_alike(plan), time.perf_counter() - started)
            pools[plan] = ranking, spent  # the others only cut what the first one fetched, and would have taken as long
        found = {name: pools[_bare(plan)] for name, plan in {OFF: self.base, **self.offs}.items()}
        widest_first = sorted(self.arms.items(), key=lambda one: -one[1].retrieval.num_candidates)
        made: dict[Plan, tuple[Ranking, float]] = {}
        for name, plan in widest_first:
            known = made.get(_weightless(plan))
            again = known and reweigh(known[0], plan.reranking or Reranking())
            if known and again:
                found[name] = again, known[1]
                continue
            ranking, spent = pools[_bare(plan)]
            memory.spent = shared.reading = 0.0
            ranking = await rerank_candidates(ranking, plan, memory.tools)
            found[name] = made[_weightless(plan)] = ranking, spent + memory.spent + shared.reading
        for name, plan in own.items():
            memory.spent = shared.reading = 0.0
            ranking, spent = await search(Query(query.text), plan, memory.tools), pools[_bare(plan)][1]
            found[name] = ranking, spent + memory.spent + shared.reading
        query, graded, agreement = await self._graded(query, [ranking for ranking, _ in found.values()])
        units = _Units(query)
        rows = {name: _row(one, units) for name, one in found.items()}
        segments = tuple(segments_of(query.text, detect_language(query.text)))
        in_order = {name: rows[name] for name in (*own, OFF, *self.offs, *self.arms)}
        return QueryRow(query.text, in_order, units.grades, segments, query.synthetic, graded, agreement)

    async def _graded(
        self, query: JudgedQuery, rankings: Sequence[Ranking]
    ) -> tuple[JudgedQuery, int, tuple[tuple[bool, bool], ...]]:
        """The query with the judge's grades where nobody judged, how many those are, and what both said elsewhere."""
        if self.judge is None:
            return query, 0, ()
        shown = {one.chunk.id: one.chunk for ranking in rankings for one in ranking.candidates[:FIRST]}
        chunks = list(shown.values())
        said = await self.judge.grade_all(query.text, [chunk.passage for chunk in chunks])
        known, most = query.grades, max(query.grades.values(), default=0)
        new: list[Judgment] = []
        both: list[tuple[bool, bool]] = []
        for chunk, grade in zip(chunks, said, strict=True):
            unit = query.unit_of(chunk.item_key, chunk.start, chunk.end)
            if grade is None:
                continue
            if unit in known:
                both.append((known[unit] > 0, grade >= RELEVANT))
            else:
                worth = 0 if grade < RELEVANT else most or grade  # what does not answer is relevant to no figure
                new.append(Judgment(chunk.item_key, worth, chunk.start, chunk.end))
        return replace(query, judgments=(*query.judgments, *new)), len(new), tuple(both)


def _bare(plan: Plan) -> Plan:
    """What fetches the plan's candidates."""
    return replace(plan, reranking=None, top_k=max(plan.top_k, plan.retrieval.num_candidates))


def _weightless(plan: Plan) -> Plan:
    """What plans have in common that differ only by the weight of the relevance."""
    return replace(plan, reranking=replace(plan.reranking or Reranking(), weight=1.0))


def _alike(plan: Plan) -> Plan:
    """What plans have in common that differ only by how many candidates they fetch."""
    return replace(plan, retrieval=replace(plan.retrieval, num_candidates=0), top_k=0)


class _OneQuery:
    """An embedder that embeds each query once."""

    def __init__(self, inner: Embedder) -> None:
        self._inner = inner
        self._known: dict[str, Vector] = {}
        self.identity, self.dimensions, self.max_tokens = inner.identity, inner.dimensions, inner.max_tokens
        self.embed_passages, self.count_tokens = inner.embed_passages, inner.count_tokens
        self.score_cosine = inner.score_cosine

    async def embed_query(self, text: str) -> Vector:
        """The query's vector."""
        if text not in self._known:
            self._known[text] = await self._inner.embed_query(text)
        return self._known[text]


class _Memory:
    """Rerankers that read each pair once; ``spent`` adds up what the asked pairs cost when they were read.

    ``known`` has them by the name of the model, since one that is not loaded has no identity of its own, and the query.
    """

    def __init__(self, tools: Tools) -> None:
        self.spent = 0.0
        self.known: dict[tuple[str, str], dict[PairKey, tuple[float, float]]] = {}
        inner = tools.rerankers
        find = lambda name: _Remembered(inner.find(name), name, self)  # noqa: E731
        remembering = Rerankers(find, _Remembered(inner.default, "", self))
        self.tools = replace(tools, rerankers=remembering)


class _Remembered:
    """A reranker behind the memory; one that compares passages with each other is asked each time."""

    def __init__(self, inner: Reranker, name: str, memory: _Memory) -> None:
        self._inner = inner
        self._name = name
        self._memory = memory
        told = declared(inner)
        self.wants_stored = inner.wants_stored
        self.score_kind: ScoreKind = inner.score_kind
        self.slice_size, self.languages, self.uses_evidence = told.slice_size, told.languages, told.uses_evidence
        self._told = attrgetter(*told.evidence_fields) if told.evidence_fields else None

    @property
    def identity(self) -> str:
        return self._inner.identity

    async def score(self, query: str, passages: Sequence[Passage]) -> Scores:
        """One score a passage."""
        if self.score_kind == "rank":
            found, each = await self._read(query, passages)
            self._memory.spent += each * len(passages)
            return found
        known = self._memory.known.setdefault((self._name, query), {})
        keys = [self._key(one) for one in passages]
        told = [known.get(key) for key in keys]
        new = [at for at, one in enumerate(told) if one is None]
        counted = Scores(())
        if new:
            counted, each = await self._read(query, [passages[at] for at in new])
            if len(counted.values) != len(new):
                return counted  # the stage says what is wrong with it
            for at, value in zip(new, counted.values, strict=True):
                told[at] = known[keys[at]] = value, each
        read = [one for one in told if one is not None]
        self._memory.spent += sum(cost for _, cost in read)
        return replace(counted, values=tuple(value for value, _ in read))

    async def _read(self, query: str, passages: Sequence[Passage]) -> tuple[Scores, float]:
        """The scores, and the seconds for each; work for no tenant, so that no cached score counts as a new one."""
        token = tenant.set("")
        started = time.perf_counter()
        try:
            found = await self._inner.score(query, passages)
        finally:
            tenant.reset(token)
        return found, (time.perf_counter() - started) / max(1, len(passages))

    def _key(self, passage: Passage) -> PairKey:
        if not self.uses_evidence:
            return passage.text, None
        return passage.text, self._told(passage.evidence) if self._told else passage.evidence


def units_of(ranking: Ranking, query: JudgedQuery) -> list[str]:
    """The judged units and other items of the ranking, each where its best chunk stands."""
    return _Units(query).of(ranking)


class _Units:
    """Which judged unit each chunk shows, looked up once however many arms find it."""

    def __init__(self, query: JudgedQuery) -> None:
        self.grades = query.grades
        self._query = query
        self._known: dict[tuple[str, int, int], str] = {}

    def of(self, ranking: Ranking) -> list[str]:
        return list(dict.fromkeys(self.unit(one.chunk) for one in ranking.candidates))

    def unit(self, chunk: Chunk) -> str:
        key = chunk.id, chunk.start, chunk.end
        if key not in self._known:
            self._known[key] = self._query.unit_of(chunk.item_key, chunk.start, chunk.end)
        return self._known[key]


def _row(found: tuple[Ranking, float], units: _Units) -> ArmRow:
    ranking, seconds = found
    pairs = tuple(
        (one.evidence.relevance, units.grades.get(units.unit(one.chunk)))
        for one in ranking.candidates
        if one.evidence.relevance is not None
    )
    return replace(
        measure(units.of(ranking), units.grades, 1000 * seconds),
        pairs=pairs,
        model=ranking.receipt.model,
        fell_back=ranking.receipt.status == "fell_back",
    )
