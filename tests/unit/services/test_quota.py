"""A quota counts what was answered, in the month it was asked in."""

import asyncio
import datetime as dt

import pytest

from secondlook.errors import BackendError, QuotaExceededError
from secondlook.services.quota import Quota
from secondlook.stores.database import Database
from secondlook.stores.usage import SqlUsage
from tests.unit.services.conftest import House

OCTOBER = dt.datetime(2026, 10, 31, 23, 59, 30, tzinfo=dt.UTC)


async def ask(quota: Quota, account: str = "acc", error: Exception | None = None) -> None:
    async with quota.query(account):
        await asyncio.sleep(0)
        if error:
            raise error


def test_it_is_off_unless_set(idle: House) -> None:
    for _ in range(3):
        idle.run(ask(idle.quota))
    month = f"{dt.datetime.now(dt.UTC):%Y-%m}"
    assert idle.run(SqlUsage(idle.catalog.database).count("acc", month)) == 0


def test_what_is_over_is_refused_until_the_month_ends(idle: House) -> None:
    now = [OCTOBER]
    usage = SqlUsage(idle.catalog.database)
    quota = Quota(usage, 2, now=lambda: now[0])
    with pytest.raises(BackendError):
        idle.run(ask(quota, error=BackendError("down")))
    idle.run(ask(quota))
    idle.run(ask(quota))
    with pytest.raises(QuotaExceededError, match=r"its 2 queries for 2026-10") as caught:
        idle.run(ask(quota))
    assert caught.value.retry_after == 30
    idle.run(ask(quota, "other"))
    with pytest.raises(QuotaExceededError):
        idle.run(ask(Quota(usage, 2, now=lambda: OCTOBER)))  # a restart forgets nothing
    now[0] = OCTOBER + dt.timedelta(seconds=30)
    idle.run(ask(quota))


def test_those_under_way_count(idle: House) -> None:
    quota = Quota(SqlUsage(idle.catalog.database), 2)

    async def work() -> list[BaseException | None]:
        return await asyncio.gather(*(ask(quota) for _ in range(6)), return_exceptions=True)

    assert sum(isinstance(one, QuotaExceededError) for one in idle.run(work())) == 4


class Slow(SqlUsage):
    """Counts when it is let."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.asked, self.let = asyncio.Event(), asyncio.Event()

    async def add(self, account: str, month: str) -> None:
        self.asked.set()
        await self.let.wait()
        await super().add(account, month)


def test_a_query_that_is_cancelled_before_it_is_counted_takes_no_place(idle: House) -> None:
    usage = Slow(idle.catalog.database)
    quota = Quota(usage, 2, now=lambda: OCTOBER)

    async def work() -> None:
        first = asyncio.create_task(ask(quota))
        second = asyncio.create_task(ask(quota))
        await usage.asked.wait()  # the first is being counted
        for _ in range(20):
            await asyncio.sleep(0)  # the second waits for that
        second.cancel()
        await asyncio.gather(second, return_exceptions=True)
        usage.let.set()
        await first
        await ask(quota)
        with pytest.raises(QuotaExceededError):
            await ask(quota)

    idle.run(work())
    assert idle.run(usage.count("acc", "2026-10")) == 2
