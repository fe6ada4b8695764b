"""Search, chat, instances and namespaces of the AI Search generation."""

import logging
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

from secondlook.api.ai_search.endpoints import owner_of, read_change
from secondlook.api.ai_search.instance_rows import listed, show, show_all, without_shown
from secondlook.api.ai_search.instances import check_name, merge_settings, stats_of
from secondlook.api.ai_search.sources import place_source
from secondlook.api.ai_search.wire import ChatBody, SearchBody, WhyBody, chunk_of, result_of, to_ask, why_of
from secondlook.api.body import LARGEST_SETTINGS, read_json, read_query, validated, while_wanted
from secondlook.api.callers import caller_of
from secondlook.api.errors import failure, success, to_wire
from secondlook.api.jobs import Page, PerPage, page_of
from secondlook.api.wire import (
    DONE,
    NO_ACCOUNT,
    STREAM_HEADERS,
    Dress,
    Written,
    cache_headers,
    collect,
    dropped_of,
    event,
    explanation_of,
    failures_of,
    notices_of,
    primed,
    query_id_of,
    receipt_of,
    thresholds_of,
    trace_of,
    undressed,
)
from secondlook.domain.endpoint import Owner
from secondlook.domain.instance import DEFAULT_NAMESPACE, Instance, InstanceSettings
from secondlook.domain.options import Generation
from secondlook.errors import InstanceChangedError, MissingQueryError, SecondlookError
from secondlook.services.bundle import Services
from secondlook.services.generating import Answer
from secondlook.services.overrides import Caller
from secondlook.telemetry import tenant

log = logging.getLogger(__name__)

NO_USER_MESSAGE_IN_CHAT = 7038
"""Chat and search use two codes for the same message (contract, 2)."""


def make_router(services: Services, *, strict: bool = False) -> APIRouter:
    """Routes relative to ``…/instances``; ``strict`` shows the default embedding model by Cloudflare's name."""
    router = APIRouter()
    _add_management(router, services, strict=strict)

    @router.post("/{name}/search")
    async def search(request: Request, name: str) -> JSONResponse:
        instance = await _find(services, request, name)
        raw = await read_json(request, parts=True)
        return await answer_search(services, request, instance, raw, caller=caller_of(services, request))

    @router.post("/{name}/why")
    async def why(request: Request, name: str) -> JSONResponse:
        instance = await _find(services, request, name)
        body = await validated(WhyBody, await read_json(request, parts=True))
        query = read_query(body.query, body.messages)
        ask = replace(to_ask(body, instance, caller_of(services, request)), explain=False)
        work = services.explaining.why(instance, query, ask, item_key=body.item_key)
        with services.admission.searches.enter(tenant.get(), slow=ask.where is not None):
            found = await while_wanted(request, work)
        return JSONResponse(success(why_of(found, body.item_key)))

    @router.post("/{name}/chat/completions")
    async def chat(request: Request, name: str) -> Response:
        instance = await _find(services, request, name)
        raw = await read_json(request, parts=True)
        return await answer_chat(services, request, instance, raw, caller=caller_of(services, request))

    return router


async def answer_search(
    services: Services,
    request: Request,
    instance: Instance,
    raw: dict[str, Any],
    *,
    caller: Caller,
    dress: Dress = undressed,
) -> JSONResponse:
    """The answer to a search of one instance, its ``result`` as ``dress`` shows it."""
    body = await validated(SearchBody, raw)
    query = read_query(body.query, body.messages)
    ask = to_ask(body, instance, caller)
    ranking = await while_wanted(request, services.searching.search(instance, query, ask))
    return JSONResponse(success(dress(result_of(ranking, body))), headers=cache_headers(ranking))


async def answer_chat(
    services: Services,
    request: Request,
    instance: Instance,
    raw: dict[str, Any],
    *,
    caller: Caller,
    dress: Dress = undressed,
    manner: "Manner | None" = None,
) -> Response:
    """The answer to a chat with one instance."""
    manner = manner or CLOUDFLARE
    body = await validated(manner.body, raw)
    try:
        query = caller.fit_query(read_query(None, body.messages))
    except MissingQueryError as error:
        return no_user_message(error)
    wanted = Generation(body.writer(), "", body.forwarded())
    generation = caller.fit_generation(wanted, instance.settings)
    ask = to_ask(body, instance, caller)
    answer = await while_wanted(request, services.searching.answer(instance, query, ask, generation=generation))
    return await manner.say(request, answer, body, dress)


async def say(request: Request, answer: Answer, body: ChatBody, dress: Dress = undressed) -> Response:
    """The completion, whole or as a stream; every object of it as ``dress`` shows it."""
    cached = cache_headers(answer.ranking)
    if body.stream:
        deltas = await while_wanted(request, primed(answer.deltas))
        bare = body.ai_search_options.retrieval.metadata_only
        frames = stream_of(answer, deltas, bare=bare, dress=dress, explain=body.explain)
        return StreamingResponse(frames, media_type="text/event-stream", headers={**STREAM_HEADERS, **cached})
    completion = completion_of(answer, await while_wanted(request, collect(answer.deltas)), body)
    return JSONResponse(dress(completion), headers=cached)


@dataclass(frozen=True, slots=True)
class Manner:
    """How a chat is read and answered: the body's class, and what makes the response."""

    body: type[ChatBody]
    say: Callable[[Request, Answer, Any, Dress], Awaitable[Response]]


CLOUDFLARE = Manner(ChatBody, say)


def no_user_message(error: MissingQueryError) -> JSONResponse:
    """The refusal of a chat without a question, which has a code of its own."""
    return JSONResponse(failure(NO_USER_MESSAGE_IN_CHAT, "missing_user_query", str(error)), 400)


def _add_management(router: APIRouter, services: Services, *, strict: bool) -> None:
    @router.post("")
    async def create(request: Request) -> JSONResponse:
        sent = await read_json(request, LARGEST_SETTINGS)
        raw = place_source(sent)
        name = check_name(raw.get("id"))
        account, namespace = place_of(request)
        settings = merge_settings(InstanceSettings(), raw)
        await services.syncing.check_source(account, settings, inferred=sent.get("type") is None)
        owner = Owner(account, namespace, uid=name)  # it has no uid yet
        change = await read_change(services.endpoints, owner, raw, host=request.url.hostname or "")
        made = await services.instances.create(account, namespace, name, settings=settings)
        await change.apply(owner_of(made))
        services.syncing.nudge()
        return JSONResponse(success(await show(services, made, strict=strict)))

    @router.get("", name="list")
    async def list_instances(
        request: Request,
        page: Page = 1,
        per_page: PerPage = 20,
        search: Annotated[str, Query(max_length=64)] = "",
        order_by: Literal["created_at"] = "created_at",
        order_by_direction: Literal["asc", "desc"] = "desc",
        hostname: Annotated[str, Query(max_length=253)] = "",
    ) -> JSONResponse:
        named, namespace = "namespace" in request.path_params, request.query_params.get("namespace", "")
        whole = await listed(services, place_of(request), namespace, named=named, hostname=hostname)
        found = [one for one in whole if search.lower() in one.name]
        if order_by_direction == "asc":
            found.reverse()
        shown = found[(page - 1) * per_page : page * per_page]
        rows = await show_all(services, place_of(request)[0], shown, strict=strict)
        return page_of(rows, len(found), page, per_page)

    @router.get("/{name}")
    async def read(request: Request, name: str) -> JSONResponse:
        return JSONResponse(success(await show(services, await _find(services, request, name), strict=strict)))

    @router.put("/{name}")
    async def update(request: Request, name: str) -> JSONResponse:
        instance = await _find(services, request, name)
        sent = await read_json(request, LARGEST_SETTINGS)
        changed: Instance | None = None
        while changed is None:
            with suppress(InstanceChangedError):  # by another request: what that set stays
                instance = await _find(services, request, name)
                wanted = without_shown(sent, instance, strict=strict)
                changed = await _change(services, instance, wanted, request.url.hostname or "")
        changed = await services.lab.follow(changed)
        services.indexing.retake(changed)
        await services.syncing.follow_change(changed, instance.settings)
        return JSONResponse(success(await show(services, changed, strict=strict)))

    @router.delete("/{name}")
    async def delete(request: Request, name: str) -> JSONResponse:
        instance = await _find(services, request, name)
        shown = await show(services, instance, strict=strict)
        await services.instances.delete(instance)
        await _forget(services, instance)
        return JSONResponse(success(shown))

    @router.get("/{name}/stats")
    async def stats(request: Request, name: str) -> JSONResponse:
        instance = await _find(services, request, name)
        [doing] = await services.instances.activity([instance])
        [syncs] = await services.syncing.states([instance])
        return JSONResponse(success(stats_of(await services.instances.stats(instance), doing, syncs)))

    @router.post("/{name}/purge_cache")
    async def purge_cache(request: Request, name: str) -> JSONResponse:
        await services.searching.forget(await _find(services, request, name))
        return JSONResponse(success({}))


async def _change(services: Services, instance: Instance, sent: dict[str, Any], host: str) -> Instance:
    """The instance with what was sent; raises ``InstanceChangedError`` if it is not what it was when it was read."""
    raw = place_source(sent) if sent.get("source") else sent
    settings = merge_settings(instance.settings, raw)
    if settings.source_id != instance.settings.source_id:
        await services.syncing.check_source(instance.account, settings, inferred=sent.get("type") is None)
    change = await read_change(services.endpoints, owner_of(instance), raw, host=host)
    changed = await services.instances.update(instance, settings)
    await change.apply(owner_of(changed))
    return changed


async def _forget(services: Services, instance: Instance) -> None:
    """Remove what other services keep of an instance that is deleted."""
    await services.searching.forget(instance, quietly=True)
    await services.queries.forget(instance)
    await services.judged_sets.forget(instance)
    await services.endpoints.remove(owner_of(instance))
    await services.lab.forget(instance)


def completion_of(answer: Answer, written: Written, body: ChatBody) -> dict[str, object]:
    """The bare completion object, with its chunks (contract, 11)."""
    bare = body.ai_search_options.retrieval.metadata_only
    choice = {"index": 0, "finish_reason": written.finish_reason, "message": written.message()}
    completion: dict[str, object] = {
        **_head(answer, "chat.completion"),
        "choices": [choice],
        **({"usage": written.usage} if written.usage else {}),
        "chunks": chunks_of(answer, bare=bare, explain=body.explain),
        **notices_of(),
        "reranking": receipt_of(answer.ranking),
        **thresholds_of(answer.ranking),
        **failures_of(answer.ranking),
        **query_id_of(answer.ranking),
    }
    return completion | (generation_of(answer) if body.explain else {})


def generation_of(answer: Answer) -> dict[str, object]:
    """How an explained answer came about, once its pieces were read: its search, and what the model was sent."""
    spent, ranking = answer.spent, answer.ranking
    first, whole = (None if one is None else round(one, 3) for one in (spent.first, spent.whole))
    step = {"stage": "generate", "ms": whole or 0.0, "candidates": len(ranking.candidates), "note": ""}
    return {
        "search_query": ranking.query.text,
        "trace": [*trace_of(ranking), step],
        "dropped": dropped_of(ranking),
        "generation": {"model": answer.model, "messages": list(answer.sent), "first_ms": first, "ms": whole},
    }


async def stream_of(
    answer: Answer,
    deltas: AsyncIterator[Any],
    *,
    bare: bool = False,
    dress: Dress = undressed,
    explain: bool = False,
) -> AsyncIterator[bytes]:
    """One event with the chunks, then the frames of the answer, then the sentinel."""
    chunks = chunks_of(answer, bare=bare, explain=explain)
    yield event(dress({"chunks": chunks})["chunks"], "chunks")
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
        broken = {**head, "choices": [{"index": 0, "delta": {}, "finish_reason": "error"}], **to_wire(error)[1]}
        yield event(dress(broken))
    else:
        last = [{"index": 0, "delta": {}, "finish_reason": written.finish_reason}]
        usage = {"usage": written.usage} if written.usage else {}
        ranking = answer.ranking
        told = {
            **notices_of(),
            "reranking": receipt_of(ranking),
            **thresholds_of(ranking),
            **failures_of(ranking),
            **query_id_of(ranking),
        }
        more = generation_of(answer) if explain else {}
        yield event(dress({**head, "choices": last, **usage, **told, **more}))
    yield DONE


def chunks_of(answer: Answer, *, bare: bool, explain: bool) -> list[dict[str, object]]:
    """The chunks of an answer, best first."""
    found = answer.ranking.candidates
    shown = [chunk_of(candidate, bare=bare) for candidate in found]
    if not explain:
        return shown
    ranked = zip(shown, found, strict=True)
    return [{**row, "explain": explanation_of(one, rank, bare=bare)} for rank, (row, one) in enumerate(ranked, 1)]


def _head(answer: Answer, kind: str) -> dict[str, object]:
    return {"id": f"id-{uuid.uuid4().hex[:16]}", "object": kind, "created": int(time.time()), "model": answer.model}


def place_of(request: Request) -> tuple[str, str]:
    """Account and namespace; the Workers binding names no account."""
    return request.path_params.get("account", NO_ACCOUNT), request.path_params.get("namespace", DEFAULT_NAMESPACE)


async def _find(services: Services, request: Request, name: str) -> Instance:
    return await services.instances.get(*place_of(request), name)
