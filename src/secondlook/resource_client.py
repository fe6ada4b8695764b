"""A client of the API for commands: over a running server, or over the data folder in this process."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from secondlook.errors import CallerError
from secondlook.transfer import here

PAGE = 50
"""Rows of a page; the API gives no more of items at a time."""
NOT_OURS = "{where} answered with status {status}, not as Secondlook does. Is --server the right address?"


class ResourceClient:
    """The resources of one account.

    Args:
        where: the server's address, or the data folder; named in errors.
    """

    def __init__(self, client: httpx.AsyncClient, account: str, *, where: str) -> None:
        self.account = account
        self._client = client
        self._where = where

    def at_account(self, account: str) -> "ResourceClient":
        """The same server, another account."""
        return ResourceClient(self._client, account, where=self._where)

    async def get(self, *parts: str, **query: Any) -> Any:
        """The ``result`` of a resource; raises ``CallerError`` with what the server says instead."""
        return (await self._ask("GET", parts, query))["result"]

    async def page(self, *parts: str, **query: Any) -> tuple[list[Mapping[str, Any]], Mapping[str, Any]]:
        """The rows of one page, and its ``result_info``."""
        envelope = await self._ask("GET", parts, query)
        return envelope["result"], envelope["result_info"]

    async def all(self, *parts: str, **query: Any) -> list[Mapping[str, Any]]:
        """The rows of all pages of a list."""
        found: list[Mapping[str, Any]] = []
        while True:
            rows, info = await self.page(*parts, page=1 + len(found) // PAGE, per_page=PAGE, **query)
            found += rows
            if len(rows) < PAGE or len(found) >= info["total_count"]:
                return found

    async def delete(self, *parts: str) -> Any:
        """The ``result`` of a deletion; raises as ``get``."""
        return (await self._ask("DELETE", parts, {}))["result"]

    async def _ask(self, method: str, parts: tuple[str, ...], query: Mapping[str, Any]) -> Mapping[str, Any]:
        path = "/".join(quote(one, safe="") for one in ("accounts", self.account, "ai-search", *parts))
        try:
            answer = await self._client.request(method, path, params=dict(query))
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise CallerError(f"cannot reach {self._where} ({error or type(error).__name__})") from error
        try:
            envelope = answer.json()
            said = "" if answer.is_success else first_error(envelope)
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise CallerError(NOT_OURS.format(where=self._where, status=answer.status_code)) from error
        if said or not isinstance(envelope, dict) or "result" not in envelope:
            raise CallerError(said or NOT_OURS.format(where=self._where, status=answer.status_code))
        return envelope


def first_error(envelope: Mapping[str, Any]) -> str:
    """What the first error of an answer says to people."""
    first = envelope["errors"][0]
    return str(first.get("detail") or first["message"].replace("_", " "))


@asynccontextmanager
async def open_client(server: str, data_dir: Path | None, account: str) -> AsyncIterator[ResourceClient]:
    """A client of the server, or of the data folder, which must exist and whose queue is left alone."""
    async with here(server, data_dir, make=False, queue="none") as client:
        yield ResourceClient(client, account, where=server or "the data folder")
