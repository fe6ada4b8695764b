"""What a site asks of crawlers is read as it is meant."""

import time

import pytest

from secondlook.sources.robots import LONGEST_DELAY, Robots, only_for

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


@pytest.mark.parametrize(
    "text",
    [
        "".join(f"User-agent: a{number}\n" for number in range(13_000)) + "Allow:/a\n" * 26_000,
        "".join(f"User-agent: a{number}\n" for number in range(13_000)) + "Content-Signal: ai-input=no\n" * 9000,
        "User-agent: *\n" + "Allow:/*a*a*b\n" * 35_000,
        "User-agent: *\nAllow:/" + "*a" * 240_000,
        "User-agent: *\nAllow:/" + "$" * 480_000,
        "User-agent" + " " * 480_000,
        "\n" * 480_000,
    ],
    ids=["rules of many", "signals of many", "wildcards", "a long rule", "dollars", "spaces", "empty lines"],
)
def test_half_a_megabyte_takes_linear_time(text: str) -> None:
    began = time.process_time()
    robots = Robots(text, "Secondlook")
    assert robots.large
    assert robots.refusal(f"{URL}/{'a' * 1500}") == ""
    assert time.process_time() - began < 2


def test_rules_of_other_crawlers_are_kept_apart() -> None:
    text = "User-agent: a\nUser-agent: b\nDisallow: /\n\nUser agent secondlook*\nUser-agent: c\nDisallow: /x\n"
    robots = Robots(text, "Secondlook")
    assert robots.refusal(f"{URL}/y") == ""
    assert robots.refusal(f"{URL}/x") == "blocked_by_robots_txt_path"
    assert only_for("User-agent: a\nUser-agent: b\nAllow: /", "c").count("User-agent") == 1
