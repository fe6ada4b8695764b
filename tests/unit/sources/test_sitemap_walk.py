"""All that sitemaps name is found, also where they are not as the protocol wants them; see test_website.py too."""

import pytest

from secondlook.sources import sitemap_walk
from tests.unit.sources.conftest import crawl, names
from tests.web_site import Reply, WebSite


def test_blank_before_a_sitemap(site: WebSite) -> None:
    site.html("/a", "x")
    for before in (b"\n", b"\xef\xbb\xbf\r\n \t", b"\n\xef\xbb\xbf"):
        text = before + f'<?xml version="1.0"?><urlset><url><loc>{site.url}/a</loc></url></urlset>'.encode()
        site.pages["/sitemap.xml"] = Reply(text)
        told = crawl(site)
        assert names(site, told.pages) == {"/a"} and told.failure == ""
    site.pages["/sitemap.xml"] = Reply(text[4:].decode().encode("utf-16"))
    assert names(site, crawl(site).pages) == {"/a"}


def test_a_sitemap_without_pages_is_told_of(site: WebSite) -> None:
    site.sitemap()
    told = crawl(site)
    assert (told.failure, told.notes, told.entries) == (
        "", ["the site's sitemaps list no pages"], {},
    )  # fmt: skip


def name_sitemaps(site: WebSite, *paths: str, at: str = "/sitemap.xml") -> None:
    """A sitemap of sitemaps."""
    rows = "".join(f"<sitemap><loc>{path}</loc></sitemap>" for path in paths)
    site.pages[at] = Reply(f"<sitemapindex>{rows}</sitemapindex>".encode())


@pytest.mark.parametrize(
    ("limit", "value", "told"),
    [
        ("MOST_SITEMAPS", 2, "there are more than 2 sitemaps"),
        ("DEEPEST", 1, "the sitemaps are nested more than 1 levels deep"),
        ("MOST_NAMED", 1, "the sitemaps list more than 1 pages"),
        ("LARGEST_NAMED", 50, "the URLs in the sitemaps exceed 50 characters"),
    ],
)
def test_what_a_limit_cuts_off_is_not_taken_for_gone(
    site: WebSite, limit: str, value: int, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    name_sitemaps(site, "/1.xml", "/1.xml", "/2.xml", "/sitemap.xml")
    for at in ("1", "2"):
        site.html(f"/page/{at}", "x")
        site.sitemap(f"/page/{at}", f"/page/{at}#part", at=f"/{at}.xml")
    whole = crawl(site)
    assert whole.failure == "" and names(site, whole.pages) == {"/page/1", "/page/2"}
    monkeypatch.setattr(sitemap_walk, limit, value)
    cut = crawl(site)
    assert cut.failure.startswith("page_limit_reached: the site was only partly read: ") and told in cut.failure
    assert len(cut.pages) <= 1


def test_no_limit_is_met_by_as_much_as_may_be(site: WebSite, monkeypatch: pytest.MonkeyPatch) -> None:
    name_sitemaps(site, "/1.xml", "/1.xml", "/sitemap.xml")
    site.html("/page", "x")
    site.sitemap("/page", "/page", at="/1.xml")
    limits = {"MOST_SITEMAPS": 2, "DEEPEST": 2, "MOST_NAMED": 1, "LARGEST_NAMED": len(f"{site.url}/page")}
    for limit, value in limits.items():
        monkeypatch.setattr(sitemap_walk, limit, value)
    told = crawl(site)
    assert told.failure == "" and names(site, told.pages) == {"/page"}
