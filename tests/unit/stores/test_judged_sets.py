"""Sets of judged queries stay, one judgment of a unit each."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from secondlook.domain.judged_sets import JudgedSet, SetJudgment
from secondlook.stores.database import Database
from secondlook.stores.judged_sets import SqlJudgedSets

OIL = SetJudgment("Frozen  oil", "oil.md", 1, 5)
SPAN = SetJudgment("frozen oil", "oil.md", 2, 6, "c1", 3, 9, "h")
FOG = SetJudgment("fog", "fog.md", 0, 7)


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[SqlJudgedSets]:
    database = Database(f"sqlite+aiosqlite:///{folder / 'catalog.sqlite'}")
    store = SqlJudgedSets(database)
    await store.open()
    try:
        yield store
    finally:
        await database.close()


def test_a_set_from_the_first_judgment_to_the_last(tmp_path: Path) -> None:
    async def work() -> None:
        async with opened(tmp_path) as store:
            for name in ("winter", "winter", "autumn"):
                await store.create("u", name, at=4)
            for one in (OIL, SPAN, FOG):
                await store.judge("u", "winter", one)
            assert await store.list("u") == [JudgedSet("autumn", 4, 4), JudgedSet("winter", 4, 7, 2, 3)]
        async with opened(tmp_path) as store:
            assert await store.judgments("u", "winter") == [OIL, SPAN, FOG]
            again = SetJudgment("FROZEN oil", "oil.md", 3, 8)
            await store.judge("u", "winter", again)
            assert await store.judgments("u", "winter", "frozen oil ") == [again, SPAN]
            await store.drop_judgment("u", "winter", again)
            assert await store.judgments("u", "winter", "frozen oil") == [SPAN]
            assert await store.drop_query("u", "winter", "frozen oil") == 1
            assert await store.get("u", "winter") == JudgedSet("winter", 4, 8, 1, 1)
            await store.remove("u", "winter")
            assert await store.get("u", "winter") is None and await store.judgments("u", "winter") == []

    asyncio.run(work())


def test_indexes_do_not_see_each_other(tmp_path: Path) -> None:
    async def work() -> None:
        async with opened(tmp_path) as store:
            for uid in ("u", "v"):
                await store.create(uid, "winter", at=1)
                await store.judge(uid, "winter", OIL)
            await store.forget("u")
            assert await store.list("u") == []
            assert await store.judgments("v", "winter") == [OIL]

    asyncio.run(work())
