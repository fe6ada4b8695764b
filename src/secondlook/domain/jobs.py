"""What is kept of work: the syncs of an instance, and what was done to an item."""

from dataclasses import dataclass
from typing import Literal

Trigger = Literal["user", "schedule"]
Severity = Literal["info", "warning", "error"]


@dataclass(frozen=True, slots=True)
class Job:
    """One sync of an instance. Times are milliseconds since 1970.

    Attributes:
        trigger: who asked for it.
        ended_at: None while it runs.
        last_seen_at: when it last told of itself.
        end_reason: ``completed``, ``cancelled``, or ``kind: sentence``.
    """

    id: str
    instance_uid: str
    trigger: Trigger
    description: str = ""
    started_at: int = 0
    ended_at: int | None = None
    last_seen_at: int = 0
    end_reason: str = ""


@dataclass(frozen=True, slots=True)
class JobLine:
    """A line of a job's log; ``number`` is given when it is kept, and grows."""

    at: int
    message: str
    severity: Severity = "info"
    number: int = 0


@dataclass(frozen=True, slots=True)
class ItemLine:
    """A line of an item's log: one step of indexing, or its error.

    Attributes:
        at: when the step ended, milliseconds since 1970.
        action: ``queue``, ``read``, ``split``, ``embed``, ``store``, ``retry``, ``resume`` or ``fail``.
        milliseconds: how long the step took; None where nothing was measured.
        error_type: the kind of the error; empty for a step that went well.
        number: given when it is kept, and grows.
    """

    at: int
    action: str
    message: str
    key: str = ""
    chunk_count: int | None = None
    milliseconds: int | None = None
    error_type: str = ""
    number: int = 0
