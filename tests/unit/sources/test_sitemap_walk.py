"""All that sitemaps name is found, also where they are not as the protocol wants them; see test_website.py too."""

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
        "", ["the sitemaps of the site were read, and name no page"], {},
    )  # fmt: skip
