"""Options of a source outlive being stored; what is too large is told in one way."""

import json
from dataclasses import asdict

from secondlook.domain.source import CrawlOptions, Selector, SourceOptions, load_options, too_large


def test_what_was_stored_is_what_is_loaded() -> None:
    crawl = CrawlOptions(
        True, ("https://x.example/s.xml",), (("X-A", "b"),), (Selector("**", "main"),), True, "links", 5, 2, 60, True
    )
    for options in (SourceOptions("docs/", "eu", ("**/*.md",), ("old/**",), crawl), SourceOptions()):
        assert load_options(json.loads(json.dumps(asdict(options)))) == options
    assert load_options({}) == SourceOptions()


def test_what_is_too_large() -> None:
    assert too_large("a/b.md", 10_485_761) == "a/b.md has 10,485,761 bytes; the limit is 10,485,760"
