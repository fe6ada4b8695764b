"""Reading request bodies: null is absent, unknown keys are ignored and named, an error names the field."""

import asyncio
from collections.abc import Coroutine, Iterator, Sequence
from difflib import get_close_matches
from itertools import islice
from typing import Any, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from starlette.requests import ClientDisconnect, Request
from starlette.types import Message as AsgiMessage

from secondlook.api.errors import MOST_FIELDS
from secondlook.api.field_errors import read_lines
from secondlook.api.json_values import MOST_VALUES, parse_json
from secondlook.api.notices import UNKNOWN_KEY, note
from secondlook.api.parts import parse_parts
from secondlook.domain.query import Message, Query
from secondlook.errors import CallerError, ImageQueryError, InvalidOptionError, MissingQueryError
from secondlook.threads import BoundedThreads

ROLES = ("system", "developer", "user", "assistant", "tool")
M = TypeVar("M", bound="Body")
T = TypeVar("T")

LARGEST_JSON = 1 << 20
"""Bytes of a JSON body, apart from images and files in messages."""
LARGEST_WITH_PARTS = 36 << 20
"""Bytes of a body with those: room for the largest image and the largest file together (contract, 3.1)."""
LARGEST_SETTINGS = 1 << 20
"""Bytes of a body whose content is kept in the catalogue."""
LARGEST_AT_ONCE = 16 << 10
"""Bytes of a body that is parsed at once; larger ones are parsed in a thread."""
MANY = 500
"""Values of a body from which it is checked in a thread."""
MOST_HINTS = 20
"""Unknown keys of a body that are named."""
LONGEST_HINTED = 64
"""Characters of an unknown key for which a similar one is sought."""
PARSING = BoundedThreads("bodies", threads=2, waiting=256)


class Body(BaseModel):
    """A wire object; every field is optional, and null is the same as leaving it out.

    ``free`` is an object whose further keys are read elsewhere or passed on, ``read_only`` names keys that answers
    have and that may come back: neither is unknown.
    """

    model_config = ConfigDict(extra="allow", strict=True)
    free: ClassVar[bool] = False
    read_only: ClassVar[frozenset[str]] = frozenset()

    @model_validator(mode="before")
    @classmethod
    def _tidy(cls, raw: Any) -> Any:
        """Nulls go, and 3.0 is 3, as in JavaScript; text is never read as a number."""
        if not isinstance(raw, dict):
            return raw
        return {name: _whole(value) for name, value in raw.items() if value is not None}


class ImageBody(Body):
    """An image in a message."""

    free = True
    url: str = Field(min_length=1, max_length=20_971_520)


class FileBody(Body):
    """A file in a message."""

    free = True
    filename: str = Field(min_length=1, max_length=255)
    file_data: str | None = Field(None, min_length=1, max_length=13_981_144)
    file_id: str | None = None


class PartBody(Body):
    """A part of a message. Unknown types are ignored."""

    free = True
    type: str
    text: str | None = Field(None, min_length=1)
    image_url: ImageBody | None = None
    file: FileBody | None = None

    @model_validator(mode="after")
    def _whole(self) -> "PartBody":
        if self.type in ("text", "image_url", "file") and getattr(self, self.type) is None:
            raise ValueError(f"a part of type {self.type} needs the field {self.type}")
        return self


class WireMessage(Body):
    """A message. ``content`` is text, null, or a list of parts; only text parts are read."""

    free = True
    role: str
    content: str | list[PartBody] | None = None

    def text(self) -> str:
        """The text parts, joined by newlines."""
        if isinstance(self.content, list):
            return "\n".join(part.text or "" for part in self.content if part.type == "text")
        return self.content or ""

    def turn(self) -> Message:
        """The turn of a conversation; keys of others, such as tool calls, go with it."""
        if self.role not in ROLES:
            raise InvalidOptionError(f"messages: role {self.role!r} is not one of {', '.join(ROLES)}")
        extra = tuple(sorted((self.model_extra or {}).items()))
        return Message(self.role, self.text(), extra)  # type: ignore[arg-type]  # checked above

    def has_image(self) -> bool:
        """Whether one of its parts is an image."""
        return isinstance(self.content, list) and any(part.type == "image_url" for part in self.content)


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


async def read_json(
    request: Request, most: int = LARGEST_JSON, *, parts: bool = False, most_values: int = MOST_VALUES
) -> dict[str, Any]:
    """The body as a JSON object, of at most ``most`` bytes and ``most_values`` values.

    With ``parts``, images and files in its messages are bounded one by one instead, and their content is left out.

    Raises:
        InvalidOptionError: it is no such object.
    """
    content = await capped(request, LARGEST_WITH_PARTS if parts else most, InvalidOptionError).body()
    try:
        if len(content) > most:
            raw = await PARSING.run(lambda: parse_parts(content, most))
        else:
            raw = await parse_body(content, most_values)
    except ValueError as error:
        raise InvalidOptionError(f"the body is not valid JSON: {error}") from error
    if not isinstance(raw, dict):
        raise InvalidOptionError(f"the body must be a JSON object, not {type(raw).__name__}")
    return raw


async def parse_body(content: bytes, most_values: int = MOST_VALUES) -> Any:
    """As ``parse_json``; what is large is parsed in a thread."""
    if len(content) <= LARGEST_AT_ONCE:
        return parse_json(content, most_values)
    return await PARSING.run(lambda: parse_json(content, most_values))


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
    """The body as this kind; the answer will name the keys that nothing reads.

    Raises:
        InvalidOptionError: it names each wrong field, its value and the rule.
    """
    try:
        body = kind.model_validate(raw)
    except ValidationError as error:
        found = error.errors(include_url=False)
        lines = [
            f"{'.'.join(str(part) for part in one['loc']) or 'body'}: {one['msg']}"
            + ("" if one["type"] == "missing" else f" (received {_shortened(one['input'])!r})")
            for one in found[:MOST_FIELDS]
        ]
        refusal = InvalidOptionError("; ".join(lines))
        refusal.fields = tuple(read_lines(found[:MOST_FIELDS]))
        raise refusal from error
    for path, meant in islice(find_unknown(body), MOST_HINTS):
        hint = f"; did you mean {meant}?" if meant else ""
        note(UNKNOWN_KEY, f"{path}: this key is unknown and was ignored{hint}")
    return body


async def validated(kind: type[M], raw: object) -> M:
    """As ``validate``; what holds many values is checked in a thread."""
    if not _holds_many(raw):
        return validate(kind, raw)
    return await PARSING.run(lambda: validate(kind, raw))


def _holds_many(raw: object) -> bool:
    waiting, count = [raw], 0
    while waiting and count < MANY:
        one = waiting.pop()
        inner = one.values() if isinstance(one, dict) else one if isinstance(one, list) else ()
        count += len(inner)
        waiting.extend(islice(inner, MANY))
    return count >= MANY


def _shortened(value: object) -> str:
    """Its first characters; of what holds others, only so many are written out."""
    if isinstance(value, list | dict) and len(value) > 10:
        return f"{type(value).__name__} of {len(value)}"
    return str(value)[:80]


def find_unknown(body: Body, path: str = "") -> Iterator[tuple[str, str]]:
    """The path of each key that nothing reads, and the key that may have been meant, or nothing."""
    kind = type(body)
    known = list(kind.model_fields)
    if not kind.free:
        for name in body.model_extra or {}:
            if name not in kind.read_only:
                meant = get_close_matches(name, known, 1) if len(name) <= LONGEST_HINTED else ()
                yield f"{path}{name[:LONGEST_HINTED]}", next(iter(meant), "")
    for name in known:
        value = getattr(body, name)
        for place, one in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if isinstance(one, Body):
                yield from find_unknown(one, f"{path}{name}." if place is None else f"{path}{name}.{place}.")


def read_query(query: str | None, messages: Sequence[WireMessage] | None) -> Query:
    """The query text: ``query``, or the last user message with the conversation around it.

    Raises:
        MissingQueryError: neither holds text. InvalidOptionError: both are given.
        ImageQueryError: the last user message holds an image, which no embedding model here can read.
    """
    if query is not None and messages:
        raise InvalidOptionError("give query or messages, not both")
    if query is not None and query.strip():
        return Query(query.strip())
    if any(message.has_image() for message in [one for one in messages or () if one.role == "user"][-1:]):
        raise ImageQueryError(
            "the last user message contains an image, but no embedding model on this server reads images: send text"
        )
    turns = [message.turn() for message in messages or ()]
    asked = [turn.content.strip() for turn in turns if turn.role == "user" and turn.content.strip()]
    if not asked:
        raise MissingQueryError("nothing to search for: send query, or a user message with text")
    return Query(asked[-1], tuple(turns))
