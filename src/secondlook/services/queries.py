"""The query log: what instances that keep one were asked, and what people made of the answers."""

import asyncio
import logging
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from secondlook.domain.endpoint import EventValue
from secondlook.domain.instance import Instance
from secondlook.domain.queries import (
    Feedback,
    FeedbackKind,
    FoundChunk,
    HeardQuery,
    LoggedQuery,
    Period,
    QueryFilter,
    QueryOrder,
    TopQuery,
    normalised,
)
from secondlook.domain.wording import plural
from secondlook.errors import (
    BackendError,
    InstanceNotFoundError,
    InvalidOptionError,
    ItemNotFoundError,
    QueryNotFoundError,
    SecondlookError,
)
from secondlook.ledgers import QueryShelf
from secondlook.ports import Catalog, Retriever
from secondlook.services.insight import SPANS, Insight, measure
from secondlook.services.waiting import to_the_end

log = logging.getLogger(__name__)

DEFAULT_MOST = 50_000
MOST_PENDING = 10_000
"""Lines that wait to be written; what comes beyond is lost, and the log of the server says so."""
WRITE_EVERY = 0.25
"""Seconds that lines are gathered for, so that many searches cost one write."""
SWEEP_EVERY = 3600.0
"""Seconds between two looks at what has become too old."""
DAY = 86_400_000
"""Milliseconds."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a caller tells of a result; the query by its id or its text, the result by its chunk or its item."""

    kind: FeedbackKind
    query_id: str = ""
    query: str = ""
    key: str = ""
    chunk_id: str = ""
    position: int | None = None


class QueryLog:
    """Keeps and reads the query logs of all instances."""

    def __init__(
        self,
        shelf: QueryShelf,
        catalog: Catalog,
        retriever: Retriever,
        *,
        most: int = DEFAULT_MOST,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """``most`` lines are kept of an instance; 0 forbids all logs."""
        self._shelf = shelf
        self._catalog = catalog
        self._retriever = retriever
        self._most = most
        self._clock = clock
        self._pending: list[tuple[str, LoggedQuery]] = []
        self._writing = asyncio.Lock()
        self._writer: asyncio.Task[None] | None = None
        self._sweeper: asyncio.Task[None] | None = None

    @property
    def allowed(self) -> bool:
        """Whether this server lets instances keep a log."""
        return self._most > 0

    def wants(self, instance: Instance) -> bool:
        """Whether searches of the instance are to be noted."""
        return self.allowed and instance.settings.logged

    def now(self) -> int:
        """Milliseconds since 1970."""
        return int(self._clock() * 1000)

    def note(self, instance: Instance, logged: LoggedQuery) -> None:
        """Take a line, which is written soon; never waits, and never fails."""
        if len(self._pending) >= MOST_PENDING:
            log.warning("dropped a line of the query log of %s: %d lines are queued", instance.name, MOST_PENDING)
            return
        self._pending.append((instance.uid, logged))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write_soon())

    async def start(self) -> None:
        """Begin to forget what is too old, and what is of instances that are gone."""
        self._sweeper = asyncio.create_task(self._sweep_for_ever())

    async def stop(self) -> None:
        """Write what waits."""
        await self.flush()  # first, since a writer that is cancelled at work would lose its lines
        tasks = [one for one in (self._sweeper, self._writer) if one]
        for one in tasks:
            one.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def flush(self) -> None:
        """Write what waits now; what the store refuses is lost, and the log of the server says so."""
        async with self._writing:
            lines, self._pending = self._pending, []
            try:
                await to_the_end(self._shelf.add(lines, most=self._most))  # a caller who leaves takes no lines along
            except BackendError as error:
                log.warning("dropped %s of query logs: %s", plural(len(lines), "line"), error)

    async def sweep(self) -> None:
        """Forget what is too old, and all of instances that are gone."""
        for uid in await self._shelf.list_uids():
            try:
                await self._trim(await self._catalog.get_instance_by_uid(uid))
            except InstanceNotFoundError:
                await self._shelf.forget(uid)

    async def forget(self, instance: Instance) -> None:
        """Forget every query of the instance and all that was said of them."""
        async with self._writing:
            self._pending = [one for one in self._pending if one[0] != instance.uid]
            await self._shelf.forget(instance.uid)

    async def list(
        self,
        instance: Instance,
        limit: int,
        offset: int,
        *,
        only: QueryFilter = "all",
        order: QueryOrder = "newest",
        text: str = "",
        playground: bool = True,
    ) -> tuple[Sequence[LoggedQuery], int]:
        """A page of the log, and how many lines it has; searches of the playground may be left out."""
        await self._settle(instance)
        return await self._shelf.list(
            instance.uid, limit, offset, only=only, order=order, text=text, playground=playground
        )

    async def top(
        self,
        instance: Instance,
        limit: int,
        *,
        period: Period = "month",
        only: QueryFilter = "all",
        playground: bool = False,
    ) -> Sequence[TopQuery]:
        """What was asked most often in the period, without the playground unless it is wanted."""
        await self._settle(instance)
        since = self.now() - 1000 * SPANS[period][0]
        return await self._shelf.list_top(instance.uid, limit, since=since, only=only, playground=playground)

    async def insight(self, instance: Instance, period: Period, *, playground: bool = False) -> Insight:
        """How the searches of the period went, over time; without the playground unless it is wanted."""
        await self._settle(instance)
        now = self.now()
        since = now - 1000 * SPANS[period][0]
        found = await self._shelf.list_outcomes(instance.uid, since, playground=playground)
        return await asyncio.to_thread(measure, found, period, now)

    async def sample(self, uid: str, limit: int, *, period: Period = "year") -> Sequence[tuple[str, int]]:
        """Texts of queries with how often they were asked, the most frequent first."""
        await self.flush()
        since = self.now() - 1000 * SPANS[period][0]
        return [(one.query, one.count) for one in await self._shelf.list_top(uid, limit, since=since, only="all")]

    async def judged(self, uid: str, *, playground: bool = False) -> Sequence[HeardQuery]:
        """Queries with feedback, oldest first; feedback on the same words is put together.

        That on queries of the playground is left out unless it is wanted.
        """
        await self.flush()
        found: dict[str, list[Feedback]] = {}
        for one in await self._shelf.list_feedback(uid):
            if playground or not one.playground:
                found.setdefault(normalised(one.query), []).append(one)
        return [
            HeardQuery(next((one.query_id for one in said if one.query_id), ""), said[-1].query, said[0].at, (*said,))
            for said in found.values()
        ]

    async def tried(self, instance: Instance) -> Sequence[LoggedQuery]:
        """What its present or last trial on those who search has searched, oldest first."""
        await self.flush()
        return await self._shelf.list_tried(instance.uid, instance.settings.tried_since)

    async def export(self, uid: str) -> Sequence[HeardQuery]:
        """Every logged query, oldest first, each with what was said of it; then what was said of others."""
        await self.flush()
        said: dict[str, list[Feedback]] = {}
        for one in await self._shelf.list_feedback(uid):
            said.setdefault(one.query_id or normalised(one.query), []).append(one)
        logged, _ = await self._shelf.list(uid, self._most or DEFAULT_MOST, 0, only="all", order="oldest")
        made = [HeardQuery(one.id, one.query, one.at, (*said.pop(one.id, ()),)) for one in logged]
        rest = [HeardQuery(one[0].query_id, one[0].query, one[0].at, (*one,)) for one in said.values()]
        return [*made, *rest]

    async def tell(self, instance: Instance, said: Said) -> Feedback:
        """What was kept of what a caller said.

        Raises:
            InvalidOptionError: the instance keeps no log, or there is no such chunk.
            QueryNotFoundError: no query has that id, and no text was given.
            ItemNotFoundError: there is no such item.
        """
        if not self.wants(instance):
            raise InvalidOptionError(
                f"feedback needs the query log, which is off for instance {instance.name!r}: switch it on with"
                ' {"query_log": {"enabled": true}}'
            )
        return await self._take(instance, said)

    async def hear(self, instance: Instance, told: Sequence[Mapping[str, EventValue]]) -> None:
        """Keep the clicks among what a search box told, as far as they fit a logged query and a chunk."""
        for one in told if self.wants(instance) else ():
            if said := _click_of(one):
                try:
                    await self._take(instance, said, public=True)
                except (InvalidOptionError, QueryNotFoundError) as error:
                    log.info(
                        "ignored a click in a search box of %s that matches no logged query: %s", instance.name, error
                    )

    async def _take(self, instance: Instance, said: Said, *, public: bool = False) -> Feedback:
        """Keep it, with the query and the chunk that are meant; a stranger's query must be in the log."""
        await self.flush()
        uid = instance.uid
        query = await (self._shelf.get(uid, said.query_id) if said.query_id else self._shelf.latest(uid, said.query))
        if query is None and (public or not said.query):
            named = f"query_id {said.query_id!r}" if said.query_id else "the query"
            raise QueryNotFoundError(f"{named} is not in the query log of {instance.name!r}: send the text as query")
        chunk = await self._find_chunk(instance, said, query)
        made = Feedback(
            at=self.now(),
            kind=said.kind,
            query=query.query if query else said.query,
            query_id=query.id if query else "",
            key=chunk.key if chunk else said.key,
            chunk_id=chunk.chunk_id if chunk else "",
            start=chunk.start if chunk else None,
            end=chunk.end if chunk else None,
            hash=chunk.hash if chunk else "",
            position=said.position,
            public=public,
            playground=query is not None and query.playground,
        )
        await self._shelf.add_feedback(uid, [made], most=self._most)
        return made

    async def _find_chunk(self, instance: Instance, said: Said, query: LoggedQuery | None) -> FoundChunk | None:
        """The chunk that is meant, as the query found it, or as it is now; None when no item or an item alone is."""
        for one in query.found if query else ():
            if one.chunk_id == said.chunk_id or (not said.chunk_id and one.key == said.key):
                return one
        if said.chunk_id:
            there = await self._retriever.fetch_chunks(instance.uid, [said.chunk_id])
            if said.chunk_id not in there:
                raise InvalidOptionError(
                    f"chunk_id {said.chunk_id[:80]!r} is not a chunk of {instance.name!r}: send the id of a result"
                )
            return FoundChunk.of(there[said.chunk_id])
        if said.key and await self._catalog.find_item(instance.uid, said.key) is None:
            raise ItemNotFoundError(f"{instance.name!r} has no item {said.key[:80]!r}")
        return None

    async def _settle(self, instance: Instance) -> None:
        """All that was noted is written, and what is too old is gone."""
        await self.flush()
        await self._trim(instance)

    async def _trim(self, instance: Instance) -> None:
        await self._shelf.trim(instance.uid, self.now() - instance.settings.log_days * DAY)

    async def _write_soon(self) -> None:
        while self._pending:
            await asyncio.sleep(WRITE_EVERY)
            await self.flush()

    async def _sweep_for_ever(self) -> None:
        while True:
            try:
                await self.sweep()
            except SecondlookError as error:
                log.warning("could not delete old query log lines: %s", error)
            await asyncio.sleep(SWEEP_EVERY)


def row_of(one: HeardQuery) -> dict[str, object]:
    """The query as the Lab reads it; ``at`` in milliseconds since 1970. Thumbs for a whole answer are left out."""
    said = [
        {"key": each.key, "start": each.start, "end": each.end, "hash": each.hash, "kind": each.kind}
        for each in one.feedback
        if each.key
    ]
    return {"query_id": one.query_id, "query": one.query, "at": one.at, "feedback": said}


def _click_of(told: Mapping[str, EventValue]) -> Said | None:
    """The click that a search box told of; None for other events."""
    chunk_id, text, query_id = (str(told.get(name, "")) for name in ("clickedResultId", "inputQuery", "queryId"))
    if not chunk_id or not (text or query_id):
        return None
    place = told.get("clickPosition")
    return Said("click", query_id, text, chunk_id=chunk_id, position=place if isinstance(place, int) else None)


def new_id() -> str:
    """An id for a query, which tells nothing."""
    return secrets.token_hex(12)
