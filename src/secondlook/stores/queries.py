"""The query log and feedback, in the database of the catalogue."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Delete,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UnaryExpression,
    and_,
    delete,
    func,
    insert,
    or_,
    select,
    true,
)
from sqlalchemy import RowMapping as Row

from secondlook.domain.queries import (
    Feedback,
    FoundChunk,
    LoggedQuery,
    Outcome,
    QueryFilter,
    QueryOrder,
    TopQuery,
    normalised,
)
from secondlook.stores.database import Database

tables = MetaData()

queries = Table(
    "query_log",
    tables,
    Column("number", Integer, primary_key=True),
    Column("uid", String(64), nullable=False),
    Column("id", String(32), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("public", Boolean, nullable=False),
    Column("query", Text, nullable=False),
    Column("words", Text, nullable=False),
    Column("results", Integer, nullable=False),
    Column("total", Float, nullable=False),
    Column("status", String(16), nullable=False),
    Column("cause", String(16), nullable=False),
    Column("top_changed", Boolean),
    Column("cached", Boolean, nullable=False),
    Column("error", Text, nullable=False),
    Column("stages", Text, nullable=False),
    Column("told", Text, nullable=False),
    Index("query_log_at", "uid", "at"),
    Index("query_log_id", "uid", "id"),
    Index("query_log_words", "uid", "words"),
)

feedback = Table(
    "query_feedback",
    tables,
    Column("number", Integer, primary_key=True),
    Column("uid", String(64), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("query_id", String(32), nullable=False),
    Column("words", Text, nullable=False),
    Column("told", Text, nullable=False),
    Index("query_feedback_at", "uid", "at"),
)

PLAIN = ("id", "at", "kind", "public", "query", "results", "total", "status", "cause", "top_changed", "cached", "error")
"""Fields of a logged query that have a column of the same name."""
DRAFTED = '"team": "re'
"""Part of a result as ``_dump`` writes it that came from one of two orders, ``retrieval`` or ``reranked``."""
PLAYGROUND = '"playground": true'
"""Part of a line as ``_dump`` writes it that was asked in the playground; inside a text its quotes are escaped."""
ASKED: Mapping[QueryFilter, ColumnElement[bool]] = {
    "all": true(),
    "no_results": and_(queries.c.results == 0, queries.c.error == ""),
    "top_changed": queries.c.top_changed.is_(True),
    "fell_back": queries.c.status == "fell_back",
    "failed": queries.c.error != "",
    "cached": queries.c.cached.is_(True),
}
ORDERS: Mapping[QueryOrder, Sequence[UnaryExpression[object]]] = {
    "newest": (queries.c.number.desc(),),
    "oldest": (queries.c.number.asc(),),
    "slowest": (queries.c.total.desc(), queries.c.number.desc()),
}


class SqlQueries:
    """What was asked of each index, by its uid; a write has reached the disk when it returns."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def open(self) -> None:
        """Make the tables if they are not there; raises ``SetupError``."""
        await self._database.open(tables.create_all)

    async def add(self, logged: Sequence[tuple[str, LoggedQuery]], *, most: int) -> None:
        """Write them down, each with its uid, and forget the oldest beyond ``most`` of each uid."""
        if not logged:
            return
        async with self._database.transaction() as connection:
            await connection.execute(insert(queries), [_dump(uid, one) for uid, one in logged])
            for uid in dict.fromkeys(uid for uid, _ in logged):
                await connection.execute(_beyond(queries, uid, most))

    async def get(self, uid: str, query_id: str) -> LoggedQuery | None:
        """The query of that id."""
        return await self._first(queries.c.uid == uid, queries.c.id == query_id)

    async def latest(self, uid: str, query: str) -> LoggedQuery | None:
        """The newest query of that text, whatever its case and spaces; of the playground only if there is no other."""
        same = (queries.c.uid == uid, queries.c.words == normalised(query))
        return await self._first(*same, _served()) or await self._first(*same)

    async def list(
        self,
        uid: str,
        limit: int,
        offset: int,
        *,
        only: QueryFilter,
        order: QueryOrder,
        text: str = "",
        playground: bool = True,
    ) -> tuple[Sequence[LoggedQuery], int]:
        """A page of the queries that hold ``text``, and how many there are."""
        words = queries.c.words.contains(normalised(text), autoescape=True)
        where = (queries.c.uid == uid, ASKED[only], words, _served(playground))
        [total] = await self._database.rows(select(func.count()).select_from(queries).where(*where))
        query = select(queries).where(*where).order_by(*ORDERS[order]).limit(limit).offset(offset)
        return [_load(row) for row in await self._database.rows(query)], total["count_1"]

    async def list_top(
        self, uid: str, limit: int, *, since: int, only: QueryFilter, playground: bool = False
    ) -> Sequence[TopQuery]:
        """Queries since then by how often they were asked; with ``only``, those alone are counted."""
        at = queries.c
        number = func.max(at.number).label("number")
        empty = func.sum(func.iif(ASKED["no_results"], 1, 0)).label("without_results")
        grouped = (
            select(func.count().label("count"), func.avg(at.total).label("mean"), empty, number)
            .where(at.uid == uid, at.at >= since, at.kind != "shadow", ASKED[only], _served(playground))
            .group_by(at.words)
            .order_by(func.count().desc(), number.desc())
            .limit(limit)
            .subquery()
        )
        query = select(grouped, at.query, at.at).join(grouped, at.number == grouped.c.number)
        found = await self._database.rows(query.order_by(grouped.c.count.desc(), grouped.c.number.desc()))
        return [TopQuery(row["query"], row["count"], row["mean"], row["without_results"], row["at"]) for row in found]

    async def list_outcomes(self, uid: str, since: int, *, playground: bool = False) -> Sequence[Outcome]:
        """How each search since then went, oldest first."""
        at = queries.c
        shown = (at.at, at.kind, at.results, at.top_changed, at.status, at.cause, at.cached, at.error, at.stages)
        where = (at.uid == uid, at.at >= since, at.kind != "shadow", _served(playground))
        query = select(*shown).where(*where).order_by(at.at)
        return await asyncio.to_thread(_outcomes, await self._database.rows(query))

    async def list_tried(self, uid: str, since: int) -> Sequence[LoggedQuery]:
        """Searches since then that were reranked in the shadow, or served in two orders at once; oldest first."""
        at = queries.c
        tried = or_(at.kind == "shadow", at.told.contains(DRAFTED))
        query = select(queries).where(at.uid == uid, at.at >= since, tried, _served()).order_by(at.number)
        return await asyncio.to_thread(_lines, await self._database.rows(query))

    async def add_feedback(self, uid: str, given: Sequence[Feedback], *, most: int) -> None:
        """Write it down, and forget the oldest beyond ``most``."""
        rows = [
            {
                "uid": uid,
                "at": one.at,
                "query_id": one.query_id,
                "words": normalised(one.query),
                "told": json.dumps(asdict(one)),
            }
            for one in given
        ]
        await self._database.write(insert(feedback).values(rows), _beyond(feedback, uid, most))

    async def list_feedback(self, uid: str) -> Sequence[Feedback]:
        """All of it, oldest first."""
        query = select(feedback.c.told).where(feedback.c.uid == uid).order_by(feedback.c.number)
        return await asyncio.to_thread(_said, await self._database.rows(query))

    async def trim(self, uid: str, before: int) -> None:
        """Forget what is older."""
        await self._database.write(
            *(delete(one).where(one.c.uid == uid, one.c.at < before) for one in (queries, feedback))
        )

    async def forget(self, uid: str) -> None:
        """Forget all of the uid."""
        await self._database.write(*(delete(one).where(one.c.uid == uid) for one in (queries, feedback)))

    async def list_uids(self) -> Sequence[str]:
        """Every uid of which something is kept."""
        both = select(queries.c.uid).union(select(feedback.c.uid))
        return [row["uid"] for row in await self._database.rows(both)]

    async def _first(self, *where: ColumnElement[bool]) -> LoggedQuery | None:
        query = select(queries).where(*where).order_by(queries.c.number.desc()).limit(1)
        return next((_load(row) for row in await self._database.rows(query)), None)


def _served(playground: bool = False) -> ColumnElement[bool]:
    """Searches that were not asked in the playground, or all."""
    return true() if playground else ~queries.c.told.contains(PLAYGROUND)


def _beyond(table: Table, uid: str, most: int) -> Delete:
    """Deletes the rows of the uid that come after its newest ``most``."""
    last = select(table.c.number).where(table.c.uid == uid).order_by(table.c.number.desc()).limit(1).offset(most)
    return delete(table).where(table.c.uid == uid, table.c.number <= last.scalar_subquery())


def _outcomes(rows: Sequence[Row]) -> Sequence[Outcome]:
    plain = ("at", "kind", "results", "top_changed", "status", "cause", "cached")
    return [
        Outcome(**{name: row[name] for name in plain}, failed=bool(row["error"]), stages=json.loads(row["stages"]))
        for row in rows
    ]


def _said(rows: Sequence[Row]) -> Sequence[Feedback]:
    return [Feedback(**json.loads(row["told"])) for row in rows]


def _lines(rows: Sequence[Row]) -> Sequence[LoggedQuery]:
    return [_load(row) for row in rows]


def _dump(uid: str, one: LoggedQuery) -> Mapping[str, object]:
    values = asdict(one)
    told = {name: values[name] for name in ("searched", "options", "found", "reason", "playground")}
    plain = {name: values[name] for name in PLAIN}
    return {
        **plain,
        "uid": uid,
        "words": normalised(one.query),
        "stages": json.dumps(values["stages"]),
        "told": json.dumps(told),
    }


def _load(row: Row) -> LoggedQuery:
    told = json.loads(row["told"])  # written by _dump
    found = tuple(FoundChunk(**one) for one in told.pop("found"))
    return LoggedQuery(**{name: row[name] for name in PLAIN}, **told, found=found, stages=json.loads(row["stages"]))
