"""What is remembered of a page holds for whatever address led there."""

from dataclasses import replace

from secondlook.domain.source import FAILED
from secondlook.sources.memory import Memory, find_ways
from secondlook.sources.sitemaps import Named
from tests.unit.sources.conftest import crawl, names
from tests.web_site import Reply, WebSite


def test_a_named_address_that_redirects_is_remembered(site: WebSite) -> None:
    site.html("/a/", "lamp oil")
    site.redirect("/a", "/a/", 301)
    site.redirect("/b", "/a/", 301)
    site.sitemap("/a", lastmod="2020-01-01")
    told = crawl(site)
    assert names(site, told.pages) == {"/a/"}
    site.sitemap("/a", "/b", lastmod="2020-01-01")
    site.asked.clear()
    again = crawl(site, told.memos())
    assert again.entries[f"{site.url}/a/"].unchanged and not again.pages
    assert site.paths() == ["/robots.txt", "/sitemap.xml", "/b"], "where /b leads is known from its redirect alone"
    site.sitemap("/a", changefreq="always")
    site.asked.clear()
    third = crawl(site, again.memos())
    assert third.entries[f"{site.url}/a/"].unchanged, "it is asked for with the condition of its own"
    assert site.paths()[2:] == ["/a", "/a/"]
    del site.pages["/a/"]
    assert third.memos() and crawl(site, third.memos()).entries[f"{site.url}/a/"].gone


def test_a_redirect_that_changes_is_followed_anew(site: WebSite) -> None:
    site.html("/a/", "lamp oil")
    site.redirect("/a", "/a/", 301)
    site.sitemap("/a", changefreq="always")
    memos = crawl(site).memos()
    site.html("/c", "fog horn")
    site.redirect("/a", "/c", 301)
    assert names(site, crawl(site, memos).entries) == {"/c"}


def test_an_error_is_that_of_the_page_which_was_found_there(site: WebSite) -> None:
    site.html("/a/", "lamp oil")
    site.redirect("/a", "/a/", 301)
    site.sitemap("/a", changefreq="always")
    memos = crawl(site).memos()
    site.pages["/a"] = Reply(status=500)
    for headers in ((), (("x", "y"),)):  # under other options too, under which the page is to be read anew
        told = crawl(site, memos, headers=headers)
        assert told.errors() == {f"{site.url}/a/": "http_5xx"}, "else the page would be taken for gone"


def test_a_page_that_failed_is_read_anew_and_leads_where_it_led() -> None:
    memory = Memory.of({"etag": '"1"'}, "digest")
    kept = Memory.load(memory.dump(), "digest")
    assert kept == memory and kept.is_fresh(None, 60) and kept.conditions()
    failed = Memory.load(
        FAILED + replace(memory, links=("http://a.example/b",), asked="http://a.example/").dump(), "digest"
    )
    assert failed and not failed.is_fresh(Named("x", modified_at=1), 60) and not failed.conditions()
    assert failed.links == ("http://a.example/b",)
    assert Memory.load(FAILED, "digest") is None
    assert find_ways({"c": FAILED + failed.dump(), "d": FAILED}) == {"http://a.example/": "c"}
