"""Requests to an ASGI application in this process.

``httpx.ASGITransport`` gives an answer only once it is whole; this one gives it piece by piece, so that streams stream.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import httpx
from starlette.types import ASGIApp, Message, Scope


class InProcess(httpx.AsyncBaseTransport):
    """Calls the application; closing an answer early tells it that the client hung up."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The answer, of which the head is there."""
        answer = _Answer(self._app, scope_of(request), await request.aread())
        status, headers = await answer.begin()
        return httpx.Response(status, headers=headers, stream=answer)


class _Answer(httpx.AsyncByteStream):
    """One request under way."""

    def __init__(self, app: ASGIApp, scope: Scope, body: bytes) -> None:
        self._body: bytes | None = body
        self._head: asyncio.Future[tuple[int, list[tuple[bytes, bytes]]]] = asyncio.get_running_loop().create_future()
        self._pieces: asyncio.Queue[bytes | None] = asyncio.Queue()  # None ends it
        self._gone = asyncio.Event()
        self._work = asyncio.create_task(self._run(app, scope))

    async def begin(self) -> tuple[int, list[tuple[bytes, bytes]]]:
        """Status and headers; what the application raises before them rises here."""
        try:
            await asyncio.wait((self._work, self._head), return_when=asyncio.FIRST_COMPLETED)
            if not self._head.done():
                await self._work
                raise httpx.RemoteProtocolError("the application ended without a response")
            return self._head.result()
        except BaseException:
            await self.aclose()
            raise

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while (piece := await self._pieces.get()) is not None:
            yield piece
        await self._work

    async def aclose(self) -> None:
        self._gone.set()
        self._work.cancel()
        self._head.cancel()
        with suppress(asyncio.CancelledError, Exception):  # it was cancelled; its outcome does not matter
            await self._work

    async def _run(self, app: ASGIApp, scope: Scope) -> None:
        try:
            await app(scope, self._receive, self._send)
        finally:
            self._pieces.put_nowait(None)

    async def _receive(self) -> Message:
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._head.set_result((message["status"], list(message.get("headers", ()))))
        elif message.get("body"):
            self._pieces.put_nowait(message["body"])


def scope_of(request: httpx.Request) -> Scope:
    """The request as an application is told it."""
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": request.url.scheme,
        "path": request.url.path,
        "raw_path": request.url.raw_path.partition(b"?")[0],
        "query_string": request.url.query,
        "root_path": "",
        "headers": [(name.lower(), value) for name, value in request.headers.raw],
        "client": ("127.0.0.1", 0),
        "server": (request.url.host, request.url.port),
    }
