"""Sets of judged queries, in the database of the catalogue."""

import json
from collections.abc import Sequence
from dataclasses import asdict

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Index,
    Integer,
    MetaData,
    Select,
    String,
    Table,
    Text,
    Update,
    and_,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlalchemy import RowMapping as Row

from secondlook.domain.judged_sets import JudgedSet, SetJudgment
from secondlook.domain.queries import normalised
from secondlook.stores.database import Database

tables = MetaData()

sets = Table(
    "judged_sets",
    tables,
    Column("uid", String(64), primary_key=True),
    Column("name", String(64), primary_key=True),
    Column("created_at", BigInteger, nullable=False),
    Column("modified_at", BigInteger, nullable=False),
)

judgments = Table(
    "set_judgments",
    tables,
    Column("number", Integer, primary_key=True),
    Column("uid", String(64), nullable=False),
    Column("name", String(64), nullable=False),
    Column("words", Text, nullable=False),
    Column("unit", Text, nullable=False),
    Column("told", Text, nullable=False),
    Index("set_judgments_words", "uid", "name", "words"),
)


class SqlJudgedSets:
    """Sets of each index, by its uid."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def open(self) -> None:
        """Make the tables where they are missing; raises ``SetupError``."""
        await self._database.open(tables.create_all)

    async def list(self, uid: str) -> Sequence[JudgedSet]:
        """All of the index, by name."""
        return [_set(row) for row in await self._database.rows(_counted(sets.c.uid == uid).order_by(sets.c.name))]

    async def get(self, uid: str, name: str) -> JudgedSet | None:
        """The set of that name."""
        found = await self._database.rows(_counted(and_(sets.c.uid == uid, sets.c.name == name)))
        return next(map(_set, found), None)

    async def create(self, uid: str, name: str, *, at: int) -> None:
        """Make an empty set; nothing happens if it exists."""
        async with self._database.transaction() as connection:
            there = select(sets.c.name).where(sets.c.uid == uid, sets.c.name == name)
            if (await connection.execute(there)).first() is None:
                await connection.execute(insert(sets).values(uid=uid, name=name, created_at=at, modified_at=at))

    async def judge(self, uid: str, name: str, judgment: SetJudgment) -> None:
        """Keep it in place of an earlier one of the same query and unit."""
        told = json.dumps(asdict(judgment))
        same = _of(uid, name, judgment)
        words = normalised(judgment.query)
        async with self._database.transaction() as connection:
            if not (await connection.execute(update(judgments).where(same).values(told=told))).rowcount:
                row = {"uid": uid, "name": name, "words": words, "unit": judgment.unit, "told": told}
                await connection.execute(insert(judgments).values(row))
            await connection.execute(_touched(uid, name, judgment.at))

    async def drop_judgment(self, uid: str, name: str, judgment: SetJudgment) -> None:
        """Remove what was judged of its query and unit; nothing happens if there is nothing."""
        await self._database.write(delete(judgments).where(_of(uid, name, judgment)), _touched(uid, name, judgment.at))

    async def drop_query(self, uid: str, name: str, query: str) -> int:
        """Remove the query with its judgments; how many these were."""
        return await self._database.write(delete(judgments).where(_within(uid, name, query)))

    async def judgments(self, uid: str, name: str, query: str = "") -> Sequence[SetJudgment]:
        """Those of the set, or of one query of it, in the order in which the queries came."""
        wanted = _within(uid, name, query) if query else and_(judgments.c.uid == uid, judgments.c.name == name)
        rows = await self._database.rows(select(judgments.c.told).where(wanted).order_by(judgments.c.number))
        return [SetJudgment(**json.loads(row["told"])) for row in rows]

    async def remove(self, uid: str, name: str) -> None:
        """Remove the set; nothing happens if it does not exist."""
        await self._database.write(
            *(delete(one).where(one.c.uid == uid, one.c.name == name) for one in (judgments, sets))
        )

    async def forget(self, uid: str) -> None:
        """Remove all sets of the index."""
        await self._database.write(*(delete(one).where(one.c.uid == uid) for one in (judgments, sets)))


def _counted(where: ColumnElement[bool]) -> Select[tuple[object, ...]]:
    """The sets, each with how many queries and judgments it has."""
    at = judgments.c
    queries, number = func.count(at.words.distinct()).label("queries"), func.count(at.number).label("judgments")
    joined = sets.outerjoin(judgments, and_(at.uid == sets.c.uid, at.name == sets.c.name))
    return select(sets, queries, number).select_from(joined).where(where).group_by(sets.c.uid, sets.c.name)


def _within(uid: str, name: str, query: str) -> ColumnElement[bool]:
    return and_(judgments.c.uid == uid, judgments.c.name == name, judgments.c.words == normalised(query))


def _of(uid: str, name: str, judgment: SetJudgment) -> ColumnElement[bool]:
    return and_(_within(uid, name, judgment.query), judgments.c.unit == judgment.unit)


def _touched(uid: str, name: str, at: int) -> Update:
    return update(sets).where(sets.c.uid == uid, sets.c.name == name).values(modified_at=at)


def _set(row: Row) -> JudgedSet:
    return JudgedSet(**{name: row[name] for name in ("name", "created_at", "modified_at", "queries", "judgments")})
