"""Reading request bodies: null is absent, unknown keys are ignored, an error names the field."""

import asyncio
import json
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from starlette.requests import ClientDisconnect, Request
from starlette.types import Message as AsgiMessage

from secondlook.domain.query import Message, Query
from secondlook.errors import CallerError, InvalidOptionError, MissingQueryError

M = TypeVar("M", bound="Body")
T = TypeVar("T")

LARGEST_JSON = 32 << 20
"""Bytes of a JSON body; one inline image may take 20 MiB (contract, 3.1)."""


class Body(BaseModel):
    """A wire object; every field is optional, and null is the same as leaving it out."""

    model_config = ConfigDict(extra="allow", strict=True)

    @model_validator(mode="before")
    @classmethod
    def _tidy(cls, raw: Any) -> Any:
        """Nulls go, and 3.0 is 3, as in JavaScript; text is never read as a number."""
        if not isinstance(raw, dict):
            return raw
        return {name: _whole(value) for name, value in raw.items() if value is not None}


class WireMessage(Body):
    """A message; content is text, nothing, or parts of which the text is read."""

    role: str
    content: str | list[dict[str, Any]] | None = None

    def text(self) -> str:
        """The text parts, joined by newlines."""
        if isinstance(self.content, list):
            return "\n".join(str(part.get("text", "")) for part in self.content if part.get("type") == "text")
        return self.content or ""


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


async def read_json(request: Request) -> dict[str, Any]:
    """The body as a JSON object; raises ``InvalidOptionError``."""
    text = await capped(request, LARGEST_JSON, InvalidOptionError).body()
    try:
        raw = json.loads(text)
        if b"\\ud" in text.lower():
            json.dumps(raw, ensure_ascii=False).encode()  # half a surrogate pair is no text: nothing could store it
    except (ValueError, RecursionError) as error:
        raise InvalidOptionError(f"the body is not valid JSON: {error}") from error
    if not isinstance(raw, dict):
        raise InvalidOptionError(f"the body must be a JSON object, not {type(raw).__name__}")
    return raw


def capped(request: Request, most: int, error: type[CallerError]) -> Request:
    """The same request, which raises ``error`` once more than ``most`` bytes of body have come."""
    received = 0

    async def receive() -> AsgiMessage:
        nonlocal received
        message = await request.receive()
        received += len(message.get("body", b""))
        if received > most:
            raise error(f"the body has more than {most:,} bytes: send less")
        return message

    return Request(request.scope, receive)


async def while_wanted(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """What the work returns; it is cancelled when the client hangs up, and ``ClientDisconnect`` is raised.

    The body must have been read before.
    """

    async def gone() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass

    task, watch = asyncio.create_task(work), asyncio.create_task(gone())
    try:
        await asyncio.wait((task, watch), return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ClientDisconnect
        return task.result()
    finally:
        task.cancel()
        watch.cancel()
        await asyncio.gather(task, watch, return_exceptions=True)


def validate(kind: type[M], raw: object) -> M:
    """The body as this kind; raises ``InvalidOptionError`` that names each field, its value and the rule."""
    try:
        return kind.model_validate(raw)
    except ValidationError as error:
        lines = [
            f"{'.'.join(str(part) for part in one['loc']) or 'body'}: {one['msg']}"
            + ("" if one["type"] == "missing" else f" (it was {str(one['input'])[:80]!r})")
            for one in error.errors(include_url=False)
        ]
        raise InvalidOptionError("; ".join(lines)) from error


ROLES = ("system", "developer", "user", "assistant", "tool")


def read_query(query: str | None, messages: Sequence[WireMessage] | None) -> Query:
    """The query text: ``query``, or the last user message with the conversation around it.

    Raises:
        MissingQueryError: neither holds text. InvalidOptionError: both are given.
    """
    if query is not None and messages:
        raise InvalidOptionError("give query or messages, not both")
    if query is not None and query.strip():
        return Query(query.strip())
    turns = []
    for message in messages or ():
        if message.role not in ROLES:
            raise InvalidOptionError(f"messages: role {message.role!r} is none of {', '.join(ROLES)}")
        turns.append(Message(message.role, message.text()))  # type: ignore[arg-type]  # checked above
    asked = [turn.content.strip() for turn in turns if turn.role == "user" and turn.content.strip()]
    if not asked:
        raise MissingQueryError("there is no text to search for: give query, or a user message with text")
    return Query(asked[-1], tuple(turns))
