"""What was asked: the query text and the conversation around it."""

from dataclasses import dataclass
from typing import Literal

DEFAULT_QUERY_CHARACTERS = 4_000
DEFAULT_QUERY_TERMS = 256
"""What a query may have unless the settings say otherwise."""
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
    """The text searched for, the conversation it came from (oldest first), and whether the text was cut for that."""

    text: str
    messages: tuple[Message, ...] = ()
    truncated: bool = False
