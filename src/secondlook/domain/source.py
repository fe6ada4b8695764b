"""What an instance takes from an external source, and what a source tells of the things it has."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

CrawlStart = Literal["all", "sitemaps", "links"]
"""Where a discovering crawl begins: sitemaps and the page itself, or one of them."""
REFUSED = "refused by "
"""Before the release that does not read the type of an entry, and its memo; another release looks again."""
FAILED = "failed: "
"""Before what a source is told of an entry that failed the last time: it is there, but never unchanged."""
LARGEST_THING = 10 << 20
"""Bytes of a file, object or page; the largest that any kind may have (contract, 18.2)."""


@dataclass(frozen=True, slots=True)
class Selector:
    """Which part of the pages whose address matches the glob ``path`` is content, as a CSS selector."""

    path: str
    css: str


@dataclass(frozen=True, slots=True)
class CrawlOptions:
    """How a website is read (contract, 12.2 and 18.4).

    Attributes:
        discovers: follow links; False for the pages that sitemaps name.
        sitemaps: the only sitemaps to read; those of robots.txt, or /sitemap.xml, when empty.
        headers: sent with each request to the site.
        renders: whether pages should be opened in a browser first.
        most_pages: pages that a discovering crawl reads.
        depth: how many links a page may be away from the start.
        max_age: seconds for which a discovering crawl takes a page as it was read before.
        subdomains: whether hosts below the site's own belong to it.
        images: whether the pictures of pages are items too, whose text is read.
    """

    discovers: bool = False
    sitemaps: tuple[str, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    selectors: tuple[Selector, ...] = ()
    renders: bool = False
    start: CrawlStart = "all"
    most_pages: int = 100_000
    depth: int = 5
    max_age: int = 86_400
    subdomains: bool = False
    images: bool = False


@dataclass(frozen=True, slots=True)
class SourceOptions:
    """What of a source is wanted; ``include`` and ``exclude`` are globs over whole keys or addresses.

    ``region`` is where a bucket lies by law, ``default`` for anywhere.
    """

    prefix: str = ""
    region: str = "default"
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    crawl: CrawlOptions = CrawlOptions()


def load_options(stored: Mapping[str, Any]) -> SourceOptions:
    """The options that ``dataclasses.asdict`` and JSON made these of."""
    crawl = dict(stored.get("crawl", {}))
    lists = {
        "sitemaps": tuple(crawl.get("sitemaps", ())),
        "headers": tuple((name, value) for name, value in crawl.get("headers", ())),
        "selectors": tuple(Selector(**one) for one in crawl.get("selectors", ())),
    }
    found = SourceOptions(
        include=tuple(stored.get("include", ())),
        exclude=tuple(stored.get("exclude", ())),
        crawl=CrawlOptions(**{**crawl, **lists}),
    )
    return replace(found, prefix=stored.get("prefix", ""), region=stored.get("region", "default"))


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that a source has.

    Attributes:
        key: what it is called there: path, object key or address.
        memo: what the source wants to be told the next time, such as a checksum; it means nothing to others.
        unchanged: it is as it was when it gave the memo that was told.
        modified_at: when it last changed, milliseconds since 1970; 0 where nobody says.
        error: ``kind: sentence``, why it is there and cannot be had.
        gone: with ``error`` or ``skipped``, that what was had before may not be served any more.
        skipped: why it is left out; then it is no item, and not an error either.
    """

    key: str
    memo: str = ""
    unchanged: bool = False
    modified_at: int = 0
    error: str = ""
    gone: bool = False
    skipped: str = ""


@dataclass(frozen=True, slots=True)
class Fetched:
    """The bytes of an entry, and what came with them; ``memo`` as in ``Entry``, of these bytes."""

    content: bytes
    memo: str
    content_type: str = ""
    modified_at: int = 0
    metadata: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an item came from: ``source`` as the wire names it, and the memo of the source."""

    source: str
    memo: str = ""
    modified_at: int = 0


@dataclass(frozen=True, slots=True)
class Known:
    """What is kept of an item of an external source.

    ``error`` is empty unless it is in error; ``waits`` says that it is still to be indexed, ``is_had`` that something
    of it is stored or found, be it in error now or not.
    """

    item_id: str
    key: str
    source: str
    memo: str
    error: str
    waits: bool = False
    is_had: bool = False

    def told(self, refused: str) -> str:
        """What the source is told of it: its memo, after ``FAILED`` if it is to be had anew.

        What is still of no type that is read is not; ``refused`` stands before the memo of what this release refused.
        """
        kept = self.memo.partition(": ")[2] if self.memo.startswith(REFUSED) else self.memo
        if self.error.startswith("unsupported_type: ") and self.memo.startswith(refused):
            return kept
        return FAILED + kept if self.error or kept != self.memo else kept


def too_large(key: str, size: int) -> str:
    """The sentence about a thing of ``size`` bytes that is over the limit."""
    return f"{key} has {size:,} bytes; the limit is {LARGEST_THING:,}"
