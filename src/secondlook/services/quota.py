"""How many queries an account may make in a month."""

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from secondlook.domain.wording import plural
from secondlook.errors import QuotaExceededError
from secondlook.ledgers import Usage


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


class Quota:
    """Counts queries that were answered, by account and month of UTC; 0 for no limit, and then nothing is counted."""

    def __init__(self, usage: Usage, monthly: int = 0, *, now: Callable[[], dt.datetime] = _now) -> None:
        self._usage = usage
        self._monthly = monthly
        self._now = now
        self._guard = asyncio.Lock()
        self._under_way: dict[str, int] = {}

    @asynccontextmanager
    async def query(self, account: str) -> AsyncIterator[None]:
        """Around one query, which counts unless an error leaves it.

        Raises:
            QuotaExceededError: this month's are used up, those under way counted.
        """
        if not self._monthly:
            yield
            return
        now = self._now()
        month = f"{now:%Y-%m}"
        async with self._guard:
            used = await self._usage.count(account, month) + self._under_way.get(account, 0)
            if used >= self._monthly:
                raise QuotaExceededError(
                    f"account {account!r} has used its {plural(self._monthly, 'query', 'queries')} for {month}:"
                    " wait for the next month, or raise SECONDLOOK_MONTHLY_QUERIES",
                    _until_next_month(now),
                )
            self._under_way[account] = self._under_way.get(account, 0) + 1
        try:
            yield
            async with self._guard:  # another query sees this one either under way or counted
                await self._usage.add(account, month)
        finally:
            self._end(account)

    def _end(self, account: str) -> None:
        self._under_way[account] -= 1
        if not self._under_way[account]:
            del self._under_way[account]


def _until_next_month(now: dt.datetime) -> float:
    """Seconds."""
    first = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    following = (first + dt.timedelta(days=32)).replace(day=1)
    return (following - now).total_seconds()
