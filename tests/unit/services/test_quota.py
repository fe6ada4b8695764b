"""A quota counts what was answered, in the month it was asked in."""

import asyncio
import datetime as dt

import pytest

from secondlook.errors import BackendError, QuotaExceededError
from secondlook.services.quota import Quota
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
    with pytest.raises(QuotaExceededError, match=r"its 2 queries of 2026-10") as caught:
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
