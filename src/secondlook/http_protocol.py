"""HTTP as it is served: uvicorn's, with bounds for headers and for the time that a client may take."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.server import ServerState

LARGEST_HEAD = 64 << 10
"""Bytes of a request line and its headers."""
MOST_HEADERS = 256
SLICE = 16 << 10
"""Bytes that are parsed at once: so much more than ``LARGEST_HEAD`` may have come before it is noticed."""

LEAST_READ = 4 << 10
"""Bytes of an answer that a client reads at least while it is waited for."""
REASONS: Mapping[int, str] = {
    400: "Invalid HTTP request received.",
    408: "The request took too long to arrive.",
    431: f"The headers of a request may have {LARGEST_HEAD} bytes and {MOST_HEADERS} fields.",
}


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds: for the headers of a request, without a byte of a body or of an answer, and for a whole body."""

    head: float = 10.0
    silence: float = 30.0
    body: float = 300.0


class TooLargeError(Exception):
    """The headers exceed a limit."""


def bounded(patience: Patience) -> type[HttpToolsProtocol]:
    """The protocol class with that patience, as uvicorn makes it."""

    class Bounded(BoundedProtocol):
        def __init__(
            self,
            config: Config,
            server_state: ServerState,
            app_state: dict[str, Any],
            _loop: asyncio.AbstractEventLoop | None = None,
        ) -> None:
            super().__init__(config, server_state, app_state, _loop)
            self.patience = patience

    return Bounded


class BoundedProtocol(HttpToolsProtocol):
    """One connection. It ends when its headers are too large, or its client takes too long.

    A timer runs while the client has to send (headers, then a body) or to read (an answer that fills the buffer),
    never while the server works. Between requests uvicorn's own applies.
    """

    patience = Patience()

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._head = self._fields = 0
        self._in_head = True
        self._begun = False
        self._reading: asyncio.TimerHandle | None = None
        self._writing: asyncio.TimerHandle | None = None
        self._body_ends = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """The client may begin."""
        super().connection_made(transport)
        self._expect(self.patience.head, self._head_is_late)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is waited for any more."""
        for timer in (self._reading, self._writing):
            if timer:
                timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse it in slices, so that headers without end are noticed before all of them are kept."""
        for start in range(0, len(data), SLICE):
            if self.transport.is_closing():
                return
            piece = data[start : start + SLICE]
            if self._in_head:
                if self._reading is None:  # the first bytes after an answer
                    self._expect(self.patience.head, self._head_is_late)
                self._head += len(piece)
            super().data_received(piece)
            if self._in_head and self._head > LARGEST_HEAD + SLICE:
                self._refuse(431)
        if self.transport.is_closing():
            return
        if not self._in_head:
            self._expect_body()
        elif self._begun and self._reading is None:
            self._expect(self.patience.head, self._head_is_late)

    def on_message_begin(self) -> None:
        """The headers of the next request begin."""
        super().on_message_begin()
        self._begun = True
        self._fields = 0

    def on_url(self, url: bytes) -> None:
        """A piece of the request line."""
        super().on_url(url)
        self._count(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header; trailers after a body count too."""
        super().on_header(name, value)
        self._count(len(name) + len(value) + 4)

    def on_headers_complete(self) -> None:
        """The body begins."""
        self._in_head = False
        self._body_ends = self.loop.time() + self.patience.body
        self._expect_nothing()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The request is whole."""
        self._in_head = True
        self._begun = False
        self._head = 0
        self._expect_nothing()
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Why the request is none."""
        self._refuse(431 if self._too_large else 400)

    def pause_writing(self) -> None:
        """The client does not read as fast as the server writes."""
        super().pause_writing()
        self._expect_reader(self.transport.get_write_buffer_size())

    def resume_writing(self) -> None:
        """It has read."""
        if self._writing:
            self._writing.cancel()
        super().resume_writing()

    @property
    def _too_large(self) -> bool:
        return self._fields > LARGEST_HEAD or len(self.headers or ()) > MOST_HEADERS

    def _count(self, size: int) -> None:
        self._fields += size
        if self._too_large:
            raise TooLargeError  # the parser stops, and ``send_400_response`` is called

    def _expect(self, seconds: float, late: Callable[[], None]) -> None:
        self._expect_nothing()
        self._reading = self.loop.call_later(max(0.0, seconds), late)

    def _expect_nothing(self) -> None:
        if self._reading:
            self._reading.cancel()
            self._reading = None

    def _expect_body(self) -> None:
        self._expect(min(self.patience.silence, self._body_ends - self.loop.time()), self._body_is_late)

    def _head_is_late(self) -> None:
        self._reading = None
        if self.cycle and not self.cycle.response_complete:  # what comes after is early
            self._expect(self.patience.head, self._head_is_late)
        elif self._begun:
            self._refuse(408)
        else:
            self.transport.close()

    def _body_is_late(self) -> None:
        self._reading = None
        if self.flow.read_paused and self.loop.time() < self._body_ends:  # the server is late
            self._expect_body()
        else:
            self._refuse(408)

    def _expect_reader(self, unread: int) -> None:
        def look() -> None:
            now = self.transport.get_write_buffer_size()
            if unread - now < LEAST_READ:
                self.transport.abort()
            else:
                self._expect_reader(now)

        self._writing = self.loop.call_later(self.patience.silence, look)

    def _refuse(self, status: int) -> None:
        """Say why, unless an answer has begun, and close the connection."""
        if self.transport.is_closing():
            return
        if self.cycle is None or self.cycle.response_complete or not self.cycle.response_started:
            text = REASONS[status].encode()
            head = b"content-type: text/plain; charset=utf-8\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % len(
                text
            )
            self.transport.write(STATUS_LINE[status] + head + text)
        self.transport.close()
