"""What a crawler reads in a page, besides what test_website.py shows on a whole site."""

import pytest

from secondlook.sources import html
from secondlook.sources.html import Html, read_directives, without_tracking

NO = frozenset({"noindex"})
NOTHING = frozenset({"none", "noindex", "nofollow"})


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", frozenset()),
        ("noindex", NO),
        (" NoIndex ,, ", NO),
        ("none", NOTHING),
        ("otherbot: noindex, nofollow", frozenset()),
        ("Secondlook: noindex", NO),
        ("*: noindex", NO),
        ("otherbot: nofollow, secondlook: noindex", NO),
        ("otherbot: noindex\nnofollow", frozenset({"nofollow"})),
        ("unavailable_after: 25 Jun 2010 15:00:00 GMT, noindex", NO | {"unavailable_after"}),
        ("max-snippet:-1, noindex", NO | {"max-snippet"}),
    ],
)
def test_what_a_header_asks(text: str, found: frozenset[str]) -> None:
    assert {one for one in read_directives(text, "Secondlook") if one} == found


@pytest.mark.parametrize(
    ("head", "found"),
    [
        ("<meta name=robots content=noindex>", NO),
        ("<META NAME=' Robots ' CONTENT='INDEX, NOFOLLOW'>", frozenset({"index", "nofollow"})),
        ("<meta name=robots content=index><meta name=secondlook content='none'>", NOTHING | {"index"}),
        ("<meta name=googlebot content=noindex>", frozenset()),
        ("<meta name=description content='robots: noindex'>", frozenset()),
        ("<!-- <meta name=robots content=noindex> -->", frozenset()),
        ("<meta name=robots content='otherbot\n: noindex'>", frozenset()),
        ("<meta name=robots>", frozenset()),
    ],
)
def test_what_a_page_asks(head: str, found: frozenset[str]) -> None:
    page = Html(f"<html><head>{head}</head><body>x</body></html>".encode(), "http://a.example/")
    assert {one for one in page.directives("Secondlook") if one} == found


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("/a", "/a"),
        ("/a?utm_source=x", "/a"),
        ("/a?b=1&utm_source=x&utm_medium=y&c=2&gclid=3&fbclid=4", "/a?b=1&c=2"),
        ("/a?q=utm_source", "/a?q=utm_source"),
        ("/a?myutm_x=1&fbclidx=2&UTM_source=3", "/a?myutm_x=1&fbclidx=2&UTM_source=3"),
        ("/a?x&&y=&gclid", "/a?x&&y="),
        ("/gclid?next=/b?gclid=1", "/gclid?next=/b?gclid=1"),
    ],
)
def test_parameters_that_trace_readers(url: str, kept: str) -> None:
    assert without_tracking(url) == kept
    assert without_tracking(kept) == kept


def test_so_many_links_are_tried_and_none_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    def found(*links: str) -> list[list[str]]:
        tags = "".join(f"<a href='{one}'>x</a><img src='{one}'>" for one in links)
        page = Html(f"<html><body>{tags}</body></html>".encode(), "http://a.example/")
        return [[one.removeprefix("http://a.example/") for one in told] for told in (page.links(), page.pictures())]

    monkeypatch.setattr(html, "MOST_TRIED", 3)
    twice = ["1.png", " 1.png ", "1.png#part"] * 3
    for told in found(*twice, "mailto:x@a.example", "2.png", "3.png"):
        assert told == ["1.png", "2.png"], "the third that is tried leads somewhere, the fourth is not tried"
    monkeypatch.setattr(html, "MOST_TAGS", 8)
    assert found(*twice, "2.png") == [["1.png"], ["1.png"]]
    monkeypatch.setattr(html, "MOST_LINKS", 1)
    assert found("1.png", "2.png") == [["1.png"], ["1.png"]]
