"""A website as a source: the pages that its sitemaps name, or those that a crawl from its start finds."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NoReturn

from secondlook.domain.globs import matches_glob, skip_reason
from secondlook.domain.source import Entry, Fetched, SourceOptions
from secondlook.errors import ItemSourceError, SourceError
from secondlook.sources.browser import Renderer
from secondlook.sources.html import Html, is_picture
from secondlook.sources.memory import Memory, digest_of
from secondlook.sources.site import LARGEST_PAGE, Site
from secondlook.sources.sitemaps import DEEPEST, LARGEST_SITEMAP, MOST_SITEMAPS, Named, read_sitemap
from secondlook.sources.web_client import check_url, join_url, unpack

PARALLEL = 8
"""Pages that are read at once, where the site asks for no delay."""
MOST_SILENT = 30
"""Pages in a row that the network does not bring, after which nobody waits for the next."""
SILENCE = ("unreachable_", "network_connection_lost")
GZIPPED = b"\x1f\x8b"
NO_BROWSER = (
    "pages are read as they are sent, since there is no browser to open them in: pip install 'secondlook[browser]', and"
    " install a Chromium"
)
DAY = 86_400
"""Seconds after which a page is looked at again, of which a sitemap says nothing (contract, 18.4)."""


@dataclass(frozen=True, slots=True)
class Target:
    """A page to visit, ``depth`` links from the start."""

    url: str
    depth: int = 0
    named: Named | None = None


@dataclass(frozen=True, slots=True)
class Visit:
    """What came of a visit; ``links`` are where it leads, and the pictures that it shows."""

    entry: Entry
    links: Sequence[str] = ()
    depth: int = 0
    whole: bool = True


class Website:
    """The pages of a site, by address. Reads each at most once a sync, and keeps it until it is fetched."""

    def __init__(
        self, site: Site, options: SourceOptions, fields: Sequence[str], *, renderer: Renderer | None = None
    ) -> None:
        self._site = site
        self._options = options
        self._crawl = options.crawl
        self._fields = tuple(fields)
        self._digest = digest_of(options.crawl, self._fields)
        self._memos: Mapping[str, str] = {}
        self._seen: set[str] = set()
        self._pages: dict[str, Fetched] = {}
        self._silent = 0
        self._notes: list[str] = []
        self._gaps: list[tuple[str, str]] = []
        self._renderer = renderer if self._crawl.renders else None
        if self._crawl.renders and not renderer:
            self._notes.append(NO_BROWSER)

    async def list(self, memos: Mapping[str, str]) -> AsyncGenerator[Entry, None]:
        """Every page, each as soon as it is read; raises ``SourceError``."""
        self._memos = memos
        async for visit in self._visit_all(await self._starts()):
            yield visit.entry
        if self._gaps:
            kind, why = self._gaps[0]
            raise SourceError(kind, f"not all of the site was read: {why}")

    async def fetch(self, entry: Entry) -> Fetched:
        """The page; raises ``ItemSourceError``."""
        if entry.key in self._pages:
            return self._pages.pop(entry.key)
        self._memos = {}
        url = check_url(entry.key)
        if not self._site.belongs(url):
            raise ItemSourceError("invalid_url", f"{url} does not lie on the site {self._site.start}")
        found = (await self._visit(Target(url, depth=1))).entry
        if found.error or found.skipped:
            kind, _, rest = (found.error or f"excluded_by_path_filter: {found.skipped}").partition(": ")
            raise ItemSourceError(kind, rest, gone=found.gone)
        return self._pages.pop(found.key)

    def notes(self) -> Sequence[str]:
        """What the log of a sync should tell."""
        return self._notes

    async def close(self) -> None:
        """Let go of the connections, and of the browser."""
        if self._renderer:
            await self._renderer.close()
        await self._site.close()

    async def _starts(self) -> Sequence[Target]:
        try:
            robots = await self._site.robots_of(self._site.start)
        except ItemSourceError as error:
            _fail(error)
        if not self._crawl.discovers:
            return [Target(one.url, 1, one) for one in await self._named(robots.sitemaps)]
        targets = [Target(self._site.start)] if self._crawl.start != "sitemaps" else []
        if self._crawl.start != "links":
            try:
                targets += [Target(one.url, 1) for one in await self._named(robots.sitemaps)]
            except SourceError:
                if not targets:
                    raise
        return targets

    async def _named(self, told: Sequence[str]) -> Sequence[Named]:
        """What the sitemaps name of this site, the most important first; each page once.

        Raises:
            SourceError: none of them can be read.
        """
        given = self._crawl.sitemaps or told
        waiting = deque((link, 1) for link in given or ["/sitemap.xml"])
        seen: set[str] = set()
        pages: dict[str, Named] = {}
        read = 0
        elsewhere: list[str] = []
        failures: list[tuple[str, str]] = []
        while waiting:
            link, depth = waiting.popleft()
            url = join_url(self._site.start, link) or ""
            if url in seen or depth > DEEPEST or len(seen) >= MOST_SITEMAPS:
                continue
            seen.add(url)
            try:
                content = await self._site.read(url, most=LARGEST_SITEMAP)
                if content.startswith(GZIPPED):
                    content = await asyncio.to_thread(unpack, content, LARGEST_SITEMAP, url=url)
            except ItemSourceError as error:
                failures.append(("" if error.gone else error.kind, f"sitemap {url or link!r}: {error}"))
                continue
            found = await asyncio.to_thread(read_sitemap, content)
            if found.broken:
                failures.append(("unknown_error", f"sitemap {url}: {found.broken}"))
            read += not found.broken or bool(found.pages)
            waiting.extend((join_url(url, one) or one, depth + 1) for one in found.sitemaps)
            for one in found.pages:
                page = join_url(url, one.url)
                if page and self._site.belongs(page):
                    pages.setdefault(page, replace(one, url=page))
                else:
                    elsewhere.append(one.url)
        if not read:
            raise SourceError("missing_sitemap", failures[0][1] if failures else "the site names no sitemap")
        self._gaps += [one for one in failures if one[0]]
        self._notes += [why for kind, why in failures if not kind]
        self._note_elsewhere(elsewhere, bool(pages))
        return sorted(pages.values(), key=lambda one: -one.priority)

    def _note_elsewhere(self, elsewhere: Sequence[str], some: bool) -> None:
        """Tell of the addresses on other hosts; raises ``SourceError`` when there are no others."""
        if elsewhere and not some:
            raise SourceError(
                "invalid_url",
                f"all {len(elsewhere):,} addresses of the sitemaps lie on other hosts, such as {elsewhere[0][:200]}:"
                " make that host the source, or set include_subdomains",
            )
        if elsewhere:
            self._notes.append(f"{len(elsewhere):,} addresses of the sitemaps are left out: they lie on other hosts")

    async def _visit_all(self, starts: Iterable[Target]) -> AsyncIterator[Visit]:
        firsts: dict[str, Target] = {}
        for one in starts:
            firsts.setdefault(one.url, one)
        waiting = deque(firsts.values())
        self._seen = set(firsts)
        running: set[asyncio.Task[Visit]] = set()
        begun = 0
        try:
            while waiting or running:
                while waiting and len(running) < PARALLEL:
                    if self._crawl.discovers and begun >= self._crawl.most_pages:
                        self._gaps.append(("page_limit_reached", f"{begun:,} pages were read, as many as may be"))
                        waiting.clear()
                        break
                    running.add(asyncio.create_task(self._visit(waiting.popleft())))
                    begun += 1
                if not running:
                    break
                done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    visit = task.result()
                    self._check_silence(visit.entry.error)
                    waiting.extend(self._follow(visit))
                    if self._crawl.discovers and not visit.whole:
                        self._gaps.append(("unknown_error", visit.entry.error))
                    yield visit
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    def _check_silence(self, error: str) -> None:
        """Raises ``SourceError`` when the site seems to be gone."""
        self._silent = self._silent + 1 if error.startswith(SILENCE) else 0
        if self._silent >= MOST_SILENT:
            kind, _, why = error.partition(": ")
            raise SourceError(kind, f"{self._silent} pages in a row could not be reached: {why}")

    def _follow(self, visit: Visit) -> Iterable[Target]:
        """Where it goes on from there; pictures lie on the page that shows them, however deep it is."""
        far = not self._crawl.discovers or visit.depth >= self._crawl.depth or self._crawl.start == "sitemaps"
        links = [url for url in visit.links if self._crawl.images and is_picture(url)] if far else visit.links
        fresh = [url for url in links if url not in self._seen and self._site.belongs(url)]
        self._seen.update(fresh)
        return [Target(url, visit.depth + 1) for url in fresh]

    async def _visit(self, target: Target) -> Visit:
        """What is at that address; only ``SourceError`` is raised."""
        url = target.url
        skipped = skip_reason(url, self._options.include, self._options.exclude)
        if skipped and target.depth:
            return Visit(Entry(url, skipped=skipped))
        memory = Memory.load(self._memos.get(url, ""), self._digest)
        if memory and memory.is_fresh(target.named, self._crawl.max_age if self._crawl.discovers else DAY):
            entry = Entry(url, memory.dump(), unchanged=True)
            return Visit(entry, memory.links, target.depth)
        try:
            return await self._read(target, memory, skipped)
        except ItemSourceError as error:
            if not target.depth:
                _fail(error)
            links = memory.links if memory else ()
            whole = error.gone or error.kind in ("http_4xx", "over_size", "unsupported_type")
            if self._crawl.discovers and error.kind.startswith(("blocked_by_robots", "unsupported_type")):
                return Visit(Entry(url, skipped=str(error)), whole=whole)
            return Visit(Entry(url, error=str(error), gone=error.gone), links, target.depth, whole)

    async def _read(self, target: Target, memory: Memory | None, skipped: str) -> Visit:
        conditions = memory.conditions() if memory and not self._renderer else {}  # what scripts bring has no ETag
        answer = await self._site.visit(target.url, conditions)
        if answer.status == 304 and memory:
            renewed = memory.renewed()
            return Visit(Entry(target.url, renewed.dump(), unchanged=True), renewed.links, target.depth)
        if answer.url != target.url:
            if answer.url in self._seen:
                return Visit(Entry(target.url, skipped=f"redirects to {answer.url}"))
            self._seen.add(answer.url)
        skipped = skipped or skip_reason(answer.url, self._options.include, self._options.exclude)
        body = answer.body
        if self._renderer and _is_html(answer.headers):
            body = await self._renderer.render(answer, self._site.take, most=LARGEST_PAGE)
        fetched, links = await asyncio.to_thread(self._take_apart, answer.url, answer.headers, body, target)
        if skipped:
            return Visit(Entry(answer.url, skipped=skipped), links, target.depth)
        self._pages[answer.url] = fetched
        entry = Entry(answer.url, fetched.memo, modified_at=fetched.modified_at)
        return Visit(entry, links, target.depth)

    def _take_apart(
        self, url: str, headers: Mapping[str, str], body: bytes, target: Target
    ) -> tuple[Fetched, Sequence[str]]:
        """The page as it is kept, and its links."""
        content_type = headers.get("content-type", "") or "text/html"
        memory = Memory.of(headers, self._digest)
        modified = memory.modified_at or (target.named.modified_at if target.named else 0)
        if not _is_html(headers):
            return Fetched(body, memory.dump(), content_type, modified), ()
        page = Html(body, url)
        links = [*page.links()] if self._crawl.discovers else []
        links += page.pictures() if self._crawl.images else []
        language = target.named.language if target.named else ""
        metadata = page.metadata(self._fields, language=language)
        for selector in self._crawl.selectors:
            if matches_glob(url, selector.path):
                body = page.select(selector.css)
                break
        memo = replace(memory, links=tuple(one for one in links if self._site.belongs(one))).dump()
        return Fetched(body, memo, content_type, modified, metadata), links


def _is_html(headers: Mapping[str, str]) -> bool:
    return "html" in (headers.get("content-type", "") or "text/html").lower()


def _fail(error: ItemSourceError) -> NoReturn:
    """The error of one page as that of the whole site, which begins with it."""
    raise SourceError(error.kind, str(error).partition(": ")[2]) from error
