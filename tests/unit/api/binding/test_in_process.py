"""Requests to an application in this process."""

import asyncio

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from secondlook.api.binding.in_process import InProcess
from tests.in_loop import in_loop


async def echo(request: Request) -> Response:
    return JSONResponse(
        {
            "method": request.method,
            "path": request.url.path,
            "query": request.query_params.multi_items(),
            "header": request.headers["x-word"],
            "body": (await request.body()).decode(),
        },
        status_code=201,
    )


def client(app: object) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=InProcess(app), base_url="http://here")  # type: ignore[arg-type]


@in_loop
async def test_the_request_arrives_whole() -> None:
    app = Starlette(routes=[Route("/a/{name:path}", echo, methods=["POST"])])
    async with client(app) as here:
        answer = await here.post("/a/b%2Fc?x=1&x=ü", content="höi", headers={"X-Word": "w"})
    assert answer.status_code == 201
    assert answer.json() == {
        "method": "POST", "path": "/a/b/c", "query": [["x", "1"], ["x", "ü"]], "header": "w", "body": "höi",
    }  # fmt: skip


@in_loop
async def test_pieces_come_as_they_are_made() -> None:
    go_on = asyncio.Event()

    async def pieces():  # type: ignore[no-untyped-def]
        yield b"first"
        await go_on.wait()
        yield b"second"

    async def stream(request: Request) -> Response:
        return StreamingResponse(pieces())

    async with client(Starlette(routes=[Route("/", stream)])) as here, here.stream("GET", "/") as answer:
        parts = answer.aiter_bytes()
        assert await anext(parts) == b"first"
        go_on.set()
        assert [part async for part in parts] == [b"second"]


@in_loop
async def test_who_hangs_up_ends_the_work() -> None:
    ended = asyncio.Event()

    async def endless(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"x", "more_body": True})
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with client(endless) as here, here.stream("GET", "/") as answer:
        assert await anext(answer.aiter_bytes()) == b"x"
    assert ended.is_set()


@in_loop
async def test_an_application_that_fails() -> None:
    async def before(scope: Scope, receive: Receive, send: Send) -> None:
        raise LookupError("before")

    async def silent(scope: Scope, receive: Receive, send: Send) -> None:
        return

    async def after(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise LookupError("after")

    for app, error in ((before, LookupError), (silent, httpx.RemoteProtocolError), (after, LookupError)):
        async with client(app) as here:
            with pytest.raises(error):
                await here.get("/")
