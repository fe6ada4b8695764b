"""What a site asks of crawlers is read as it is meant."""

import pytest

from secondlook.sources.robots import LONGEST_DELAY, Robots

URL = "https://harbour.example"


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        ("", ""),
        ("User-agent: *\nDisallow: /private/", "blocked_by_robots_txt_path"),
        ("User-agent: *\nDisallow: /", "blocked_by_robots_txt"),
        ("User-agent: *\nDisallow: /\nAllow: /private/x", ""),
        ("User-agent: other\nDisallow: /", ""),
        ("User-agent: secondlook\nDisallow: /private/", "blocked_by_robots_txt_path"),
        ("User-agent: *\nContent-Signal: search=yes, ai-train=no", ""),
        ("User-agent: *\nContent-Signal: search=no", "blocked_by_content_signal"),
        ("User-agent: *\nContent-Signal: search=yes,ai-input=no", "blocked_by_content_signal"),
        ("Content-Signal: ai-input=no", "blocked_by_content_signal"),
        ("User-agent: a\nUser-agent: *\nContent-Signal: ai-input=no", "blocked_by_content_signal"),
        ("User-agent: other\nContent-Signal: ai-input=no", ""),
        ("User-agent: Secondlook\nAllow: /\n\nUser-agent: *\nContent-Signal: ai-input=no", ""),
        ("User-agent: *\nContent-Signal: /blog/ ai-input=no", ""),
        ("User-agent: *\nContent-Signal: ai-input=no\nContent-Signal: /private/ ai-input=yes", ""),
        ("\0\xff<html>nothing\n:::", ""),
    ],
)
def test_refusals(text: str, refusal: str) -> None:
    assert Robots(text, "Secondlook").refusal(f"{URL}/private/x") == refusal


def test_delays_and_sitemaps() -> None:
    robots = Robots("User-agent: *\nCrawl-delay: 2\nSitemap: https://a.example/s.xml\nSitemap: /t.xml", "Secondlook")
    assert robots.delay == 2
    assert list(robots.sitemaps) == ["https://a.example/s.xml", "/t.xml"]
    assert Robots("User-agent: *\nCrawl-delay: 86400", "Secondlook").delay == LONGEST_DELAY
    assert Robots("User-agent: *\nRequest-rate: 1/4", "Secondlook").delay == 4
    assert Robots("", "Secondlook").delay == 0
