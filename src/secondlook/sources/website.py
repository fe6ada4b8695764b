"""A website as a source: the pages that its sitemaps name, or those that a crawl from its start finds."""

import asyncio
import contextlib
import re
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NoReturn

from secondlook.domain.globs import matches_glob, skip_reason
from secondlook.domain.source import FAILED, LARGEST_THING, Entry, Fetched, SourceOptions
from secondlook.domain.wording import plural
from secondlook.errors import ItemSourceError, SourceError
from secondlook.sources.browser import Renderer
from secondlook.sources.frontier import Frontier, Target
from secondlook.sources.html import Html, is_picture, read_directives
from secondlook.sources.memory import Memory, digest_of, find_ways
from secondlook.sources.pacing import BusyError
from secondlook.sources.site import TOKEN, Site
from secondlook.sources.sitemap_walk import walk_sitemaps
from secondlook.sources.sitemaps import Named
from secondlook.sources.web_client import Page, check_url

MOST_SILENT = 30
"""Pages in a row that the network does not bring, after which nobody waits for the next."""
SILENCE = ("unreachable_", "network_connection_lost")
HIDING = (
    *SILENCE, "http_5xx", "crawl_got_http_429", "blocked_by_bot_management", "browser_rendering_",
)  # fmt: skip
"""Errors that may be over the next time: until then nobody knows what the page leads to."""
LEFT_OUT = ("blocked_by_", "unsupported_type")
"""Errors of links that a crawl tried: these are no items, and no errors either."""
KIND = re.compile(r"([a-z0-9_]+): ")
NO_BROWSER = (
    "pages are read without running their scripts, since no browser is installed: pip install 'secondlook[browser]' and"
    " install Chromium"
)
DAY = 86_400
"""Seconds after which a page is looked at again, of which a sitemap says nothing (contract, 18.4)."""


@dataclass(frozen=True, slots=True)
class Visit:
    """What came of a visit.

    Attributes:
        links: where it leads, and the pictures that it shows.
        again: the site has enough for now: it is to be visited again, and this tells nothing.
        over: the crawl may read no more pages, and this tells nothing.
        hides: it was read before, and nobody knows any more where it leads.
    """

    entry: Entry
    links: Sequence[str] = ()
    depth: int = 0
    again: bool = False
    over: bool = False
    hides: bool = False


@dataclass(frozen=True, slots=True)
class Parts:
    """A page taken apart: as it is kept, where it leads, and whether it wants to be kept out of an index.

    ``error`` says why nothing of it can be indexed; it leads on nevertheless.
    """

    fetched: Fetched
    links: Sequence[str] = ()
    unindexed: bool = False
    error: str = ""


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
        self._ways: Mapping[str, str] = {}
        self._seen: set[str] = set()
        self._begun = 0
        self._pages: dict[str, Fetched] = {}
        self._silent = 0
        self._notes: list[str] = []
        self._gaps: list[tuple[str, str]] = []
        self._hidden: list[str] = []
        self._renderer = renderer if self._crawl.renders else None
        if self._crawl.renders and not renderer:
            self._notes.append(NO_BROWSER)

    async def list(self, memos: Mapping[str, str]) -> AsyncGenerator[Entry, None]:
        """Every page, each as soon as it is read; raises ``SourceError``.

        If not all could be read, what the site's rules forbid is told of nevertheless.
        """
        self._memos = memos
        self._ways = await asyncio.to_thread(find_ways, memos)
        told: set[str] = set()
        failure: SourceError | None = None
        try:
            async with contextlib.aclosing(self._visit_all(await self._starts())) as visits:
                async for visit in visits:
                    told.add(visit.entry.key)
                    yield visit.entry
            failure = self._incomplete()
        except SourceError as error:
            failure = error
        if failure:
            for key, refusal in await asyncio.to_thread(self._find_refused, memos.keys() - told):
                yield Entry(key, skipped=f"{refusal}: {key}: disallowed by the site's robots.txt", gone=True)
            raise failure

    async def fetch(self, entry: Entry) -> Fetched:
        """The page; raises ``ItemSourceError``."""
        if entry.key in self._pages:
            return self._pages.pop(entry.key)
        self._memos = {}
        url = check_url(entry.key)
        if not self._site.belongs(url):
            raise ItemSourceError("invalid_url", f"{url} is not on the site {self._site.start}")
        found = (await self._visit(Target(url, depth=1))).entry
        if told := found.error or found.skipped:
            kind = KIND.match(told)
            raise ItemSourceError(
                kind.group(1) if kind else "excluded_by_path_filter",
                told[kind.end() if kind else 0 :],
                gone=found.gone,
            )
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
        """What the sitemaps name, those of the settings before those of robots.txt; raises ``SourceError``."""
        walk = await walk_sitemaps(self._site, self._crawl.sitemaps or told)
        self._gaps += walk.gaps
        self._notes += walk.notes
        return walk.sorted()

    async def _visit_all(self, starts: Iterable[Target]) -> AsyncGenerator[Visit, None]:
        firsts: dict[str, Target] = {}
        for one in starts:
            firsts.setdefault(one.url, one)
        self._seen = set(firsts)
        frontier = Frontier(self._site.pace_of)
        for one in firsts.values():
            frontier.put(one)
        running: dict[asyncio.Task[Visit], Target] = {}
        try:
            while frontier or running:
                while target := frontier.take():
                    running[asyncio.create_task(self._visit(target))] = target
                if not running:  # every host has enough for now
                    await asyncio.sleep(frontier.opens_in() or 0)
                    continue
                done, _ = await asyncio.wait(running, timeout=frontier.opens_in(), return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    target, visit = running.pop(task), task.result()
                    frontier.end(target)
                    if self._heed(frontier, target, visit):
                        yield visit
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
        self._gaps += [
            ("crawl_got_http_429", f"{host} is rate-limiting: {number:,} of its URLs are left for the next sync")
            for host, number in frontier.left.items()
        ]

    def _heed(self, frontier: Frontier, target: Target, visit: Visit) -> bool:
        """Whether the visit tells something; what is to be visited after it waits then."""
        if visit.again:
            frontier.put(replace(target, tries=target.tries + 1))
        elif visit.over:
            limit = ("page_limit_reached", f"the limit of {self._crawl.most_pages:,} pages was reached")
            self._gaps += [limit] if limit not in self._gaps else []
            frontier.clear()
        else:
            self._note_error(visit)
            for one in self._follow(visit):
                frontier.put(one)
        return not (visit.again or visit.over)

    async def _may_begin(self, target: Target) -> bool:
        """Whether the limit of a crawl has room for the page; one that may not be asked for takes none."""
        if not self._crawl.discovers or target.tries or await self._site.ask_refusal(target.url):
            return True
        self._begun += 1
        return self._begun <= self._crawl.most_pages

    def _incomplete(self) -> SourceError | None:
        """Why it cannot be said what is gone, and what was read."""
        gaps = list(self._gaps)
        if self._hidden:
            number = len(self._hidden)
            more = f", and {plural(number - 1, 'more page')} failed in the same way" if number > 1 else ""
            gaps.append(("unknown_error", f"{self._hidden[0]}{more}"))
        if not gaps:
            return None
        told = "; ".join(why for _, why in gaps[:3]) + (f"; and {len(gaps) - 3:,} more" if len(gaps) > 3 else "")
        return SourceError(
            gaps[0][0],
            f"the site was only partly read: {told}. Items of pages that were not reached stay, except excluded ones",
        )

    def _find_refused(self, keys: Iterable[str]) -> Sequence[tuple[str, str]]:
        return [(key, refusal) for key in keys if (refusal := self._site.refusal(key))]

    def _note_error(self, visit: Visit) -> None:
        """Remember what hides a part of the site; raises ``SourceError`` when the site seems to be gone."""
        error = visit.entry.error
        may_lead = self._crawl.discovers and error.startswith(HIDING)
        if may_lead or (visit.hides and (self._crawl.discovers or self._crawl.images)):
            self._hidden.append(error)
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
        url, depth = target.url, target.depth
        skipped = skip_reason(url, self._options.include, self._options.exclude)
        if skipped and depth:
            return Visit(Entry(url, skipped=skipped))
        if not await self._may_begin(target):
            return Visit(Entry(url), over=True)
        known = self._ways.get(url, url)
        memory = Memory.load(self._memos.get(known, ""), self._digest)
        try:
            if not (memory and memory.is_fresh(target.named, self._crawl.max_age if self._crawl.discovers else DAY)):
                return await self._read(target, memory, known)
            await self._site.check_kept(url, known)
            return self._met(target, known) or Visit(Entry(known, memory.dump(), unchanged=True), memory.links, depth)
        except ItemSourceError as error:
            return self._give_up(target, known, error)

    def _give_up(self, target: Target, known: str, error: ItemSourceError) -> Visit:
        """The end of a visit that no page answered; raises ``SourceError`` if it is the start."""
        if isinstance(error, BusyError) and self._may_ask_again(target):
            return Visit(Entry(target.url, error=str(error)), again=True)
        if self._crawl.discovers and target.depth and error.kind.startswith(LEFT_OUT) and error.gone:
            return Visit(Entry(target.url, skipped=str(error), gone=True))
        met = self._met(target, known) if target.depth else None
        return met or self._failed(known, error, target.depth)

    def _failed(self, url: str, error: ItemSourceError, depth: int) -> Visit:
        """The address in error, which leads where it led before; raises ``SourceError`` if it is the start."""
        if not depth:
            _fail(error)
        memo = self._memos.get(url, "")
        memory = Memory.load(memo, self._digest)
        hides = not memory and not error.gone and bool(memo.removeprefix(FAILED))
        entry = Entry(url, error=str(error), gone=error.gone)
        return Visit(entry, memory.links if memory else (), depth, hides=hides)

    def _may_ask_again(self, target: Target) -> bool:
        return target.tries + 1 < self._site.patience.tries and not self._site.pace_of(target.url).spent

    def _met(self, target: Target, url: str) -> Visit | None:
        """The end of a visit that led to another address, if that is met on its own or may not be an item."""
        if url == target.url:
            return None
        if url in self._seen:
            return Visit(Entry(target.url, skipped=f"redirects to {url}"))
        self._seen.add(url)
        skipped = skip_reason(url, self._options.include, self._options.exclude)
        return Visit(Entry(url, skipped=skipped)) if skipped and target.depth else None

    async def _read(self, target: Target, memory: Memory | None, known: str) -> Visit:
        conditions = memory.conditions() if memory and not self._renderer else {}  # what scripts bring has no ETag
        answer = await self._site.visit(target.url, conditions, known=known, met=self._seen)
        url = answer.url
        if met := self._met(target, url):
            return met
        asks = read_directives(answer.headers.get("x-robots-tag", ""), TOKEN)
        if answer.status == 304 and memory:
            if "noindex" in asks:
                return Visit(Entry(url, skipped=_unindexed(url), gone=True), memory.links, target.depth)
            renewed = memory.renewed()
            return Visit(Entry(url, renewed.dump(), unchanged=True), renewed.links, target.depth)
        return await self._keep(answer, target, asks)

    async def _keep(self, answer: Page, target: Target, asks: frozenset[str]) -> Visit:
        """What the page tells, kept until it is fetched; nobody else visits it, so an error is its own."""
        url = answer.url
        try:
            parts = await self._take_apart(answer, target, asks)
        except ItemSourceError as error:
            return self._failed(url, error, target.depth)
        if parts.unindexed:
            return Visit(Entry(url, skipped=_unindexed(url), gone=True), parts.links, target.depth)
        if skipped := skip_reason(url, self._options.include, self._options.exclude):
            return Visit(Entry(url, skipped=skipped), parts.links, target.depth)
        if parts.error:
            return Visit(Entry(url, parts.fetched.memo, error=parts.error), parts.links, target.depth)
        self._pages[url] = parts.fetched
        entry = Entry(url, parts.fetched.memo, modified_at=parts.fetched.modified_at)
        return Visit(entry, parts.links, target.depth)

    async def _take_apart(self, answer: Page, target: Target, asks: frozenset[str]) -> Parts:
        """The page, opened in a browser if there is one; raises ``ItemSourceError``."""
        if not _is_html(answer.headers):
            memory, modified = self._memory_of(answer, target)
            fetched = Fetched(answer.body, memory.dump(), answer.headers.get("content-type", ""), modified)
            return Parts(fetched, unindexed="noindex" in asks)
        if self._renderer:
            asks |= await asyncio.to_thread(_directives, answer)  # scripts may take away what the site asks
            body = await self._renderer.render(answer, self._site.take, most=LARGEST_THING)
            answer = replace(answer, body=body)
        return await asyncio.to_thread(self._take_html_apart, answer, target, asks)

    def _take_html_apart(self, answer: Page, target: Target, asks: frozenset[str]) -> Parts:
        memory, modified = self._memory_of(answer, target)
        page, body = Html(answer.body, answer.url), answer.body
        asks |= page.directives(TOKEN)
        links = [*page.links()] if self._crawl.discovers and "nofollow" not in asks else []
        links += page.pictures() if self._crawl.images and "noimageindex" not in asks else []
        language = target.named.language if target.named else ""
        metadata = page.metadata(self._fields, language=language)
        error = ""
        if "noindex" not in asks:
            try:
                body = self._select(page, answer)
            except ItemSourceError as failure:
                error = str(failure)
        memo = replace(memory, links=tuple(one for one in links if self._site.belongs(one))).dump()
        content_type = answer.headers.get("content-type", "") or "text/html"
        return Parts(Fetched(body, memo, content_type, modified, metadata), links, "noindex" in asks, error)

    def _select(self, page: Html, answer: Page) -> bytes:
        """The part of it that is content; raises ``ItemSourceError`` if there is none."""
        for selector in self._crawl.selectors:
            if matches_glob(answer.url, selector.path):
                return page.select(selector.css)
        return answer.body

    def _memory_of(self, answer: Page, target: Target) -> tuple[Memory, int]:
        """What to remember of it, and when it last changed."""
        memory = Memory.of(answer.headers, self._digest)
        if answer.url != target.url:
            memory = replace(memory, asked=target.url)
        return memory, memory.modified_at or (target.named.modified_at if target.named else 0)


def _directives(answer: Page) -> frozenset[str]:
    return Html(answer.body, answer.url).directives(TOKEN)


def _unindexed(url: str) -> str:
    return f"blocked_by_content_signal: {url} asks not to be indexed (noindex)"


def _is_html(headers: Mapping[str, str]) -> bool:
    return "html" in (headers.get("content-type", "") or "text/html").lower()


def _fail(error: ItemSourceError) -> NoReturn:
    """The error of one page as that of the whole site, which begins with it."""
    raise SourceError(error.kind, str(error).partition(": ")[2]) from error
