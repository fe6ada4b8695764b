"""All that the sitemaps of a site name, one leading to the next."""

import asyncio
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from secondlook.domain.wording import plural
from secondlook.errors import ItemSourceError, SourceError
from secondlook.sources.site import Site
from secondlook.sources.sitemaps import DEEPEST, LARGEST_SITEMAP, MOST_SITEMAPS, Named, read_sitemap
from secondlook.sources.web_client import join_url, unpack

GZIPPED = b"\x1f\x8b"
MOST_NAMED = 1_000_000
"""Pages that all sitemaps together name: as many as an instance may have items (contract, limits)."""
LARGEST_NAMED = 128 << 20
"""Characters of their addresses, and of what is told of their languages."""


@dataclass
class Walk:
    """What was found.

    Attributes:
        gaps: as (kind, sentence), what could not be read.
        notes: for who reads the log.
        elsewhere: how many addresses lie on other hosts, of which ``example`` is one.
        read: sitemaps that were.
        size: characters of all that is kept.
        full: more is named than is kept.
    """

    pages: dict[str, Named] = field(default_factory=dict)
    gaps: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    elsewhere: int = 0
    example: str = ""
    read: int = 0
    size: int = 0
    full: bool = False

    def sorted(self) -> Sequence[Named]:
        """The pages, the most important first; each once."""
        return sorted(self.pages.values(), key=lambda one: -one.priority)

    def cut(self, why: str) -> None:
        """A limit leaves something out: then nobody can say what is gone."""
        gap = ("page_limit_reached", f"{why}: the rest was skipped")
        self.gaps += [gap] if gap not in self.gaps else []

    def keep(self, named: Named) -> None:
        """A page of the site, once, as far as the limits go."""
        if named.url in self.pages or self.full:
            return
        self.size += len(named.url) + len(named.language)
        self.full = len(self.pages) >= MOST_NAMED or self.size > LARGEST_NAMED
        if not self.full:
            self.pages[named.url] = named
        elif self.size > LARGEST_NAMED:
            self.cut(f"the URLs in the sitemaps exceed {LARGEST_NAMED:,} characters")
        else:
            self.cut(f"the sitemaps list more than {MOST_NAMED:,} pages")


@dataclass
class _Line:
    """The sitemaps that are still to be read, as (address, as it was told, how deep); each once."""

    walk: Walk
    waiting: deque[tuple[str, str, int]] = field(default_factory=deque)
    seen: set[str] = field(default_factory=set)

    def put(self, links: Iterable[tuple[str, str]], depth: int) -> None:
        """Add those that were not seen, as far as the limits go."""
        for url, link in links:
            if url in self.seen:
                continue
            if depth > DEEPEST:
                self.walk.cut(f"the sitemaps are nested more than {DEEPEST} levels deep")
            elif len(self.seen) >= MOST_SITEMAPS:
                self.walk.cut(f"there are more than {MOST_SITEMAPS:,} sitemaps")
            else:
                self.seen.add(url)
                self.waiting.append((url, link, depth))


async def walk_sitemaps(site: Site, given: Sequence[str]) -> Walk:
    """What the sitemaps name of this site; the usual one, if none is given.

    What a limit leaves out is a gap.

    Raises:
        SourceError: none of them can be read, or all that they name lies elsewhere.
    """
    walk = Walk()
    line = _Line(walk)
    line.put(((join_url(site.start, link) or "", link) for link in given or ["/sitemap.xml"]), 1)
    while line.waiting and not walk.full:
        url, link, depth = line.waiting.popleft()
        try:
            line.put(await _read_one(site, url, walk), depth + 1)
        except ItemSourceError as error:
            sentence = f"sitemap {url or link!r}: {error}"
            if error.gone:
                walk.notes.append(sentence)
            else:
                walk.gaps.append((error.kind, sentence))
    if not walk.read:
        failures = [*(why for _, why in walk.gaps), *walk.notes]
        raise SourceError("missing_sitemap", failures[0] if failures else "the site has no sitemap")
    if line.waiting:
        walk.cut(f"{plural(len(line.waiting), 'more sitemap')} not read")
    _note_what_is_missing(walk)
    return walk


async def _read_one(site: Site, url: str, walk: Walk) -> Iterable[tuple[str, str]]:
    """The sitemaps that this one names, and how; raises ``ItemSourceError``."""
    content = await site.read(url, most=LARGEST_SITEMAP)
    return await asyncio.to_thread(_take, site, url, content, walk)


def _take(site: Site, url: str, content: bytes, walk: Walk) -> Iterable[tuple[str, str]]:
    if content.startswith(GZIPPED):
        content = unpack(content, LARGEST_SITEMAP, url=url)
    found = read_sitemap(content)
    if found.broken:
        walk.gaps.append(("unknown_error", f"sitemap {url}: {found.broken}"))
    walk.read += not found.broken or bool(found.pages)
    for one in found.pages:
        page = join_url(url, one.url)
        if page and site.belongs(page):
            walk.keep(replace(one, url=page))
        else:
            walk.elsewhere += 1
            walk.example = walk.example or one.url[:200]
    return {join_url(url, one) or "": one for one in found.sitemaps}.items()


def _note_what_is_missing(walk: Walk) -> None:
    """Tell of the addresses on other hosts, or that there are none; raises ``SourceError`` when all are elsewhere."""
    if walk.elsewhere and not walk.pages:
        raise SourceError(
            "invalid_url",
            f"every URL in the sitemaps ({walk.elsewhere:,}) is on another host (for example {walk.example}):"
            " use that host as the source, or set include_subdomains",
        )
    if walk.elsewhere:
        walk.notes.append(f"{plural(walk.elsewhere, 'URL')} in the sitemaps skipped: on other hosts")
    elif not walk.pages:
        walk.notes.append("the site's sitemaps list no pages")
