"""A request is bounded and says what it should, and an address is one or none."""

import asyncio
import gzip
import zlib
from collections.abc import AsyncIterator, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secondlook.errors import ItemSourceError
from secondlook.sources.guard import Guard
from secondlook.sources.web_client import Page, WebClient, check_url, join_url, read_bounded, unpack
from tests.unit.sources.conftest import PATIENT
from tests.web_site import WebSite

URL = "https://a.example/"


@pytest.mark.parametrize(
    ("given_url", "usual"),
    [
        ("https://A.example", "https://a.example/"),
        (" https://a.example:443/x y#part ", "https://a.example/x%20y"),
        ("http://a.example:8080/?q=ü", "http://a.example:8080/?q=%C3%BC"),
        ("https://bücher.example/", "https://xn--bcher-kva.example/"),
        ("http://[::1]:80/", "http://[::1]/"),
    ],
)
def test_addresses_in_their_usual_form(given_url: str, usual: str) -> None:
    assert check_url(given_url) == usual == check_url(usual)


@pytest.mark.parametrize(
    "junk",
    ["", "a.example", "ftp://a.example/", "file:///etc/passwd", "https://", "https://user:pw@a.example/", "http://a:99999/",
     "http://a:x/", "http://[::1", "javascript:alert(1)", "http://\0/", "http:///x"],
)  # fmt: skip
def test_addresses_that_are_none(junk: str) -> None:
    with pytest.raises(ItemSourceError, match=r"^invalid_url: "):
        check_url(junk)


@given(st.text(max_size=60) | st.text(alphabet="htps:/@[].#?%a1\\ ", max_size=40).map(lambda text: f"http://{text}"))
def test_a_link_leads_somewhere_or_nowhere(link: str) -> None:
    found = join_url(URL, link)
    assert found is None or check_url(found) == found


def answer_of(site: WebSite, headers: Mapping[str, str] | None = None) -> Page:
    async def run() -> Page:
        client = WebClient(Guard(["127.0.0.1"]), "Secondlook/test", PATIENT)
        try:
            return await client.get(f"{site.url}/a", headers=headers, most=1000)
        finally:
            await client.close()

    return asyncio.run(run())


def test_headers_do_not_change_how_a_request_is_sent(site: WebSite) -> None:
    site.html("/a", "x")
    assert (
        answer_of(site, {"USER-AGENT": "mine", "Accept-Encoding": "br", "Host": "elsewhere.example", "X-A": "b"}).status
        == 200
    )
    sent = site.asked[0][1]
    assert (sent["user-agent"], sent["accept-encoding"], sent["x-a"]) == ("mine", "gzip", "b")
    assert sent["host"] == site.url.removeprefix("http://")


async def pieces(content: bytes, size: int) -> AsyncIterator[bytes]:
    for at in range(0, len(content), size):
        yield content[at : at + size]


@given(st.binary(max_size=300), st.integers(1, 50), st.sampled_from(["", "gzip", "deflate"]))
def test_a_body_within_its_bound_arrives_whole(content: bytes, size: int, packing: str) -> None:
    packed = {"": content, "gzip": gzip.compress(content), "deflate": zlib.compress(content)}[packing]
    assert asyncio.run(read_bounded(pieces(packed, size), packing, 300, url=URL)) == content
    if content:
        with pytest.raises(ItemSourceError, match=r"^over_size: "):
            asyncio.run(read_bounded(pieces(packed, size), packing, len(content) - 1, url=URL))


def test_archives() -> None:
    assert unpack(gzip.compress(b"abc"), 3, url=URL) == b"abc"
    with pytest.raises(ItemSourceError, match=r"^over_size: "):
        unpack(gzip.compress(b"abcd"), 3, url=URL)
    with pytest.raises(ItemSourceError, match=r"^file_is_corrupt: "):
        unpack(b"no archive", 3, url=URL)
