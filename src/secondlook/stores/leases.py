"""Who works on which item, in the catalogue's database."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from sqlalchemy import ColumnElement, func, select, text, update

from secondlook.domain.instance import Item, ItemStatus
from secondlook.domain.jobs import ItemLine
from secondlook.domain.lease import Lease
from secondlook.stores.catalog import ITEM, item_of
from secondlook.stores.database import Database
from secondlook.stores.journal import keep_item_lines
from secondlook.stores.schema import items

CANDIDATES = 8
"""Items looked at before another look is taken: of several workers, each may be outrun by another at some."""
LAPSED_AT_ONCE = 100
FREE = {"owner": "", "lease_until": 0}
LONGEST_LEASE, LONGEST_WAIT = 3_660_000, 600_000
"""Milliseconds; more than any lease, and than any wait before another attempt."""
NEXT_TURN = text("""
    WITH RECURSIVE turns(uid) AS (
        SELECT min(instance_uid) FROM items WHERE status = 'queued' AND instance_uid > :after
        UNION ALL
        SELECT (SELECT min(instance_uid) FROM items WHERE status = 'queued' AND instance_uid > turns.uid)
        FROM turns WHERE turns.uid IS NOT NULL
    )
    SELECT uid FROM turns WHERE EXISTS (
        SELECT 1 FROM items
        WHERE status = 'queued' AND instance_uid = turns.uid AND due_at <= :now AND lease_until < :now
    ) LIMIT 1
""")
"""The first instance after ``after`` that waits; each step is one look into an index, however many items wait."""
UNFINISHED: Sequence[ItemStatus] = ("queued", "running")


class SqlLeases:
    """Leases on rows of items. Each change is one UPDATE that names what it found: of two, one finds it changed."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._last = ""

    async def take(self, owner: str, *, now: int, until: int, only: Sequence[str] | None = None) -> Lease | None:
        """A lease on an item that is due, which is running then; None when none is due.

        Instances take turns, so that a large one does not keep the others waiting; of each comes first what is due for
        longest.
        """
        if only is not None:
            return await self._take_of(items.c.id.in_(only), owner, now=now, until=until)
        while uid := await self._next_turn(now):
            if lease := await self._take_of(items.c.instance_uid == uid, owner, now=now, until=until):
                return lease
        return None

    async def _next_turn(self, now: int) -> str:
        """The instance after the last one of which an item is due, in a circle; empty when there is none."""
        for after in dict.fromkeys((self._last, "")):
            for row in await self._database.rows(NEXT_TURN.bindparams(after=after, now=now)):
                self._last = str(row["uid"])
                return self._last
        return ""

    async def _take_of(self, these: ColumnElement[bool], owner: str, *, now: int, until: int) -> Lease | None:
        at = items.c
        free = (at.status == "queued", at.lease_until < now)
        query = select(*ITEM, at.attempts).where(these, *free, at.due_at <= now).order_by(at.due_at, at.id)
        while rows := await self._database.rows(query.limit(CANDIDATES)):
            for row in rows:
                values = {"status": "running", "error": "", "owner": owner, "lease_until": until}
                found = (at.id == row["id"], at.version == row["version"], *free)
                change = update(items).where(*found).values(**values, attempts=at.attempts + 1)
                if await self._database.write(change):
                    item = replace(item_of(row), status="running", error="")
                    return Lease(item, owner, row["attempts"] + 1)
        return None

    async def keep(self, leases: Sequence[Lease], *, until: int) -> Mapping[str, int]:
        """Hold them until then; the version that each item has now, by owner, of those that still hold."""
        held = (items.c.id.in_([one.item.id for one in leases]), items.c.owner.in_([one.owner for one in leases]))
        await self._database.write(update(items).where(*held).values(lease_until=until))
        rows = await self._database.rows(select(items.c.owner, items.c.version).where(*held))
        return {row["owner"]: row["version"] for row in rows}

    async def holds(self, lease: Lease) -> bool:
        """Whether it has not ended, and the item is still at the version the lease was taken for."""
        return bool(await self._database.rows(select(items.c.id).where(*_holds(lease.item, lease.owner))))

    async def note(self, lease: Lease, lines: Sequence[ItemLine]) -> bool:
        """Keep lines of an item while the lease holds."""
        return await self._change(lease, {"status": "running"}, lines)

    async def settle(
        self,
        lease: Lease,
        status: ItemStatus,
        *,
        error: str = "",
        chunks_count: int | None = None,
        lines: Sequence[ItemLine] = (),
    ) -> bool:
        """End the lease with the item's outcome; False if the item or the lease is another by now."""
        outcome = {"status": status, "error": error, "chunks_count": chunks_count, "attempts": 0}
        return await self._change(lease, {**outcome, **FREE}, lines)

    async def put_back(self, lease: Lease, *, due_at: int, attempts: int, lines: Sequence[ItemLine] = ()) -> bool:
        """End the lease with the item in the queue; as ``settle``."""
        values = {"status": "queued", "due_at": due_at, "attempts": attempts}
        return await self._change(lease, {**values, **FREE}, lines)

    async def drop(self, lease: Lease) -> None:
        """End the lease, whatever its item is now; nothing happens if it has ended."""
        held = (items.c.id == lease.item.id, items.c.owner == lease.owner)
        await self._database.write(update(items).where(*held).values(FREE))

    async def list_lapsed(self, now: int) -> Sequence[Lease]:
        """Some that were not kept, on items that are running."""
        at = items.c
        query = select(*ITEM, at.owner, at.attempts).where(at.status == "running", at.lease_until < now)
        rows = await self._database.rows(query.limit(LAPSED_AT_ONCE))
        return [Lease(item_of(row), row["owner"], row["attempts"]) for row in rows]

    async def end_all(self, prefix: str) -> None:
        """Let every lease lapse whose owner begins so: nobody of that name works any more."""
        theirs = items.c.owner.startswith(prefix, autoescape=True)
        await self._database.write(update(items).where(theirs).values(lease_until=0))

    async def move(self, *, by: int, now: int) -> None:
        """Move every time ahead of ``now`` by so many milliseconds: the clock was set back as far."""
        for column in (items.c.due_at, items.c.lease_until):
            await self._database.write(update(items).where(column > now).values({column: column + by}))

    async def pull_in(self, now: int) -> None:
        """Let all be over that lies further ahead than anything is waited for: an earlier clock was ahead."""
        for column, longest in ((items.c.due_at, LONGEST_WAIT), (items.c.lease_until, LONGEST_LEASE)):
            await self._database.write(update(items).where(column > now + longest).values({column: 0}))

    async def count_unfinished(self) -> int:
        """How many items are queued or running."""
        query = select(func.count().label("number")).where(items.c.status.in_(UNFINISHED))
        [row] = await self._database.rows(query)
        return int(row["number"])

    async def list_unfinished(self, item_ids: Sequence[str]) -> Mapping[str, int]:
        """The versions of those of these items that are queued or running."""
        where = (items.c.id.in_(item_ids), items.c.status.in_(UNFINISHED))
        rows = await self._database.rows(select(items.c.id, items.c.version).where(*where))
        return {row["id"]: row["version"] for row in rows}

    async def _change(self, lease: Lease, values: Mapping[str, object], lines: Sequence[ItemLine]) -> bool:
        async with self._database.transaction() as connection:
            change = update(items).where(*_holds(lease.item, lease.owner)).values(values)
            kept = (await connection.execute(change)).rowcount > 0
            if kept:
                await keep_item_lines(connection, lease.item.id, lines)
        return kept


def _holds(item: Item, owner: str) -> tuple[ColumnElement[bool], ...]:
    return items.c.id == item.id, items.c.version == item.version, items.c.owner == owner
