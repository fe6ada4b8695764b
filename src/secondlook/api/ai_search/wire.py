"""Search and chat of the AI Search generation: requests in, chunks out."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, field_validator

from secondlook.api.body import Body, WireMessage
from secondlook.api.filters import parse_filter
from secondlook.api.reranking import RerankKeys, raises, seconds, to_stages
from secondlook.api.wire import (
    custom_metadata,
    explained,
    explanation_of,
    failures_of,
    query_id_of,
    receipt_of,
    shown_score,
    thresholds_of,
    trace_of,
)
from secondlook.domain.answer import Likeness
from secondlook.domain.candidate import Candidate, FusionMethod, Ranking
from secondlook.domain.instance import Instance
from secondlook.domain.options import DEFAULT_MIN_RELEVANCE, Boost, Direction
from secondlook.errors import InvalidOptionError
from secondlook.services.explaining import Why
from secondlook.services.overrides import Caller
from secondlook.services.searching import Ask

RetrievalName = Literal["vector", "keyword", "hybrid"]
MAX_BOOSTS = 3
RESERVED_LABELS = ("ai-search", "task", "origin")


class BoostBody(Body):
    """One boost."""

    field: str = Field(min_length=1, max_length=64)
    direction: Direction | None = None


class RetrievalBody(Body):
    """``ai_search_options.retrieval``."""

    retrieval_type: RetrievalName | None = None
    match_threshold: float | None = Field(None, ge=0, le=1)
    max_num_results: int | None = Field(None, ge=1, le=50)
    filters: dict[str, Any] | None = None
    context_expansion: int = Field(0, ge=0, le=3)
    fusion_method: FusionMethod | None = None
    fusion_weight: float | None = Field(None, ge=0, le=1)
    keyword_match_mode: Literal["and", "or"] | None = None
    boost_by: list[BoostBody] | None = Field(None, max_length=MAX_BOOSTS)
    boost_after_reranking: bool | None = None
    metadata_only: bool = False
    return_on_failure: bool = True


class RewriteBody(Body):
    """``ai_search_options.query_rewrite``."""

    enabled: bool | None = None
    model: str = ""
    rewrite_prompt: str = ""


class RerankBody(RerankKeys):
    """``ai_search_options.reranking``."""

    match_threshold: float | None = Field(None, ge=0, le=1)

    def over(self, other: "RerankBody") -> "RerankBody":
        """What this one says, and the other one where this one is silent."""
        silent = {name: value for name, value in other if getattr(self, name, None) in (None, "")}
        return self.model_copy(update=silent)


CacheThreshold = Literal["super_strict_match", "close_enough", "flexible_friend", "anything_goes"]
LIKENESS: Mapping[CacheThreshold, Likeness] = {
    "super_strict_match": "exact",
    "close_enough": "strong",
    "flexible_friend": "broad",
    "anything_goes": "loose",
}


class CacheBody(Body):
    """``ai_search_options.cache``."""

    enabled: bool | None = None
    cache_threshold: CacheThreshold | None = None


class OptionsBody(Body):
    """``ai_search_options``."""

    retrieval: RetrievalBody = RetrievalBody()
    query_rewrite: RewriteBody = RewriteBody()
    reranking: RerankBody = RerankBody()
    cache: CacheBody = CacheBody()
    custom_metadata: dict[str, str | int | float | bool] | None = Field(None, max_length=2)
    instance_ids: list[str] | None = Field(None, fail_fast=True)

    @field_validator("custom_metadata")
    @classmethod
    def _allowed(cls, given: dict[str, str | int | float | bool] | None) -> dict[str, str | int | float | bool] | None:
        for name in given or ():
            if name in RESERVED_LABELS or name.startswith("cf."):
                raise ValueError(f"{name!r} is reserved, as is every name that begins with cf.")
        return given


def _or_switch(schema: dict[str, Any]) -> None:
    """Tell that true and false stand for an object which only switches."""
    schema["anyOf"] = [{"$ref": schema.pop("$ref")}, {"type": "boolean"}]


class SearchBody(Body):
    """A search. Wrangler sends ``filters`` to ``reranking`` at the top level; the last two keys are extensions."""

    query: str | None = None
    messages: list[WireMessage] | None = Field(None, fail_fast=True)
    ai_search_options: OptionsBody = OptionsBody()
    filters: dict[str, Any] | None = None
    max_num_results: int | None = Field(None, ge=1, le=50)
    score_threshold: float | None = Field(None, ge=0, le=1)
    reranking: RerankBody = Field(RerankBody(), json_schema_extra=_or_switch)
    explain: bool = False
    query_log: bool | Literal["playground"] = True

    @field_validator("reranking", mode="before")
    @classmethod
    def _switch(cls, raw: Any) -> Any:
        return {"enabled": raw} if isinstance(raw, bool) else raw


class WhyBody(SearchBody):
    """A search, and the item to explain."""

    item_key: str = Field(min_length=1)


class ChatBody(SearchBody):
    """A chat. All other keys are passed to the model."""

    free = True
    model: str = ""
    stream: bool = False

    def writer(self) -> str:
        """The language model that is asked for; empty for the instance's."""
        return self.model

    def forwarded(self) -> tuple[tuple[str, object], ...]:
        """Keys such as temperature that belong to the model."""
        return tuple(sorted((self.model_extra or {}).items()))


def to_ask(body: SearchBody, instance: Instance, caller: Caller) -> Ask:
    """The request's overrides of the instance's settings, as far as its caller may make them."""
    options = body.ai_search_options
    retrieval, rerank = options.retrieval, options.reranking.over(body.reranking)
    boosts = retrieval.boost_by
    fields = instance.settings.fields
    threshold, cut = retrieval.match_threshold, rerank.match_threshold
    strict = True if not retrieval.return_on_failure else None
    ask = Ask(
        retrieval_type=retrieval.retrieval_type,
        match_mode=retrieval.keyword_match_mode,
        fusion_method=retrieval.fusion_method,
        fusion_weight=retrieval.fusion_weight,
        min_score=body.score_threshold if threshold is None else threshold,
        top_k=retrieval.max_num_results or body.max_num_results,
        where=parse_filter(retrieval.filters if retrieval.filters is not None else body.filters, fields),
        boosts=None if boosts is None else to_boosts(boosts, instance),
        boost_last=retrieval.boost_after_reranking,
        rerank=rerank.enabled,
        reranker=rerank.model,
        min_relevance=DEFAULT_MIN_RELEVANCE if cut is None else cut,
        min_probability=0.0 if cut is not None and rerank.match_probability is None else rerank.match_probability,
        budget=seconds(rerank),
        raise_on_failure=strict if rerank.on_failure is None else raises(rerank),
        weight=rerank.weight,
        stages=to_stages(rerank.stages),
        rewriting=False if body.messages is None else options.query_rewrite.enabled,
        rewriting_model=options.query_rewrite.model,
        rewriting_prompt=options.query_rewrite.rewrite_prompt,
        expand_by=retrieval.context_expansion,
        explain=body.explain,
        partial=retrieval.return_on_failure,
        cached=options.cache.enabled,
        likeness=LIKENESS[options.cache.cache_threshold] if options.cache.cache_threshold else None,
        labels=tuple(sorted((options.custom_metadata or {}).items())),
        unlogged=body.query_log is False,
        playground=body.query_log == "playground",
    )
    return caller.fit_ask(ask, instance)


def to_boosts(boosts: list[BoostBody], instance: Instance) -> tuple[Boost, ...]:
    """The boosts with their default direction; raises ``InvalidOptionError`` (contract, 7)."""
    types: dict[str, str] = {"timestamp": "datetime", **{one.name: one.type for one in instance.settings.fields}}
    made: list[Boost] = []
    for boost in boosts:
        name = boost.field.lower()
        if name not in types:
            raise InvalidOptionError(f"boost_by: field {boost.field!r} is not one of {', '.join(types)}")
        if any(one.field == name for one in made):
            raise InvalidOptionError(f"boost_by: field {boost.field!r} is listed twice")
        ordered = types[name] in ("number", "datetime")
        if boost.direction in ("asc", "desc") and not ordered:
            raise InvalidOptionError(f"boost_by: {boost.direction} needs a number or datetime; {name} is {types[name]}")
        made.append(Boost(name, boost.direction or ("asc" if ordered else "exists")))
    return tuple(made)


def result_of(ranking: Ranking, body: SearchBody) -> dict[str, object]:
    """The ``result`` of a search."""
    bare = body.ai_search_options.retrieval.metadata_only
    result: dict[str, object] = {
        "query_kind": "text",
        "search_query": ranking.query.text,
        "chunks": [chunk_of(candidate, bare=bare) for candidate in ranking.candidates],
        "reranking": receipt_of(ranking),
        **thresholds_of(ranking),
        **failures_of(ranking),
        **query_id_of(ranking),
    }
    return explained(ranking, result, "chunks", bare=bare) if body.explain else result


def why_of(why: Why, item_key: str) -> dict[str, object]:
    """The ``result`` of a question why."""
    shown: dict[str, object] = {"item": {"key": item_key}, "verdict": why.verdict, "reason": why.reason}
    if why.rank is not None:
        shown["rank"] = why.rank
    if why.candidate is not None:
        shown["chunk"] = chunk_of(why.candidate)
        shown["explain"] = explanation_of(why.candidate, why.rank or 0)
    if why.ranks is not None:
        shown["ranks"] = {"vector": why.ranks.vector, "keyword": why.ranks.keyword}
    if why.ranking is not None:
        receipt, trace = receipt_of(why.ranking), trace_of(why.ranking)
        shown |= {"search_query": why.ranking.query.text, "reranking": receipt, "trace": trace}
        shown |= thresholds_of(why.ranking)
    return shown


def chunk_of(candidate: Candidate, *, bare: bool = False) -> dict[str, object]:
    """A chunk with its scores; the text of a ``bare`` one is empty, since clients rely on the key."""
    chunk = candidate.chunk
    shown: dict[str, object] = {"id": chunk.id, "type": "text", "score": shown_score(candidate)}
    shown["text"] = "" if bare else chunk.text
    metadata = {"filename": chunk.metadata.get("filename"), "folder": chunk.metadata.get("folder")}
    return {
        **shown,
        "item": {
            "key": chunk.item_key,
            "timestamp": chunk.timestamp,
            "metadata": {**custom_metadata(candidate), **metadata},
        },
        "scoring_details": scores_of(candidate),
    }


def scores_of(candidate: Candidate) -> Mapping[str, object]:
    """``scoring_details``: each score that was given; ``retrieval_score`` and ``retrieval_rank`` are ours."""
    evidence = candidate.evidence
    named = {
        "vector_score": evidence.vector_score,
        "vector_rank": evidence.vector_rank,
        "keyword_score": evidence.keyword_score,
        "keyword_rank": evidence.keyword_rank,
        "keyword_share": evidence.keyword_share,
        "keyword_match": evidence.keyword_match or None,
        "fusion_method": evidence.fusion_method,
        "reranking_score": evidence.relevance,
        "retrieval_score": evidence.retrieval_score,
        "retrieval_rank": evidence.retrieval_rank,
        "boost": evidence.boost,
        "echo_discount": evidence.echo_discount,
        "team": evidence.team or None,
    }
    return {k: round(v, 6) if isinstance(v, float) else v for k, v in named.items() if v is not None}
