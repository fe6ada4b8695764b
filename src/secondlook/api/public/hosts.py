"""Hosts that are public endpoints: their requests go to the endpoint, and nowhere else."""

from urllib.parse import quote

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from secondlook.domain.endpoint import LABEL
from secondlook.services.bundle import Services

ROOT = "/public"
WAYS = ("/search", "/chat/completions", "/ai-search", "/mcp", "/stats")
"""Paths of endpoints that no other route has."""
CUSTOM = "secondlook.custom_domain"
"""In the scope of a request that came to a custom domain."""


class PublicHosts:
    """Puts ``/public/{label}`` before the path of a request whose host names an endpoint.

    A host names one by its first label, or as a whole if it is a custom domain. Every path of such a host is below the
    endpoint's, so that no other route can be reached there. A host whose first label only looks like that of an
    endpoint may be the server's own: there nothing but the paths of endpoints is refused.
    """

    def __init__(self, app: ASGIApp, services: Services) -> None:
        self._app = app
        self._services = services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http":
            host = host_of(Headers(scope=scope).get("host", ""))
            first, dot, _ = host.partition(".")
            if dot and LABEL.fullmatch(first):
                known = scope["path"] in WAYS or await self._services.endpoints.find(first)
                scope = moved(scope, first) if known else scope
            elif dot and (owner := await self._services.endpoints.owner_at(host)):
                found = await self._services.endpoints.of(owner)
                scope = {**moved(scope, found.label if found else ""), CUSTOM: True}
        await self._app(scope, receive, send)


def host_of(header: str) -> str:
    """The host in small letters, without port."""
    return header.strip().lower().partition(":")[0].rstrip(".")


def moved(scope: Scope, label: str) -> Scope:
    """The request as one to the endpoint."""
    path = f"{ROOT}/{label}{scope['path']}"
    return {**scope, "path": path, "raw_path": quote(path).encode()}
