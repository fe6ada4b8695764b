"""What was done, in a SQL database: jobs and their lines, and the lines of items."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from sqlalchemy import ColumnElement, RowMapping, case, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from secondlook.domain.jobs import STOPPED, ItemLine, Job, JobLine, SyncState
from secondlook.errors import InstanceNotFoundError, JobNotFoundError
from secondlook.stores.database import Database
from secondlook.stores.schema import instances, item_lines, job_lines, jobs

KEPT_ITEM_LINES = 200
KEPT_JOBS = 500
KEPT_JOB_LINES = 1000
"""The newest of each that stay, of one item, instance or job; older ones go as newer ones come."""

LONGEST_MESSAGE = 1000
"""Characters; an error may quote a whole passage."""


class SqlJournal:
    """A journal in the catalogue's own database, so that lines die with what they tell of."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add_job(self, job: Job) -> None:
        """Raises ``InstanceNotFoundError``."""
        at = jobs.c
        newest = select(at.id).where(at.instance_uid == job.instance_uid).order_by(at.started_at.desc(), at.id)
        kept = newest.limit(KEPT_JOBS).subquery()
        old = delete(jobs).where(at.instance_uid == job.instance_uid, at.id.not_in(select(kept.c.id)))
        try:
            await self._database.write(insert(jobs).values(asdict(job)), old)
        except IntegrityError as error:
            raise InstanceNotFoundError(f"there is no instance with uid {job.instance_uid!r}") from error

    async def get_job(self, instance_uid: str, job_id: str) -> Job:
        """Raises ``JobNotFoundError``."""
        query = select(jobs).where(jobs.c.instance_uid == instance_uid, jobs.c.id == job_id)
        for row in await self._database.rows(query):
            return Job(**row)
        raise JobNotFoundError(f"there is no job {job_id!r} of this instance: list its jobs")

    async def list_jobs(self, instance_uid: str, limit: int, offset: int) -> tuple[Sequence[Job], int]:
        """A page of the jobs, newest first, and how many there are."""
        at = jobs.c
        query = select(jobs).where(at.instance_uid == instance_uid).order_by(at.started_at.desc(), at.id)
        rows = await self._database.rows(query.limit(limit).offset(offset))
        return [Job(**row) for row in rows], await self._count(jobs.c.instance_uid, instance_uid)

    async def sync_states(self, instance_uids: Sequence[str]) -> Mapping[str, SyncState]:
        """The newest job of each instance, and the newest that completed or failed; nothing where there is no job."""
        at = jobs.c
        stopped = [at.end_reason.startswith(one, autoescape=True) for one in STOPPED]
        last = await self._newest(instance_uids)
        decided = await self._newest(instance_uids, at.ended_at.is_not(None), *(~one for one in stopped))
        return {uid: SyncState(job, decided.get(uid)) for uid, job in last.items()}

    async def _newest(self, instance_uids: Sequence[str], *wanted: ColumnElement[bool]) -> Mapping[str, Job]:
        """By instance; each is one look into an index, however many jobs are kept."""
        at = jobs.c
        newest = select(at.id).where(at.instance_uid == instances.c.uid, *wanted)
        newest = newest.order_by(at.started_at.desc(), at.id).limit(1).correlate(instances)
        chosen = select(newest.scalar_subquery()).select_from(instances).where(instances.c.uid.in_(instance_uids))
        rows = await self._database.rows(select(jobs).where(at.id.in_(chosen)))
        return {row["instance_uid"]: Job(**row) for row in rows}

    async def list_open_jobs(self) -> Sequence[Job]:
        """Those of all instances that have not ended, oldest first."""
        query = select(jobs).where(jobs.c.ended_at.is_(None)).order_by(jobs.c.started_at)
        return [Job(**row) for row in await self._database.rows(query)]

    async def end_job(self, job_id: str, ended_at: int, reason: str) -> bool:
        """Whether it ran until now, and has ended: not before it began, wherever the clock was set."""
        end = case((jobs.c.started_at > ended_at, jobs.c.started_at), else_=ended_at)
        values = {"ended_at": end, "last_seen_at": ended_at, "end_reason": reason[:LONGEST_MESSAGE]}
        running = (jobs.c.id == job_id, jobs.c.ended_at.is_(None))
        return await self._database.write(update(jobs).where(*running).values(values)) > 0

    async def add_job_line(self, job_id: str, line: JobLine) -> None:
        """Raises ``JobNotFoundError``."""
        at = job_lines.c
        newest = select(at.number).where(at.job_id == job_id).order_by(at.number.desc())
        kept = newest.limit(KEPT_JOB_LINES).subquery()
        values = {"job_id": job_id, "at": line.at, "message": line.message[:LONGEST_MESSAGE], "severity": line.severity}
        try:
            await self._database.write(
                insert(job_lines).values(values),
                delete(job_lines).where(at.job_id == job_id, at.number.not_in(select(kept.c.number))),
                update(jobs).where(jobs.c.id == job_id).values(last_seen_at=line.at),
            )
        except IntegrityError as error:
            raise JobNotFoundError(f"there is no job {job_id!r}: its instance was deleted") from error

    async def list_job_lines(self, job_id: str, limit: int, offset: int) -> tuple[Sequence[JobLine], int]:
        """A page of the job's lines, oldest first, and how many there are."""
        query = select(job_lines).where(job_lines.c.job_id == job_id).order_by(job_lines.c.number)
        rows = await self._database.rows(query.limit(limit).offset(offset))
        return [_job_line(row) for row in rows], await self._count(job_lines.c.job_id, job_id)

    async def list_job_lines_after(self, job_id: str, number: int, limit: int) -> Sequence[JobLine]:
        """The job's lines with a larger number, oldest first."""
        query = select(job_lines).where(job_lines.c.job_id == job_id, job_lines.c.number > number)
        return [_job_line(row) for row in await self._database.rows(query.order_by(job_lines.c.number).limit(limit))]

    async def list_item_lines(self, item_id: str, limit: int, before: int | None) -> Sequence[ItemLine]:
        """The newest lines of the item first; only those with a smaller number than ``before``, if it is given."""
        query = select(item_lines).where(item_lines.c.item_id == item_id)
        if before is not None:
            query = query.where(item_lines.c.number < before)
        rows = await self._database.rows(query.order_by(item_lines.c.number.desc()).limit(limit))
        return [_item_line(row) for row in rows]

    async def _count(self, column: object, value: str) -> int:
        [row] = await self._database.rows(select(func.count().label("number")).where(column == value))  # type: ignore[arg-type]  # a column
        return int(row["number"])


async def keep_item_lines(connection: AsyncConnection, item_id: str, lines: Sequence[ItemLine]) -> None:
    """Keep the lines, and of that item no more than ``KEPT_ITEM_LINES``; part of the caller's transaction."""
    if not lines:
        return
    values = [{**asdict(line), "item_id": item_id, "message": line.message[:LONGEST_MESSAGE]} for line in lines]
    for one in values:
        one.pop("number")  # counted by the database
    await connection.execute(insert(item_lines), values)
    at = item_lines.c
    newest = select(at.number).where(at.item_id == item_id).order_by(at.number.desc()).limit(KEPT_ITEM_LINES)
    kept = newest.subquery()
    await connection.execute(delete(item_lines).where(at.item_id == item_id, at.number.not_in(select(kept.c.number))))


def _job_line(row: RowMapping) -> JobLine:
    return JobLine(row["at"], row["message"], row["severity"], row["number"])


def _item_line(row: RowMapping) -> ItemLine:
    return ItemLine(**{name: value for name, value in row.items() if name != "item_id"})
