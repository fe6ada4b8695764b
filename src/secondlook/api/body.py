"""Reading request bodies: null is absent, unknown keys are ignored, an error names the field."""

from collections.abc import Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from starlette.requests import Request

from secondlook.domain.query import Message, Query
from secondlook.errors import InvalidOptionError, MissingQueryError

M = TypeVar("M", bound="Body")


class Body(BaseModel):
    """A wire object; every field is optional, and null is the same as leaving it out."""

    model_config = ConfigDict(extra="allow", strict=False)

    @model_validator(mode="before")
    @classmethod
    def _drop_nulls(cls, raw: Any) -> Any:
        return {name: value for name, value in raw.items() if value is not None} if isinstance(raw, dict) else raw


class WireMessage(Body):
    """A message; content is text, nothing, or parts of which the text is read."""

    role: str
    content: str | list[dict[str, Any]] | None = None

    def text(self) -> str:
        """The text parts, joined by newlines."""
        if isinstance(self.content, list):
            return "\n".join(str(part.get("text", "")) for part in self.content if part.get("type") == "text")
        return self.content or ""


async def read_json(request: Request) -> dict[str, Any]:
    """The body as a JSON object; raises ``InvalidOptionError``."""
    try:
        raw = await request.json()
    except (ValueError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidOptionError(f"the body is not valid JSON: {error}") from error
    if not isinstance(raw, dict):
        raise InvalidOptionError(f"the body must be a JSON object, not {type(raw).__name__}")
    return raw


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
