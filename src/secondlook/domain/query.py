"""What was asked: the query text and the conversation around it."""

from dataclasses import dataclass
from typing import Literal

Role = Literal["system", "developer", "user", "assistant", "tool"]


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation; text parts are joined by newlines."""

    role: Role
    content: str


@dataclass(frozen=True, slots=True)
class Query:
    """The text searched for, and the conversation it came from (oldest first)."""

    text: str
    messages: tuple[Message, ...] = ()
