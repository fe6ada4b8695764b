"""The ASGI application: both generations of the wire, under /client/v4 and at root."""

import asyncio
import json
import logging
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Path, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from secondlook import __version__
from secondlook.api import autorag, autorag_sync, openai, rerank, sign_in
from secondlook.api.ai_search import (
    access_tokens,
    items,
    jobs,
    joint,
    lab,
    models,
    namespaces,
    queries,
    query_sets,
    routes,
    source_test,
    tokens,
)
from secondlook.api.document import describe
from secondlook.api.errors import INVALID_REQUEST, METHOD_NOT_ALLOWED, NOT_FOUND, failure, headers_of, to_wire
from secondlook.api.headers import GuardHeaders
from secondlook.api.notices import Notices
from secondlook.api.public import routes as public
from secondlook.api.public.hosts import ROOT, PublicHosts
from secondlook.api.refused import FailedSignIns
from secondlook.api.wire import NO_ACCOUNT
from secondlook.errors import BackendError, CallerError, NotAuthenticatedError, SecondlookError
from secondlook.services.admission import Admission, Room
from secondlook.services.bundle import Services
from secondlook.telemetry import METRICS_TYPE, render_metrics, tenant

log = logging.getLogger(__name__)

BASES = {"/client/v4": "", "": "_at_root"}
"""Where everything is served, and what the operation ids there end with."""


QUERIES = re.compile(r".+/(search|ai-search|chat/completions)")
"""Paths of a POST that counts against a quota; no other POST may end so."""
RUNNING = re.compile(
    rf"{QUERIES.pattern}|.+/why|.+/feedback|(/v[12])?/rerank|/run|(/client/v4)?/accounts/[^/]+/ai/run/.+"
)
"""Paths of a POST that a token with the permission run may make."""


@dataclass(frozen=True, slots=True)
class ApiOptions:
    """Settings of the wire; ``open`` lets every caller in without a token, ``metrics_open`` to the metrics.

    ``strict`` follows the contract's defaults of the legacy generation to the letter.
    """

    open: bool = False
    metrics_open: bool = False
    strict: bool = False


def create_app(services: Services, *, options: ApiOptions) -> FastAPI:
    """The application over running services."""
    app = FastAPI(
        title="Secondlook",
        version=__version__,
        description="Self-hosted AI Search: upload documents, search them, rerank the results, and answer questions.",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
    )

    async def authenticate(request: Request) -> None:
        account = request.path_params.get("account", "")
        tenant.set(account)
        if not options.open:
            scheme, _, secret = request.headers.get("authorization", "").partition(" ")
            key = request.headers.get("x-auth-key", "")
            token = await services.access.authenticate(secret.strip() if scheme.lower() == "bearer" else key)
            request.state.token = token
            querying = _is_post(request, RUNNING) or openai.lists_models(request) or request.scope["path"] == "/info"
            services.access.check(token, account=_asked_account(request), querying=querying)
            tenant.set(account or token.id)

    async def admit(request: Request) -> AsyncIterator[None]:
        """Holds a place among the changes, or the files that are sent, until the answer is made."""
        room = room_of(request, services.admission)
        with room.enter(tenant.get()) if room else nullcontext():
            yield

    async def meter(request: Request) -> AsyncIterator[None]:
        """Counts what is answered without an error."""
        counted = _is_post(request, QUERIES)
        async with services.quota.query(_asked_account(request) or "") if counted else nullcontext():
            yield

    app.include_router(
        rerank.make_router(services),
        dependencies=[Depends(authenticate)],
        tags=["Rerank"],
        generate_unique_id_function=lambda route: f"rerank_{route.name}",
    )
    app.include_router(
        openai.make_router(services),
        prefix=openai.ROOT,
        dependencies=[Depends(authenticate)],
        tags=["OpenAI"],
        generate_unique_id_function=lambda route: f"openai_{route.name}",
    )
    app.include_router(
        public.make_router(services),
        prefix=f"{ROOT}/{{label}}",
        tags=["Public endpoints"],
        generate_unique_id_function=lambda route: f"public_{route.name}",
    )
    app.include_router(sign_in.make_sign_in_router(services), tags=["Server"])
    for base, where in BASES.items():
        _add_routes(
            app, services, [Depends(authenticate), Depends(admit), Depends(meter)], base, where, strict=options.strict
        )

    @app.get("/health", operation_id="health", tags=["Server"])
    async def health() -> dict[str, str]:
        return {"status": "ok", "version": __version__}

    document: list[bytes] = []

    @app.get("/openapi.json", include_in_schema=False)
    async def openapi() -> Response:
        if not document:  # made in a thread: it takes half a second
            document.append(json.dumps(await asyncio.to_thread(app.openapi)).encode())
        return Response(document[0], media_type="application/json")

    @app.get(
        "/metrics",
        operation_id="metrics",
        tags=["Server"],
        response_class=Response,
        dependencies=[] if options.metrics_open else [Depends(authenticate)],
    )
    async def metrics() -> Response:
        return Response(render_metrics(), media_type=METRICS_TYPE)

    app.add_middleware(PublicHosts, services=services)
    _add_error_handlers(app, services)
    describe(app)
    return app


FILES = re.compile(r".+/items(/[^/]+/download)?")
"""Paths below which files are sent."""


def room_of(request: Request, admission: Admission) -> Room | None:
    """Where the request needs a place before it is served; searches take theirs where they are run."""
    method, path = request.method, request.scope["path"]
    if FILES.fullmatch(path) and (method == "POST") != path.endswith("/download"):
        return admission.files
    if method in ("GET", "HEAD", "OPTIONS") or _is_post(request, RUNNING):
        return None
    return admission.writes


def _is_post(request: Request, paths: re.Pattern[str]) -> bool:
    return request.method == "POST" and paths.fullmatch(request.scope["path"]) is not None


def _asked_account(request: Request) -> str | None:
    """Whose data is read or changed: empty for nobody's, None for everybody's."""
    path = request.scope["path"]
    if "account" in request.path_params:
        return str(request.path_params["account"])
    if path == "/metrics":
        return None
    return NO_ACCOUNT if "/autorag/" in path or "/ai-search/" in path else ""


def _add_routes(app: FastAPI, services: Services, guards: list[Any], base: str, where: str, *, strict: bool) -> None:
    """Every router under one base; an operation is named by its family, its verb and its place."""

    def add(router: APIRouter, family: str, prefix: str, tag: str) -> None:
        named = [Depends(ask) for part, ask in PATH_PARTS.items() if f"{{{part}}}" in prefix]
        app.include_router(
            router,
            prefix=prefix,
            dependencies=[*guards, *named],
            tags=[tag],
            generate_unique_id_function=lambda route: f"{family}_{route.name}{where}",
        )

    account = f"{base}/accounts/{{account}}"
    search = f"{account}/ai-search"
    legacy, syncs = autorag.make_router(services, strict=strict), autorag_sync.make_router(services)
    for family, prefix in (
        ("autorag", f"{account}/autorag/rags"),
        ("autorag_alias", f"{search}/rags"),
        ("autorag_binding", f"{base}/autorag/rags"),
    ):
        add(legacy, family, prefix, "AutoRAG")
        add(syncs, family, f"{prefix}/{{name}}", "AutoRAG")
    for inner, form in (("", ""), ("/namespaces/{namespace}", "namespaced_")):
        prefix = f"{search}{inner}/instances"
        add(routes.make_router(services, strict=strict), f"{form}instances", prefix, "AI Search")
        add(items.make_router(services), f"{form}items", f"{prefix}/{{name}}/items", "Items")
        add(queries.make_router(services), f"{form}queries", f"{prefix}/{{name}}", "Query log")
        add(query_sets.make_router(services), f"{form}query_sets", f"{prefix}/{{name}}/query-sets", "Query sets")
        add(jobs.make_router(services), f"{form}jobs", f"{prefix}/{{name}}/jobs", "Jobs")
        add(lab.make_router(services), f"{form}lab", f"{prefix}/{{name}}/lab", "Lab")
    inner = "/ai-search/namespaces/{namespace}"
    add(joint.make_router(services), "joint", f"{account}{inner}", "AI Search")
    add(joint.make_router(services), "joint_binding", f"{base}{inner}", "AI Search")
    add(rerank.make_run_router(services), "run", f"{account}/ai/run", "Rerank")
    add(namespaces.make_router(services), "namespaces", f"{search}/namespaces", "Namespaces")
    add(tokens.make_router(services), "tokens", f"{search}/tokens", "Tokens")
    add(access_tokens.make_router(services), "access", f"{search}/access_tokens", "Access")
    add(source_test.make_router(services), "sources", f"{search}/sources", "Sources")
    add(sign_in.make_accounts_router(services), "accounts", f"{base}/accounts", "Accounts")
    add(models.make_router(services), "models", f"{search}/models", "Models")


async def _account(account: Annotated[str, Path(description="The account: any text without a slash.")]) -> None:
    """Names the parameter in the OpenAPI document."""


async def _namespace(namespace: Annotated[str, Path(description="The namespace. `default` always exists.")]) -> None:
    """Names the parameter in the OpenAPI document."""


async def _instance(name: Annotated[str, Path(description="The id of the instance.")]) -> None:
    """Names the parameter in the OpenAPI document."""


PATH_PARTS = {"account": _account, "namespace": _namespace, "name": _instance}


def _add_error_handlers(app: FastAPI, services: Services) -> None:
    failed_sign_ins = FailedSignIns()

    async def ours(request: Request, error: Exception) -> JSONResponse:
        if isinstance(error, NotAuthenticatedError):
            failed_sign_ins.note(request, error)
        if isinstance(error, BackendError):
            error = await why_gone(services, request) or error
        status, body = to_wire(error)
        if status >= 500:
            log.warning("%s %s: %s", request.method, request.url.path, error)
        return JSONResponse(in_words_of(request.url.path, status, body), status, headers=headers_of(error))

    async def invalid(request: Request, error: Exception) -> JSONResponse:
        lines = error.errors() if isinstance(error, RequestValidationError) else []
        detail = "; ".join(f"{one['loc'][-1]}: {one['msg']} (received {str(one['input'])[:80]!r})" for one in lines)
        body = failure(INVALID_REQUEST, "invalid_request", detail)
        return JSONResponse(in_words_of(request.url.path, 400, body), 400)

    async def http(request: Request, error: Exception) -> JSONResponse:
        status = error.status_code if isinstance(error, HTTPException) else 500
        table = {404: (NOT_FOUND, "route_not_found"), 405: (METHOD_NOT_ALLOWED, "method_not_allowed")}
        code, message = table.get(status, (INVALID_REQUEST, "invalid_request"))
        detail = str(error.detail) if isinstance(error, HTTPException) else ""
        if status == 404 and openai.is_ours(request.url.path):
            detail = f"there is no {request.url.path[:200]}: clients of OpenAI use {openai.CHAT} and {openai.MODELS}"
        headers = error.headers if isinstance(error, HTTPException) else None
        body = in_words_of(request.url.path, status, failure(code, message, detail))
        return JSONResponse(body, status, headers=headers)

    app.add_exception_handler(SecondlookError, ours)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, http)

    app.add_middleware(LastResort)
    app.add_middleware(Notices)
    app.add_middleware(HeadAsGet)
    app.add_middleware(GuardHeaders)


async def why_gone(services: Services, request: Request) -> SecondlookError | None:
    """That the instance which the path names was deleted, if it was: then nothing else was wrong."""
    if (name := request.path_params.get("name")) is None:
        return None
    try:
        await services.instances.get(*routes.place_of(request), name)
    except CallerError as error:
        return error
    return None


def in_words_of(path: str, status: int, body: Mapping[str, Any]) -> Mapping[str, Any]:
    """The error envelope, with what the clients of that path read beside it."""
    return openai.translated(status, body) if openai.is_ours(path) else rerank.translated(path, status, body)


class HeadAsGet:
    """Answers HEAD as GET without the body, as Starlette does for routes of its own and FastAPI does not."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return

        async def without_body(message: Message) -> None:
            await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

        await self._app({**scope, "method": "GET"}, receive, without_body)


class LastResort:
    """Turns what nobody caught into the error envelope; streams pass through untouched."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        begun = False

        async def watched(message: Message) -> None:
            nonlocal begun
            begun = begun or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except ClientDisconnect:
            log.info("%s hung up", scope.get("path"))
        except Exception as error:  # the edge: nothing may leave as a bare stack trace
            if scope["type"] != "http":
                raise
            log.exception("%s %s failed", scope.get("method"), scope.get("path"))
            if not begun:
                status, body = to_wire(error)
                await JSONResponse(in_words_of(scope["path"], status, body), status)(scope, receive, send)
