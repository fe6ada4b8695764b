"""What a source is told to bring, held against the rules that it has even before anything is fetched."""

import re
from typing import Any, Literal

from pydantic import Field, field_validator

from secondlook.api.body import Body
from secondlook.errors import InvalidHeaderError, SitemapsError

MAX_PATTERNS = 10
MAX_HEADERS = 5
MAX_SITEMAPS = 5
MAX_SELECTORS = 10
HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""A token of RFC 7230, 3.2.6."""
HEADER_VALUE = re.compile(r"[\t -~]*")
FORBIDDEN = re.compile(r"[;`${}\\]")


class SelectorBody(Body):
    """Which part of the pages of a path is content."""

    path: str = Field(min_length=1, max_length=200)
    selector: str = Field(min_length=1, max_length=200)

    @field_validator("selector")
    @classmethod
    def _harmless(cls, given: str) -> str:
        if found := FORBIDDEN.search(given):
            raise ValueError(f"a selector may not hold {found.group()!r}")
        return given


class ParseOptionsBody(Body):
    """How pages are fetched and read."""

    include_headers: dict[str, str] | None = Field(None, max_length=MAX_HEADERS)
    include_images: bool | None = None
    specific_sitemaps: list[str] | None = Field(None, max_length=MAX_SITEMAPS)
    use_browser_rendering: bool | None = None
    content_selector: list[SelectorBody] | None = Field(None, min_length=1, max_length=MAX_SELECTORS)


class DiscoverBody(Body):
    """How far a crawl goes; ``max_age`` in seconds."""

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
    r2_jurisdiction: str | None = None
    include_items: list[str] | None = Field(None, max_length=MAX_PATTERNS)
    exclude_items: list[str] | None = Field(None, max_length=MAX_PATTERNS)
    web_crawler: CrawlerBody = CrawlerBody()


def check_source(body: SourceBody) -> None:
    """Nothing, if the parts go together.

    Raises:
        InvalidHeaderError: a name or value that no header may have.
        SitemapsError: sitemaps are named, and something else is to be read.
    """
    crawler = body.web_crawler
    for name, value in (crawler.parse_options.include_headers or {}).items():
        if not HEADER_NAME.fullmatch(name):
            raise InvalidHeaderError(f"include_headers: {name[:80]!r} cannot be the name of a header: see RFC 7230")
        if not HEADER_VALUE.fullmatch(value):
            raise InvalidHeaderError(f"include_headers: the value of {name!r} may hold printable ASCII and tabs alone")
    if crawler.parse_options.specific_sitemaps and crawler.parse_type not in (None, "sitemap"):
        raise SitemapsError(
            f"specific_sitemaps are named, but parse_type is {crawler.parse_type!r}: set it to sitemap, or leave"
            " them out"
        )
