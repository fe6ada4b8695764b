"""Pages in a real Chromium: what scripts bring is read, and no request of a page leads where it should not."""

import asyncio
import time
from collections.abc import Coroutine, Iterator
from dataclasses import replace
from http.server import ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, TypeVar

import pytest

from secondlook.errors import ItemSourceError
from secondlook.sources import browser as browser_module
from secondlook.sources.browser import Allowance, Renderer, RenderLimits, find_browser
from secondlook.sources.guard import Guard
from secondlook.sources.site import Site, SiteOptions
from secondlook.sources.web_client import Page, WebClient
from tests.machine import need
from tests.thread_server import QuietHandler
from tests.unit.sources.conftest import crawl
from tests.web_site import Reply, WebSite, serve_site

pytestmark = pytest.mark.browser

T = TypeVar("T")
LIMITS = RenderLimits(whole=30.0, settle=3.0, requests=10, size=1 << 20)
JSON = "application/json"


class Opened:
    """One browser for all tests here, on one loop."""

    def __init__(self, program: str) -> None:
        self._runner = asyncio.Runner()
        self.renderer = Renderer(program, LIMITS)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(work)

    def render(
        self,
        site: WebSite,
        path: str,
        *,
        most: int = 1 << 20,
        allowed: tuple[str, ...] = ("127.0.0.1",),
        **options: Any,
    ) -> str:
        async def work() -> bytes:
            client = WebClient(Guard(allowed), "Secondlook/test")
            reader = Site(client, SiteOptions(site.url, **options))
            try:
                page = await reader.visit(f"{site.url}{path}", {})
                return await self.renderer.render(page, reader.take, most=most)
            finally:
                await reader.close()

        return self.run(work()).decode()

    def refusal(self, site: WebSite, path: str, **options: Any) -> str:
        with pytest.raises(ItemSourceError) as caught:
            self.render(site, path, **options)
        return caught.value.kind

    def close(self) -> None:
        self.run(self.renderer.close())
        self._runner.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Opened]:
    need("chromium")
    made = Opened(find_browser())
    yield made
    made.close()


@pytest.fixture
def site() -> Iterator[WebSite]:
    with serve_site() as made:
        yield made


def put_by(found: str) -> str:
    """What the script of a page has put into it."""
    return found.split('id="app">')[1].split("</div>", maxsplit=1)[0]


def script(text: str) -> str:
    return f"<div id=app></div><script>const put = t => document.getElementById('app').append(t);{text}</script>"


def test_what_scripts_bring_is_read(browser: Opened, site: WebSite) -> None:
    site.html(
        "/a", script("fetch('/data.json').then(r => r.json()).then(d => put(d.text))") + "<script src=/b.js></script>"
    )
    site.pages["/data.json"] = Reply('{"text": "öl for the lamp"}'.encode(), kind=JSON)
    site.pages["/b.js"] = Reply(b"put(' and ' + navigator.language.length + ' horns')", kind="text/javascript")
    found = browser.render(site, "/a", headers=(("X-Team", "docs"),))
    assert "öl for the lamp" in found and " horns" in found
    assert site.paths() == ["/robots.txt", "/a", *site.paths()[2:]] and site.paths().count("/a") == 1
    assert all(headers.get("x-team") == "docs" for _, headers in site.asked)
    assert all(headers["user-agent"] == "Secondlook/test" for _, headers in site.asked)


def test_a_script_may_build_the_page_late(browser: Opened, site: WebSite) -> None:
    site.html("/a", script("setTimeout(() => fetch('/slow').then(r => r.text()).then(put), 200)"))
    site.pages["/slow"] = Reply(b"lamp oil", kind="text/plain", before=0.8)
    assert "lamp oil" in browser.render(site, "/a")


TRAPS = """
const canary = '{canary}';
const told = (name, ok) => put(name + (ok ? ':reached ' : ':refused '));
const ask = (name, url, options) => fetch(url, options).then(() => told(name, true), () => told(name, false));
ask('loopback', canary + '/fetch');
ask('opaque', canary + '/opaque', {{mode: 'no-cors'}});
ask('post', canary + '/post', {{method: 'POST', mode: 'no-cors', body: 'x'}});
ask('metadata', 'http://169.254.169.254/latest/meta-data/');
ask('inside', 'http://10.0.0.1/');
ask('name', 'http://localhost:{port}/name');
ask('file', 'file:///etc/passwd');
ask('hop', '/hop');
new Image().src = canary + '/image';
navigator.sendBeacon(canary + '/beacon', 'x');
new WebSocket(canary.replace('http', 'ws') + '/socket');
new EventSource(canary + '/events');
const frame = document.createElement('iframe'); frame.src = canary + '/frame'; document.body.append(frame);
const link = document.createElement('link'); link.rel = 'prefetch'; link.href = canary + '/prefetch';
document.head.append(link);
const worker = new Worker(URL.createObjectURL(new Blob([`fetch('${{canary}}/worker')`])));
const peer = new RTCPeerConnection({{iceServers: [{{urls: 'stun:127.0.0.2:{port}'}}]}});
peer.createDataChannel('x'); peer.createOffer().then(o => peer.setLocalDescription(o));
setTimeout(() => {{ window.open(canary + '/popup'); location = canary + '/away'; }}, 300);
"""


def test_a_page_reaches_nothing_inside(browser: Opened, site: WebSite) -> None:
    """The canary stands on an address that the guard does not let through, whatever way leads there."""
    reached: list[str] = []

    class Canary(QuietHandler):
        def do_GET(self) -> None:
            reached.append(self.path)
            self.send_response(200)
            self.end_headers()

        do_POST = do_GET

    server = ThreadingHTTPServer(("127.0.0.2", 0), Canary)
    Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        canary = f"http://127.0.0.2:{server.server_port}"
        site.html("/a", script(TRAPS.format(canary=canary, port=server.server_port)))
        site.redirect("/hop", f"{canary}/hop")
        found = browser.render(site, "/a")
        assert reached == []
        browser.render(site, "/a", allowed=("127.0.0.1", "127.0.0.2"))
    finally:
        server.shutdown()
        server.server_close()
    assert {"/fetch", "/hop"} <= set(reached) <= {"/fetch", "/opaque", "/hop", "/events", "/worker"}, (
        "nor by other ways"
    )
    assert ":reached" not in put_by(found)
    assert {"loopback", "opaque", "post", "metadata", "inside", "name", "file", "hop"} == {
        one.partition(":refused")[0] for one in put_by(found).split()
    }  # fmt: skip


def test_what_scripts_ask_for_is_under_the_rules_of_the_site(browser: Opened, site: WebSite) -> None:
    rules = "User-agent: *\nDisallow: /closed/\nCrawl-delay: 0.2\n"
    site.pages["/robots.txt"] = Reply(rules.encode(), kind="text/plain")
    paths = ("/open/1", "/closed/2", "/hop", "/open/3")
    calls = "".join(f"fetch('{path}').then(() => put('{path}+ '), () => put('{path}- '));" for path in paths)
    site.html("/a", script(calls))
    moments: list[float] = []

    def answer(_: object) -> Reply:
        moments.append(time.monotonic())
        return Reply(b"x", kind=JSON)

    site.pages |= {"/open/1": answer, "/open/3": answer, "/closed/2": answer}
    site.redirect("/hop", "/closed/2")
    found = put_by(browser.render(site, "/a"))
    assert sorted(found.split()) == ["/closed/2-", "/hop-", "/open/1+", "/open/3+"]
    assert "/closed/2" not in site.paths() and moments[1] - moments[0] >= 0.15


def test_what_a_page_still_waits_for_when_it_is_read_is_not_asked_for(browser: Opened, site: WebSite) -> None:
    site.pages["/robots.txt"] = Reply(b"User-agent: *\nCrawl-delay: 0.6\n", kind="text/plain")
    site.html("/a", script("for (let n = 0; n < 9; n++) fetch('/part?' + n).then(() => put('+'))"))
    site.html("/b", "lamp oil")

    async def work() -> float:
        client = WebClient(Guard(["127.0.0.1"]), "Secondlook/test")
        reader = Site(client, SiteOptions(site.url))
        try:
            page = await reader.visit(f"{site.url}/a", {})
            await browser.renderer.render(page, reader.take, most=1 << 20)
            begun = time.monotonic()
            await reader.visit(f"{site.url}/b", {})
            return time.monotonic() - begun
        finally:
            await reader.close()

    patient, browser.renderer.limits = browser.renderer.limits, replace(LIMITS, settle=0.8)
    assert browser.run(work()) < 2.5, "the next page does not wait for the rest of this one"
    browser.renderer.limits = patient
    assert len([path for path in site.paths() if path.startswith("/part")]) < 5


def test_what_a_page_may_ask_for_is_bounded(browser: Opened, site: WebSite) -> None:
    site.html("/many", script("for (let n = 0; n < 50; n++) fetch('/part?' + n).then(() => put('+'), () => put('-'))"))
    for number in range(50):
        site.pages[f"/part?{number}"] = Reply(b"x", kind=JSON)
    assert put_by(browser.render(site, "/many")).count("+") == LIMITS.requests
    site.html("/big", script("fetch('/big.json').then(() => put('+'), () => put('-'))"))
    site.pages["/big.json"] = Reply(b"x" * (LIMITS.size + 1), kind=JSON)
    assert put_by(browser.render(site, "/big")) == "-"


def test_pages_that_never_end(browser: Opened, site: WebSite) -> None:
    site.html("/asks", script("const more = () => fetch('/more').then(more); more()"))
    site.pages["/more"] = Reply(b"x", kind=JSON)
    begun = time.monotonic()
    assert "app" in browser.render(site, "/asks")
    assert time.monotonic() - begun < LIMITS.whole
    site.html("/loops", script("for (;;);"))
    patient, browser.renderer.limits = browser.renderer.limits, replace(LIMITS, whole=2.0)
    assert browser.refusal(site, "/loops") == "browser_rendering_timeout_error"
    browser.renderer.limits = patient
    site.html("/grows", script("put('x'.repeat(3 << 20))"))
    assert browser.refusal(site, "/grows") == "over_size"
    site.html("/fine", script("put('lamp oil')"))
    assert "lamp oil" in browser.render(site, "/fine"), "the next page is read as ever"


def test_a_browser_is_replaced_between_pages(site: WebSite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browser_module, "MOST_PAGES", 3)
    site.html("/", "".join(f"<a href=/{at}>{at}</a>" for at in range(4)))
    for at in range(4):
        site.html(f"/{at}", script(f"put('page {at}')"))
    told = crawl(site, renders=True, discovers=True)
    assert len(told.pages) == 5 and not [one.error for one in told.entries.values() if one.error]


def test_a_browser_that_ends_in_the_midst(browser: Opened, site: WebSite, tmp_path: Path) -> None:
    site.html("/a", script("fetch('/slow').then(r => r.text()).then(put)"))
    site.pages["/slow"] = Reply(b"lamp oil", kind="text/plain", before=8.0)
    frail = tmp_path / "chromium"
    frail.write_text(f'#!/bin/sh\n"{find_browser()}" "$@" &\nsleep 3; kill -9 $!; wait\n')
    frail.chmod(0o755)
    dying = Opened(str(frail))
    dying.renderer = Renderer(str(frail), RenderLimits(whole=30.0, settle=5.0))
    assert dying.refusal(site, "/a") == "browser_rendering_network_connection_closed_error"
    dying.close()


def test_a_browser_that_does_not_start(site: WebSite) -> None:
    site.html("/a", "lamp oil")
    broken = Opened("/bin/false")
    assert broken.refusal(site, "/a") == "browser_rendering_unknown_error"
    broken.close()


def test_a_redirected_page_that_is_not_opened_is_in_error_by_its_own_address(
    site: WebSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.html("/c", "lamp oil")
    site.redirect("/a", "/c", 301)
    site.sitemap("/a", changefreq="always")
    memos = crawl(site).memos()
    (tmp_path / "chromium").symlink_to("/bin/false")
    monkeypatch.setenv("PATH", str(tmp_path))
    for known in (memos, {}):
        assert crawl(site, known, renders=True).errors() == {f"{site.url}/c": "browser_rendering_unknown_error"}


def test_a_crawl_finds_what_scripts_link_to(browser: Opened, site: WebSite) -> None:
    site.html(
        "/", script("put('start'); const a = document.createElement('a'); a.href = '/next'; document.body.append(a)")
    )
    site.html("/next", script("put('lamp oil')"))
    told = crawl(site, renders=True, discovers=True)
    assert told.failure == "" and told.notes == []
    assert b"lamp oil" in told.pages[f"{site.url}/next"].content


def test_answers_that_come_at_once_share_what_a_page_may_have() -> None:
    out = peak = 0

    async def fetch(url: str, most: int) -> Page:
        nonlocal out, peak
        assert most > 0
        out += most
        peak = max(peak, out)
        await asyncio.sleep(0)
        out -= most
        if int(url) > most:
            raise ItemSourceError("over_size", url)
        return Page(url, 200, {}, b"x" * int(url))

    async def bring(*sizes: int) -> list[int]:
        allowance = Allowance(fetch, 80)
        found = await asyncio.gather(*(allowance.fetch(str(size)) for size in sizes), return_exceptions=True)
        assert all(isinstance(one, Page | ItemSourceError) for one in found)
        return [len(one.body) if isinstance(one, Page) else -1 for one in found]

    assert asyncio.run(bring(*[5] * 16)) == [5] * 16
    assert asyncio.run(bring(70, 10)) == [70, 10], "larger than a share, when nothing else is on its way"
    assert asyncio.run(bring(81, 80)) == [-1, 80]
    assert sum(one for one in asyncio.run(bring(*[20] * 10)) if one > 0) == 80
    assert sum(one for one in asyncio.run(bring(*[10] * 12)) if one > 0) == 80
    assert peak <= 80
