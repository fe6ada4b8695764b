"""Options of a source outlive being stored; what is too large is told in one way."""

import json
from dataclasses import asdict

import pytest

from secondlook.domain.source import CrawlOptions, Known, Selector, SourceOptions, load_options, too_large


def test_what_was_stored_is_what_is_loaded() -> None:
    crawl = CrawlOptions(
        True, ("https://x.example/s.xml",), (("X-A", "b"),), (Selector("**", "main"),), True, "links", 5, 2, 60, True
    )
    for options in (SourceOptions("docs/", "eu", ("**/*.md",), ("old/**",), crawl), SourceOptions()):
        assert load_options(json.loads(json.dumps(asdict(options)))) == options
    assert load_options({}) == SourceOptions()


def test_what_is_too_large() -> None:
    assert too_large("a/b.md", 10_485_761) == "a/b.md has 10,485,761 bytes; the limit is 10,485,760"


@pytest.mark.parametrize(
    ("memo", "error", "told"),
    [
        ("1", "", "1"),
        ("", "", ""),
        ("1", "http_5xx: x", "failed: 1"),
        ("", "http_5xx: x", "failed: "),
        ("refused by 2: 1", "unsupported_type: x", "1"),
        ("refused by 2: 1", "file_not_found: x", "failed: 1"),
        ("refused by 2: 1", "", "failed: 1"),
        ("refused by 1: 1", "unsupported_type: x", "failed: 1"),
        ("1", "unsupported_type: x", "failed: 1"),
    ],
)
def test_what_a_source_is_told_again(memo: str, error: str, told: str) -> None:
    assert Known("id", "key", "folder:x", memo, error).told("refused by 2: ") == told
