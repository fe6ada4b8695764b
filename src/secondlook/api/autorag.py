"""The AutoRAG generation of the wire."""

import logging
from collections.abc import AsyncIterator
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from pydantic import AliasChoices, Field

from secondlook.api.body import Body, read_json, read_query, validated, while_wanted
from secondlook.api.callers import caller_of
from secondlook.api.errors import success, to_wire
from secondlook.api.filters import parse_filter
from secondlook.api.jobs import Page, PerPage
from secondlook.api.jobs import page_of as page_of_list
from secondlook.api.reranking import RerankKeys, raises, seconds, to_stages
from secondlook.api.wire import (
    DONE,
    NO_ACCOUNT,
    STREAM_HEADERS,
    cache_headers,
    collect,
    custom_metadata,
    event,
    explained,
    primed,
    query_id_of,
    receipt_of,
    shown_score,
    thresholds_of,
)
from secondlook.domain.candidate import Candidate, FusionMethod, Ranking
from secondlook.domain.instance import DEFAULT_NAMESPACE, Instance
from secondlook.domain.options import Generation
from secondlook.errors import SecondlookError
from secondlook.services.bundle import Services
from secondlook.services.generating import Answer
from secondlook.services.overrides import Caller
from secondlook.services.searching import Ask

log = logging.getLogger(__name__)


class RankingOptions(Body):
    """``ranking_options`` of AutoRAG. ``ranker`` is accepted and ignored. The last two keys are ours."""

    ranker: str = ""
    score_threshold: float = Field(0.0, ge=0, le=1)
    fusion_method: FusionMethod | None = None
    fusion_weight: float | None = Field(None, ge=0, le=1)


class SearchBody(Body):
    """An AutoRAG search or question."""

    query: str | None = None
    filters: dict[str, Any] | None = None
    max_num_results: int | None = Field(
        None, ge=1, le=50, validation_alias=AliasChoices("max_num_results", "max_num_of_results")
    )
    ranking_options: RankingOptions = RankingOptions()
    reranking: RerankKeys = RerankKeys()
    rewrite_query: bool | None = None
    model: str = ""
    stream: bool = False
    system_prompt: str = ""
    explain: bool = False


def make_router(services: Services, *, strict: bool = False) -> APIRouter:
    """Routes relative to ``/autorag/rags`` and its aliases; the account may be absent.

    ``strict``: what is left out of reranking and rewriting is off, instead of as the instance has it.
    """
    router = APIRouter()

    async def find(request: Request, name: str) -> Instance:
        account = request.path_params.get("account", NO_ACCOUNT)
        return await services.instances.get(account, DEFAULT_NAMESPACE, name)

    @router.get("", name="list")
    async def list_rags(request: Request, page: Page = 1, per_page: PerPage | None = None) -> JSONResponse:
        account = request.path_params.get("account")
        whole = await services.instances.list(account or NO_ACCOUNT, DEFAULT_NAMESPACE)
        if per_page is None:  # the binding, which names no account, cannot ask for the next page
            per_page = 20 if account else max(20, len(whole))
        found = whole[(page - 1) * per_page : page * per_page]
        rows: list[dict[str, object]] = [
            {
                "id": one.name,
                "enable": True,
                "type": one.settings.source_kind,
                "source": one.settings.source or None,
                "vectorize_name": one.uid,
                "paused": one.settings.paused,
                "status": doing.status,
            }
            for one, doing in zip(found, await services.instances.activity(found), strict=True)
        ]
        return page_of_list(rows, len(whole), page, per_page)

    @router.post("/{name}/search")
    async def search(request: Request, name: str) -> JSONResponse:
        instance = await find(request, name)
        body = await validated(SearchBody, await read_json(request))
        query = read_query(body.query, None)
        ask = to_ask(body, instance, caller_of(services, request), strict=strict)
        ranking = await while_wanted(request, services.searching.search(instance, query, ask))
        return JSONResponse(success(page_of(ranking, body)), headers=cache_headers(ranking))

    @router.post("/{name}/ai-search")
    async def ai_search(request: Request, name: str) -> Response:
        instance = await find(request, name)
        body = await validated(SearchBody, await read_json(request))
        wanted = Generation(body.model, body.system_prompt)
        generation = caller_of(services, request).fit_generation(wanted, instance.settings)
        query = read_query(body.query, None)
        ask = to_ask(body, instance, caller_of(services, request), strict=strict)
        answer = await while_wanted(request, services.searching.answer(instance, query, ask, generation=generation))
        headers = cache_headers(answer.ranking)
        if body.stream:
            frames = stream_of(answer, await while_wanted(request, primed(answer.deltas)))
            return StreamingResponse(frames, media_type="text/event-stream", headers={**STREAM_HEADERS, **headers})
        written = await while_wanted(request, collect(answer.deltas))
        page = {**page_of(answer.ranking, body), "response": written.text}
        return JSONResponse(success(page), headers=headers)

    return router


def to_ask(body: SearchBody, instance: Instance, caller: Caller, *, strict: bool = False) -> Ask:
    """The request's overrides, as far as its caller may make them; there is no cut on the reranking score."""
    silent = False if strict else None
    ask = Ask(
        fusion_method=body.ranking_options.fusion_method,
        fusion_weight=body.ranking_options.fusion_weight,
        min_score=body.ranking_options.score_threshold,
        threshold_for_all=True,
        top_k=body.max_num_results,
        where=parse_filter(body.filters, instance.settings.fields),
        rerank=silent if body.reranking.enabled is None else body.reranking.enabled,
        reranker=body.reranking.model,
        min_relevance=None,
        min_probability=body.reranking.match_probability,
        budget=seconds(body.reranking),
        raise_on_failure=raises(body.reranking),
        weight=body.reranking.weight,
        stages=to_stages(body.reranking.stages),
        rewriting=silent if body.rewrite_query is None else body.rewrite_query,
        explain=body.explain,
        cached=None,
    )
    return caller.fit_ask(ask, instance)


def page_of(ranking: Ranking, body: SearchBody) -> dict[str, object]:
    """The result object of a legacy search."""
    page: dict[str, object] = {
        "object": "vector_store.search_results.page",
        "search_query": ranking.query.text,
        "data": [row_of(candidate) for candidate in ranking.candidates],
        "has_more": False,
        "next_page": None,
        "reranking": receipt_of(ranking),
        **thresholds_of(ranking),
        **query_id_of(ranking),
    }
    return explained(ranking, page, "data") if body.explain else page


def row_of(candidate: Candidate) -> dict[str, object]:
    """One row of ``data``."""
    chunk = candidate.chunk
    attributes: dict[str, object] = {
        "modified_date": chunk.timestamp,
        "timestamp": chunk.timestamp,
        "folder": chunk.metadata.get("folder", ""),
        "filename": chunk.item_key,
    }
    if file := custom_metadata(candidate):
        attributes["file"] = file
    return {
        "file_id": chunk.id,
        "filename": chunk.item_key,
        "score": shown_score(candidate),
        "attributes": attributes,
        "content": [{"id": chunk.id, "type": "text", "text": chunk.text}],
    }


async def stream_of(answer: Answer, deltas: AsyncIterator[Any]) -> AsyncIterator[bytes]:
    """Workers AI frames: the answer only."""
    try:
        async for delta in deltas:
            if delta.text:
                yield event({"response": delta.text})
    except Exception as error:  # the edge: the status line is long gone
        if not isinstance(error, SecondlookError):
            log.exception("a stream broke")
        yield event(to_wire(error)[1])
    yield DONE
