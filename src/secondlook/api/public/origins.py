"""Which web pages may read the answers of a public endpoint: the headers of CORS."""

import re
from collections.abc import Sequence
from ipaddress import ip_address
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
PORTS = {"http": 80, "https": 443}


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


def may_call(request: Request, hosts: Sequence[str] | None, *, own: Sequence[str]) -> bool:
    """Whether a request to the tool for agents may come from the page that it names, if it names one.

    A page whose host name was bound to this machine's address (DNS rebinding) names one host in ``Origin`` and
    ``Host``, by HTTP, since nobody has a certificate for it here. Such a page is refused unless the host is an
    address, a name without a dot, or one of ``own``.

    Args:
        hosts: those that the endpoint authorizes, None where it says nothing: then every other page may call.
        own: host names of the endpoint.

    Source:
        Model Context Protocol, transports: servers must validate ``Origin``, and answer 403 where it is invalid.
    """
    origin = request.headers.get("origin")
    if origin is None or (hosts is not None and (EVERYBODY in hosts or is_allowed(origin, hosts))):
        return True
    try:
        page, here = urlsplit(origin.lower()), urlsplit(f"//{request.headers.get('host', '').lower()}")
        usual = PORTS.get(page.scheme)
        same = page.hostname == here.hostname
        same_port = (page.port or usual) == (here.port or usual)
    except ValueError:
        return False
    safe = page.scheme == "https" or _is_bound(page.hostname or "", own)
    return (not same or safe) if hosts is None else (same and same_port and page.scheme in PORTS and safe)


def _is_bound(host: str, own: Sequence[str]) -> bool:
    """Whether nobody can bind that host to another machine: an address, a local name, or one of ours."""
    if host in own or host.endswith(".localhost"):
        return True
    try:
        ip_address(host)
    except ValueError:
        return bool(host) and "." not in host
    return True


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
        if wanted and wanted != str(port or PORTS[page.scheme]):
            continue
        if host == page.hostname or (host.startswith("*.") and page.hostname.endswith(host[1:])):
            return True
    return False
