"""One request to a website, bounded in time and size whatever the other side does."""

import asyncio
import re
import ssl
import zlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urljoin, urlsplit, urlunsplit

import httpcore
import httpx

from secondlook.errors import ItemSourceError
from secondlook.sources.guard import Guard, GuardedBackend

CONNECT_SECONDS = 10.0
STALL_SECONDS = 10.0
"""Longest silence while an answer comes."""
WHOLE_SECONDS = 60.0
"""Longest that an answer may take, however steadily it drips."""
CONNECTIONS = 20
GZIP = 16 + zlib.MAX_WBITS
EITHER = 32 + zlib.MAX_WBITS
"""zlib finds out by itself whether it is gzip or zlib."""


@dataclass(frozen=True, slots=True)
class Times:
    """How long a request may take, in seconds: to connect, in silence, in all."""

    connect: float = CONNECT_SECONDS
    stall: float = STALL_SECONDS
    whole: float = WHOLE_SECONDS


@dataclass(frozen=True, slots=True)
class Page:
    """An answer; header names in lower case, ``body`` as it was before it was packed for the way."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes = field(default=b"", repr=False)


class WebClient:
    """Asks with our name and follows nothing; who redirects where is for the caller to judge."""

    def __init__(self, guard: Guard, agent: str, times: Times = Times()) -> None:
        self._agent = agent
        self._times = times
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=ssl.create_default_context(),
            max_connections=CONNECTIONS,
            max_keepalive_connections=CONNECTIONS,
            keepalive_expiry=30.0,
            network_backend=GuardedBackend(guard),
        )

    async def get(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        most: int,
        wanted: re.Pattern[str] | None = None,
        cuts: bool = False,
    ) -> Page:
        """The answer, whatever its status; the body of a failure is not read.

        ``headers`` win over our name, and not over where and how the request is sent.

        Args:
            most: bytes that the body may have, packed or unpacked.
            wanted: media types that begin so; the body of another is not read either.
            cuts: whether a longer body is cut there, instead of being refused.

        Raises:
            ItemSourceError: none came, or not within the bounds.
        """
        given = {name.lower(): value for name, value in (headers or {}).items()}
        sent = {"user-agent": self._agent, "accept": "*/*", **given, "accept-encoding": "gzip"}
        try:
            async with asyncio.timeout(self._times.whole):
                return await self._ask(check_url(url), sent, most, wanted, cuts=cuts)
        except (TimeoutError, httpcore.TimeoutException) as error:
            kind = "a silence" if isinstance(error, httpcore.TimeoutException) else "an answer"
            longest = self._times.stall if isinstance(error, httpcore.TimeoutException) else self._times.whole
            raise ItemSourceError("unreachable_timeout", f"{url}: {kind} of more than {longest:g} seconds") from error
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.UnsupportedProtocol, ssl.SSLError) as error:
            raise ItemSourceError("network_connection_lost", f"{url}: {error or type(error).__name__}") from error

    async def close(self) -> None:
        """Let go of the connections."""
        await self._pool.aclose()

    async def _ask(
        self, url: str, headers: Mapping[str, str], most: int, wanted: re.Pattern[str] | None, *, cuts: bool
    ) -> Page:
        times = {"connect": self._times.connect, "read": self._times.stall, "write": self._times.stall, "pool": 60.0}
        named = {**headers, "host": _host(url)}
        raw = [(name.encode("ascii"), value.encode("latin-1")) for name, value in named.items()]
        async with self._pool.stream("GET", url, headers=raw, extensions={"timeout": times}) as answer:
            told = _headers(answer.headers)
            media_type = media_type_of(told)
            if answer.status != 200 or (wanted and media_type and not wanted.match(media_type)):
                return Page(url, answer.status, told)
            length = told.get("content-length", "")
            if length.isdecimal() and int(length) > most and not cuts:
                raise _over(url, most)
            packing = told.get("content-encoding", "").strip().lower()
            return Page(url, 200, told, await read_bounded(answer.aiter_stream(), packing, most, url=url, cuts=cuts))


def media_type_of(headers: Mapping[str, str]) -> str:
    """What an answer is, without parameters; empty if it does not say."""
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def check_url(url: str) -> str:
    """The address in its usual form, without its fragment.

    Raises:
        ItemSourceError: it is none of http or https, or carries a password.
    """
    try:
        found = httpx.URL(url.strip())
        host = _host(str(found))
    except (httpx.InvalidURL, UnicodeError, ValueError, TypeError) as error:
        raise ItemSourceError("invalid_url", f"{url[:200]!r}: {error}") from error
    if found.scheme not in ("http", "https") or not host:
        raise ItemSourceError("invalid_url", f"{url[:200]!r} is not an http or https URL")
    if found.userinfo:
        raise ItemSourceError(
            "invalid_url", "the URL contains a user name: send credentials in include_headers instead"
        )
    path = found.raw_path.decode("ascii")
    return urlunsplit((found.scheme, host, *path.partition("?")[::2], ""))


def join_url(base: str, link: str) -> str | None:
    """Where a link of that page leads, in its usual form; None where nobody can follow."""
    try:
        return check_url(urljoin(base, link.strip()))
    except (ItemSourceError, ValueError):
        return None


async def read_bounded(chunks: AsyncIterator[bytes], packing: str, most: int, *, url: str, cuts: bool = False) -> bytes:
    """The body unpacked; raises ``ItemSourceError`` as soon as it is over ``most`` bytes, or cannot be unpacked.

    With ``cuts`` only the first ``most`` bytes are read.
    """
    if packing not in ("", "identity", "gzip", "x-gzip", "deflate"):
        raise ItemSourceError(
            "crawl_got_http_error", f"{url}: the response uses the encoding {packing[:40]!r}, which was not requested"
        )
    unpacker = None if packing in ("", "identity") else zlib.decompressobj(EITHER)
    kept: list[bytes] = []
    size = 0
    async for chunk in chunks:
        try:
            part = unpacker.decompress(chunk, most - size + 1) if unpacker else chunk
        except zlib.error as error:
            raise ItemSourceError(
                "network_connection_lost", f"{url}: the compressed response is broken: {error}"
            ) from error
        kept.append(part)
        size += len(part)
        if size > most and not cuts:
            raise _over(url, most)
        if size > most:
            break
    return b"".join(kept)[:most]


def unpack(content: bytes, most: int, *, url: str) -> bytes:
    """What a .gz file holds; raises ``ItemSourceError`` as ``read_bounded`` does."""
    unpacker = zlib.decompressobj(GZIP)
    try:
        found = unpacker.decompress(content, most + 1)
    except zlib.error as error:
        raise ItemSourceError("file_is_corrupt", f"{url}: the .gz file is broken: {error}") from error
    if len(found) > most:
        raise _over(url, most)
    return found


def _over(url: str, most: int) -> ItemSourceError:
    return ItemSourceError("over_size", f"{url} has more than {most:,} bytes", gone=True)


def _host(url: str) -> str:
    """Host and port, the port only where it is not the usual one."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    usual = {"http": 80, "https": 443}.get(parts.scheme)
    return host if parts.port in (None, usual) else f"{host}:{parts.port}"


def _headers(raw: Sequence[tuple[bytes, bytes]]) -> Mapping[str, str]:
    """By name; ``x-robots-tag`` may come several times, each for other crawlers: then one stands on each line."""
    found: dict[str, str] = {}
    for raw_name, raw_value in raw:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        found[name] = f"{found[name]}\n{value}" if name == "x-robots-tag" and name in found else value
    return found
