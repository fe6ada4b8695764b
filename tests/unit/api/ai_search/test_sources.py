"""The rules of a source hold before anything is fetched."""

from typing import Any

import pytest

from secondlook.api.ai_search.sources import SourceBody, check_source
from secondlook.api.body import validate
from secondlook.errors import InvalidHeaderError, InvalidOptionError, SitemapsError


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
