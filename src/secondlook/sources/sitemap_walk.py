"""All that the sitemaps of a site name, one leading to the next."""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from secondlook.errors import ItemSourceError, SourceError
from secondlook.sources.site import Site
from secondlook.sources.sitemaps import DEEPEST, LARGEST_SITEMAP, MOST_SITEMAPS, Named, read_sitemap
from secondlook.sources.web_client import join_url, unpack

GZIPPED = b"\x1f\x8b"


@dataclass
class Walk:
    """What was found; ``gaps`` as (kind, sentence), what could not be read; ``notes`` for who reads the log."""

    pages: dict[str, Named] = field(default_factory=dict)
    gaps: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)
    read: int = 0

    def sorted(self) -> Sequence[Named]:
        """The pages, the most important first; each once."""
        return sorted(self.pages.values(), key=lambda one: -one.priority)


async def walk_sitemaps(site: Site, given: Sequence[str]) -> Walk:
    """What the sitemaps name of this site; the usual one, if none is given.

    Raises:
        SourceError: none of them can be read, or all that they name lies elsewhere.
    """
    walk = Walk()
    waiting = deque((link, 1) for link in given or ["/sitemap.xml"])
    seen: set[str] = set()
    while waiting:
        link, depth = waiting.popleft()
        url = join_url(site.start, link) or ""
        if url in seen or depth > DEEPEST or len(seen) >= MOST_SITEMAPS:
            continue
        seen.add(url)
        try:
            further = await _read_one(site, url, walk)
        except ItemSourceError as error:
            sentence = f"sitemap {url or link!r}: {error}"
            if error.gone:
                walk.notes.append(sentence)
            else:
                walk.gaps.append((error.kind, sentence))
            continue
        waiting.extend((join_url(url, one) or one, depth + 1) for one in further)
    if not walk.read:
        failures = [*(why for _, why in walk.gaps), *walk.notes]
        raise SourceError("missing_sitemap", failures[0] if failures else "the site names no sitemap")
    _note_what_is_missing(walk)
    return walk


async def _read_one(site: Site, url: str, walk: Walk) -> Sequence[str]:
    """The sitemaps that this one names; raises ``ItemSourceError``."""
    content = await site.read(url, most=LARGEST_SITEMAP)
    if content.startswith(GZIPPED):
        content = await asyncio.to_thread(unpack, content, LARGEST_SITEMAP, url=url)
    found = await asyncio.to_thread(read_sitemap, content)
    if found.broken:
        walk.gaps.append(("unknown_error", f"sitemap {url}: {found.broken}"))
    walk.read += not found.broken or bool(found.pages)
    for one in found.pages:
        page = join_url(url, one.url)
        if page and site.belongs(page):
            walk.pages.setdefault(page, replace(one, url=page))
        else:
            walk.elsewhere.append(one.url)
    return found.sitemaps


def _note_what_is_missing(walk: Walk) -> None:
    """Tell of the addresses on other hosts, or that there are none; raises ``SourceError`` when all are elsewhere."""
    elsewhere = walk.elsewhere
    if elsewhere and not walk.pages:
        raise SourceError(
            "invalid_url",
            f"all {len(elsewhere):,} addresses of the sitemaps lie on other hosts, such as {elsewhere[0][:200]}:"
            " make that host the source, or set include_subdomains",
        )
    if elsewhere:
        walk.notes.append(f"{len(elsewhere):,} addresses of the sitemaps are left out: they lie on other hosts")
    elif not walk.pages:
        walk.notes.append("the sitemaps of the site were read, and name no page")
