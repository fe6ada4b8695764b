"""Counts of queries in a SQL database."""

from sqlalchemy import insert, select, update

from secondlook.stores.database import Database
from secondlook.stores.schema import queries


class SqlUsage:
    """How many queries each account has made in a month."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def count(self, account: str, month: str) -> int:
        """Of that month, written as 2026-10."""
        query = select(queries.c.number).where(queries.c.account == account, queries.c.month == month)
        return next((int(row["number"]) for row in await self._database.rows(query)), 0)

    async def add(self, account: str, month: str) -> None:
        """One more."""
        where = (queries.c.account == account, queries.c.month == month)
        async with self._database.transaction() as connection:
            changed = await connection.execute(update(queries).where(*where).values(number=queries.c.number + 1))
            if not changed.rowcount:
                await connection.execute(insert(queries).values(account=account, month=month, number=1))
