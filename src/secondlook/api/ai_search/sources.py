"""What a source is told to bring, held against the rules that it has even before anything is fetched."""

import re
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, field_validator

from secondlook.api.body import Body
from secondlook.domain.globs import check_glob
from secondlook.domain.source import CrawlOptions, Selector, SourceOptions
from secondlook.errors import (
    InvalidHeaderError,
    InvalidOptionError,
    SitemapsError,
    SourceMissingError,
    UnknownSourceError,
)

KINDS = ("r2", "web-crawler", "folder")
WEBSITE = re.compile(r"https?://[^\s/?#]", re.IGNORECASE)
CONTROL = re.compile(r"[\x00-\x1f\x7f]")
BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
MAX_PATTERNS = 10
MAX_HEADERS = 5
MAX_SITEMAPS = 5
MAX_SELECTORS = 10
HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""A token of RFC 7230, 3.2.6."""
HEADER_VALUE = re.compile(r"[\t -~]*")
FRAMING = frozenset(("host", "content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer"))
"""Headers that say how a request is sent, and not what is asked."""
FORBIDDEN = re.compile(r"[;`${}\\]")


def _checked(pattern: str) -> str:
    check_glob(pattern)
    return pattern


Glob = Annotated[str, AfterValidator(_checked)]


class SelectorBody(Body):
    """The part of a page that is content, for the pages under a path."""

    path: Glob = Field(min_length=1, max_length=200)
    selector: str = Field(min_length=1, max_length=200)

    @field_validator("selector")
    @classmethod
    def _harmless(cls, given: str) -> str:
        if found := FORBIDDEN.search(given):
            raise ValueError(f"a selector may not contain {found.group()!r}")
        return given


class ParseOptionsBody(Body):
    """How pages are fetched and converted."""

    include_headers: dict[str, str] | None = Field(None, max_length=MAX_HEADERS)
    include_images: bool | None = None
    specific_sitemaps: list[str] | None = Field(None, max_length=MAX_SITEMAPS)
    use_browser_rendering: bool | None = None
    content_selector: list[SelectorBody] | None = Field(None, min_length=1, max_length=MAX_SELECTORS)


class DiscoverBody(Body):
    """The limits of a crawl. ``max_age`` is in seconds."""

    source: Literal["all", "sitemaps", "links"] | None = None
    limit: int | None = Field(None, ge=1, le=100_000)
    depth: int | None = Field(None, ge=1, le=100_000)
    max_age: int | None = Field(None, ge=0, le=604_800)
    include_subdomains: bool | None = None
    include_external_links: Literal[False] | None = None


class CrawlerBody(Body):
    """``source_params.web_crawler``."""

    parse_type: Literal["sitemap", "discover", "feed-rss", "crawl"] | None = None
    parse_options: ParseOptionsBody = ParseOptionsBody()
    discover_options: DiscoverBody = DiscoverBody()
    store_options: dict[str, Any] | None = None


class SourceBody(Body):
    """``source_params`` (contract, 12.2)."""

    prefix: str | None = None
    r2_jurisdiction: str | None = Field(None, pattern="^[a-z0-9-]{0,32}$")
    include_items: list[Glob] | None = Field(None, max_length=MAX_PATTERNS)
    exclude_items: list[Glob] | None = Field(None, max_length=MAX_PATTERNS)
    web_crawler: CrawlerBody = CrawlerBody()


def to_options(body: SourceBody) -> SourceOptions:
    """What was sent, every default filled in (contract, 12.2)."""
    crawler = body.web_crawler
    parsing, discovery = crawler.parse_options, crawler.discover_options
    plain = CrawlOptions()
    crawl = CrawlOptions(
        discovers=crawler.parse_type in ("discover", "crawl"),
        sitemaps=tuple(parsing.specific_sitemaps or ()),
        headers=tuple((parsing.include_headers or {}).items()),
        selectors=tuple(Selector(one.path, one.selector) for one in parsing.content_selector or ()),
        renders=bool(parsing.use_browser_rendering),
        images=bool(parsing.include_images),
        start=discovery.source or plain.start,
        most_pages=discovery.limit or plain.most_pages,
        depth=discovery.depth or plain.depth,
        max_age=plain.max_age if discovery.max_age is None else discovery.max_age,
        subdomains=bool(discovery.include_subdomains),
    )
    region = body.r2_jurisdiction or "default"
    return SourceOptions(
        body.prefix or "", region, tuple(body.include_items or ()), tuple(body.exclude_items or ()), crawl
    )


def place_source(raw: dict[str, Any]) -> dict[str, Any]:
    """The request for a new instance, the type of its source filled in.

    An address is a website, a path from the root is a folder, anything else a bucket.

    Raises:
        SourceMissingError: a type without a source. UnknownSourceError: a source that no type has.
    """
    kind, source = raw.get("type"), raw.get("source")
    if kind in KINDS and source is None:
        raise SourceMissingError(f"type is {kind!r}, but source is missing: send both or neither")
    if isinstance(source, str) and source:
        found = kind or _kind_of(source)
        check_kind(found, source)
        return {**raw, "type": found}
    return raw


def check_kind(kind: object, source: str) -> None:
    """Nothing if a source of that kind can be called so; raises ``UnknownSourceError``."""
    if found := CONTROL.search(source):
        raise UnknownSourceError(f"source: {source[:80]!r} contains the control character {found.group()!r}")
    if kind == "web-crawler" and not (WEBSITE.match(source) and _has_host(source)):
        raise UnknownSourceError(f"source: {source[:80]!r} is not an http(s) address like https://docs.example")
    if kind == "folder" and not source.startswith("/"):
        raise UnknownSourceError(f"source: {source[:80]!r} is not the absolute path of a folder")


def _has_host(address: str) -> bool:
    try:
        parts = urlsplit(address)
        return bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _kind_of(source: str) -> str:
    if WEBSITE.match(source):
        return "web-crawler"
    if source.startswith("/"):
        return "folder"
    if not BUCKET.fullmatch(source):
        raise UnknownSourceError(f"source: {source[:80]!r} is not an http(s) address, a path or a bucket")
    return "r2"


def check_source(body: SourceBody) -> None:
    """Nothing, if the parts go together.

    Raises:
        InvalidOptionError: a prefix that no key has.
        InvalidHeaderError: a name or value that no header may have.
        SitemapsError: sitemaps are named, and something else is to be read.
    """
    if CONTROL.search(body.prefix or ""):
        raise InvalidOptionError("source_params.prefix: it contains a control character")
    crawler = body.web_crawler
    for name, value in (crawler.parse_options.include_headers or {}).items():
        if not HEADER_NAME.fullmatch(name):
            raise InvalidHeaderError(f"include_headers: {name[:80]!r} is not a valid header name: see RFC 7230")
        if name.lower() in FRAMING:
            raise InvalidHeaderError(f"include_headers: {name!r} is set by the crawler: leave it out")
        if not HEADER_VALUE.fullmatch(value):
            raise InvalidHeaderError(f"include_headers: {name!r} may contain only printable ASCII and tabs")
    if crawler.parse_options.specific_sitemaps and crawler.parse_type not in (None, "sitemap"):
        raise SitemapsError(
            f"specific_sitemaps is set, but parse_type is {crawler.parse_type!r}: set parse_type to sitemap, or leave"
            " specific_sitemaps out"
        )
