"""The query log of an instance, what people made of the answers, and how searches went over time; all ours."""

from collections.abc import Mapping
from typing import Annotated, Literal

from fastapi import APIRouter, Request
from fastapi import Query as Param
from fastapi.responses import JSONResponse
from pydantic import Field, model_validator

from secondlook.api.body import LARGEST_SETTINGS, Body, read_json, validate
from secondlook.api.errors import success
from secondlook.api.jobs import Page, PerPage, page_of
from secondlook.api.times import iso_time
from secondlook.domain.instance import DEFAULT_NAMESPACE, Instance
from secondlook.domain.queries import (
    LONGEST_QUERY,
    Feedback,
    FeedbackKind,
    FoundChunk,
    LoggedQuery,
    Period,
    QueryFilter,
    QueryOrder,
    TopQuery,
)
from secondlook.services.bundle import Services
from secondlook.services.insight import Bucket, Insight
from secondlook.services.queries import Said

OPTIONS = {
    "retrieval": "retrieval_type",
    "top_k": "max_num_results",
    "min_score": "match_threshold",
    "filtered": "filters",
    "rewriting": "query_rewrite",
    "boosted": "boost_by",
    "reranking": "reranking",
    "reranker": "reranking_model",
    "window": "reranking_window",
    "min_relevance": "reranking_match_threshold",
    "weight": "reranking_weight",
    "explained": "explain",
}
"""What the log says of a plan -> its name on the wire."""
Row = dict[str, object]


class QueryLogBody(Body):
    """``query_log`` of an instance. Omitted fields keep their values."""

    enabled: bool | None = None
    retention_days: int | None = Field(None, ge=1, le=365)


class FeedbackBody(Body):
    """Feedback on a result. A thumb without an item rates the whole answer."""

    kind: FeedbackKind
    query_id: str | None = Field(None, min_length=1, max_length=64)
    query: str | None = Field(None, min_length=1, max_length=LONGEST_QUERY)
    item_key: str | None = Field(None, min_length=1)
    chunk_id: str | None = Field(None, min_length=1, max_length=128)
    position: int | None = Field(None, ge=1, le=1000)

    @model_validator(mode="after")
    def _whole(self) -> "FeedbackBody":
        if not self.query_id and not (self.query or "").strip():
            raise ValueError("name the query by query_id or by query")
        if self.kind == "click" and not (self.item_key or self.chunk_id):
            raise ValueError("a click needs an item_key or a chunk_id")
        return self


def make_router(services: Services) -> APIRouter:
    """Routes relative to ``…/instances/{name}``."""
    router = APIRouter()

    async def find(request: Request) -> Instance:
        params = request.path_params
        return await services.instances.get(
            params["account"], params.get("namespace", DEFAULT_NAMESPACE), params["name"]
        )

    @router.post("/feedback")
    async def feedback(request: Request) -> JSONResponse:
        instance = await find(request)
        body = validate(FeedbackBody, await read_json(request, LARGEST_SETTINGS))
        said = Said(
            body.kind, body.query_id or "", body.query or "", body.item_key or "", body.chunk_id or "", body.position
        )
        return JSONResponse(success(feedback_of(await services.queries.tell(instance, said))))

    @router.get("/queries", name="list")
    async def list_queries(
        request: Request,
        page: Page = 1,
        per_page: PerPage = 20,
        filter: QueryFilter = "all",  # the name of the parameter
        order: QueryOrder = "newest",
        search: Annotated[str, Param(max_length=200)] = "",
        playground: bool = True,
    ) -> JSONResponse:
        instance = await find(request)
        first = (page - 1) * per_page
        found, total = await services.queries.list(
            instance, per_page, first, only=filter, order=order, text=search, playground=playground
        )
        return page_of([query_of(one) for one in found], total, page, per_page)

    @router.delete("/queries", name="clear")
    async def clear(request: Request) -> JSONResponse:
        await services.queries.forget(await find(request))
        return JSONResponse(success({}))

    @router.get("/queries/top")
    async def top(
        request: Request,
        period: Period = "month",
        limit: Annotated[int, Param(ge=1, le=100)] = 20,
        filter: Literal["all", "no_results"] = "all",  # as above
        playground: bool = False,
    ) -> JSONResponse:
        instance = await find(request)
        found = await services.queries.top(instance, limit, period=period, only=filter, playground=playground)
        return JSONResponse(success([top_of(one) for one in found]))

    @router.get("/query-metrics", name="metrics")
    async def metrics(request: Request, period: Period = "day", playground: bool = False) -> JSONResponse:
        found = await services.queries.insight(await find(request), period, playground=playground)
        return JSONResponse(success(insight_of(found, period)))

    return router


def query_of(one: LoggedQuery) -> Row:
    """A line of the log; what did not happen is left out."""
    shown: Row = {
        "id": one.id,
        "at": iso_time(one.at),
        "kind": one.kind,
        "public": one.public,
        "playground": one.playground,
        "query": one.query,
        "results": one.results,
        "cached": one.cached,
        "top_changed": one.top_changed,
        "ms": one.total,
        "stages": dict(one.stages),
        "options": {wire: one.options[ours] for ours, wire in OPTIONS.items() if ours in one.options},
        "chunks": [_chunk_of(found) for found in one.found],
        "reranking": {"status": one.status, "cause": one.cause, "reason": one.reason} if one.status else None,
    }
    return (
        shown | ({"search_query": one.searched} if one.searched else {}) | ({"error": one.error} if one.error else {})
    )


def _chunk_of(one: FoundChunk) -> Row:
    return {
        "id": one.chunk_id,
        "item": {"key": one.key},
        "start_byte": one.start,
        "end_byte": one.end,
        "hash": one.hash,
        "rank": one.rank,
        "score": round(one.score, 6),
        "retrieval_rank": one.retrieval_rank,
        "retrieval_score": None if one.retrieval_score is None else round(one.retrieval_score, 6),
        "reranking_score": None if one.relevance is None else round(one.relevance, 6),
    }


def feedback_of(one: Feedback) -> Row:
    """What was kept of what somebody said."""
    return {
        "at": iso_time(one.at),
        "kind": one.kind,
        "query_id": one.query_id or None,
        "query": one.query,
        "item_key": one.key or None,
        "chunk_id": one.chunk_id or None,
        "start_byte": one.start,
        "end_byte": one.end,
        "hash": one.hash or None,
        "position": one.position,
    }


def top_of(one: TopQuery) -> Row:
    """A query that was asked often."""
    return {
        "query": one.query,
        "count": one.count,
        "mean_ms": round(one.mean, 3),
        "no_results": one.without_results,
        "last_at": iso_time(one.last),
    }


def insight_of(one: Insight, period: Period) -> Row:
    """How searches went: the period as one, and in buckets."""
    return {
        "period": period,
        "from": iso_time(one.since),
        "to": iso_time(one.until),
        "bucket_seconds": one.seconds,
        "total": _bucket_of(one.whole),
        "buckets": [_bucket_of(bucket) for bucket in one.buckets],
    }


def _bucket_of(one: Bucket) -> Row:
    times: Mapping[str, Mapping[str, float]] = one.times
    return {
        "at": iso_time(one.at),
        "count": one.count,
        "chats": one.chats,
        "no_results": one.no_results,
        "failed": one.failed,
        "cached": one.cached,
        "reranked": one.reranked,
        "top_changed": one.top_changed,
        "fallbacks": dict(one.fallbacks),
        "ms": {stage: {name: round(taken, 3) for name, taken in shares.items()} for stage, shares in times.items()},
    }
