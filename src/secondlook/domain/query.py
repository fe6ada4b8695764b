"""What was asked: the query text and the conversation around it."""

from dataclasses import dataclass
from typing import Literal

Role = Literal["system", "developer", "user", "assistant", "tool"]


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation; text parts are joined by newlines.

    ``extra`` are further keys that belong to the model, such as the tool calls of a turn.
    """

    role: Role
    content: str
    extra: tuple[tuple[str, object], ...] = ()


@dataclass(frozen=True, slots=True)
class Query:
    """The text searched for, and the conversation it came from (oldest first)."""

    text: str
    messages: tuple[Message, ...] = ()
