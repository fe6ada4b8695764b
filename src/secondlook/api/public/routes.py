"""Routes of public endpoints: whoever knows the id may ask, as often as the endpoint lets in (contract, 17)."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from starlette.requests import ClientDisconnect

from secondlook.api import autorag, openai
from secondlook.api.ai_search import joint, routes
from secondlook.api.ai_search.endpoints import origins_of
from secondlook.api.ai_search.wire import ChatBody, SearchBody, result_of, to_ask
from secondlook.api.body import LARGEST_JSON, capped, parse_body, read_json, read_query, validated, while_wanted
from secondlook.api.callers import visitor_of
from secondlook.api.errors import success
from secondlook.api.json_values import parse_json
from secondlook.api.public import refusals
from secondlook.api.public.events import LARGEST_STATS, read_events
from secondlook.api.public.hosts import CUSTOM, host_of
from secondlook.api.public.origins import EVERYBODY, cors_headers, may_call, preflight_headers
from secondlook.api.public.refusals import failed, public_view, refusal
from secondlook.api.public.tool import FOREIGN, MOST_VALUES, ToolResponse, unreadable
from secondlook.api.wire import STREAM_HEADERS, collect, event, primed
from secondlook.domain.endpoint import LABEL, Endpoint
from secondlook.domain.instance import Instance
from secondlook.domain.options import Generation
from secondlook.domain.query import Query
from secondlook.errors import BackendError, InstanceNotFoundError, InvalidOptionError, SecondlookError
from secondlook.ports import Delta
from secondlook.services.bundle import Services
from secondlook.services.joint_searching import MOST_INSTANCES
from secondlook.services.throttling import whole_seconds
from secondlook.telemetry import tenant

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"]
FOREVER = "public, max-age=31536000, immutable"
INSTANCES_ONLY = ("ai-search", "stats", "assets")


@dataclass(frozen=True, slots=True)
class Visit:
    """A request that was let in; a namespace's endpoint has no instance."""

    request: Request
    endpoint: Endpoint
    instance: Instance | None
    way: str

    def headers(self) -> dict[str, str]:
        """For the page that asks; the code of the search box may be read by every page."""
        hosts = ("*",) if self.way == "assets" else origins_of(self.endpoint, self.instance)
        return cors_headers(self.request, hosts, with_cookies=self.way == "stats")


Work = Callable[[Visit], Awaitable[Response]]


def make_router(services: Services) -> APIRouter:
    """Routes relative to ``/public/{label}``; what is none of them is refused in the words of the contract."""
    router = APIRouter()

    @router.post("/search")
    async def search(request: Request, label: str) -> Response:
        return await receive(services, request, label, "search", lambda visit: answer_search(services, visit))

    @router.post("/chat/completions", name="chat")
    async def chat(request: Request, label: str) -> Response:
        return await receive(services, request, label, "chat/completions", lambda visit: answer_chat(services, visit))

    @router.post("/v1/chat/completions", name="openai_chat")
    async def openai_chat(request: Request, label: str) -> Response:
        answer = await receive(
            services, request, label, "chat/completions", lambda visit: answer_openai(services, visit)
        )
        return openai.in_words_of_openai(answer)

    @router.post("/ai-search", name="ai_search")
    async def ai_search(request: Request, label: str) -> Response:
        return await receive(services, request, label, "ai-search", lambda visit: answer_legacy(services, visit))

    @router.post("/mcp")
    async def mcp(request: Request, label: str) -> Response:
        return await receive(services, request, label, "mcp", lambda visit: open_tool(services, visit))

    @router.post("/stats")
    async def stats(request: Request, label: str) -> Response:
        return await receive(services, request, label, "stats", lambda visit: keep_events(services, visit))

    @router.get("/assets/v{version}/search-snippet.es.js", name="asset")
    async def asset(request: Request, label: str, version: str) -> Response:
        return await receive(services, request, label, "assets", lambda _: send_bundle(services, version))

    @router.api_route("", methods=METHODS, include_in_schema=False)
    async def nothing(request: Request, label: str) -> Response:
        return await receive(services, request, label, "", no_such)

    @router.api_route("/{path:path}", methods=METHODS, include_in_schema=False)
    async def anything_else(request: Request, label: str, path: str) -> Response:
        way = "assets" if path.startswith("assets/") else path
        return await receive(services, request, label, way, no_such)

    return router


async def receive(services: Services, request: Request, label: str, way: str, work: Work) -> Response:
    """The answer to a request, or why it is not let in; in any case so that the page that asks can read it."""
    try:
        found = await find_visit(services, request, label, way)
        if isinstance(found, Response):
            return found
        if request.method == "OPTIONS":
            answer = Response(status_code=204, headers=preflight_headers(request))
        else:
            answer = check_visit(services, found) or await serve(services, found, work)
    except ClientDisconnect:
        raise
    except BackendError as error:
        answer = await _refusal_if_gone(services, request, label, way) or failed(error)
    except Exception as error:  # the edge: what leaves here is seen by anybody
        answer = failed(error)
    headers = found.headers() if isinstance(found, Visit) else {}
    answer.headers.update(headers)
    return answer


async def _refusal_if_gone(services: Services, request: Request, label: str, way: str) -> Response | None:
    """Why there is no such endpoint, if it was deleted while it worked: then nothing else was wrong."""
    try:
        found = await find_visit(services, request, label, way)
    except SecondlookError:
        return None
    return found if isinstance(found, Response) else None


async def serve(services: Services, visit: Visit, work: Work) -> Response:
    """The answer; a question is one of those that the account may have answered in a month."""
    counted = visit.way in ("search", "chat/completions", "ai-search")
    async with services.quota.query(visit.endpoint.owner.account) if counted else nullcontext():
        return await work(visit)


async def find_visit(services: Services, request: Request, label: str, way: str) -> Visit | Response:
    """The endpoint of that label with what it stands for, or why there is none."""
    if not LABEL.fullmatch(label):
        return refusal(refusals.NO_ID)
    endpoint = await services.endpoints.find(label)
    instance = await services.endpoints.instance_of(endpoint) if endpoint else None
    if endpoint is None or (endpoint.owner.uid and instance is None):
        return refusal(refusals.NO_CONFIG)
    tenant.set(endpoint.id)  # strangers take turns with the account, and do not crowd it out
    return Visit(request, endpoint, instance, way)


def check_visit(services: Services, visit: Visit) -> Response | None:
    """Why the request is not let in; None if it is, and then it counts."""
    params, method = visit.endpoint.params, visit.request.method
    code = 0
    if not params.enabled:
        code = refusals.NOT_ENABLED
    elif not params.plain_domain and not visit.request.scope.get(CUSTOM):
        code = refusals.NO_PLAIN_DOMAIN
    elif visit.instance is None and visit.way in INSTANCES_ONLY:
        code = refusals.NOT_FOR_NAMESPACES
    elif visit.way == "mcp":
        code = refusals.TOOL_METHOD if method != "POST" else 0 if params.tool else refusals.NO_TOOL
    elif visit.way == "search" and not params.search:
        code = refusals.NO_SEARCH
    elif visit.way in ("chat/completions", "ai-search") and not params.chat:
        code = refusals.NO_CHAT
    elif visit.way == "stats" and method != "POST":
        code = refusals.STATS_METHOD
    if code:
        return refusal(code)
    wait = 0.0 if visit.way == "assets" else services.endpoints.admit(visit.endpoint)
    if not wait:
        return None
    seconds = whole_seconds(wait)
    return refusal(refusals.RATE_LIMITED, f"try again in {seconds} s", {"Retry-After": str(seconds)})


async def answer_search(services: Services, visit: Visit) -> Response:
    """A search of the instance, or of those that the namespace's endpoint allows."""
    return await _answer(services, visit, routes.answer_search, joint.answer_search)


async def answer_chat(services: Services, visit: Visit) -> Response:
    """A chat, likewise."""
    return await _answer(services, visit, routes.answer_chat, joint.answer_chat)


async def answer_openai(services: Services, visit: Visit) -> Response:
    """A chat as clients of OpenAI read it; the endpoint is the model, whatever its name in the request."""
    return await _answer(services, visit, routes.answer_chat, joint.answer_chat, manner=openai.OPENAI)


async def _answer(
    services: Services,
    visit: Visit,
    of_one: Callable[..., Awaitable[Response]],
    of_all: Callable[..., Awaitable[Response]],
    **more: Any,
) -> Response:
    raw = await read_object(visit.request)
    if isinstance(raw, Response):
        return raw
    more |= {"caller": visitor_of(services, visit.endpoint), "dress": public_view}
    if visit.instance:
        return await of_one(services, visit.request, visit.instance, raw, **more)
    names = allowed_names(visit.endpoint, raw)
    if isinstance(names, Response):
        return names
    place = visit.endpoint.owner.account, visit.endpoint.owner.namespace
    return await of_all(services, visit.request, raw, place=place, names=names, **more)


async def answer_legacy(services: Services, visit: Visit) -> Response:
    """An answer as older search boxes read it: frames of ``response``, and no sentinel, which they cannot read."""
    raw = await read_object(visit.request)
    if isinstance(raw, Response) or visit.instance is None:
        return raw if isinstance(raw, Response) else refusal(refusals.NOT_FOR_NAMESPACES)
    body = await validated(ChatBody, raw)
    caller = visitor_of(services, visit.endpoint)
    query = caller.fit_query(read_query(body.query, body.messages))
    ask = to_ask(body, visit.instance, caller)
    generation = caller.fit_generation(Generation(body.model), visit.instance.settings)
    work = services.searching.answer(visit.instance, query, ask, generation=generation)
    answer = await while_wanted(visit.request, work)
    if not body.stream:
        written = await while_wanted(visit.request, collect(answer.deltas))
        page = autorag.page_of(answer.ranking, autorag.SearchBody())
        return JSONResponse(success(public_view({**page, "response": written.text})))
    deltas = await while_wanted(visit.request, primed(answer.deltas))
    return StreamingResponse(legacy_frames(deltas), media_type="text/event-stream", headers=STREAM_HEADERS)


async def legacy_frames(deltas: AsyncIterator[Delta]) -> AsyncIterator[bytes]:
    """The pieces of the answer, or what remains to be said when they break off."""
    try:
        async for delta in deltas:
            if delta.text:
                yield event({"response": delta.text})
    except Exception as error:  # the edge: the status line is long gone
        yield event(bytes(failed(error).body).decode())


async def open_tool(services: Services, visit: Visit) -> Response:
    """The tool for agents, over what the endpoint searches."""
    if not may_call(visit.request, authorized_of(visit), own=own_hosts(visit)):
        return JSONResponse(FOREIGN, 403)

    async def search(text: str) -> dict[str, Any]:
        try:
            async with services.quota.query(visit.endpoint.owner.account):
                return await find(text)
        except Exception as error:  # the edge: an agent is told in the result
            return dict(parse_json(bytes(failed(error).body)))

    async def find(text: str) -> dict[str, Any]:
        query, body, caller = Query(text.strip()), SearchBody(query=text), visitor_of(services, visit.endpoint)
        if visit.instance:
            ask = to_ask(body, visit.instance, caller)
            return public_view(result_of(await services.searching.search(visit.instance, query, ask), body))
        owner, names = visit.endpoint.owner, visit.endpoint.params.instances
        if not names:
            raise InstanceNotFoundError("the endpoint allows no instances")
        place = owner.account, owner.namespace
        found = await services.joint.search(place, names, query, make_ask=lambda one: to_ask(body, one, caller))
        return public_view(joint.told(found, result_of(found.ranking, body)))

    content = await capped(visit.request, LARGEST_JSON, InvalidOptionError).body()
    try:
        message = await parse_body(content, MOST_VALUES)
    except ValueError as error:
        return JSONResponse(unreadable(str(error)), 400)
    return ToolResponse(search, visit.endpoint.params.description, message)


def authorized_of(visit: Visit) -> tuple[str, ...] | None:
    """The hosts that the endpoint authorizes, or that of the website that is searched; None for neither."""
    hosts = origins_of(visit.endpoint, visit.instance)
    return None if visit.endpoint.params.origins is None and EVERYBODY in hosts else hosts


def own_hosts(visit: Visit) -> tuple[str, ...]:
    """The host names that lead to the endpoint alone."""
    here = host_of(visit.request.headers.get("host", ""))
    return (*visit.endpoint.params.domains, *((here,) if here.partition(".")[0] == visit.endpoint.label else ()))


async def keep_events(services: Services, visit: Visit) -> Response:
    """What a search box tells of its use."""
    told = await read_events(await capped(visit.request, LARGEST_STATS, InvalidOptionError).body())
    if told is None:
        return refusal(refusals.STATS_BODY, "send an object with a list of 1 to 100 events, each an object")
    await services.endpoints.record(visit.endpoint, told)
    if visit.instance:
        await services.queries.hear(visit.instance, told)
    return JSONResponse(success({}))


async def send_bundle(services: Services, version: str) -> Response:
    """The code of the search box in that version."""
    code = await services.endpoints.bundle(version)
    if code is None:
        return refusal(refusals.ASSET_NOT_FOUND, f"unknown version {version[:40]}")
    headers = {"Cache-Control": FOREVER, "Cross-Origin-Resource-Policy": "cross-origin"}
    return Response(code, media_type="text/javascript", headers=headers)


async def no_such(visit: Visit) -> Response:
    """The refusal of a path that is none."""
    return refusal(refusals.ASSET_NOT_FOUND if visit.way == "assets" else refusals.NO_SUCH_PATH)


async def read_object(request: Request) -> dict[str, Any] | Response:
    """The body without what asks for the inside of a search; a refusal if it is no JSON object."""
    try:
        raw = await read_json(request)
    except InvalidOptionError as error:
        return refusal(refusals.NO_OBJECT, str(error))
    return {**raw, "explain": False}


def allowed_names(endpoint: Endpoint, raw: dict[str, Any]) -> tuple[str, ...] | Response:
    """The instances that are searched: those that are asked for, all if none; or the refusal."""
    allowed = endpoint.params.instances
    options = raw.get("ai_search_options")
    asked = options.get("instance_ids") if isinstance(options, dict) else None
    if asked is not None and not (
        isinstance(asked, list) and 1 <= len(asked) <= MOST_INSTANCES and all(isinstance(one, str) for one in asked)
    ):
        return refusal(refusals.INVALID_IDS, f"give a list of 1 to {MOST_INSTANCES} ids, or omit it to search all")
    if not allowed or not set(asked or ()) <= set(allowed):
        return refusal(refusals.NO_INSTANCE)
    return tuple(asked) if asked else allowed
