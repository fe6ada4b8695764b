"""What is kept of work: the syncs of an instance, and what was done to an item."""

from dataclasses import dataclass
from typing import Literal

Trigger = Literal["user", "schedule"]
Severity = Literal["info", "warning", "error"]
JobStatus = Literal["running", "completed", "failed", "cancelled"]

COMPLETED = "completed"
CANCELLED = "cancelled"
PAUSED = "paused"
CHANGED = "source_changed"
"""Another source was set while the job ran; the next job reads that one."""
STOPPED = (CANCELLED, f"{PAUSED}: ", f"{CHANGED}: ")
"""How the end reason of a job begins that a person ended, by cancelling it or by changing the instance."""


@dataclass(frozen=True, slots=True)
class SyncFailure:
    """Why a job failed: the kind, which programs compare, and a sentence for people."""

    kind: str
    message: str


@dataclass(frozen=True, slots=True)
class Job:
    """One sync of an instance. Times are milliseconds since 1970.

    Attributes:
        trigger: who asked for it.
        ended_at: None while it runs.
        last_seen_at: when it last told of itself.
        end_reason: empty while it runs, then ``completed``, ``cancelled``, or ``kind: sentence``.
    """

    id: str
    instance_uid: str
    trigger: Trigger
    description: str = ""
    started_at: int = 0
    ended_at: int | None = None
    last_seen_at: int = 0
    end_reason: str = ""

    @property
    def status(self) -> JobStatus:
        """Whether it runs, or how it ended."""
        if self.ended_at is None:
            return "running"
        if self.end_reason in ("", COMPLETED):
            return "completed"
        return "cancelled" if self.end_reason.startswith(STOPPED) else "failed"

    @property
    def failure(self) -> SyncFailure | None:
        """Why it failed; None if it did not."""
        if self.status != "failed":
            return None
        kind, separator, message = self.end_reason.partition(": ")
        return SyncFailure(kind, message) if separator else SyncFailure("unknown_error", self.end_reason)


@dataclass(frozen=True, slots=True)
class SyncState:
    """What is known of the syncs of an instance.

    Attributes:
        last: the newest job, which may still run; None before the first.
        decided: the newest job that completed or failed.
    """

    last: Job | None = None
    decided: Job | None = None

    @property
    def failed(self) -> Job | None:
        """The job that failed, if no job has completed since."""
        return self.decided if self.decided and self.decided.failure else None


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
