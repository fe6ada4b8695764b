"""Which web pages may read the answers of a public endpoint: the headers of CORS."""

import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from starlette.requests import Request

ALLOWED_HEADERS = (
    "accept", "authorization", "cf-ai-search-source", "content-type", "last-event-id", "mcp-protocol-version",
    "mcp-session-id",
)  # fmt: skip
"""What the search box and agents in browsers send."""
HEADER_NAME = re.compile(r"[a-z0-9-]{1,64}")
ONE_DAY = "86400"
EVERYBODY = "*"


def cors_headers(request: Request, hosts: Sequence[str], *, with_cookies: bool = False) -> dict[str, str]:
    """What lets the page that asks read the answer; nothing but ``Vary`` if it may not.

    Args:
        with_cookies: the browser sends cookies along, as ``navigator.sendBeacon`` does; nobody reads them.
    """
    origin = request.headers.get("origin", "")
    if EVERYBODY in hosts and not with_cookies:
        return {"Access-Control-Allow-Origin": EVERYBODY}
    made = {"Vary": "Origin"}
    if is_allowed(origin, hosts):
        made["Access-Control-Allow-Origin"] = origin
        if with_cookies:
            made["Access-Control-Allow-Credentials"] = "true"
    return made


def preflight_headers(request: Request) -> dict[str, str]:
    """What the page may send: the headers that it asks for too, since pages add their own."""
    asked = request.headers.get("access-control-request-headers", "").lower()
    more = [name for name in re.split(r"[\s,]+", asked) if HEADER_NAME.fullmatch(name)]
    return {
        "Access-Control-Allow-Methods": "GET, POST, OPTIONS",
        "Access-Control-Allow-Headers": ", ".join(dict.fromkeys((*ALLOWED_HEADERS, *more))),
        "Access-Control-Max-Age": ONE_DAY,
    }


def is_allowed(origin: str, hosts: Sequence[str]) -> bool:
    """Whether one of the hosts stands for the page; a host without scheme or port stands for any of them."""
    try:
        page = urlsplit(origin.lower())
        port = page.port
    except ValueError:
        return False
    if page.scheme not in ("http", "https") or not page.hostname:
        return False
    for one in hosts:
        if one == EVERYBODY:
            return True
        scheme, _, rest = one.rpartition("://")
        host, _, wanted = rest.partition(":")
        if scheme and scheme != page.scheme:
            continue
        if wanted and wanted != str(port or {"http": 80, "https": 443}[page.scheme]):
            continue
        if host == page.hostname or (host.startswith("*.") and page.hostname.endswith(host[1:])):
            return True
    return False
