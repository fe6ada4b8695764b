"""Sitemaps are read whatever they hold, as far as they can be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secondlook.sources import sitemaps
from secondlook.sources.sitemaps import Named, parse_moment, read_sitemap

NOON, END = 1_767_268_800_000, 1_767_311_999_999
"""Noon and the last millisecond of the first day of 2026."""


def test_everything_that_is_told_of_a_page() -> None:
    text = """<?xml version="1.0"?>
    <urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:xhtml="http://www.w3.org/1999/xhtml">
      <url><loc> https://a.example/de?x=1&amp;y=2 </loc><lastmod>2026-01-01T12:00:00Z</lastmod>
        <changefreq>Weekly</changefreq><priority>7</priority>
        <xhtml:link rel="alternate" hreflang="de" href="https://a.example/de?x=1&amp;y=2"/>
        <xhtml:link rel="alternate" hreflang="en" href="https://a.example/en"/></url>
      <url><loc><![CDATA[/plain]]></loc><priority>low</priority><changefreq>sometimes</changefreq></url>
      <url><lastmod>2026-01-01</lastmod></url>
    </urlset>"""
    found = read_sitemap(text.encode())
    assert found.pages == [Named("https://a.example/de?x=1&y=2", NOON, 604_800, 1.0, "de"), Named("/plain")]
    assert (found.sitemaps, found.broken) == ([], "")


def test_feeds() -> None:
    atom = """<feed xmlns="http://www.w3.org/2005/Atom"><link href="/no"/><entry><link rel="self" href="/api"/>
      <link href="/a"/><updated>2026-01-01</updated></entry></feed>"""
    assert read_sitemap(atom.encode()).pages == [Named("/a", END)]
    rss = "<rss><channel><item><link>/b</link><guid>x</guid></item><item><title>t</title></item></channel></rss>"
    assert read_sitemap(rss.encode()).pages == [Named("/b")]


@pytest.mark.parametrize(
    ("text", "moment"),
    [("2026-01-01T12:00:00+00:00", NOON), ("2026-01-01T13:00:00+01:00", NOON), ("2026-01-01", END), ("soon", 0),
     ("", 0), ("2026-13-01", 0), ("9999-12-31", parse_moment("9999-12-31"))],
)  # fmt: skip
def test_moments(text: str, moment: int) -> None:
    assert parse_moment(text) == moment


def test_no_more_than_the_protocol_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sitemaps, "MOST_ADDRESSES", 2)
    text = "<urlset>" + "<url><loc>/a</loc></url>" * 3 + "</urlset>"
    found = read_sitemap(text.encode())
    assert len(found.pages) == 2 and found.broken == "it lists more than 2 pages"
    found = read_sitemap(b"https://a.example/b\n" * 3)
    assert len(found.pages) == 2 and found.broken == "it lists more than 2 pages"
    assert not read_sitemap(b"https://a.example/b\n" * 2).broken
    found = read_sitemap(b"<sitemapindex>" + b"<sitemap><loc>/a</loc></sitemap>" * 3 + b"</sitemapindex>")
    assert len(found.sitemaps) == 2 and found.broken == "it lists more than 2 sitemaps"


@given(st.binary(max_size=200) | st.text(alphabet='<>/&;urlsetocxm "=!-[]', max_size=200).map(str.encode))
def test_nothing_that_a_file_holds_breaks_the_reader(content: bytes) -> None:
    found = read_sitemap(content)
    assert found.broken or found.pages or found.sitemaps or b"<" in content
