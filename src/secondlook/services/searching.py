"""Search and answer: an instance's settings and a request's overrides become a plan, and the plan runs."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

from secondlook.domain.candidate import FusionMethod, Ranking
from secondlook.domain.filters import Filter
from secondlook.domain.instance import Instance, InstanceSettings
from secondlook.domain.options import (
    CHAIN_WINDOWS,
    DEFAULT_MIN_RELEVANCE,
    DEFAULT_NUM_CANDIDATES,
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
from secondlook.errors import InvalidRetrievalTypeError
from secondlook.pipeline import answer, search
from secondlook.ports import Delta, Tools


@dataclass(frozen=True, slots=True)
class Ask:
    """What a request overrides; None (or an empty model name) leaves the instance's own value.

    ``min_relevance`` has no instance value: None there means no cut.
    ``reranker`` is a name or a chain ``A>B``, and ``stages`` stand for it, unless there are none.
    ``raise_on_failure`` makes a failed reranker an error.
    """

    retrieval_type: RetrievalType | None = None
    match_mode: MatchMode | None = None
    fusion_method: FusionMethod | None = None
    min_score: float | None = None
    top_k: int | None = None
    where: Filter | None = None
    boosts: tuple[Boost, ...] | None = None
    rerank: bool | None = None
    reranker: str = ""
    min_relevance: float | None = DEFAULT_MIN_RELEVANCE
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


@dataclass(frozen=True, slots=True)
class Answer:
    """The ranking an answer stands on, the model that writes it, and the pieces as they come."""

    ranking: Ranking
    model: str
    deltas: AsyncIterator[Delta]


@dataclass(frozen=True, slots=True)
class SearchDefaults:
    """Server settings of a search.

    Attributes:
        window: candidates the reranker reads; 0 for strict mode, which takes the result limit.
    """

    window: int = DEFAULT_NUM_CANDIDATES
    budget: float | None = None
    missing: MissingModel = "substitute"
    guard: LanguageGuard = "off"
    multilingual: str = ""


class Searching:
    """Runs searches and answers."""

    def __init__(self, tools: Tools, defaults: SearchDefaults | None = None) -> None:
        self._tools = tools
        self._defaults = defaults or SearchDefaults()

    async def search(self, instance: Instance, query: Query, ask: Ask) -> Ranking:
        """The ranking; raises ``InvalidRetrievalTypeError`` or ``InvalidModelError``."""
        return await search(query, make_plan(instance, ask, self._defaults), self._tools)

    async def answer(self, instance: Instance, query: Query, ask: Ask, *, generation: Generation) -> Answer:
        """Search, then start the answer; nothing is generated until the deltas are read."""
        ranking = await self.search(instance, query, ask)
        settings = instance.settings
        wanted = Generation(
            generation.model or settings.generation_model,
            generation.system_prompt or settings.answer_prompt,
            generation.forwarded,
        )
        return Answer(ranking, self._tools.generator.name(wanted.model), answer(ranking, query, wanted, self._tools))


def make_plan(instance: Instance, ask: Ask, defaults: SearchDefaults) -> Plan:
    """The request with every default filled in: request, then instance, then product."""
    settings = instance.settings
    top_k = ask.top_k or settings.top_k
    window = max(defaults.window, top_k) if defaults.window else top_k
    rerank = settings.reranking if ask.rerank is None else ask.rerank
    reranking = _reranking(settings, ask, defaults, top_k=top_k, window=window) if rerank else None
    boosts = settings.boosts if ask.boosts is None else ask.boosts
    boost_last = settings.boost_last if ask.boost_last is None else ask.boost_last
    rewriting = settings.rewriting if ask.rewriting is None else ask.rewriting
    return Plan(
        index=instance.uid,
        retrieval=Retrieval(
            type=_retrieval_type(instance, ask.retrieval_type),
            num_candidates=max(reranking.cascade[0].window if reranking else window, top_k),
            match_mode=ask.match_mode or settings.match_mode,
            where=ask.where,
        ),
        fusion=Fusion(ask.fusion_method or settings.fusion_method),
        filtering=Filtering(settings.min_score if ask.min_score is None else ask.min_score),
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
    )


def _reranking(settings: InstanceSettings, ask: Ask, defaults: SearchDefaults, *, top_k: int, window: int) -> Reranking:
    stages = ask.stages or (() if ask.reranker else settings.reranking_stages)
    model = "" if stages else ask.reranker or settings.reranking_model
    names = split_chain(model)
    if len(names) > 1:
        model, stages = "", tuple(map(RerankStage, names, CHAIN_WINDOWS))
    return Reranking(
        model=model,
        window=window,
        min_relevance=ask.min_relevance,
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
        return "hybrid" if offers["hybrid"] else "vector" if offers["vector"] else "keyword"
    if not offers[asked]:
        raise InvalidRetrievalTypeError(
            f"retrieval_type {asked!r} was asked, but instance {instance.name!r} has no such index:"
            " ask for another type, or make an instance with that index"
        )
    return asked
