"""A site is read as its sitemaps and links say, and a trap costs one page or the sync, never the server."""

import gzip
import os
import time

import pytest

from secondlook.domain.source import CrawlOptions, Selector, SourceOptions
from secondlook.sources.sitemaps import LARGEST_SITEMAP
from tests.unit.sources.conftest import QUICK, crawl, names
from tests.web_site import Reply, WebSite

PAGES = int(os.environ.get("SECONDLOOK_TEST_PAGES", "300"))


def test_what_a_sitemap_names_is_read_once_and_then_asked_for(site: WebSite) -> None:
    site.html("/a", "lamp oil")
    site.html("/b", "fog horn")
    site.html("/not-named", "never")
    site.sitemap("/a", "/b", "/a#part", lastmod="2999-01-01")
    told = crawl(site)
    assert names(site, told.pages) == {"/a", "/b"}
    assert told.failure == ""
    assert b"lamp oil" in told.pages[f"{site.url}/a"].content
    assert site.paths().count("/a") == 1 and "/not-named" not in site.paths()
    site.html("/b", "fog horn, twice")
    again = crawl(site, told.memos())
    assert names(site, again.pages) == {"/b"}
    assert again.entries[f"{site.url}/a"].unchanged


def test_a_page_that_is_older_than_the_last_sync_is_not_asked_for(site: WebSite) -> None:
    site.html("/old", "lamp oil")
    site.sitemap("/old", lastmod="2020-01-01")
    told = crawl(site)
    site.asked.clear()
    assert crawl(site, told.memos()).entries[f"{site.url}/old"].unchanged
    assert "/old" not in site.paths()
    site.sitemap("/old", changefreq="always")
    assert crawl(site, told.memos()).entries[f"{site.url}/old"].unchanged
    assert "/old" in site.paths()  # with a condition, which held
    assert crawl(site, told.memos(), headers=(("X-Team", "docs"),)).pages  # other options: everything anew


def test_sitemaps_come_from_the_settings_else_robots_else_the_usual_place(site: WebSite) -> None:
    for path in ("/one", "/two", "/three"):
        site.html(path, path)
    site.sitemap("/three")
    assert names(site, crawl(site).pages) == {"/three"}
    site.sitemap("/two", at="/maps/two.xml")
    site.pages["/robots.txt"] = Reply(b"Sitemap: /maps/two.xml\nSitemap: /maps/none.xml\n", kind="text/plain")
    told = crawl(site)
    assert names(site, told.pages) == {"/two"}
    assert told.failure == "" and "none.xml" in told.notes[0]  # it is not there, so nothing is missing
    site.sitemap("/one", at="/maps/one.xml")
    assert names(site, crawl(site, sitemaps=("/maps/one.xml",)).pages) == {"/one"}
    assert crawl(site, sitemaps=("/maps/nowhere.xml",)).failure.startswith("missing_sitemap: ")


def test_indexes_archives_feeds_lists_and_order(site: WebSite) -> None:
    for path in ("/a", "/b", "/c", "/d"):
        site.html(path, path)
    index = "<sitemapindex><sitemap><loc>/zipped.xml.gz</loc></sitemap><sitemap><loc>/feed</loc></sitemap>"
    index += "<sitemap><loc>/list.txt</loc></sitemap><sitemap><loc>/sitemap.xml</loc></sitemap></sitemapindex>"
    site.pages["/sitemap.xml"] = Reply(index.encode())
    zipped = "<urlset><url><loc>/a</loc><priority>0.1</priority></url><url><loc>b</loc><priority>0.9</priority></url>"
    site.pages["/zipped.xml.gz"] = Reply(gzip.compress(f"{zipped}</urlset>".encode()), kind="application/gzip")
    site.pages["/feed"] = Reply(b"<rss><channel><link>/no</link><item><link>/c</link></item></channel></rss>")
    site.pages["/list.txt"] = Reply(f"{site.url}/d\nhttp://elsewhere.example/x\n".encode(), kind="text/plain")
    told = crawl(site)
    assert names(site, told.pages) == {"/a", "/b", "/c", "/d"}
    assert next(path for path in site.paths() if len(path) == 2) == "/b"
    assert told.notes == ["1 URL in the sitemaps skipped: on other hosts"]


def test_a_site_that_moved_is_told_and_not_emptied(site: WebSite) -> None:
    moved = "<urlset><url><loc>https://www.harbour.example/a</loc></url></urlset>"
    site.pages["/sitemap.xml"] = Reply(moved.encode())
    failure = crawl(site).failure
    assert failure.startswith("invalid_url: every URL in the sitemaps (1) is on another host (for example https://www.")


def test_traps_in_sitemaps(site: WebSite) -> None:
    site.html("/a", "lamp oil")
    broken = "<urlset><url><loc>/a</loc></url><url><loc>/b"
    site.pages["/sitemap.xml"] = Reply(broken.encode())
    told = crawl(site)
    assert names(site, told.pages) == {"/a"}
    assert told.failure.startswith("unknown_error: the site was only partly read: sitemap ")
    bomb = gzip.compress(b" " * (LARGEST_SITEMAP + 1))
    assert len(bomb) < 100_000
    site.pages["/sitemap.xml"] = Reply(bomb)
    assert "has more than 52,428,800 bytes" in crawl(site).failure
    entities = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><urlset><url><loc>&b;</loc></url></urlset>'
    site.pages["/sitemap.xml"] = Reply(entities.encode())
    assert "declares XML entities" in crawl(site).failure
    site.pages["/sitemap.xml"] = Reply(b"<html><body>no such page</body></html>")
    assert crawl(site).failure.startswith("missing_sitemap: ")


def test_links_are_followed_as_far_as_asked(site: WebSite) -> None:
    site.html("/", '<a href="one">1</a><a href="http://elsewhere.example/">away</a><a href="/x" rel="nofollow">x</a>')
    site.html("/one", '<a href="/two?q=1#part">2</a><a href="/">home</a><a href="mailto:a@b.example">m</a>')
    site.html("/two?q=1", '<a href="/three">3</a>')
    site.html("/three", "the end")
    options = {"discovers": True, "start": "links"}
    told = crawl(site, **options)
    assert names(site, told.pages) == {"/", "/one", "/two?q=1", "/three"}
    assert told.failure == ""
    assert names(site, crawl(site, depth=1, **options).pages) == {"/", "/one"}
    site.asked.clear()
    young = crawl(site, told.memos(), **options)
    assert all(one.unchanged for one in young.entries.values()) and len(young.entries) == 4
    assert site.paths() == ["/robots.txt"]  # within max_age nothing is asked for
    site.html("/three", "the end, mended")
    assert names(site, crawl(site, told.memos(), max_age=0, **options).entries) == set(names(site, told.pages))
    limited = crawl(site, most_pages=2, **options)
    assert len(limited.entries) == 2 and limited.failure.startswith("page_limit_reached: ")


def test_where_a_discovering_crawl_starts(site: WebSite) -> None:
    site.html("/", '<a href="/linked">x</a>')
    site.html("/linked", "x")
    site.html("/named", '<a href="/behind">y</a>')
    site.html("/behind", "y")
    site.sitemap("/named")
    for start, expected in (
        ("all", {"/", "/linked", "/named", "/behind"}), ("links", {"/", "/linked"}), ("sitemaps", {"/named"}),
    ):  # fmt: skip
        assert names(site, crawl(site, discovers=True, start=start).pages) == expected
    del site.pages["/sitemap.xml"]
    assert names(site, crawl(site, discovers=True).pages) == {"/", "/linked"}
    del site.pages["/"]
    assert crawl(site, discovers=True).failure.startswith("http_4xx: ")


def test_pictures_of_pages_are_items_where_they_are_wanted(site: WebSite) -> None:
    site.html("/a", '<img src="/map.png"> <img src="/map.png"> <img src="chart.svg?v=2"> <img src="/track?id=1">')
    site.html("/b", '<img src="http://elsewhere.example/x.png"><a href="/c">c</a>')
    site.html("/c", "not named")
    for path in ("/map.png", "/chart.svg?v=2"):
        site.pages[path] = Reply(b"a picture", kind="image/png")
    site.sitemap("/a", "/b", lastmod="2020-01-01")
    assert names(site, crawl(site).pages) == {"/a", "/b"}
    told = crawl(site, images=True)
    assert names(site, told.pages) == {"/a", "/b", "/map.png", "/chart.svg?v=2"}
    assert told.pages[f"{site.url}/map.png"].content_type == "image/png"
    again = crawl(site, told.memos(), images=True)
    assert names(site, again.entries) == {"/a", "/b", "/map.png", "/chart.svg?v=2"}, "a page that is kept keeps them"
    assert not again.pages


def test_a_page_that_fails_hides_links_so_nothing_may_be_removed(site: WebSite) -> None:
    site.html("/", '<a href="/a">a</a><a href="/gone">g</a><a href="/image.png">i</a>')
    site.pages["/a"] = Reply(status=503)
    site.pages["/image.png"] = Reply(b"\x89PNG", kind="image/png")
    told = crawl(site, discovers=True, start="links")
    assert told.failure.startswith("unknown_error: the site was only partly read: http_5xx: ")
    assert told.errors() == {f"{site.url}/a": "http_5xx", f"{site.url}/gone": "http_4xx"}
    assert told.entries[f"{site.url}/gone"].gone and not told.entries[f"{site.url}/a"].gone
    assert told.entries[f"{site.url}/image.png"].skipped.startswith("unsupported_type: ")


def test_redirects(site: WebSite) -> None:
    site.html("/new", "lamp oil")
    site.redirect("/old", "/new", 301)
    site.redirect("/other", "/kept")
    site.html("/kept", "fog horn")
    site.redirect("/circle", "/circle2")
    site.redirect("/circle2", "/circle")
    for hop in range(20):
        site.redirect(f"/hop{hop}", f"/hop{hop + 1}")
    site.redirect("/away", "http://elsewhere.example/x")
    site.redirect("/nowhere", "")
    site.sitemap("/new", "/old", "/other", "/circle", "/hop0", "/away", "/nowhere")
    told = crawl(site)
    assert names(site, told.pages) == {"/new", "/kept"}
    assert told.entries[f"{site.url}/old"].skipped == f"redirects to {site.url}/new"
    assert {key.removeprefix(site.url): kind for key, kind in told.errors().items()} == {
        "/circle": "too_many_redirects", "/hop0": "too_many_redirects", "/away": "invalid_host_after_redirect",
        "/nowhere": "invalid_url",
    }  # fmt: skip


def test_subdomains_belong_only_if_they_are_asked_for(site: WebSite) -> None:
    port = site.url.rpartition(":")[2]
    site.redirect("/sub", f"http://docs.127.0.0.1.nip.example:{port}/x")
    site.redirect("/deeper", f"http://a.127.0.0.1:{port}/x")
    site.sitemap("/sub", "/deeper")
    assert set(crawl(site).errors().values()) == {"invalid_host_after_redirect", "subdomains_not_allowed"}
    wide = crawl(site, subdomains=True)
    assert wide.errors()[f"{site.url}/deeper"] in ("unreachable_dns", "invalid_url")  # it is tried


def test_errors_of_pages(site: WebSite) -> None:
    statuses = {401: "crawl_got_http_401", 402: "blocked_by_payment", 403: "crawl_got_http_403", 404: "http_4xx"}
    statuses |= {429: "crawl_got_http_429", 418: "http_4xx", 500: "http_5xx", 204: "crawl_got_http_error"}
    for status in statuses:
        site.pages[f"/{status}"] = Reply(status=status)
    site.pages["/wall"] = Reply(status=403, headers={"cf-mitigated": "challenge"})
    site.pages["/zip"] = Reply(b"PK", kind="application/zip")
    site.sitemap(*(f"/{status}" for status in statuses), "/wall", "/zip")
    found = {key.removeprefix(f"{site.url}/"): kind for key, kind in crawl(site).errors().items()}
    expected = {str(status): kind for status, kind in statuses.items()}
    assert found == expected | {"wall": "blocked_by_bot_management", "zip": "unsupported_type"}


def test_slow_pages_cost_one_page_each(site: WebSite) -> None:
    site.pages["/silent"] = Reply(b"x", before=3.0)
    site.pages["/drip"] = Reply(b"x" * 100, drip=0.1)
    site.sitemap("/silent", "/drip")
    assert set(crawl(site, times=QUICK).errors().values()) == {"unreachable_timeout"}


def test_bombs_cost_one_page_each(site: WebSite) -> None:
    site.html("/good", "lamp oil")
    site.pages["/bomb"] = Reply(gzip.compress(b"x" * (11 << 20)), headers={"content-encoding": "gzip"})
    site.pages["/large"] = Reply(b"x" * ((10 << 20) + 1))
    site.pages["/brotli"] = Reply(b"x", headers={"content-encoding": "br"})
    site.pages["/broken"] = Reply(b"no gzip", headers={"content-encoding": "gzip"})
    site.pages["/headers"] = Reply(b"x", headers={"x-long": "y" * 200_000})
    site.sitemap("/good", "/bomb", "/large", "/brotli", "/broken", "/headers")
    told = crawl(site)
    assert names(site, told.pages) == {"/good"}
    assert {key.removeprefix(site.url): kind for key, kind in told.errors().items()} == {
        "/bomb": "over_size", "/large": "over_size",
        "/brotli": "crawl_got_http_error", "/broken": "network_connection_lost", "/headers": "network_connection_lost",
    }  # fmt: skip


def test_a_site_that_falls_silent_is_not_waited_for_page_by_page(site: WebSite) -> None:
    paths = [f"/{number}" for number in range(100)]
    for path in paths:
        site.pages[path] = Reply(b"broken", headers={"content-encoding": "gzip"})
    site.sitemap(*paths)
    told = crawl(site)
    assert told.failure.startswith("network_connection_lost: 30 pages in a row could not be reached: ")
    assert len(told.entries) < 100


def test_a_304_that_nobody_asked_for_is_no_page(site: WebSite) -> None:
    site.pages["/a"] = Reply(status=304)
    site.sitemap("/a")
    assert crawl(site).errors() == {f"{site.url}/a": "crawl_got_http_error"}


def test_robots_and_signals(site: WebSite) -> None:
    site.html("/open", "x")
    site.html("/closed/a", "x")
    site.html("/signal/b", "x")
    site.sitemap("/open", "/closed/a", "/signal/b")
    rules = "User-agent: *\nDisallow: /closed/\nContent-Signal: /signal/ search=yes, ai-input=no\n"
    site.pages["/robots.txt"] = Reply(rules.encode(), kind="text/plain")
    told = crawl(site)
    assert names(site, told.pages) == {"/open"}
    assert {key.removeprefix(site.url): kind for key, kind in told.errors().items()} == {
        "/closed/a": "blocked_by_robots_txt_path", "/signal/b": "blocked_by_content_signal",
    }  # fmt: skip
    assert all(one.gone for one in told.entries.values() if one.error)
    assert "/closed/a" not in site.paths()
    site.pages["/robots.txt"] = Reply(b"User-agent: Secondlook\nDisallow: /\n\nUser-agent: *\nDisallow:\n")
    assert set(crawl(site).errors().values()) == {"blocked_by_robots_txt"}
    site.pages["/robots.txt"] = Reply(status=503)  # nobody knows the rules: nothing may be read
    assert crawl(site).failure.startswith("http_5xx: ")


def test_the_delay_that_a_site_asks_for_is_kept(site: WebSite) -> None:
    paths = [f"/{number}" for number in range(4)]
    for path in paths:
        site.html(path, path)
    site.sitemap(*paths)
    site.pages["/robots.txt"] = Reply(b"User-agent: *\nCrawl-delay: 0.2\n")
    begun = time.monotonic()
    assert len(crawl(site).pages) == 4
    assert time.monotonic() - begun >= 0.6


def test_path_filters_see_the_whole_address(site: WebSite) -> None:
    site.html("/", '<a href="/docs/a">a</a><a href="/docs/old/b">b</a><a href="/blog/c">c</a>')
    for path in ("/docs/a", "/docs/old/b", "/blog/c"):
        site.html(path, path)
    options = SourceOptions(
        include=("**/docs/**",), exclude=("**/old/**",), crawl=CrawlOptions(discovers=True, start="links")
    )
    told = crawl(site, options=options)
    assert names(site, told.pages) == {"/docs/a"}
    skipped = {key.removeprefix(site.url): one.skipped for key, one in told.entries.items() if one.skipped}
    assert skipped == {
        "/": "Skipped by Include Rules", "/blog/c": "Skipped by Include Rules",
        "/docs/old/b": "Skipped by rule: **/old/**",
    }  # fmt: skip
    assert "/blog/c" not in site.paths()


def test_headers_go_to_the_site_itself_and_our_name_to_all(site: WebSite) -> None:
    site.html("/a", "x")
    site.sitemap("/a")
    crawl(site, headers=(("Authorization", "Bearer s3cret"),))
    assert {sent.get("authorization") for _, sent in site.asked} == {"Bearer s3cret"}
    assert {sent["user-agent"] for _, sent in site.asked} == {"Secondlook/test"}


def test_selectors_and_metadata(site: WebSite) -> None:
    head = '<title>Lamp  oil</title><meta name="station" content="north"><meta property="og:description" content="d">'
    site.html("/docs/a", "<nav>menu</nav><main>lamp oil</main>", head)
    site.html("/docs/none", "<p>no main here</p>")
    site.html("/docs/two", "<main>one</main><main>two</main><nav>menu</nav>")
    site.html("/blog/b", "<nav>menu</nav><main>fog</main>")
    site.sitemap("/docs/a", "/docs/none", "/docs/two", "/blog/b")
    selectors = (Selector("**/docs/**", "main"), Selector("**", "nav"))
    told = crawl(site, selectors=selectors, fields=("title", "station", "description", "language"))
    page = told.pages[f"{site.url}/docs/a"]
    assert b"lamp oil" in page.content and b"menu" not in page.content and b"<title>" in page.content
    assert page.metadata == {"title": "Lamp oil", "station": "north", "description": "d"}
    assert told.errors() == {f"{site.url}/docs/none": "file_content_empty"}
    assert set(crawl(site, selectors=(Selector("**", "main[["),)).errors().values()) == {"file_content_empty"}
    assert b"two" in told.pages[f"{site.url}/docs/two"].content  # several: the page is whole
    assert b"fog" not in told.pages[f"{site.url}/blog/b"].content


def test_the_language_of_a_page(site: WebSite) -> None:
    site.html("/told", "x")
    site.pages["/own"] = Reply(b"<html lang='fr'><body>x</body></html>")
    links = "".join(
        f"<url><loc>{site.url}{path}</loc><x:link hreflang='de' href='{site.url}{path}'/></url>"
        for path in ("/told", "/own")
    )
    site.pages["/sitemap.xml"] = Reply(f"<urlset xmlns:x='x'>{links}</urlset>".encode())
    told = crawl(site, fields=("language",))
    assert {key.removeprefix(site.url): page.metadata for key, page in told.pages.items()} == {
        "/told": {"language": "de"}, "/own": {"language": "fr"},
    }  # fmt: skip


def test_text_of_other_charsets_arrives(site: WebSite) -> None:
    text = "<html><head><meta charset='latin-1'></head><body>Öl für die Lampe</body></html>"
    site.pages["/latin"] = Reply(text.encode("latin-1"), kind="text/html")
    site.pages["/kyrillic"] = Reply("масло".encode("koi8-r"), kind="text/plain; charset=koi8-r")
    site.sitemap("/latin", "/kyrillic")
    told = crawl(site)
    page = told.pages[f"{site.url}/latin"].content.decode()
    assert "Öl für die Lampe" in page and "charset='utf-8'" in page
    assert told.pages[f"{site.url}/kyrillic"].content.decode() == "масло"


def test_without_a_browser_pages_are_read_as_they_are_sent_and_the_log_says_so(
    site: WebSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    site.html("/a", "x")
    site.sitemap("/a")
    told = crawl(site, renders=True)
    assert told.pages
    assert told.notes == [
        "pages are read without running their scripts, since no browser is installed: pip install 'secondlook[browser]'"
        " and install Chromium"
    ]


@pytest.mark.timeout(1200)
def test_many_pages(site: WebSite) -> None:
    """As many as SECONDLOOK_TEST_PAGES says."""
    paths = [f"/{number}" for number in range(PAGES)]
    for path in paths:
        site.pages[path] = Reply(f"<p>page {path}</p>".encode(), kind="")
    site.sitemap(*paths)
    told = crawl(site)
    assert len(told.pages) == PAGES and told.failure == "" and told.errors() == {}


def test_a_redirected_page_that_fails_is_in_error_by_its_own_address(site: WebSite) -> None:
    site.html("/c", "<main>lamp oil</main>")
    site.redirect("/a", "/c", 301)
    site.sitemap("/a", changefreq="always")
    memos = crawl(site, selectors=(Selector("**", "main"),)).memos()
    site.html("/c", "no main")
    told = crawl(site, memos, selectors=(Selector("**", "main"),))
    assert told.errors() == {f"{site.url}/c": "file_content_empty"}


def test_a_start_without_what_the_selector_finds_leads_on(site: WebSite) -> None:
    site.html("/", "<a href=/a>a</a>")
    site.html("/a", "<main>lamp oil</main>")
    told = crawl(site, discovers=True, start="links", selectors=(Selector("**", "main"),))
    assert told.failure == "" and names(site, told.pages) == {"/a"}
    assert told.errors() == {f"{site.url}/": "file_content_empty"}


def test_what_robots_forbids_later_is_gone_although_it_is_fresh(site: WebSite) -> None:
    site.html("/p", "lamp oil")
    site.html("/c", "fog horn")
    site.redirect("/a", "/c", 301)
    site.sitemap("/p", "/a", lastmod="2020-01-01")
    memos = crawl(site).memos()
    site.pages["/robots.txt"] = Reply(b"User-agent: *\nDisallow: /p\nDisallow: /c\n")
    site.asked.clear()
    told = crawl(site, memos)
    assert told.errors() == dict.fromkeys((f"{site.url}/p", f"{site.url}/c"), "blocked_by_robots_txt_path")
    assert all(one.gone for one in told.entries.values())
    assert site.paths() == ["/robots.txt", "/sitemap.xml"]
    linked = crawl(site, memos, discovers=True, start="sitemaps")
    assert linked.entries[f"{site.url}/p"].skipped.startswith("blocked_by_robots_txt_path: ")


def test_only_pages_that_are_asked_for_count(site: WebSite) -> None:
    links = [f"/blog/{number}" for number in range(10)] + ["/closed/a", "/docs/1", "/docs/2"]
    site.html("/", "".join(f"<a href={path}>x</a>" for path in links))
    for path in links:
        site.html(path, path)
    site.pages["/robots.txt"] = Reply(b"User-agent: *\nDisallow: /closed/\n")
    for most, expected in ((3, {"/docs/1", "/docs/2"}), (2, {"/docs/1"})):
        crawling = CrawlOptions(discovers=True, start="links", most_pages=most)
        told = crawl(site, options=SourceOptions(include=("**/docs/**", "**/closed/**"), crawl=crawling))
        assert names(site, told.pages) == expected
        assert told.failure.startswith("page_limit_reached: the site was only partly read" if most == 2 else "")
        assert most == 2 or told.failure == ""
