"""A site as it wants to be read: which hosts belong to it, what its robots.txt allows, how fast, where it redirects."""

import asyncio
import contextlib
import re
from collections.abc import Container, Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from secondlook.domain.source import LARGEST_THING
from secondlook.errors import ItemSourceError
from secondlook.sources.charsets import to_utf8
from secondlook.sources.pacing import BUSY, BusyError, Pace, Patience
from secondlook.sources.robots import LARGEST_ROBOTS, Robots, read_robots
from secondlook.sources.web_client import Page, WebClient, check_url, join_url, media_type_of

TOKEN = "Secondlook"
"""Our name in a robots.txt."""
PARALLEL = 8
"""Pages of one host that are read at once, where it asks for no delay."""
MOST_HOPS = 10
REDIRECTS = (301, 302, 303, 307, 308)
MOVED = (301, 308)
"""Redirects for good (RFC 9110, 15.4); the others may lead back the next time."""
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

    def __init__(self, client: WebClient, options: SiteOptions, patience: Patience | None = None) -> None:
        self.start = check_url(options.start)
        self._client = client
        self._own = urlsplit(self.start).netloc
        self._secure = self.start.startswith("https:")
        self._subdomains = options.subdomains
        self._headers = dict(options.headers)
        self._readable = READABLE_OR_SEEN if options.images else READABLE
        self._robots: dict[str, Robots | ItemSourceError] = {}
        self._asking: dict[str, asyncio.Lock] = {}
        self._paces: dict[str, Pace] = {}
        self.patience = patience or Patience()

    def belongs(self, url: str) -> bool:
        """Whether the address lies on the site's host, or on one below it if those belong to it."""
        host = urlsplit(url).netloc
        return host == self._own or (self._subdomains and host.endswith(f".{self._own}"))

    def pace_of(self, url: str) -> Pace:
        """How fast the host of that address may be asked."""
        host = urlsplit(url).netloc
        if host not in self._paces:
            self._paces[host] = Pace(self.patience, PARALLEL)
        return self._paces[host]

    async def visit(
        self, url: str, conditions: Mapping[str, str], *, known: str = "", met: Container[str] = ()
    ) -> Page:
        """The page with status 200, or 304 if ``conditions`` held; redirects within the site are followed.

        Text comes in UTF-8.

        Args:
            conditions: headers for the address ``known``, which is ``url`` unless that is known to redirect.
            met: addresses that are not asked for when a redirect leads there: its answer is what comes back then,
                with the address that it leads to.

        Raises:
            ItemSourceError: a rule of the site or of the network stands against it, or it answered with an error.
            BusyError: it may be asked for again, when the pace of its host says so.
        """
        seen: list[str] = []
        while True:
            if url in seen or len(seen) > MOST_HOPS:
                raise ItemSourceError("too_many_redirects", f"{seen[0]} redirects in a loop or too many times: {url}")
            seen.append(url)
            await self._check_robots(url)
            asked = conditions if url == (known or seen[0]) else {}
            page = await self._ask(url, asked, most=LARGEST_THING, wanted=self._readable)
            if page.status == 304 and asked:
                return page
            if page.status not in REDIRECTS:
                return _accepted(page, self._readable)
            url = self._target(page)
            if url in met and url not in seen:
                return replace(page, url=url)

    async def read(self, url: str, *, most: int, cuts: bool = False) -> bytes:
        """What is at an address that is no page of the site, such as a sitemap, which may lie anywhere.

        It is asked for again while its host has enough. With ``cuts`` only the first ``most`` bytes come.
        """
        for _ in range(1, self.patience.tries):
            with contextlib.suppress(BusyError):
                return (await self._read(url, most, cuts=cuts)).body
        return (await self._read(url, most, cuts=cuts)).body

    async def take(self, url: str, most: int) -> Page:
        """What a page of the site needs to be whole; robots.txt is obeyed on hosts that belong to the site."""
        return await self._read(url, most, obeys=True)

    async def _read(self, url: str, most: int, *, obeys: bool = False, cuts: bool = False) -> Page:
        for _ in range(MOST_HOPS):
            if obeys and self.belongs(url):
                await self._check_robots(url)
            page = await self._ask(url, {}, most=most, cuts=cuts)
            if page.status not in REDIRECTS:
                _raise_for(page)
                return page
            url = _hop(page)
        raise ItemSourceError("too_many_redirects", f"{url}: more than {MOST_HOPS} redirects")

    async def _ask(
        self,
        url: str,
        conditions: Mapping[str, str],
        *,
        most: int,
        wanted: re.Pattern[str] | None = None,
        cuts: bool = False,
    ) -> Page:
        """One answer, when it is its turn."""
        pace = self.pace_of(url)
        if pace.spent:
            raise BusyError(
                REFUSALS[429], f"{url} was skipped: its host has been rate-limiting this crawl for too long"
            )
        asked_at = await pace.turn()
        sent = {**self._headers_for(url), **conditions}
        page = await self._client.get(url, headers=sent, most=most, wanted=wanted, cuts=cuts)
        pace.note(page.status, page.headers, asked_at)
        return page

    async def _check_robots(self, url: str) -> None:
        await self.robots_of(url)
        if refusal := await self.ask_refusal(url):
            raise ItemSourceError(refusal, f"{url}: disallowed by the site's robots.txt", gone=True)

    async def check_kept(self, *urls: str) -> None:
        """Raises ``ItemSourceError`` if rules forbid today what is kept; where nobody knows them, nothing does."""
        for url in urls:
            try:
                await self._check_robots(url)
            except ItemSourceError as error:
                if error.gone:
                    raise

    async def robots_of(self, url: str) -> Robots:
        """The rules of that host, asked for once, whether they come or not.

        Raises:
            ItemSourceError: nobody knows them, since the host does not answer: then nothing may be read.
        """
        parts = urlsplit(url)
        host = f"{parts.scheme}://{parts.netloc}"
        async with self._asking.setdefault(host, asyncio.Lock()):
            if host not in self._robots:
                found = self._robots[host] = await self._ask_for_robots(f"{host}/robots.txt")
                if isinstance(found, Robots):  # what another scheme of the host asked for still holds
                    pace = self.pace_of(url)
                    pace.delay = max(pace.delay, found.delay)
        found = self._robots[host]
        if isinstance(found, ItemSourceError):
            raise ItemSourceError(found.kind, str(found).partition(": ")[2])
        return found

    def refusal(self, url: str) -> str:
        """Why the address may not be read, as far as robots.txt of its host is known by now; empty if it may."""
        parts = urlsplit(url)
        found = self._robots.get(f"{parts.scheme}://{parts.netloc}")
        return found.refusal(url) if isinstance(found, Robots) else ""

    async def ask_refusal(self, url: str) -> str:
        """As ``refusal``; rules that take long to look through are asked in a thread."""
        if any(isinstance(one, Robots) and one.large for one in self._robots.values()):
            return await asyncio.to_thread(self.refusal, url)
        return self.refusal(url)

    async def close(self) -> None:
        """Let go of the connections."""
        await self._client.close()

    async def _ask_for_robots(self, url: str) -> Robots | ItemSourceError:
        """The rules; none where there is no such file, which allows everything (RFC 9309, 2.3.1.3)."""
        try:
            found = await self.read(url, most=LARGEST_ROBOTS, cuts=True)
            return await asyncio.to_thread(Robots, read_robots(found), TOKEN)
        except ItemSourceError as error:
            absent = error.kind in ("http_4xx", *REFUSALS.values()) and error.kind != REFUSALS[429]
            return Robots("", TOKEN) if absent else error

    def _target(self, page: Page) -> str:
        """Where a page of the site redirects to; raises ``ItemSourceError`` for anywhere else."""
        url = _hop(page)
        if self.belongs(url):
            return url
        host, moved = urlsplit(url).netloc, page.status in MOVED
        if host.endswith(f".{self._own}"):
            raise ItemSourceError(
                "subdomains_not_allowed",
                f"{page.url} redirects to {host}: set include_subdomains, or use that host as the source",
                gone=moved,
            )
        raise ItemSourceError("invalid_host_after_redirect", f"{page.url} redirects to {host}", gone=moved)

    def _headers_for(self, url: str) -> Mapping[str, str]:
        """The operator's headers may hold secrets: they go to the host itself, and never less safely than it."""
        own = urlsplit(url).netloc == self._own and (url.startswith("https:") or not self._secure)
        return self._headers if own else {}


def _hop(page: Page) -> str:
    location = page.headers.get("location", "")
    url = join_url(page.url, location) if location else None
    if not url:
        raise ItemSourceError("invalid_url", f"{page.url} redirects to {location[:200]!r}, which is not a valid URL")
    return url


def _accepted(page: Page, readable: re.Pattern[str]) -> Page:
    """The page, its text in UTF-8; raises ``ItemSourceError``."""
    _raise_for(page)
    content_type = page.headers.get("content-type", "")
    media_type = media_type_of(page.headers)
    if media_type and not readable.match(media_type):
        raise ItemSourceError("unsupported_type", f"{page.url} is {media_type}, which has no text", gone=True)
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
        raise ItemSourceError("blocked_by_bot_management", f"{told}; it requires a browser")
    kind = "http_4xx" if 400 <= status < 500 else "http_5xx" if status >= 500 else "crawl_got_http_error"
    kind = REFUSALS.get(status, kind)
    if status in BUSY:
        raise BusyError(kind, told)
    raise ItemSourceError(kind, told, gone=status in (404, 410))
