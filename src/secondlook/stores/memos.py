"""What external sources want to be told again, beside the items in the catalogue's own database."""

from collections.abc import Sequence

from sqlalchemy import delete, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from secondlook.domain.source import Known
from secondlook.stores.database import Database
from secondlook.stores.schema import items, memos


class SqlMemos:
    """Memos that die with their items."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list(self, instance_uid: str) -> Sequence[Known]:
        """Of every item of the instance that an external source brought."""
        at = items.c
        query = (
            select(at.id, at.key, at.source, at.status, at.error, at.blob, at.chunks_count, memos.c.memo)
            .join(memos, memos.c.item_id == at.id, isouter=True)
            .where(at.instance_uid == instance_uid, at.source != "")
        )
        return [
            Known(
                row["id"],
                row["key"],
                row["source"],
                row["memo"] or "",
                row["error"] if row["status"] == "error" else "",
                row["status"] in ("queued", "running"),
                bool(row["blob"] or row["chunks_count"]),
            )
            for row in await self._database.rows(query)
        ]

    async def keep(self, item_id: str, memo: str) -> None:
        """Replace the memo of an item; nothing happens if the item is not there."""
        try:
            async with self._database.transaction() as connection:
                await keep_memo(connection, item_id, memo)
        except IntegrityError:
            return  # the item was deleted meanwhile


async def keep_memo(connection: AsyncConnection, item_id: str, memo: str) -> None:
    """Replace the memo; part of the caller's transaction."""
    await connection.execute(delete(memos).where(memos.c.item_id == item_id))
    await connection.execute(insert(memos).values(item_id=item_id, memo=memo))
