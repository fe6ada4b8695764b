"""Runs of the Lab, in the database of the catalogue."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    Update,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy import RowMapping as Row
from sqlalchemy.exc import IntegrityError

from secondlook.domain.lab import LabRun, RunState
from secondlook.errors import JobNotFoundError
from secondlook.stores.database import Database

tables = MetaData()

runs = Table(
    "lab_runs",
    tables,
    Column("id", String(64), primary_key=True),
    Column("instance_uid", String(64), nullable=False),
    Column("state", String(16), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("queries", Integer, nullable=False),
    Column("origin", Text, nullable=False),
    Column("request", Text, nullable=False),
    Column("report", Text, nullable=False),
    Column("ended_at", BigInteger),
    Column("reason", Text, nullable=False),
    Index("lab_runs_instance", "instance_uid", "created_at"),
)

rows_of = Table(
    "lab_rows",
    tables,
    Column("run_id", String(64), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("told", Text, nullable=False),
)

grades = Table(
    "lab_grades",
    tables,
    Column("judge", String(255), primary_key=True),
    Column("mark", String(64), primary_key=True),
    Column("grade", Integer, nullable=False),
)

owners = Table(
    "lab_owners",
    tables,
    Column("instance_uid", String(64), primary_key=True),
    Column("run_id", String(64), nullable=False),
    Column("owner", String(80), nullable=False),
    Column("until", BigInteger, nullable=False),
)
"""Who measures an instance, and until when unless it is heard of again."""

BRIEF = [column for column in runs.c if column.name not in ("request", "report")]


class SqlLabBook:
    """Runs by instance; a call has reached the disk when it returns."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def open(self) -> None:
        """Make the tables if they are not there; raises ``SetupError``."""
        await self._database.open(tables.create_all)

    async def add(self, run: LabRun) -> None:
        """Remember it."""
        told = asdict(run)
        del told["done"]  # the rows say it
        await self._database.write(insert(runs).values(told))

    async def get(self, instance_uid: str, run_id: str) -> LabRun:
        """Raises ``JobNotFoundError``."""
        query = select(runs).where(runs.c.id == run_id, runs.c.instance_uid == instance_uid)
        for row in await self._database.rows(query):
            return await self._run(row)
        raise JobNotFoundError(f"this instance has no run {run_id!r} of the Lab: list them with GET …/lab/runs")

    async def list(self, instance_uid: str, limit: int, offset: int) -> tuple[Sequence[LabRun], int]:
        """A page of the runs, newest first, without request and report; and how many there are."""
        mine = runs.c.instance_uid == instance_uid
        query = select(*BRIEF).where(mine).order_by(runs.c.created_at.desc(), runs.c.id).limit(limit).offset(offset)
        total = (await self._database.rows(select(func.count().label("n")).select_from(runs).where(mine)))[0]["n"]
        return [await self._run(row) for row in await self._database.rows(query)], int(total)

    async def last(self, instance_uid: str) -> LabRun | None:
        """The newest that is completed."""
        found = await self._completed(instance_uid, 1, *runs.c)
        return await self._run(found[0]) if found else None

    async def list_completed(self, instance_uid: str, limit: int) -> Sequence[str]:
        """The ids of completed runs, newest first."""
        return [row["id"] for row in await self._completed(instance_uid, limit, runs.c.id)]

    async def reports(self, instance_uid: str, limit: int) -> Sequence[str]:
        """Those of completed runs, newest first."""
        return [row["report"] for row in await self._completed(instance_uid, limit, runs.c.report)]

    async def list_open(self) -> Sequence[LabRun]:
        """Those of all instances that run, oldest first."""
        query = select(runs).where(runs.c.state == "running").order_by(runs.c.created_at)
        return [await self._run(row) for row in await self._database.rows(query)]

    async def set_state(
        self, run_id: str, state: RunState, *, ended_at: int, reason: str = "", report: str = "", owner: str = ""
    ) -> bool:
        """Whether it ran until now, and has ended so; False when it had ended before, is gone, or is not the owner's.

        Without an owner it is ended whoever measures it.
        """
        change = update(runs).where(runs.c.id == run_id, runs.c.state == "running")
        if owner:
            held = select(owners.c.owner).where(owners.c.run_id == run_id, owners.c.owner == owner)
            change = change.where(held.exists())
        return bool(
            await self._database.write(change.values(state=state, ended_at=ended_at, reason=reason, report=report))
        )

    async def begin_anew(self, run_id: str, request: str, *, owner: str) -> bool:
        """Forget its rows, for the index is no longer theirs; from now on it is to do this. False as ``hold``."""
        async with self._database.transaction() as connection:
            held = (await connection.execute(_held(run_id, owner).values(run_id=run_id))).rowcount > 0
            if held:
                await connection.execute(delete(rows_of).where(rows_of.c.run_id == run_id))
                await connection.execute(update(runs).where(runs.c.id == run_id).values(request=request))
        return held

    async def end_left(self, instance_uid: str, owner: str, *, ended_at: int, reason: str) -> None:
        """End the instance's runs, which nobody is at, as errors; nothing happens unless the owner has the turn."""
        held = select(owners.c.owner).where(owners.c.instance_uid == instance_uid, owners.c.owner == owner)
        left = update(runs).where(runs.c.instance_uid == instance_uid, runs.c.state == "running", held.exists())
        await self._database.write(left.values(state="error", ended_at=ended_at, reason=reason))

    async def take(self, instance_uid: str, run_id: str, owner: str, *, now: int, until: int, gone: str = "") -> bool:
        """Whether the owner may measure the instance, for that run.

        Succeeds if the lease is free, expired, or held by ``gone``.
        """
        values = {"run_id": run_id, "owner": owner, "until": until}
        left = or_(owners.c.until < now, owners.c.owner == gone)
        free = update(owners).where(owners.c.instance_uid == instance_uid, left)
        if await self._database.write(free.values(values)):
            return True
        try:
            await self._database.write(insert(owners).values(instance_uid=instance_uid, **values))
        except IntegrityError:
            return False
        return True

    async def owner_of(self, instance_uid: str, *, now: int) -> str:
        """Who may measure the instance at that time; empty for nobody."""
        held = select(owners.c.owner).where(owners.c.instance_uid == instance_uid, owners.c.until >= now)
        return next((row["owner"] for row in await self._database.rows(held)), "")

    async def hold(self, run_id: str, owner: str, *, until: int) -> bool:
        """Whether it still may, then until that time, and the run has not ended."""
        return bool(await self._database.write(_held(run_id, owner).values(until=until)))

    async def leave(self, owner: str) -> None:
        """It measures no longer."""
        await self._database.write(delete(owners).where(owners.c.owner == owner))

    async def end_all(self, prefix: str) -> None:
        """Nobody measures any more whose name begins so."""
        await self._database.write(delete(owners).where(owners.c.owner.startswith(prefix, autoescape=True)))

    async def add_rows(self, run_id: str, first: int, rows: Sequence[str], *, owner: str) -> bool:
        """Keep what the queries from ``first`` on (from 0) came to, each as a JSON object; False as ``hold``."""
        told = [{"run_id": run_id, "number": number, "told": one} for number, one in enumerate(rows, first)]
        async with self._database.transaction() as connection:
            held = (await connection.execute(_held(run_id, owner).values(run_id=run_id))).rowcount > 0
            if held and told:
                await connection.execute(insert(rows_of).values(told))
        return held

    async def rows(self, run_id: str, limit: int | None = None, offset: int = 0) -> Sequence[str]:
        """What is kept, in the order of the queries."""
        query = select(rows_of.c.told).where(rows_of.c.run_id == run_id).order_by(rows_of.c.number)
        return [row["told"] for row in await self._database.rows(query.limit(limit).offset(offset))]

    async def remove(self, run_id: str) -> None:
        """Forget it with its rows; nothing happens if it is not there."""
        await self._database.write(
            delete(rows_of).where(rows_of.c.run_id == run_id), delete(runs).where(runs.c.id == run_id)
        )

    async def forget(self, instance_uid: str) -> None:
        """Forget all runs of the instance."""
        mine = select(runs.c.id).where(runs.c.instance_uid == instance_uid)
        await self._database.write(
            delete(rows_of).where(rows_of.c.run_id.in_(mine)),
            delete(runs).where(runs.c.instance_uid == instance_uid),
            delete(owners).where(owners.c.instance_uid == instance_uid),
        )

    async def grade(self, judge: str, mark: str) -> int | None:
        """What that judge said of the pair of that mark."""
        query = select(grades.c.grade).where(grades.c.judge == judge, grades.c.mark == mark)
        return next((int(row["grade"]) for row in await self._database.rows(query)), None)

    async def keep_grade(self, judge: str, mark: str, grade: int) -> None:
        """Remember it; the newest counts."""
        await self._database.write(
            delete(grades).where(grades.c.judge == judge, grades.c.mark == mark),
            insert(grades).values(judge=judge, mark=mark, grade=grade),
        )

    async def _completed(self, instance_uid: str, limit: int, *wanted: Column[Any]) -> Sequence[Row]:
        query = select(*wanted).where(runs.c.instance_uid == instance_uid, runs.c.state == "completed")
        return await self._database.rows(query.order_by(runs.c.created_at.desc(), runs.c.id).limit(limit))

    async def _run(self, row: Row) -> LabRun:
        count = select(func.count().label("n")).select_from(rows_of).where(rows_of.c.run_id == row["id"])
        return LabRun(**row, done=int((await self._database.rows(count))[0]["n"]))


def _held(run_id: str, owner: str) -> Update:
    """A change to the owner's row while the run goes on."""
    running = select(runs.c.id).where(runs.c.id == run_id, runs.c.state == "running")
    return update(owners).where(owners.c.run_id == run_id, owners.c.owner == owner, running.exists())
