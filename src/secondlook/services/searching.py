"""Search and answer: an instance's settings and a request's overrides become a plan, and the plan runs."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from secondlook.domain.candidate import FusionMethod, Ranking
from secondlook.domain.filters import Filter
from secondlook.domain.instance import Instance
from secondlook.domain.options import (
    DEFAULT_MIN_RELEVANCE,
    DEFAULT_NUM_CANDIDATES,
    Boost,
    Boosting,
    Filtering,
    Fusion,
    Generation,
    MatchMode,
    MissingModel,
    Plan,
    Reranking,
    Retrieval,
    RetrievalType,
    Rewriting,
)
from secondlook.domain.query import Query
from secondlook.errors import InvalidRetrievalTypeError
from secondlook.pipeline import answer, search
from secondlook.ports import Delta, Tools


@dataclass(frozen=True, slots=True)
class Ask:
    """What a request overrides; None (or an empty model name) leaves the instance's own value.

    ``min_relevance`` has no instance value: None there means no cut.
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
    raise_on_failure: bool = False
    rewriting: bool | None = None
    rewriting_model: str = ""
    rewriting_prompt: str = ""
    expand_by: int = 0


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
    boosts = settings.boosts if ask.boosts is None else ask.boosts
    rewriting = settings.rewriting if ask.rewriting is None else ask.rewriting
    rerank = settings.reranking if ask.rerank is None else ask.rerank
    return Plan(
        index=instance.uid,
        retrieval=Retrieval(
            type=_retrieval_type(instance, ask.retrieval_type),
            num_candidates=max(window, top_k),
            match_mode=ask.match_mode or settings.match_mode,
            where=ask.where,
        ),
        fusion=Fusion(ask.fusion_method or settings.fusion_method),
        filtering=Filtering(settings.min_score if ask.min_score is None else ask.min_score),
        boosting=Boosting(boosts) if boosts else None,
        reranking=Reranking(
            model=ask.reranker or settings.reranking_model,
            window=window,
            min_relevance=ask.min_relevance,
            budget=ask.budget if ask.budget is not None else defaults.budget,
            missing=defaults.missing,
            raise_on_failure=ask.raise_on_failure,
        )
        if rerank
        else None,
        rewriting=Rewriting(
            ask.rewriting_model or settings.rewriting_model, ask.rewriting_prompt or settings.rewriting_prompt
        )
        if rewriting
        else None,
        top_k=top_k,
        expand_by=ask.expand_by,
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
