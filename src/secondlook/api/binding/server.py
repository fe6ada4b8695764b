"""The way to a server: paths, the token, and answers taken out of their envelopes."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast
from urllib.parse import quote

import httpx

from secondlook.api.binding.body import Body
from secondlook.api.binding.errors import BindingError, Kind

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
LONGEST_TEXT = 200
"""Characters of an answer that is no error envelope, in a message."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request, below the account."""

    method: Method
    path: str
    json: object = None
    query: Mapping[str, Any] | None = None
    files: Mapping[str, tuple[str, bytes, str]] | None = None
    form: Mapping[str, str] | None = None


class Server:
    """A server and an account of it.

    Args:
        client: knows the address, the token and the time limits.
        where: the address as it is told when nobody answers there.
    """

    def __init__(self, client: httpx.AsyncClient, account: str, *, where: str) -> None:
        self._client = client
        self._root = f"/client/v4/accounts/{part(account)}"
        self._where = where

    async def result(self, call: Call, kind: Kind) -> Any:
        """``result`` of the envelope."""
        return (await self.read(call, kind))["result"]

    async def page(self, call: Call, kind: Kind) -> Any:
        """``result`` and ``result_info`` of a list."""
        envelope = await self.read(call, kind)
        return {name: envelope[name] for name in ("result", "result_info") if name in envelope}

    async def read(self, call: Call, kind: Kind) -> Any:
        """The whole answer, read as JSON."""
        text = await (await self.open(call, kind)).text()
        try:
            return json.loads(text)
        except ValueError as error:
            raise kind(0)(f"{self._where} is not a Secondlook server: it answered {text[:LONGEST_TEXT]!r}") from error

    async def open(self, call: Call, kind: Kind) -> Body:
        """The answer as it comes; an error status raises the error that ``kind`` gives for it."""
        query = {name: value for name, value in (call.query or {}).items() if value is not None}
        request = self._client.build_request(
            call.method, self._root + call.path, json=call.json, params=query, files=call.files, data=call.form
        )
        try:
            response = await self._client.send(request, stream=True)
        except httpx.TransportError as error:
            raise kind(0)(
                f"no Secondlook server at {self._where} ({str(error) or type(error).__name__}): start it, or"
                " check the address"
            ) from error
        body = Body(response, kind)
        if response.is_success:
            return body
        raise failure_of(body.status, await body.text(), kind)


def failure_of(status: int, text: str, kind: Kind) -> BindingError:
    """The error that an envelope tells, or whatever the text is."""
    try:
        line = cast(dict[str, Any], json.loads(text)["errors"][0])
        code, message, detail = int(line.get("code", 0)), str(line["message"]), str(line.get("detail", ""))
    except (ValueError, LookupError, TypeError):
        code, message, detail = 0, text[:LONGEST_TEXT] or f"status {status}", ""
    return kind(status)(message, status=status, code=code, detail=detail)


def part(name: str) -> str:
    """A name as one part of a path."""
    return quote(name, safe="")
