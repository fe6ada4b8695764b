"""An answer that comes piece by piece."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from types import TracebackType

import httpx

from secondlook.api.binding.errors import Kind
from secondlook.domain.server_sent import read_server_sent


class Body:
    """A ``Response`` and its ``body`` in one: iterate it once, or read it whole; then it is closed.

    An answer that breaks off raises the error that ``kind`` gives for no answer.

    Attributes:
        status: of HTTP.
        headers: of the answer.
    """

    def __init__(self, response: httpx.Response, kind: Kind) -> None:
        self._response = response
        self._kind = kind
        self.status = response.status_code
        self.headers = response.headers

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """The bytes as they come."""
        async with self:
            with self._told():
                async for part in self._response.aiter_bytes():
                    yield part

    async def read(self) -> bytes:
        """All bytes."""
        return b"".join([part async for part in self])

    async def text(self) -> str:
        """All text."""
        return (await self.read()).decode()

    async def events(self) -> AsyncIterator[tuple[str, str]]:
        """Name and data of each server-sent event; the name is empty unless the server gives one."""
        async with self:
            with self._told():
                async for event in read_server_sent(self._response.aiter_bytes()):
                    yield event.name, event.data

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except httpx.TransportError as error:
            raise self._kind(0)(f"the answer was cut short ({str(error) or type(error).__name__}): retry") from error

    async def aclose(self) -> None:
        """Ask for no more; what the server is about to write is not written."""
        await self._response.aclose()

    async def __aenter__(self) -> "Body":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()
