"""A crawler keeps to what a site asks of it, and says what it could not read."""

import asyncio
import time
from collections.abc import Callable, Mapping

import pytest

from secondlook.domain.source import CrawlOptions, Entry, SourceOptions
from secondlook.errors import ItemSourceError
from secondlook.sources.guard import Guard
from secondlook.sources.opening import OpenSources
from secondlook.sources.pacing import Patience
from secondlook.sources.robots import LARGEST_ROBOTS
from secondlook.sources.site import Site, SiteOptions
from secondlook.sources.web_client import WebClient
from tests.unit.sources.conftest import crawl, names, settings_of
from tests.web_site import Reply, WebSite

LINKS = {"discovers": True, "start": "links"}


def busy(times: int, *, status: int = 429, after: str = "", then: bytes = b"<p>lamp oil</p>") -> Callable[..., Reply]:
    """A page that answers only after so many refusals."""
    left = [times]

    def answer(_: Mapping[str, str]) -> Reply:
        left[0] -= 1
        return Reply(b"", status, headers={"retry-after": after} if after else {}) if left[0] >= 0 else Reply(then)

    return answer


# What makes a crawl incomplete, and what does not


@pytest.mark.parametrize("status", [401, 402, 403, 404, 410, 418, 204])
def test_a_page_that_refuses_is_an_error_of_its_own(site: WebSite, status: int) -> None:
    site.html("/", "<a href=/p>p</a><a href=/admin>a</a>")
    site.html("/p", "lamp oil")
    site.pages["/admin"] = Reply(status=status)
    told = crawl(site, **LINKS)
    assert told.failure == "" and names(site, told.pages) == {"/", "/p"}
    assert names(site, told.errors()) == {"/admin"}


@pytest.mark.parametrize("reply", [Reply(status=500), Reply(status=503), Reply(status=429), Reply(b"x", kind="broken")])
def test_a_page_that_may_come_back_hides_what_it_leads_to(site: WebSite, reply: Reply) -> None:
    site.html("/", "<a href=/a>a</a><a href=/b>b</a>")
    broken = Reply(b"no gzip", headers={"content-encoding": "gzip"}) if reply.kind == "broken" else reply
    site.pages |= {"/a": broken, "/b": broken}
    failure = crawl(site, **LINKS).failure
    assert failure.startswith("unknown_error: the site was only partly read: ")
    assert f"{site.url}/a" in failure or f"{site.url}/b" in failure
    assert ", and 1 more page failed in the same way. Items of pages that were not reached stay" in failure
    site.sitemap("/a", "/b")
    assert crawl(site).failure == "", "sitemaps name all pages, whether they come or not"


def test_what_robots_forbids_is_told_of_after_an_incomplete_crawl_too(site: WebSite) -> None:
    site.html("/", "<a href=/a>a</a><a href=/b>b</a>")
    site.html("/a", "<a href=/closed/x>x</a><a href=/y>y</a>")
    for path in ("/closed/x", "/y", "/b"):
        site.html(path, path)
    memos = crawl(site, **LINKS).memos()
    site.pages["/robots.txt"] = Reply(b"User-agent: *\nDisallow: /closed/\n")
    site.pages["/a"] = Reply(status=500)
    site.html("/", "<a href=/a>a</a>")
    del memos[f"{site.url}/a"]  # as of a page that nothing is kept of
    told = crawl(site, memos, max_age=0, **LINKS)
    assert told.failure.startswith("unknown_error: the site was only partly")
    assert names(site, told.entries) == {"/", "/a", "/closed/x"}
    assert told.entries[f"{site.url}/closed/x"].skipped.startswith("blocked_by_robots_txt_path: ")


# robots.txt


def test_robots_with_a_byte_order_mark(site: WebSite) -> None:
    site.pages["/robots.txt"] = Reply(b"\xef\xbb\xbfUser-agent: *\nDisallow: /closed\n", kind="text/plain")
    site.html("/closed", "x")
    site.sitemap("/closed")
    assert set(crawl(site).errors().values()) == {"blocked_by_robots_txt_path"}


def test_robots_is_read_up_to_its_limit(site: WebSite) -> None:
    rules = b"User-agent: *\nDisallow: /closed\n"
    filler = b"# x\n" * (LARGEST_ROBOTS // 4)
    end = rules + filler[: LARGEST_ROBOTS - len(rules) - len(b"Disallow: /o")] + b"Disallow: /open/but-not-this\n"
    assert end[:LARGEST_ROBOTS].endswith(b"\nDisallow: /o"), "a rule that is cut would forbid more than it says"
    for path in ("/closed", "/open"):
        site.html(path, path)
    site.sitemap("/closed", "/open")
    site.pages["/robots.txt"] = Reply(end + filler, kind="text/plain")
    told = crawl(site)
    assert told.failure == "" and names(site, told.pages) == {"/open"}


# Hosts that have enough


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_busy_page_is_asked_for_again(site: WebSite, status: int) -> None:
    site.pages["/a"] = busy(2, status=status)
    site.sitemap("/a")
    told = crawl(site)
    assert names(site, told.pages) == {"/a"} and told.failure == ""
    assert site.paths().count("/a") == 3
    assert list(told.entries) == [f"{site.url}/a"]


def test_a_page_that_stays_busy_is_an_error_and_the_others_are_read(site: WebSite) -> None:
    site.pages["/a"] = busy(99)
    site.html("/b", "lamp oil")
    site.sitemap("/a", "/b")
    told = crawl(site)
    assert site.paths().count("/a") == 3
    assert told.errors() == {f"{site.url}/a": "crawl_got_http_429"} and names(site, told.pages) == {"/b"}


def test_robots_sitemaps_and_the_start_are_asked_for_again_too(site: WebSite) -> None:
    site.html("/a", "lamp oil")
    site.sitemap("/a")
    sitemap = site.pages["/sitemap.xml"]
    assert isinstance(sitemap, Reply)
    site.pages["/sitemap.xml"] = busy(2, then=sitemap.body)
    site.pages["/robots.txt"] = busy(1, status=503, then=b"User-agent: *\nDisallow: /closed")
    site.pages["/"] = busy(1, status=503)
    told = crawl(site, discovers=True)
    assert told.failure == "" and names(site, told.pages) == {"/", "/a"}


def test_the_wait_is_as_long_as_the_site_says_within_bounds(site: WebSite) -> None:
    site.pages["/a"] = busy(1, after="1")
    site.sitemap("/a")
    begun = time.monotonic()
    assert crawl(site, patience=Patience(first=0.01, longest=30.0)).pages
    assert time.monotonic() - begun >= 1.0
    site.pages["/a"] = busy(1, after="3600")
    begun = time.monotonic()
    assert crawl(site).pages
    assert 0.2 <= time.monotonic() - begun < 30


def test_a_busy_host_is_asked_one_thing_at_a_time(site: WebSite) -> None:
    at_once, most, calm = [0], [0], [False]

    def answer(_: Mapping[str, str]) -> Reply:
        at_once[0] += 1
        most[0] = max(most[0], at_once[0]) if calm[0] else 0
        time.sleep(0.02)
        at_once[0] -= 1
        found, calm[0] = Reply(b"x") if calm[0] else Reply(status=429), True
        return found

    paths = [f"/{number}" for number in range(12)]
    site.pages |= dict.fromkeys(paths, answer)
    site.sitemap(*paths)
    told = crawl(site, patience=Patience(first=0.3))
    assert len(told.pages) == 12 and 1 <= most[0] < 8


def test_a_host_that_never_stops_is_left_to_the_next_sync(site: WebSite) -> None:
    site.html("/first", "lamp oil")
    paths = [f"/{number}" for number in range(50)]
    for path in paths:
        site.pages[path] = busy(99)
    site.sitemap("/first", *paths)
    told = crawl(site)
    assert f"{site.url}/first" in told.pages
    assert told.failure.startswith("crawl_got_http_429: the site was only partly read: ")
    assert " of its URLs are left for the next sync" in told.failure
    assert len(site.paths()) < 40, "nor is the rest asked for in vain"


def test_a_wait_ends_with_the_sync(site: WebSite) -> None:
    site.html("/a", "x")
    site.pages["/b"] = busy(99, after="60")
    site.sitemap("/a", "/b")

    async def run() -> float:
        source = await OpenSources(version="test", guard=Guard(["127.0.0.1"])).open(settings_of(site), None)
        begun = time.monotonic()
        try:
            async with asyncio.timeout(0.5):
                async for _ in source.list({}):
                    pass
        except TimeoutError:
            return time.monotonic() - begun
        finally:
            await source.close()
        return 0.0

    assert 0.4 < asyncio.run(run()) < 20


# What pages ask


def test_pages_that_ask_for_it_are_left_out_of_the_index(site: WebSite) -> None:
    site.html("/", "<a href=/secret>s</a><a href=/tagged>t</a><a href=/other>o</a><a href=/last>l</a>")
    site.html("/secret", "<a href=/behind>b</a>", head="<meta name=robots content='noindex'>")
    site.html("/tagged", "x", **{"X-Robots-Tag": "otherbot: nofollow\nnoindex"})
    site.html("/other", "x", **{"X-Robots-Tag": "otherbot: noindex"})
    site.html("/behind", "x")
    site.html("/last", "<a href=/never>n</a>", head="<meta name=secondlook content=nofollow>")
    site.html("/never", "x")
    told = crawl(site, **LINKS)
    assert names(site, told.pages) == {"/", "/other", "/behind", "/last"} and told.failure == ""
    assert told.entries[f"{site.url}/secret"].skipped == (
        f"blocked_by_content_signal: {site.url}/secret asks not to be indexed (noindex)"
    )
    assert told.entries[f"{site.url}/tagged"].skipped and "/never" not in site.paths()
    site.sitemap("/secret", "/tagged", "/other")
    assert names(site, crawl(site).pages) == {"/other"}


def test_a_page_that_did_not_change_may_ask_for_it_too(site: WebSite) -> None:
    tag: dict[str, str] = {}
    site.pages["/a"] = lambda sent: Reply(
        b"lamp oil", 304 if "if-none-match" in sent else 200, headers={"etag": '"1"', **tag}
    )
    site.sitemap("/a", changefreq="always")
    memos = crawl(site).memos()
    assert crawl(site, memos).entries[f"{site.url}/a"].unchanged
    tag["x-robots-tag"] = "none"
    assert crawl(site, memos).entries[f"{site.url}/a"].skipped


def test_one_alone_that_may_not_be_indexed_is_gone(site: WebSite) -> None:
    site.html("/a", "x", head="<meta name=robots content='none'>")
    site.html("/b", "x")
    site.pages["/robots.txt"] = Reply(b"User-agent: *\nDisallow: /b")

    async def ask(path: str) -> ItemSourceError:
        opener = OpenSources(version="test", guard=Guard(["127.0.0.1"]))
        source = await opener.open(settings_of(site, SourceOptions(crawl=CrawlOptions(discovers=True))), None)
        try:
            with pytest.raises(ItemSourceError) as caught:
                await source.fetch(Entry(f"{site.url}{path}"))
        finally:
            await source.close()
        return caught.value

    for path, kind in (("/a", "blocked_by_content_signal"), ("/b", "blocked_by_robots_txt_path")):
        error = asyncio.run(ask(path))
        assert error.gone and error.kind == kind and str(error).startswith(f"{kind}: {site.url}{path}")


# What their addresses tell


def test_links_lose_what_only_traces_readers(site: WebSite) -> None:
    site.html("/", "<a href='/d?utm_source=x'>1</a><a href='/d?gclid=1'>2</a><a href='/d?page=2&fbclid=3'>3</a>")
    site.html("/d", "x")
    site.html("/d?page=2", "y")
    assert names(site, crawl(site, **LINKS).pages) == {"/", "/d", "/d?page=2"}


# How fast


def test_the_delay_stands_whatever_another_scheme_of_the_host_says(site: WebSite) -> None:
    site.pages["/robots.txt"] = Reply(b"User-agent: *\nCrawl-delay: 7\n")

    async def ask() -> tuple[float, int]:
        reader = Site(WebClient(Guard(["127.0.0.1"]), "Secondlook/test"), SiteOptions(site.url))
        try:
            await reader.robots_of(site.url)
            with pytest.raises(ItemSourceError):
                await reader.robots_of(site.url.replace("http:", "https:"))
            pace = reader.pace_of(site.url)
            return pace.delay, pace.width
        finally:
            await reader.close()

    assert asyncio.run(ask()) == (7.0, 1)
