"""The seams of what is kept beside the catalogue: jobs, logs, service tokens, counts of queries."""

from collections.abc import Sequence
from typing import Protocol

from secondlook.domain.instance import ServiceToken
from secondlook.domain.jobs import ItemLine, Job, JobLine


class Journal(Protocol):
    """Jobs and their lines, and the lines of items; the newest stay, durable once a call returns."""

    async def add_job(self, job: Job) -> None:
        """Raises ``InstanceNotFoundError``."""

    async def get_job(self, instance_uid: str, job_id: str) -> Job:
        """Raises ``JobNotFoundError``."""

    async def list_jobs(self, instance_uid: str, limit: int, offset: int) -> tuple[Sequence[Job], int]:
        """A page of the jobs, newest first, and how many there are."""

    async def list_open_jobs(self) -> Sequence[Job]:
        """Those of all instances that have not ended, oldest first."""

    async def end_job(self, job_id: str, ended_at: int, reason: str) -> bool:
        """Whether it ran until now, and has ended; False when it had ended before, or is gone."""

    async def add_job_line(self, job_id: str, line: JobLine) -> None:
        """Raises ``JobNotFoundError``."""

    async def list_job_lines(self, job_id: str, limit: int, offset: int) -> tuple[Sequence[JobLine], int]:
        """A page of the job's lines, oldest first, and how many there are."""

    async def list_item_lines(self, item_id: str, limit: int, before: int | None) -> Sequence[ItemLine]:
        """The newest lines of the item first; only those with a smaller number than ``before``, if it is given."""


class ServiceTokenShelf(Protocol):
    """What is known of service tokens; durable once a call returns."""

    async def add(self, token: ServiceToken) -> None:
        """Remember it."""

    async def list(self, account: str) -> Sequence[ServiceToken]:
        """Oldest first; of all accounts when ``account`` is empty."""

    async def get(self, account: str, token_id: str) -> ServiceToken:
        """Raises ``ServiceTokenNotFoundError``."""

    async def replace(self, token: ServiceToken) -> None:
        """Set every field of the token of that id; raises ``ServiceTokenNotFoundError``."""

    async def remove(self, token_id: str) -> None:
        """Forget it; nothing happens if it is not there."""


class Usage(Protocol):
    """How many queries each account has made in a month, such as 2026-10."""

    async def count(self, account: str, month: str) -> int:
        """None made is 0."""

    async def add(self, account: str, month: str) -> None:
        """One more."""
