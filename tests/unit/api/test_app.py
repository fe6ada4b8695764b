"""The application: who is let in, where each route lies, and what nobody caught."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Scope, Send

from secondlook import __version__
from secondlook.api.app import ApiOptions, LastResort, create_app
from secondlook.errors import BackendError
from tests.wire.conftest import NEW, Wire, error_of


def test_one_who_is_let_in_and_others(wire: Wire) -> None:
    secret = wire.client.headers.pop("Authorization").removeprefix("Bearer ")
    for headers, status in (
        ({"Authorization": f"Bearer {secret}"}, 200),
        ({"Authorization": f"bearer  {secret} "}, 200),
        ({"X-Auth-Key": secret}, 200),
        ({"Authorization": f"Basic {secret}"}, 401),
        ({"Authorization": secret}, 401),
        ({"X-Auth-Key": "x" + secret}, 401),
        ({}, 401),
    ):
        assert wire.ask("GET", NEW, headers=headers).status_code == status, headers


def test_an_open_server_asks_nobody(wire: Wire) -> None:
    app = create_app(wire.services, options=ApiOptions(open=True))

    async def ask() -> int:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://open") as client:
            return (await client.get(NEW)).status_code

    assert wire.run(ask()) == 200


def test_health_tells_the_version(wire: Wire) -> None:
    assert wire.get("/health").json() == {"status": "ok", "version": __version__}


def test_head_is_get_without_the_body(wire: Wire) -> None:
    wire.fill()
    uploaded = wire.get(f"{NEW}/handbook/items").json()["result"][0]["id"]
    wire.client.headers.pop("Authorization")
    assert wire.ask("HEAD", "/health").status_code == 200
    assert wire.ask("HEAD", NEW).status_code == wire.get(NEW).status_code == 401
    wire.client.headers.update(wire.headers)
    item = f"{NEW}/handbook/items/{uploaded}"
    for path, status in (
        ("/health", 200),
        ("/metrics", 200),
        ("/openapi.json", 200),
        (f"{NEW}/handbook", 200),
        (f"{item}/download", 200),
        (f"{NEW}/nobody", 404),
        ("/nowhere", 404),
        ("/v2/rerank", 405),
    ):
        got, head = wire.get(path), wire.ask("HEAD", path)
        assert (got.status_code, head.status_code, head.content) == (status, status, b"")
        same = ("content-type", "allow") if path == "/metrics" else ("content-type", "content-length", "allow")
        assert [head.headers.get(name) for name in same] == [got.headers.get(name) for name in same]
    assert wire.ask("DELETE", "/health").status_code == 405


def test_metrics_are_open_only_when_that_is_set(wire: Wire) -> None:
    assert "secondlook_infer_seconds_bucket" in wire.get("/metrics").text
    app = create_app(wire.services, options=ApiOptions(metrics_open=True))

    async def ask(path: str) -> int:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://open") as client:
            return (await client.get(path)).status_code

    assert wire.run(ask("/metrics")) == 200
    assert wire.run(ask(NEW)) == 401


def test_each_route_lies_under_both_bases(wire: Wire) -> None:
    paths = wire.app.openapi()["paths"]
    bare = {path.removeprefix("/client/v4") for path in paths if path.startswith("/client/v4")}
    assert len(bare) > 20
    assert bare < set(paths)
    assert "/accounts/{account}/ai-search/namespaces/{namespace}/instances/{name}/chat/completions" in bare
    assert "/accounts/{account}/autorag/rags/{name}/ai-search" in bare


def test_every_route_but_health_sign_in_and_public_endpoints_is_guarded(wire: Wire) -> None:
    wire.client.headers.pop("Authorization")
    paths = wire.app.openapi()["paths"]
    for path, methods in paths.items():
        expected = {"/health": 200, "/sign-in": 400}.get(path, 404 if path.startswith("/public/") else 401)
        for method in methods:
            answer = wire.ask(method.upper(), path.replace("{", "").replace("}", ""))
            assert answer.status_code == expected, (method, path)


def raising(wire: Wire, error: Exception) -> httpx.Response:
    """The answer of a route that raises."""

    async def broken() -> None:
        raise error

    wire.app.router.routes.insert(0, APIRoute("/broken", broken))
    return wire.get("/broken")


def test_a_backend_that_fails_is_told_and_logged(wire: Wire, caplog: pytest.LogCaptureFixture) -> None:
    answer = raising(wire, BackendError("the index is away"))
    assert error_of(answer)[0] == 503
    assert answer.json()["errors"][0]["detail"] == "the index is away"
    assert "GET /broken: the index is away" in caplog.text


def test_a_bug_is_logged_and_not_told(wire: Wire, caplog: pytest.LogCaptureFixture) -> None:
    answer = raising(wire, RuntimeError("password is swordfish"))
    assert error_of(answer) == (500, 7001, "Internal Error")
    assert "swordfish" not in answer.text
    assert "swordfish" in caplog.text


def test_an_unknown_route_and_method(wire: Wire) -> None:
    assert error_of(wire.get("/nowhere")) == (404, 7404, "route_not_found")
    answer = wire.ask("PATCH", "/health")
    assert error_of(answer) == (405, 7405, "method_not_allowed")
    assert "GET" in answer.headers["allow"]


def test_a_query_parameter_out_of_range_names_itself(wire: Wire) -> None:
    answer = wire.get(NEW, page=0)
    assert error_of(answer) == (400, 7400, "invalid_request")
    assert "page" in answer.json()["errors"][0]["detail"]
    assert "'0'" in answer.json()["errors"][0]["detail"]


App = Callable[[Scope, Receive, Send], Awaitable[None]]


def last_resort(app: App, kind: str = "http") -> list[Message]:
    """What is sent when ``app`` stands behind the last resort."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": f"{kind}.request"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope: dict[str, Any] = {"type": kind, "method": "GET", "path": "/x", "headers": []}
    asyncio.run(LastResort(app)(scope, receive, send))
    return sent


def test_what_breaks_after_it_began_is_not_answered_twice() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError("mid-stream")

    assert [message.get("status") for message in last_resort(app)] == [200]


def test_what_breaks_before_is_answered_once() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise RuntimeError("at once")

    assert [message.get("status") for message in last_resort(app)] == [500, None]


def test_a_client_that_hung_up_is_no_failure(caplog: pytest.LogCaptureFixture) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise ClientDisconnect

    with caplog.at_level("INFO"):
        assert last_resort(app) == []
    assert "/x hung up" in caplog.text
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


def test_what_is_no_request_is_not_ours() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise RuntimeError("start-up")

    with pytest.raises(RuntimeError, match="start-up"):
        last_resort(app, "lifespan")


def test_it_is_an_application(wire: Wire) -> None:
    assert isinstance(wire.app, FastAPI)
    assert wire.app.version == __version__
