"""A website on localhost, with whatever traps a test sets."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import ThreadingHTTPServer
from urllib.parse import unquote

from tests.thread_server import QuietHandler

HTML = "text/html; charset=utf-8"


@dataclass
class Reply:
    """What the site answers; ``drip`` seconds between single bytes of the body, ``before`` seconds before it.

    A header of several lines is sent several times.
    """

    body: bytes = b""
    status: int = 200
    kind: str = HTML
    headers: Mapping[str, str] = field(default_factory=dict)
    drip: float = 0.0
    before: float = 0.0


Answer = Reply | Callable[[Mapping[str, str]], Reply]


class WebSite:
    """Paths and their replies; ``asked`` keeps each request, in order, as (path, headers)."""

    def __init__(self) -> None:
        self.url = ""
        self.pages: dict[str, Answer] = {}
        self.asked: list[tuple[str, Mapping[str, str]]] = []

    def html(self, path: str, body: str, head: str = "", **headers: str) -> None:
        """A page."""
        text = f"<!doctype html><html><head>{head}</head><body>{body}</body></html>"
        etag = f'"{hash(text) & 0xFFFFFFFF:x}"'

        def answer(sent: Mapping[str, str]) -> Reply:
            if sent.get("if-none-match") == etag:
                return Reply(status=304, headers={"etag": etag})
            return Reply(text.encode(), headers={"etag": etag, **headers})

        self.pages[path] = answer

    def sitemap(self, *paths: str, at: str = "/sitemap.xml", **told: str) -> None:
        """A sitemap of these pages; ``told`` stands with each of them, such as ``lastmod``."""
        more = "".join(f"<{name}>{value}</{name}>" for name, value in told.items())
        rows = "".join(f"<url><loc>{self.url}{path}</loc>{more}</url>" for path in paths)
        text = f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{rows}</urlset>'
        self.pages[at] = Reply(text.encode(), kind="application/xml")

    def paths(self) -> list[str]:
        """What was asked for, in order."""
        return [path for path, _ in self.asked]

    def redirect(self, path: str, to: str, status: int = 302) -> None:
        """A page that lies elsewhere."""
        self.pages[path] = Reply(status=status, headers={"location": to})


@contextmanager
def serve_site() -> Iterator[WebSite]:
    """A site that lives as long as the block; paths that nobody set answer 404."""
    site = WebSite()

    class Handler(QuietHandler):
        def do_GET(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            site.asked.append((self.path, headers))
            found = site.pages.get(unquote(self.path), Reply(b"nothing is here", 404))
            reply = found(headers) if callable(found) else found
            time.sleep(reply.before)
            self.send_response(reply.status)
            if reply.status != 304:
                self.send_header("Content-Type", reply.kind)
                self.send_header("Content-Length", str(len(reply.body)))
            for name, value in reply.headers.items():
                for line in value.split("\n"):
                    self.send_header(name, line)
            self.end_headers()
            try:
                self._send(reply)
            except OSError:
                self.close_connection = True  # who asked has hung up

        def _send(self, reply: Reply) -> None:
            if not reply.drip:
                self.wfile.write(reply.body)
                return
            for place in range(len(reply.body)):
                self.wfile.write(reply.body[place : place + 1])
                self.wfile.flush()
                time.sleep(reply.drip)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.block_on_close = False
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    site.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
