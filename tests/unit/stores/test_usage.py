"""Queries are counted by account and month."""

import asyncio

from secondlook.stores.usage import SqlUsage
from tests.unit.stores.test_catalog import Store, store

__all__ = ["store"]


def test_counts(store: Store) -> None:
    usage = SqlUsage(store.it.database)

    async def work() -> list[int]:
        await asyncio.gather(*(usage.add("acc", "2026-10") for _ in range(5)))
        await usage.add("acc", "2026-11")
        return [await usage.count(*of) for of in (("acc", "2026-10"), ("acc", "2026-11"), ("other", "2026-10"))]

    assert store(work()) == [5, 1, 0]
