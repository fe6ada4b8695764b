"""The HTTP server: the API and the dashboard over an open runtime."""

import errno
import gc
import logging
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from urllib.parse import urlsplit

import uvicorn

from secondlook.api.app import ApiOptions, create_app
from secondlook.bootstrap import Runtime
from secondlook.dashboard import routes as dashboard
from secondlook.errors import CallerError, SetupError
from secondlook.http_protocol import Patience, bounded
from secondlook.log_limits import limit_lines
from secondlook.services.sign_in import CODE_SECONDS
from secondlook.settings import Settings

BACKLOG = 2048
"""Connections that wait until they are taken; uvicorn's own default."""
REASONS = {
    errno.EADDRINUSE: "is already in use. Stop the other process, or pass --port or set SECONDLOOK_PORT.",
    errno.EACCES: "is not allowed for this user. Pass --port or set SECONDLOOK_PORT to one above 1023.",
    errno.EADDRNOTAVAIL: "cannot be opened: this machine has no such address. Pass --host or set SECONDLOOK_HOST.",
}


def listen(settings: Settings) -> list[socket.socket]:
    """Sockets that listen on every address of the host, all on one port; connections wait for ``serve``.

    Raises:
        SetupError: the host is unknown, or the port cannot be opened.
    """
    host, port = settings.host, settings.port
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise SetupError(
            f"the host {host!r} is unknown ({error}). Pass an address of this machine with --host."
        ) from error
    opened: list[socket.socket] = []
    for family, kind, protocol, _, address in dict.fromkeys(found):
        one = socket.socket(family, kind, protocol)
        opened.append(one)
        try:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            one.bind((address[0], port, *address[2:]))
            one.listen(BACKLOG)
        except OSError as error:
            close(opened)
            reason = REASONS.get(error.errno or 0, f"cannot be opened: {error.strerror or error}")
            raise SetupError(f"port {port} on {address[0]} {reason}") from error
        port = one.getsockname()[1]
    return opened


@contextmanager
def listening(settings: Settings, *, wanted: bool = True) -> Iterator[list[socket.socket]]:
    """The server's sockets, opened before anything else is done: a port that is in use leaves no trace."""
    sockets = listen(settings) if wanted else []
    try:
        yield sockets
    finally:
        close(sockets)


def close(sockets: Sequence[socket.socket]) -> None:
    """Listen no more."""
    for one in sockets:
        one.close()


def url_of(host: str, port: int) -> str:
    """The address of the server as a client writes it."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def browser_url(host: str, port: int) -> str:
    """The address that a browser on this machine opens: one that listens everywhere is opened at this machine."""
    return url_of({"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}.get(host, host), port)


def greeting(host: str, port: int, code: str) -> str:
    """What a command prints once the server listens: its address, the dashboard's, and a link that signs in once.

    The code stands in the fragment, which browsers send to no server and write into no log of one.
    """
    dashboard_url = f"{browser_url(host, port)}{dashboard.HOME}"
    return (
        f"Dashboard: {dashboard_url}\n"
        f"Sign in (works once, within {CODE_SECONDS // 60} minutes): {dashboard_url}#sign-in={code}\n"
        f"Listening on {url_of(host, port)}\n"
        "Press Ctrl-C to stop"
    )


def check_url(option: str, url: str, example: str = "http://127.0.0.1:8787") -> str:
    """The address of a server without a slash at its end; raises ``CallerError`` for anything else."""
    try:
        found = urlsplit(url)
        sound = found.scheme in ("http", "https") and bool(found.hostname) and found.port != 0
    except ValueError:  # a port that is none
        sound = False
    if not sound:
        raise CallerError(f"{option} is {url!r}. Give an address like {example}.")
    return url.rstrip("/")


SWITCH_INTERVAL = 0.001
"""Seconds after which a thread that computes in Python gives way to the event loop; Python's own default is 0.005."""


def spare_the_collector() -> None:
    """Whatever exists by now stays until the end: no later collection visits it, which takes 100 ms and more."""
    gc.collect()
    gc.freeze()


async def serve(
    runtime: Runtime,
    settings: Settings,
    *,
    sockets: Sequence[socket.socket] = (),
    on_ready: Callable[[int], None] | None = None,
) -> None:
    """Serve until interrupted, on ``sockets`` of ``listen``; ``on_ready`` hears the port once requests are taken."""
    sys.setswitchinterval(SWITCH_INTERVAL)
    if settings.log_level != "warning":  # that is what Python does by itself
        logging.basicConfig(level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    options = ApiOptions(metrics_open=settings.metrics_open, strict=settings.compatibility == "strict")
    app = create_app(runtime.services, options=options)
    app.include_router(dashboard.make_router())
    spare_the_collector()
    patience = Patience(settings.header_seconds, settings.idle_seconds, settings.body_seconds)
    config = uvicorn.Config(
        app, http=bounded(patience), ws="none", backlog=BACKLOG, log_level="warning", access_log=False
    )
    limit_lines("uvicorn")
    await _Server(config, on_ready, runtime.services.syncing.dismiss).serve(list(sockets) or listen(settings))


class _Server(uvicorn.Server):
    """Tells when it listens, and before it waits for the answers that are not whole yet."""

    def __init__(
        self, config: uvicorn.Config, on_ready: Callable[[int], None] | None, on_end: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self._on_ready = on_ready
        self._on_end = on_end

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started and self._on_ready:
            self._on_ready(self.servers[0].sockets[0].getsockname()[1])

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._on_end()
        await super().shutdown(sockets)
