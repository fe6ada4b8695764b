"""Headers that every answer has: what a browser may do with it, and that nothing keeps it."""

from collections.abc import Mapping

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

GUARDS: Mapping[str, str] = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
"""For answers that say nothing else: data, which no browser should show as a page, load from or keep."""
REPORT_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'; sandbox"
"""For a page of our own that is whole in itself: its style is in it, and it runs no script."""


class GuardHeaders:
    """Puts ``GUARDS`` into each answer that does not have those headers, and makes redirects relative."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in GUARDS.items():
                    headers.setdefault(name, value)
                if "location" in headers:
                    headers["location"] = local(headers["location"])
            await send(message)

        await self._app(scope, receive, guarded)


def local(location: str) -> str:
    """The same on this host: Starlette puts there what the request named as its host, which may be anything."""
    if location.startswith("/"):
        return location
    path = location.partition("://")[2].partition("/")[2]
    return "/" + path.lstrip("/\\")  # two slashes would begin the name of a host
