"""A site as it wants to be read: which hosts belong to it, what its robots.txt allows, how fast, where it redirects."""

import asyncio
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from secondlook.errors import ItemSourceError
from secondlook.sources.charsets import to_utf8
from secondlook.sources.robots import LARGEST_ROBOTS, Robots
from secondlook.sources.web_client import Page, WebClient, check_url, join_url, media_type_of

TOKEN = "Secondlook"
"""Our name in a robots.txt."""
LARGEST_PAGE = 10 << 20
"""Bytes; the largest file that any kind may have (contract, 18.2)."""
MOST_HOPS = 10
REDIRECTS = (301, 302, 303, 307, 308)
READABLE = re.compile(
    r"text/|application/(xhtml\+xml|xml|json|ld\+json|yaml|toml|sql|pdf|rss\+xml|atom\+xml|javascript"
    r"|vnd\.openxmlformats-officedocument\.|vnd\.oasis\.opendocument\.|vnd\.ms-excel)"
)
"""Media types that may hold text; whatever else is linked to is not read."""
READABLE_OR_SEEN = re.compile(READABLE.pattern + r"|image/(png|jpeg|webp|gif|bmp|x-ms-bmp|svg\+xml)")
"""The same, with the pictures whose text can be read."""
REFUSALS = {401: "crawl_got_http_401", 402: "blocked_by_payment", 403: "crawl_got_http_403", 429: "crawl_got_http_429"}


@dataclass(frozen=True, slots=True)
class SiteOptions:
    """``start`` is any address of the site; ``headers`` go to its own host alone; ``images`` may be read too."""

    start: str
    subdomains: bool = False
    headers: tuple[tuple[str, str], ...] = ()
    images: bool = False


class Site:
    """Reads pages of one site."""

    def __init__(self, client: WebClient, options: SiteOptions) -> None:
        self.start = check_url(options.start)
        self._client = client
        self._own = urlsplit(self.start).netloc
        self._secure = self.start.startswith("https:")
        self._subdomains = options.subdomains
        self._headers = dict(options.headers)
        self._readable = READABLE_OR_SEEN if options.images else READABLE
        self._robots: dict[str, Robots | ItemSourceError] = {}
        self._asking: dict[str, asyncio.Lock] = {}
        self._next: dict[str, float] = {}

    def belongs(self, url: str) -> bool:
        """Whether the address lies on the site's host, or on one below it if those belong to it."""
        host = urlsplit(url).netloc
        return host == self._own or (self._subdomains and host.endswith(f".{self._own}"))

    async def visit(self, url: str, conditions: Mapping[str, str]) -> Page:
        """The page with status 200, or 304 if ``conditions`` held; redirects within the site are followed.

        Text comes in UTF-8.

        Raises:
            ItemSourceError: a rule of the site or of the network stands against it, or it answered with an error.
        """
        seen: list[str] = []
        while True:
            if url in seen or len(seen) > MOST_HOPS:
                raise ItemSourceError("too_many_redirects", f"{seen[0]} redirects in a circle or too often: {url}")
            seen.append(url)
            robots = await self.robots_of(url)
            if refusal := robots.refusal(url):
                raise ItemSourceError(refusal, f"{url}: robots.txt of the site says so", gone=True)
            await self._pace(url, robots.delay)
            asked = conditions if len(seen) == 1 else {}
            sent = {**self._headers_for(url), **asked}
            page = await self._client.get(url, headers=sent, most=LARGEST_PAGE, wanted=self._readable)
            if page.status == 304 and asked:
                return page
            if page.status not in REDIRECTS:
                return _accepted(page, self._readable)
            url = self._target(page)

    async def read(self, url: str, *, most: int) -> bytes:
        """What is at an address that is no page of the site, such as a sitemap, which may lie anywhere."""
        return (await self.take(url, most)).body

    async def take(self, url: str, most: int) -> Page:
        """The same, with its headers."""
        for _ in range(MOST_HOPS):
            page = await self._client.get(url, headers=self._headers_for(url), most=most)
            if page.status not in REDIRECTS:
                _raise_for(page)
                return page
            url = _hop(page)
        raise ItemSourceError("too_many_redirects", f"{url}: more than {MOST_HOPS} redirects")

    async def robots_of(self, url: str) -> Robots:
        """The rules of that host, asked for once, whether they come or not.

        Raises:
            ItemSourceError: nobody knows them, since the host does not answer: then nothing may be read.
        """
        parts = urlsplit(url)
        host = f"{parts.scheme}://{parts.netloc}"
        async with self._asking.setdefault(host, asyncio.Lock()):
            if host not in self._robots:
                self._robots[host] = await self._ask_for_robots(f"{host}/robots.txt")
        found = self._robots[host]
        if isinstance(found, ItemSourceError):
            raise ItemSourceError(found.kind, str(found).partition(": ")[2])
        return found

    async def close(self) -> None:
        """Let go of the connections."""
        await self._client.close()

    async def _ask_for_robots(self, url: str) -> Robots | ItemSourceError:
        """The rules; none where there is no such file, which allows everything (RFC 9309, 2.3.1.3)."""
        try:
            return Robots((await self.read(url, most=LARGEST_ROBOTS)).decode(errors="replace"), TOKEN)
        except ItemSourceError as error:
            absent = error.kind in ("http_4xx", *REFUSALS.values()) and error.kind != REFUSALS[429]
            return Robots("", TOKEN) if absent else error

    def _target(self, page: Page) -> str:
        """Where a page of the site redirects to; raises ``ItemSourceError`` for anywhere else."""
        url = _hop(page)
        if self.belongs(url):
            return url
        host = urlsplit(url).netloc
        if host.endswith(f".{self._own}"):
            raise ItemSourceError(
                "subdomains_not_allowed",
                f"{page.url} redirects to {host}: set include_subdomains, or make that host the source",
                gone=True,
            )
        raise ItemSourceError("invalid_host_after_redirect", f"{page.url} redirects to {host}", gone=True)

    def _headers_for(self, url: str) -> Mapping[str, str]:
        """The operator's headers may hold secrets: they go to the host itself, and never less safely than it."""
        own = urlsplit(url).netloc == self._own and (url.startswith("https:") or not self._secure)
        return self._headers if own else {}

    async def _pace(self, url: str, delay: float) -> None:
        if delay:
            host, now = urlsplit(url).netloc, time.monotonic()
            at = max(self._next.get(host, now), now)
            self._next[host] = at + delay
            await asyncio.sleep(at - now)


def _hop(page: Page) -> str:
    location = page.headers.get("location", "")
    url = join_url(page.url, location) if location else None
    if not url:
        raise ItemSourceError("invalid_url", f"{page.url} redirects to {location[:200]!r}, which is no address")
    return url


def _accepted(page: Page, readable: re.Pattern[str]) -> Page:
    """The page, its text in UTF-8; raises ``ItemSourceError``."""
    _raise_for(page)
    content_type = page.headers.get("content-type", "")
    media_type = media_type_of(page.headers)
    if media_type and not readable.match(media_type):
        raise ItemSourceError("unsupported_type", f"{page.url} is {media_type}, which holds no text", gone=True)
    markup = not media_type or "html" in media_type or "xml" in media_type
    if markup or media_type.startswith("text/"):
        return replace(page, body=to_utf8(page.body, content_type, markup=markup))
    return page


def _raise_for(page: Page) -> None:
    status = page.status
    if status == 200:
        return
    told = f"{page.url} answers {status}"
    if page.headers.get("cf-mitigated") == "challenge":
        raise ItemSourceError("blocked_by_bot_management", f"{told}, and wants to see a browser")
    if status in REFUSALS:
        raise ItemSourceError(REFUSALS[status], told)
    kind = "http_4xx" if 400 <= status < 500 else "http_5xx" if status >= 500 else "crawl_got_http_error"
    raise ItemSourceError(kind, told, gone=status in (404, 410))
