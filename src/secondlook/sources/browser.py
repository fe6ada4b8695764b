"""Pages as a browser shows them: a Chromium of the machine runs their scripts, and we fetch what those ask for."""

import asyncio
import contextlib
import importlib.util
import os
import shutil
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from secondlook.errors import ItemSourceError
from secondlook.sources.web_client import Page

if TYPE_CHECKING:
    from playwright.async_api import Browser, BrowserContext, Playwright, Route, WebSocketRoute

Fetch = Callable[[str, int], Awaitable[Page]]
"""What is at an address, of at most so many bytes; raises ``ItemSourceError``. It goes by the guard."""
Kind = Literal["timeout_error", "unknown_error", "network_connection_closed_error"]
PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
WANTED = ("script", "xhr", "fetch")
"""Kinds of requests of a page that may bring text; pictures, fonts, styles and frames bring none that is kept."""
NOWHERE = "http://127.0.0.1:9"
FLAGS = (
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--disable-dev-shm-usage",
    "--disable-gpu",
)
"""Every request is answered by us; should one get past that, it finds no host, and a proxy where there is none."""
ENVIRONMENT = ("PATH", "HOME", "TMPDIR", "LANG", "LD_LIBRARY_PATH")
"""What Chromium gets to know of our environment."""
TABS = 4
"""Pages open at once."""
MOST_PAGES = 200
"""Pages after which the browser is replaced: what it never gives back then goes."""
SHARES = 8
"""Parts of the bytes that a page may have, one for each answer on its way: as many as a host is asked for at once."""
QUIET = 0.5
"""Seconds without a request after which a page is taken to be whole."""


@dataclass(frozen=True, slots=True)
class RenderLimits:
    """What one page may take: seconds in all, and until it is taken as it is; requests; bytes of their answers."""

    whole: float = 30.0
    settle: float = 10.0
    requests: int = 100
    size: int = 20 << 20


def find_browser() -> str:
    """The path of a Chromium; empty, if there is none or the extra that drives it is missing."""
    if importlib.util.find_spec("playwright") is None:
        return ""
    return next((found for name in PROGRAMS if (found := shutil.which(name))), "")


class Renderer:
    """Opens pages, each in a profile of its own; the browser starts with the first of them.

    No request of a page reaches the network: what it may ask for, ``Fetch`` brings.
    """

    def __init__(self, program: str, limits: RenderLimits | None = None) -> None:
        self._program = program
        self.limits = limits or RenderLimits()
        self._turns = asyncio.Semaphore(TABS)
        self._starting = asyncio.Lock()
        self._playwright: Playwright | None = None
        self._browser: Browser | None = None
        self._pages = self._tabs = 0
        self._alone = asyncio.Event()

    async def render(self, page: Page, fetch: Fetch, *, most: int) -> bytes:
        """The page after its scripts, as HTML in UTF-8 of at most ``most`` bytes.

        Raises:
            ItemSourceError: the browser fails, or the page takes too long or grows too large.
        """
        from playwright.async_api import Error  # an extra

        async with self._turns:
            try:
                browser = await self._ready()
            except Error as error:
                raise _failed("unknown_error", page.url, f"Chromium failed to start: {_line(error)}") from error
            try:
                async with asyncio.timeout(self.limits.whole):
                    return await self._open(browser, page, fetch, most)
            except TimeoutError as error:
                told = f"it did not finish loading within {self.limits.whole:g} seconds"
                raise _failed("timeout_error", page.url, told) from error
            except Error as error:
                kind: Kind = "unknown_error" if browser.is_connected() else "network_connection_closed_error"
                raise _failed(kind, page.url, _line(error)) from error
            finally:
                self._tabs -= 1
                if not self._tabs:
                    self._alone.set()

    async def close(self) -> None:
        """End the browser."""
        browser, self._browser = self._browser, None
        playwright, self._playwright = self._playwright, None
        if browser:
            await browser.close()
        if playwright:
            await playwright.stop()

    async def _ready(self) -> "Browser":
        from playwright.async_api import async_playwright  # an extra

        async with self._starting:
            if self._browser and (not self._browser.is_connected() or self._pages >= MOST_PAGES):
                if self._tabs:  # no other begins meanwhile
                    await self._alone.wait()
                await self._browser.close()
                self._browser = None
            if self._playwright is None:
                self._playwright = await async_playwright().start()
            if self._browser is None:
                self._pages = 0
                self._browser = await self._playwright.chromium.launch(
                    executable_path=self._program,
                    args=list(FLAGS),
                    chromium_sandbox=os.geteuid() != 0,  # with root it does not start
                    proxy={"server": NOWHERE, "bypass": "<-loopback>"},
                    env={name: os.environ[name] for name in ENVIRONMENT if name in os.environ},
                )
            self._pages += 1
            self._tabs += 1
            self._alone.clear()
            return self._browser

    async def _open(self, browser: "Browser", page: Page, fetch: Fetch, most: int) -> bytes:
        context = await browser.new_context(service_workers="block", accept_downloads=False)
        try:
            return await self._read(context, page, fetch, most)
        finally:
            closing = asyncio.ensure_future(context.close())
            await asyncio.wait([closing], timeout=5)
            if not closing.done():  # a script that never ends holds it: all goes, and the next page starts anew
                closing.cancel()
                await browser.close()
            elif not closing.cancelled():
                closing.exception()  # it has gone with its browser

    async def _read(self, context: "BrowserContext", page: Page, fetch: Fetch, most: int) -> bytes:
        asked = _Requests(page, fetch, self.limits)
        try:
            await context.route("**/*", asked.answer)
            await context.route_web_socket("**/*", _refuse_socket)
            tab = await context.new_page()
            context.on("page", lambda other: other.close())
            await tab.goto(page.url, wait_until="domcontentloaded", timeout=1000 * self.limits.whole)
            await asked.settle()
            size = await tab.evaluate("document.documentElement.outerHTML.length")
            content = (await tab.content()).encode(errors="replace") if size <= most else b""
        finally:
            asked.end()
        if size > most or len(content) > most:
            raise ItemSourceError("over_size", f"{page.url} grew beyond {most:,} bytes", gone=True)
        return content


class Allowance:
    """The bytes that all answers to one page may have. What comes at once is taken from it before it is asked for."""

    def __init__(self, fetch: Fetch, size: int) -> None:
        self._fetch = fetch
        self._size = size
        self._left = size
        self._out = 0
        self._back = asyncio.Event()

    async def fetch(self, url: str) -> Page:
        """What is there; raises ``ItemSourceError``, also where nothing is left for it.

        An answer larger than a share is asked for again, with all that is left, when no other is on its way.
        """
        try:
            return await self._within(url, max(self._size // SHARES, 1))
        except ItemSourceError as error:
            if error.kind != "over_size":
                raise
        return await self._within(url, self._size)

    async def _within(self, url: str, most: int) -> Page:
        while self._left < most and self._out:
            self._back.clear()
            await self._back.wait()
        share = min(most, self._left)
        if share <= 0:
            raise ItemSourceError("over_size", f"{url}: the requests of one page exceed {self._size:,} bytes")
        self._left -= share
        self._out += 1
        used = 0
        try:
            found = await self._fetch(url, share)
            used = len(found.body)
            return found
        finally:
            self._left += share - used
            self._out -= 1
            self._back.set()


class _Requests:
    """What one page asks for."""

    def __init__(self, page: Page, fetch: Fetch, limits: RenderLimits) -> None:
        self._page = page
        self._allowance = Allowance(fetch, limits.size)
        self._limits = limits
        self._begun = False
        self._number = 0
        self._open = 0
        self._fetching: set[asyncio.Future[Page]] = set()
        self._moved = asyncio.Event()
        self._quiet_since = time.monotonic()

    async def answer(self, route: "Route") -> None:
        """The page itself once, what it needs within the limits, and nothing else."""
        request = route.request
        if request.is_navigation_request():
            if self._begun or request.frame.parent_frame:
                await route.fulfill(status=204)  # the page stays; refused, it would give way to an error page
                return
            self._begun = True
            await route.fulfill(status=200, headers={"content-type": "text/html; charset=utf-8"}, body=self._page.body)
        elif request.method != "GET" or request.resource_type not in WANTED or self._number >= self._limits.requests:
            await route.abort("blockedbyclient")
        else:
            await self._bring(route)

    async def _bring(self, route: "Route") -> None:
        self._number += 1
        self._open += 1
        fetching = asyncio.ensure_future(self._allowance.fetch(route.request.url))
        self._fetching.add(fetching)
        try:
            await asyncio.wait([fetching])
            if fetching.cancelled():
                return  # nobody waits for it any more
            found = fetching.result()
            await route.fulfill(status=200, headers=self._headers(found), body=found.body)
        except ItemSourceError:
            await route.abort("failed")
        finally:
            fetching.cancel()
            self._fetching.discard(fetching)
            self._open -= 1
            self._quiet_since = time.monotonic()
            self._moved.set()

    def _headers(self, found: Page) -> dict[str, str]:
        """Other origins may be read: the profile holds nothing that anybody could be robbed of."""
        parts = urlsplit(self._page.url)
        return {
            "content-type": found.headers.get("content-type", "application/octet-stream"),
            "access-control-allow-origin": f"{parts.scheme}://{parts.netloc}",
            "access-control-allow-credentials": "true",
        }

    def end(self) -> None:
        """Ask for nothing more: the page has been read, and what still waits for its turn would hold up the next."""
        self._number = self._limits.requests
        for one in self._fetching:
            one.cancel()

    async def settle(self) -> None:
        """Return when nothing has been asked for a while, or the time for it is over."""
        self._quiet_since = time.monotonic()  # its scripts have just begun
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._limits.settle):
                await self._become_quiet()

    async def _become_quiet(self) -> None:
        while (left := self._quiet_since + QUIET - time.monotonic()) > 0 or self._open:
            self._moved.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(left, QUIET)):
                    await self._moved.wait()


async def _refuse_socket(socket: "WebSocketRoute") -> None:
    await socket.close()


def _failed(kind: Kind, url: str, why: str) -> ItemSourceError:
    return ItemSourceError(f"browser_rendering_{kind}", f"{url}: {why}")


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
