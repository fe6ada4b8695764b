"""Search and answer: an instance's settings and a request's overrides become a plan, and the plan runs."""

import json
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from secondlook.domain.answer import Likeness
from secondlook.domain.candidate import FusionMethod, Ranking
from secondlook.domain.filters import Filter, clipped
from secondlook.domain.instance import Instance, InstanceSettings
from secondlook.domain.options import (
    CHAIN_WINDOWS,
    DEFAULT_MIN_RELEVANCE,
    DEFAULT_NUM_CANDIDATES,
    ECHO_DISCOUNT,
    KEYWORD_SHARE,
    Boost,
    Boosting,
    Filtering,
    Fusion,
    Generation,
    LanguageGuard,
    MatchMode,
    MissingModel,
    Plan,
    Reranking,
    RerankStage,
    Retrieval,
    RetrievalType,
    Rewriting,
    split_chain,
)
from secondlook.domain.query import Query
from secondlook.errors import BackendError, InvalidRetrievalTypeError, SetupError
from secondlook.pipeline import search
from secondlook.ports import Delta, Rerankers, Tools
from secondlook.services.caching import AnswerCache, Slot
from secondlook.services.generating import Answer, begin_answer
from secondlook.services.query_limits import USUAL, QueryLimits, told_of
from secondlook.services.trusts import Trusts
from secondlook.telemetry import tell

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Ask:
    """What a request overrides; None (or an empty model name) leaves the instance's own value.

    ``min_relevance`` has no instance value: None there means no cut. ``min_probability`` stands for it where it is
    above 0, and None leaves it to the instance.
    ``reranker`` is a name or a chain ``A>B``, and ``stages`` stand for it, unless there are none.
    ``raise_on_failure`` makes a failed reranker an error, and ``partial`` decides about a failed method of retrieval.
    ``cached`` is off unless asked for, and None leaves it to the instance; what is explained is never a kept answer.
    ``threshold_for_all`` applies the match threshold to keyword hits like to others.
    ``labels`` go to the log and to the span of the search; ``public`` is a search without a token.
    ``unlogged`` keeps it out of the query log; ``playground`` marks it there as somebody's try.
    """

    retrieval_type: RetrievalType | None = None
    match_mode: MatchMode | None = None
    fusion_method: FusionMethod | None = None
    fusion_weight: float | None = None
    min_score: float | None = None
    top_k: int | None = None
    where: Filter | None = None
    boosts: tuple[Boost, ...] | None = None
    rerank: bool | None = None
    reranker: str = ""
    min_relevance: float | None = DEFAULT_MIN_RELEVANCE
    min_probability: float | None = None
    budget: float | None = None
    raise_on_failure: bool | None = None
    weight: float | None = None
    stages: tuple[RerankStage, ...] | None = None
    boost_last: bool | None = None
    rewriting: bool | None = None
    rewriting_model: str = ""
    rewriting_prompt: str = ""
    expand_by: int = 0
    explain: bool = False
    partial: bool | None = None
    cached: bool | None = False
    likeness: Likeness | None = None
    labels: tuple[tuple[str, str | int | float | bool], ...] = ()
    public: bool = False
    unlogged: bool = False
    threshold_for_all: bool = False
    playground: bool = False


@dataclass(frozen=True, slots=True)
class SearchDefaults:
    """Server settings of a search.

    Attributes:
        window: candidates the reranker reads; 0 for strict mode, which takes the result limit.
        filter_bytes: how much of a text a filter compares; 0 for all.
        match_mode: which keyword matches count in instances that do not say; None decides by the retrieval type.
        fusion_method: how instances that do not say merge the lists of a hybrid search; None is the product's way.
        query_limits: how long a query may be.
        echo_discount: share of the score that a passage loses that only repeats the query.
        threshold_for_all: whether the match threshold applies to keyword hits like to others.
    """

    window: int = DEFAULT_NUM_CANDIDATES
    budget: float | None = None
    missing: MissingModel = "substitute"
    guard: LanguageGuard = "off"
    multilingual: str = ""
    filter_bytes: int = 0
    match_mode: MatchMode | None = None
    fusion_method: FusionMethod | None = None
    threshold_for_all: bool = False
    query_limits: QueryLimits = USUAL
    echo_discount: float = ECHO_DISCOUNT


class Searching:
    """Runs searches and answers."""

    def __init__(
        self,
        tools: Tools,
        defaults: SearchDefaults | None = None,
        cache: AnswerCache | None = None,
        trusts: Trusts | None = None,
    ) -> None:
        self._tools = tools
        self._defaults = defaults or SearchDefaults()
        self._cache = cache
        self._trusts = trusts

    async def search(self, instance: Instance, query: Query, ask: Ask) -> Ranking:
        """The ranking, or a kept one.

        Raises:
            InvalidRetrievalTypeError, InvalidModelError, InvalidOptionError: the query is too long.
        """
        query = self._defaults.query_limits.fit(query)
        plan = await self._plan(instance, ask)
        _tell_labels(instance, ask)
        slot = await self._slot(instance, plan, query, ask)
        if slot and self._cache and (kept := await self._cache.recall(slot)):
            return told_of(kept.ranking, query)
        ranking = told_of(await search(query, plan, self._tools), query)
        if slot and self._cache:
            await self._cache.keep(slot, ranking)
        return ranking

    async def answer(self, instance: Instance, query: Query, ask: Ask, *, generation: Generation) -> Answer:
        """Search, then start the answer; nothing is generated until the deltas are read. A kept one is told again."""
        query, settings = self._defaults.query_limits.fit(query), instance.settings
        wanted = Generation(
            generation.model or settings.generation_model,
            generation.system_prompt or settings.answer_prompt,
            generation.forwarded,
        )
        model = self._tools.generator.name(wanted.model)
        plan = await self._plan(instance, ask)
        slot = await self._slot(instance, plan, query, ask, wanted)
        if slot and self._cache and (kept := await self._cache.recall(slot)):
            _tell_labels(instance, ask)
            return Answer(told_of(kept.ranking, query), model, _replayed(kept.deltas))
        ranking = await self.search(instance, query, replace(ask, cached=False))
        begun = begin_answer(ranking, query, wanted, self._tools, explain=ask.explain)
        if slot and self._cache:
            return replace(begun, deltas=self._cache.recorded(slot, ranking, begun.deltas))
        return begun

    async def forget(self, instance: Instance, *, quietly: bool = False) -> None:
        """Forget the instance's kept answers; raises ``BackendError`` when they cannot be, unless ``quietly``."""
        try:
            if self._cache:
                await self._cache.forget(instance)
        except BackendError as error:
            if not quietly:
                raise
            log.warning("%s", error)

    async def _plan(self, instance: Instance, ask: Ask) -> Plan:
        plan = make_plan(instance, ask, self._defaults)
        check_rerankers(ask, self._tools.rerankers)
        return await self._trusts.applied(plan) if self._trusts else plan

    async def _slot(
        self, instance: Instance, plan: Plan, query: Query, ask: Ask, generation: Generation | None = None
    ) -> Slot | None:
        settings = instance.settings
        wanted = settings.cached if ask.cached is None else ask.cached
        if not wanted or ask.explain or self._cache is None:
            return None
        likeness = ask.likeness or settings.cache_likeness
        return await self._cache.slot(instance, plan, query, likeness, generation=generation)


async def _replayed(deltas: Sequence[Delta]) -> AsyncIterator[Delta]:
    for delta in deltas:
        yield delta


def _tell_labels(instance: Instance, ask: Ask) -> None:
    """What the caller wants found again, in the log and in the present span."""
    if ask.labels:
        tell(**{f"label.{name}": value for name, value in ask.labels})
        place = (instance.account, instance.namespace, instance.name)
        log.info("search in %s/%s/%s: %s", *place, json.dumps(dict(ask.labels)))


def make_plan(instance: Instance, ask: Ask, defaults: SearchDefaults) -> Plan:
    """The request with every default filled in: request, then instance, then product."""
    settings = instance.settings
    top_k = ask.top_k or settings.top_k
    window = max(defaults.window, top_k) if defaults.window else top_k
    tried = settings.reranking_mode in ("shadow", "interleave")  # trials request reranking explicitly
    rerank = settings.reranking and not tried if ask.rerank is None else ask.rerank
    reranking = _reranking(settings, ask, defaults, top_k=top_k, window=window) if rerank else None
    boosts = settings.boosts if ask.boosts is None else ask.boosts
    boost_last = settings.boost_last if ask.boost_last is None else ask.boost_last
    rewriting = settings.rewriting if ask.rewriting is None else ask.rewriting
    retrieval_type = _retrieval_type(instance, ask.retrieval_type)
    return Plan(
        index=instance.uid,
        retrieval=Retrieval(
            type=retrieval_type,
            num_candidates=max(reranking.cascade[0].window if reranking else window, top_k),
            match_mode=ask.match_mode or settings.match_mode_of(retrieval_type, defaults.match_mode),
            where=clipped(ask.where, defaults.filter_bytes),
            partial=ask.partial,
        ),
        fusion=_fusion(settings, ask, defaults),
        filtering=Filtering(
            settings.min_score if ask.min_score is None else ask.min_score,
            keyword_share=None if ask.threshold_for_all or defaults.threshold_for_all else KEYWORD_SHARE,
        ),
        boosting=Boosting(boosts, last=boost_last and rerank) if boosts else None,
        reranking=reranking,
        rewriting=Rewriting(
            ask.rewriting_model or settings.rewriting_model, ask.rewriting_prompt or settings.rewriting_prompt
        )
        if rewriting
        else None,
        top_k=top_k,
        expand_by=ask.expand_by,
        explain=ask.explain,
        echo_discount=defaults.echo_discount,
    )


def check_rerankers(ask: Ask, rerankers: Rerankers) -> None:
    """Whether each asked reranker is known, also where it is not used; raises ``InvalidModelError``."""
    for name in (*split_chain(ask.reranker), *(one.model for one in ask.stages or ())):
        if name:
            with suppress(SetupError):  # known, its weights are not here: where it is used, the receipt says so
                rerankers.find(name)


def _fusion(settings: InstanceSettings, ask: Ask, defaults: SearchDefaults) -> Fusion:
    method = ask.fusion_method or settings.fusion_of(defaults.fusion_method)
    if method != "convex":
        return Fusion(method)
    return Fusion(method, weight=settings.fusion_weight if ask.fusion_weight is None else ask.fusion_weight)


def _reranking(settings: InstanceSettings, ask: Ask, defaults: SearchDefaults, *, top_k: int, window: int) -> Reranking:
    stages = ask.stages or (() if ask.reranker else settings.reranking_stages)
    model = "" if stages else ask.reranker or settings.reranking_model
    names = split_chain(model)
    if len(names) > 1:
        model, stages = "", tuple(map(RerankStage, names, CHAIN_WINDOWS))
    probability = settings.min_probability if ask.min_probability is None else ask.min_probability
    return Reranking(
        model=model,
        window=window,
        min_relevance=probability or ask.min_relevance,
        probable=bool(probability),
        budget=ask.budget if ask.budget is not None else settings.reranking_budget or defaults.budget,
        missing=defaults.missing,
        raise_on_failure=settings.reranking_raises if ask.raise_on_failure is None else ask.raise_on_failure,
        weight=settings.reranking_weight if ask.weight is None else ask.weight,
        stages=tuple(
            replace(one, window=max(one.window, top_k), keep=None if one.keep is None else max(one.keep, top_k))
            for one in stages
        ),
        guard=defaults.guard,
        multilingual=defaults.multilingual,
    )


def _retrieval_type(instance: Instance, asked: RetrievalType | None) -> RetrievalType:
    settings = instance.settings
    offers = {
        "vector": settings.vector_index,
        "keyword": settings.keyword_index,
        "hybrid": settings.vector_index and settings.keyword_index,
    }
    if asked is None:
        return settings.retrieval_type
    if not offers[asked]:
        raise InvalidRetrievalTypeError(
            f"retrieval_type {asked!r} needs an index that instance {instance.name!r} does not have:"
            " request another type, or create an instance with that index"
        )
    return asked
