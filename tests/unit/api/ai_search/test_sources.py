"""The rules of a source hold before anything is fetched."""

from typing import Any

import pytest

from secondlook.api.ai_search.sources import SourceBody, check_source, place_source, to_options
from secondlook.api.body import validate
from secondlook.domain.source import CrawlOptions, Selector, SourceOptions
from secondlook.errors import (
    InvalidHeaderError,
    InvalidOptionError,
    SitemapsError,
    SourceMissingError,
    UnknownSourceError,
)


def read(**crawler: Any) -> None:
    check_source(validate(SourceBody, {"web_crawler": crawler}))


def test_a_source_as_the_contract_has_it() -> None:
    options = {
        "use_browser_rendering": False,
        "include_headers": {"X-Preview": "1"},
        "content_selector": [{"path": "**/notices/**", "selector": "main article"}],
        "specific_sitemaps": ["https://harbour.example/sitemap.xml"],
    }
    read(parse_type="sitemap", parse_options=options, discover_options={"max_age": 0, "include_external_links": False})
    read(parse_options=options, something_new=1)
    check_source(validate(SourceBody, {"prefix": "docs/", "include_items": ["**"] * 10, "web_crawler": None}))


@pytest.mark.parametrize("headers", [{"X Preview": "1"}, {"": "1"}, {"X:Y": "1"}, {"X": "a\nb"}, {"X": "ü"}])
def test_headers_that_cannot_be_sent(headers: dict[str, str]) -> None:
    with pytest.raises(InvalidHeaderError, match="include_headers"):
        read(parse_options={"include_headers": headers})


def test_sitemaps_without_sitemaps() -> None:
    with pytest.raises(SitemapsError, match="'discover'"):
        read(parse_type="discover", parse_options={"specific_sitemaps": ["https://a.example/s.xml"]})


@pytest.mark.parametrize(
    "crawler",
    [
        {"parse_type": "guess"},
        {"parse_options": {"include_headers": {f"X-{at}": "1" for at in range(6)}}},
        {"parse_options": {"include_headers": {"X": 1}}},
        {"parse_options": {"specific_sitemaps": ["https://a.example/s.xml"] * 6}},
        {"parse_options": {"content_selector": []}},
        {"parse_options": {"content_selector": [{"path": "**", "selector": "a{}"}]}},
        {"parse_options": {"content_selector": [{"path": "**", "selector": "a"}] * 11}},
        {"parse_options": {"content_selector": [{"path": "", "selector": "a"}]}},
        {"discover_options": {"limit": 0}},
        {"discover_options": {"depth": 100_001}},
        {"discover_options": {"max_age": 604_801}},
        {"discover_options": {"source": "guess"}},
        {"discover_options": {"include_external_links": True}},
    ],
)
def test_rules_of_a_source(crawler: dict[str, Any]) -> None:
    with pytest.raises(InvalidOptionError, match="web_crawler"):
        read(**crawler)


@pytest.mark.parametrize("name", ["include_items", "exclude_items"])
def test_too_many_patterns(name: str) -> None:
    with pytest.raises(InvalidOptionError, match=name):
        validate(SourceBody, {name: ["**"] * 11})


def test_what_is_sent_becomes_options_with_every_default() -> None:
    assert to_options(SourceBody()) == SourceOptions()
    discovery = {"source": "links", "limit": 7, "depth": 2, "max_age": 0, "include_subdomains": True}
    parsing = {
        "use_browser_rendering": True,
        "include_headers": {"X-Preview": "1"},
        "content_selector": [{"path": "**", "selector": "main"}],
    }
    crawler = {"parse_type": "discover", "parse_options": parsing, "discover_options": discovery}
    sent = {"prefix": "docs/", "r2_jurisdiction": "eu", "include_items": ["a"], "exclude_items": ["b"]}
    crawl = CrawlOptions(
        discovers=True,
        headers=(("X-Preview", "1"),),
        selectors=(Selector("**", "main"),),
        renders=True,
        start="links",
        most_pages=7,
        depth=2,
        max_age=0,
        subdomains=True,
    )
    found = to_options(validate(SourceBody, {**sent, "web_crawler": crawler}))
    assert found == SourceOptions("docs/", "eu", ("a",), ("b",), crawl)


@pytest.mark.parametrize(
    ("source", "kind"),
    [("https://x.example", "web-crawler"), ("HTTP://x", "web-crawler"), ("/srv/docs", "folder"), ("docs-1", "r2")],
)
def test_the_type_of_a_source(source: str, kind: str) -> None:
    assert place_source({"source": source})["type"] == kind
    assert place_source({}) == {}


SOURCES_OF_NO_TYPE = [
    {"source": "No Bucket"},
    {"source": "ftp://x"},
    {"source": "http://[::1"},
    {"source": "https://x:99999"},
    {"source": "https://x:y/"},
    {"source": "https://x/\0"},
    {"source": "/srv/a\0b"},
    {"source": "/srv/a\nb"},
    {"source": "bu\0cket"},
    {"type": "folder", "source": "x"},
    {"type": "r2", "source": "bu\0cket"},
]


@pytest.mark.parametrize("sent", SOURCES_OF_NO_TYPE)
def test_sources_of_no_type(sent: dict[str, str]) -> None:
    with pytest.raises(UnknownSourceError, match=r"^source: "):
        place_source(sent)
    with pytest.raises(SourceMissingError, match="source is missing"):
        place_source({"type": "r2"})
