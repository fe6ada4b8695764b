"""One end of a transfer: an account and a namespace of a server that speaks the AI Search API."""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import quote

import httpx

from secondlook.errors import BackendError, CallerError

PER_PAGE = 50
"""The largest page of a list (contract, 14)."""
TRIES = 6
FIRST_PAUSE = 0.5
"""Seconds before the second try; each further one waits twice as long, unless the server says how long."""
LONGEST_PAUSE = 330.0
"""Seconds; Cloudflare's API counts requests over five minutes."""
LONGEST_TEXT = 200
NOT_HERE = 7059
"""The code for a file that lies in an external source, and cannot be downloaded (contract, 14)."""


class PeerError(BackendError):
    """The other side refused, or did not answer; ``status`` is 0 when nobody did."""

    def __init__(self, message: str, *, status: int = 0, code: int = 0) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class PeerAccessError(CallerError):
    """The token is not good for the other side."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where an instance lies, or shall lie."""

    account: str
    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class Document:
    """A file and what is known of it."""

    key: str
    content: bytes
    metadata: Mapping[str, Any]


class Peer:
    """The instance at ``place``, by the requests of contract, 12 and 14.

    A request that is refused with 429 or 5xx, or that nobody answers, is sent again: each of them may be.

    Args:
        client: knows the address and the token.
        where: the address as messages name it.
        pause: seconds before the second try.
    """

    def __init__(self, client: httpx.AsyncClient, place: Place, *, where: str, pause: float = FIRST_PAUSE) -> None:
        self._client = client
        self._where = where
        self._pause = pause
        parts = (quote(one, safe="") for one in (place.account, place.namespace))
        self._list = "/accounts/{}/ai-search/namespaces/{}/instances".format(*parts)
        self._one = f"{self._list}/{quote(place.name, safe='')}"
        self.place = place

    def __str__(self) -> str:
        return f"{self.place.name} of {self._where}"

    async def read(self) -> dict[str, Any] | None:
        """The instance object, or None where there is none.

        Raises:
            PeerError, PeerAccessError
        """
        try:
            return cast(dict[str, Any], await self._result("GET", self._one))
        except PeerError as error:
            if error.status == 404:
                return None
            raise

    async def create(self, settings: Mapping[str, Any]) -> None:
        """Make the instance."""
        await self._result("POST", self._list, json={"id": self.place.name, **settings})

    async def update(self, settings: Mapping[str, Any]) -> None:
        """Change what is sent."""
        await self._result("PUT", self._one, json=dict(settings))

    async def stats(self) -> dict[str, Any]:
        """The counters of items (contract, 12.4)."""
        return cast(dict[str, Any], await self._result("GET", f"{self._one}/stats"))

    async def items(self, status: str = "") -> AsyncIterator[dict[str, Any]]:
        """Every item object, once each; what is added meanwhile may be missed."""
        seen: set[str] = set()
        number = 0
        while True:
            number += 1
            query = {"page": number, "per_page": PER_PAGE, "sort_by": "modified_at"}
            found = await self._result(
                "GET", f"{self._one}/items", params=query | ({"status": status} if status else {})
            )
            for item in cast(list[dict[str, Any]], found):
                if item["id"] not in seen:
                    seen.add(item["id"])
                    yield item
            if len(found) < PER_PAGE:
                return

    async def download(self, item_id: str) -> bytes:
        """The file; a ``PeerError`` with the code 7059 if it lies elsewhere."""
        headers = {"Accept": "application/octet-stream"}
        answer = await self._ask("GET", f"{self._one}/items/{quote(item_id, safe='')}/download", headers=headers)
        return answer.content

    async def upload(self, document: Document) -> None:
        """Put the file there, in the place of one of that key."""
        files = {"file": (document.key, document.content, "application/octet-stream")}
        form = {"metadata": json.dumps(document.metadata)} if document.metadata else {}
        await self._result("POST", f"{self._one}/items", files=files, data=form)

    async def _result(self, method: str, path: str, **sent: Any) -> Any:
        answer = await self._ask(method, path, **sent)
        try:
            return answer.json()["result"]
        except (ValueError, LookupError, TypeError) as error:
            raise PeerError(
                f"{self._where} does not serve the AI Search API: it answered {answer.text[:LONGEST_TEXT]!r}; check the"
                " address, which must end with /client/v4",
                status=answer.status_code,
            ) from error

    async def _ask(self, method: str, path: str, **sent: Any) -> httpx.Response:
        pause = self._pause
        for left in reversed(range(TRIES)):
            try:
                answer = await self._client.request(method, path, **sent)
            except httpx.TransportError as error:
                if not left:
                    raise PeerError(
                        f"no answer from {self._where} ({str(error) or type(error).__name__}): check the address"
                    ) from error
                await asyncio.sleep(pause * random.uniform(0.5, 1.0))
            else:
                if answer.is_success:
                    return answer
                if not left or (answer.status_code != 429 and answer.status_code < 500):
                    raise self._refusal(answer)
                await asyncio.sleep(_asked_for(answer) or pause * random.uniform(0.5, 1.0))
            pause = min(2 * pause, LONGEST_PAUSE)
        raise AssertionError("the last try returns or raises")

    def _refusal(self, answer: httpx.Response) -> PeerError | PeerAccessError:
        status = answer.status_code
        try:
            line = answer.json()["errors"][0]
            code, message = int(line["code"]), str(line["message"])
        except (ValueError, LookupError, TypeError):
            code, message = 0, answer.text[:LONGEST_TEXT] or f"status {status}"
        if status in (401, 403):
            return PeerAccessError(
                f"{self._where} rejected the token ({message}): use one that may edit AI Search in account"
                f" {self.place.account!r}"
            )
        return PeerError(f"{self._where} answered {status}: {message}", status=status, code=code)


def _asked_for(answer: httpx.Response) -> float:
    """Seconds that the server asks to wait for, 0 if it names none."""
    try:
        return min(max(0.0, float(answer.headers.get("Retry-After", 0))), LONGEST_PAUSE)
    except ValueError:  # a date
        return 0.0
