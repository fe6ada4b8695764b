"""Search, chat, instances and namespaces of the AI Search generation."""

import logging
import re
import time
import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from pydantic import Field

from secondlook.api.ai_search.instances import check_name, instance_of, merge_settings, place_source, stats_of
from secondlook.api.ai_search.wire import ChatBody, SearchBody, WhyBody, chunk_of, result_of, to_ask, why_of
from secondlook.api.body import LARGEST_SETTINGS, Body, read_json, read_query, validate, while_wanted
from secondlook.api.errors import failure, success, to_wire
from secondlook.api.jobs import Page, PerPage, page_of
from secondlook.api.times import iso_time
from secondlook.api.wire import (
    DONE,
    STREAM_HEADERS,
    Written,
    cache_headers,
    collect,
    event,
    explained,
    failures_of,
    primed,
    receipt_of,
)
from secondlook.domain.instance import DEFAULT_NAMESPACE, Instance, InstanceSettings, Namespace
from secondlook.domain.options import Generation
from secondlook.errors import InvalidOptionError, MissingQueryError, NamespaceNotFoundError, SecondlookError
from secondlook.services.bundle import Services
from secondlook.services.searching import Answer

log = logging.getLogger(__name__)

NAMESPACE = re.compile(r"(?=.{1,28}\Z)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")
NO_USER_MESSAGE_IN_CHAT = 7038
"""Chat and search use two codes for the same message (contract, 2)."""


class NamespaceBody(Body):
    """A namespace to create or change; public endpoints are checked, but none is served yet."""

    name: str = ""
    description: str = Field("", max_length=256)
    public_endpoint_params: dict[str, Any] | None = None


def make_router(services: Services) -> APIRouter:
    """Routes relative to ``…/instances``."""
    router = APIRouter()
    _add_management(router, services)

    @router.post("/{name}/search")
    async def search(request: Request, name: str) -> JSONResponse:
        instance = await _find(services, request, name)
        body = validate(SearchBody, await read_json(request))
        query = read_query(body.query, body.messages)
        ranking = await while_wanted(request, services.searching.search(instance, query, to_ask(body, instance)))
        return JSONResponse(success(result_of(ranking, body)), headers=cache_headers(ranking))

    @router.post("/{name}/why")
    async def why(request: Request, name: str) -> JSONResponse:
        instance = await _find(services, request, name)
        body = validate(WhyBody, await read_json(request))
        query = read_query(body.query, body.messages)
        ask = replace(to_ask(body, instance), explain=False)
        work = services.explaining.why(instance, query, ask, item_key=body.item_key)
        return JSONResponse(success(why_of(await while_wanted(request, work), body.item_key)))

    @router.post("/{name}/chat/completions")
    async def chat(request: Request, name: str) -> Response:
        instance = await _find(services, request, name)
        body = validate(ChatBody, await read_json(request))
        try:
            query = read_query(None, body.messages)
        except MissingQueryError as error:
            return JSONResponse(failure(NO_USER_MESSAGE_IN_CHAT, "missing_user_query", str(error)), 400)
        generation = Generation(body.model, "", body.forwarded())
        answer = await while_wanted(
            request, services.searching.answer(instance, query, to_ask(body, instance), generation=generation)
        )
        if body.stream:
            deltas = await while_wanted(request, primed(answer.deltas))
            frames = stream_of(answer, deltas, bare=body.ai_search_options.retrieval.metadata_only)
            headers = {**STREAM_HEADERS, **cache_headers(answer.ranking)}
            return StreamingResponse(frames, media_type="text/event-stream", headers=headers)
        completion = completion_of(answer, await while_wanted(request, collect(answer.deltas)), body)
        return JSONResponse(completion, headers=cache_headers(answer.ranking))

    return router


def _add_management(router: APIRouter, services: Services) -> None:
    @router.post("")
    async def create(request: Request) -> JSONResponse:
        raw = place_source(await read_json(request, LARGEST_SETTINGS))
        name = check_name(raw.get("id"))
        account, namespace = _place(request)
        settings = merge_settings(InstanceSettings(), raw)
        made = await services.instances.create(account, namespace, name, settings=settings)
        return JSONResponse(success(await _shown(services, made)))

    @router.get("", name="list")
    async def list_instances(
        request: Request,
        page: Page = 1,
        per_page: PerPage = 20,
        search: Annotated[str, Query(max_length=64)] = "",
        order_by: Literal["created_at"] = "created_at",
        order_by_direction: Literal["asc", "desc"] = "desc",
    ) -> JSONResponse:
        account, namespace = _place(request)
        wanted = request.query_params.get("namespace") or namespace
        found = [one for one in await services.instances.list(account, wanted) if search.lower() in one.name]
        if order_by_direction == "asc":
            found.reverse()
        shown = found[(page - 1) * per_page : page * per_page]
        doing = await services.instances.activity(shown)
        rows = [instance_of(one, what) for one, what in zip(shown, doing, strict=True)]
        return page_of(rows, len(found), page, per_page)

    @router.get("/{name}")
    async def read(request: Request, name: str) -> JSONResponse:
        return JSONResponse(success(await _shown(services, await _find(services, request, name))))

    @router.put("/{name}")
    async def update(request: Request, name: str) -> JSONResponse:
        instance = await _find(services, request, name)
        settings = merge_settings(instance.settings, await read_json(request, LARGEST_SETTINGS))
        changed = await services.instances.update(instance, settings)
        services.indexing.retake(changed)
        return JSONResponse(success(await _shown(services, changed)))

    @router.delete("/{name}")
    async def delete(request: Request, name: str) -> JSONResponse:
        instance = await _find(services, request, name)
        shown = await _shown(services, instance)
        await services.instances.delete(instance)
        await services.searching.forget(instance, quietly=True)
        return JSONResponse(success(shown))

    @router.get("/{name}/stats")
    async def stats(request: Request, name: str) -> JSONResponse:
        instance = await _find(services, request, name)
        [doing] = await services.instances.activity([instance])
        return JSONResponse(success(stats_of(await services.instances.stats(instance), doing)))

    @router.post("/{name}/purge_cache")
    async def purge_cache(request: Request, name: str) -> JSONResponse:
        await services.searching.forget(await _find(services, request, name))
        return JSONResponse(success({}))


def make_namespace_router(services: Services) -> APIRouter:
    """Routes relative to ``…/ai-search/namespaces``."""
    router = APIRouter()

    @router.post("")
    async def create(request: Request) -> JSONResponse:
        body = validate(NamespaceBody, await read_json(request, LARGEST_SETTINGS))
        if not NAMESPACE.fullmatch(body.name):
            raise InvalidOptionError(f"name: {body.name!r} must be 1 to 28 characters of a-z, 0-9 and inner hyphens")
        made = await services.instances.add_namespace(request.path_params["account"], body.name, body.description)
        return JSONResponse(success(namespace_of(made)))

    @router.get("", name="list")
    async def list_namespaces(
        request: Request, page: Page = 1, per_page: PerPage = 20, search: str = ""
    ) -> JSONResponse:
        found = await services.instances.list_namespaces(request.path_params["account"])
        wanted = search.lower()
        rows = [namespace_of(one) for one in found if wanted in one.name.lower() or wanted in one.description.lower()]
        return page_of(rows[(page - 1) * per_page : page * per_page], len(rows), page, per_page)

    @router.get("/{namespace}")
    async def read(request: Request, namespace: str) -> JSONResponse:
        return JSONResponse(success(namespace_of(await _namespace(services, request, namespace))))

    @router.put("/{namespace}")
    async def update(request: Request, namespace: str) -> JSONResponse:
        body = validate(NamespaceBody, await read_json(request, LARGEST_SETTINGS))
        found = await _namespace(services, request, namespace)
        if body.description != found.description and "description" in body.model_fields_set:
            account = request.path_params["account"]
            found = await services.instances.update_namespace(account, namespace, body.description)
        return JSONResponse(success(namespace_of(found)))

    @router.delete("/{namespace}")
    async def delete(request: Request, namespace: str) -> JSONResponse:
        await services.instances.remove_namespace(request.path_params["account"], namespace)
        return JSONResponse(success({"name": namespace}))

    return router


def namespace_of(namespace: Namespace) -> dict[str, object]:
    """The namespace object (contract, 13)."""
    return {
        "name": namespace.name,
        "description": namespace.description or None,
        "created_at": iso_time(namespace.created_at),
        "public_endpoint_id": None,
        "public_endpoint_params": None,
    }


def completion_of(answer: Answer, written: Written, body: ChatBody) -> dict[str, object]:
    """The bare completion object, with its chunks (contract, 11)."""
    bare = body.ai_search_options.retrieval.metadata_only
    choice = {"index": 0, "finish_reason": written.finish_reason, "message": written.message()}
    completion: dict[str, object] = {
        **_head(answer, "chat.completion"),
        "choices": [choice],
        **({"usage": written.usage} if written.usage else {}),
        "chunks": [chunk_of(candidate, bare=bare) for candidate in answer.ranking.candidates],
        "reranking": receipt_of(answer.ranking),
        **failures_of(answer.ranking),
    }
    return explained(answer.ranking, completion, "chunks", bare=bare) if body.explain else completion


async def stream_of(answer: Answer, deltas: AsyncIterator[Any], *, bare: bool = False) -> AsyncIterator[bytes]:
    """One event with the chunks, then the frames of the answer, then the sentinel."""
    yield event([chunk_of(candidate, bare=bare) for candidate in answer.ranking.candidates], "chunks")
    head = _head(answer, "chat.completion.chunk")
    written = Written()
    try:
        async for delta in deltas:
            written.add(delta)
            said: dict[str, object] = {"content": delta.text} if delta.text else {}
            if delta.tool_calls:
                said["tool_calls"] = list(delta.tool_calls)
            if said:
                yield event({**head, "choices": [{"index": 0, "delta": said}]})
    except Exception as error:  # the edge: the status line is long gone
        if not isinstance(error, SecondlookError):
            log.exception("a stream broke")
        yield event({**head, "choices": [{"index": 0, "delta": {}, "finish_reason": "error"}], **to_wire(error)[1]})
    else:
        last = [{"index": 0, "delta": {}, "finish_reason": written.finish_reason}]
        usage = {"usage": written.usage} if written.usage else {}
        told = {"reranking": receipt_of(answer.ranking), **failures_of(answer.ranking)}
        yield event({**head, "choices": last, **usage, **told})
    yield DONE


def _head(answer: Answer, kind: str) -> dict[str, object]:
    return {"id": f"id-{uuid.uuid4().hex[:16]}", "object": kind, "created": int(time.time()), "model": answer.model}


def _place(request: Request) -> tuple[str, str]:
    return request.path_params["account"], request.path_params.get("namespace", DEFAULT_NAMESPACE)


async def _find(services: Services, request: Request, name: str) -> Instance:
    return await services.instances.get(*_place(request), name)


async def _shown(services: Services, instance: Instance) -> dict[str, object]:
    [doing] = await services.instances.activity([instance])
    return instance_of(instance, doing)


async def _namespace(services: Services, request: Request, name: str) -> Namespace:
    if name == DEFAULT_NAMESPACE:
        return Namespace(DEFAULT_NAMESPACE, "", 0)
    for one in await services.instances.list_namespaces(request.path_params["account"]):
        if one.name == name:
            return one
    raise NamespaceNotFoundError(f"there is no namespace {name!r}: create it first")
