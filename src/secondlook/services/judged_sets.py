"""Sets of queries that people judge in the dashboard or through the API, and the Lab measures on."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from secondlook.domain.instance import Instance
from secondlook.domain.judged_sets import HIGHEST_GRADE, JudgedSet, SetJudgment, is_set_name
from secondlook.domain.queries import LONGEST_QUERY, FoundChunk, normalised
from secondlook.errors import InvalidOptionError, ItemNotFoundError, QueryNotFoundError
from secondlook.evaluation.queries import JudgedQuery, read_rows
from secondlook.ledgers import JudgedSetShelf
from secondlook.ports import Catalog, Retriever

MOST_SETS = 100
MOST_QUERIES = 5000
"""Queries of a set, as many as a run of the Lab takes."""


@dataclass(frozen=True, slots=True)
class SetQuery:
    """A query of a set with its judgments, oldest first."""

    query: str
    judgments: tuple[SetJudgment, ...]


class JudgedSets:
    """Makes, fills, reads and removes the sets of instances."""

    def __init__(
        self, shelf: JudgedSetShelf, catalog: Catalog, retriever: Retriever, clock: Callable[[], float] = time.time
    ) -> None:
        self._shelf = shelf
        self._catalog = catalog
        self._retriever = retriever
        self._clock = clock

    async def list(self, instance: Instance) -> Sequence[JudgedSet]:
        """All sets of the instance, by name."""
        return await self._shelf.list(instance.uid)

    async def get(self, instance: Instance, name: str) -> JudgedSet:
        """Raises ``QueryNotFoundError``."""
        found = await self._shelf.get(instance.uid, name)
        if found is None:
            names = ", ".join(repr(one.name) for one in await self._shelf.list(instance.uid)) or "none yet"
            raise QueryNotFoundError(f"{instance.name!r} has no query set {name[:80]!r}; it has {names}")
        return found

    async def create(self, instance: Instance, name: str) -> JudgedSet:
        """The set of that name, new or as it is; raises ``InvalidOptionError`` for a bad name or one set too many."""
        if not is_set_name(name):
            raise InvalidOptionError(
                f"{name[:80]!r} is not a valid query set name: give 1 to 64 letters, digits, spaces, dots, hyphens and"
                " underscores, starting with a letter or a digit"
            )
        there = await self._shelf.list(instance.uid)
        if len(there) >= MOST_SETS and all(one.name != name for one in there):
            raise InvalidOptionError(f"{instance.name!r} has {MOST_SETS} query sets, the most it can have: remove one")
        await self._shelf.create(instance.uid, name, at=self._now())
        return await self.get(instance, name)

    async def judge(
        self, instance: Instance, name: str, query: str, *, grade: int | None, chunk_id: str = "", key: str = ""
    ) -> SetJudgment:
        """The judgment, which takes the place of an earlier one of that result; None as grade removes it.

        Raises:
            QueryNotFoundError: there is no such set.
            InvalidOptionError: the query is blank, the chunk does not exist, or the set is full.
            ItemNotFoundError: there is no such item.
        """
        there = await self.get(instance, name)
        text = " ".join(query.split())
        if not text or len(text) > LONGEST_QUERY:
            raise InvalidOptionError(f"query: give 1 to {LONGEST_QUERY:,} characters")
        before = await self._shelf.judgments(instance.uid, name, text)
        made = await self._judgment(instance, before, text, grade=grade, chunk_id=chunk_id, key=key)
        if grade is None:
            await self._shelf.drop_judgment(instance.uid, name, made)
            return made
        if not before and there.queries >= MOST_QUERIES:
            raise InvalidOptionError(f"query set {name!r} has {MOST_QUERIES:,} queries, the maximum: remove some")
        await self._shelf.judge(instance.uid, name, made)
        return made

    async def queries(self, instance: Instance, name: str, query: str = "") -> Sequence[SetQuery]:
        """The queries of the set, the newest first, or the one of that text; raises ``QueryNotFoundError``."""
        await self.get(instance, name)
        by_words: dict[str, list[SetJudgment]] = {}
        for one in await self._shelf.judgments(instance.uid, name, query):
            by_words.setdefault(normalised(one.query), []).append(one)
        found = [SetQuery(judgments[0].query, tuple(judgments)) for judgments in by_words.values()]
        return found[::-1]

    async def judged(self, instance: Instance, name: str) -> Sequence[JudgedQuery]:
        """The set as the Lab reads it, oldest first; raises ``InvalidOptionError`` for an empty one."""
        found = (await self.queries(instance, name))[::-1]
        if not found:
            raise InvalidOptionError(f"query set {name!r} is empty: judge results in the playground or the query log")
        return read_rows([lab_row(one) for one in found], f"query set {name}")

    async def drop_query(self, instance: Instance, name: str, query: str) -> int:
        """Remove a query with its judgments; how many these were. Raises ``QueryNotFoundError``."""
        await self.get(instance, name)
        return await self._shelf.drop_query(instance.uid, name, query)

    async def remove(self, instance: Instance, name: str) -> JudgedSet:
        """Remove the set; what it was. Raises ``QueryNotFoundError``."""
        found = await self.get(instance, name)
        await self._shelf.remove(instance.uid, name)
        return found

    async def forget(self, instance: Instance) -> None:
        """Remove all sets of an instance that is deleted."""
        await self._shelf.forget(instance.uid)

    async def _judgment(
        self,
        instance: Instance,
        before: Sequence[SetJudgment],
        query: str,
        *,
        grade: int | None,
        chunk_id: str,
        key: str,
    ) -> SetJudgment:
        """What is judged, as it is now, or as it was when it was judged before."""
        worth = 0 if grade is None else grade
        if not 0 <= worth <= HIGHEST_GRADE:
            raise InvalidOptionError(f"grade {grade}: give 0 (not relevant) to {HIGHEST_GRADE}, or null to remove it")
        if chunk_id:
            found = (await self._retriever.fetch_chunks(instance.uid, [chunk_id])).get(chunk_id)
            if found is not None:
                chunk = FoundChunk.of(found)
                return SetJudgment(query, chunk.key, worth, self._now(), chunk_id, chunk.start, chunk.end, chunk.hash)
            for one in before if grade is None else ():
                if one.chunk_id == chunk_id:
                    return one
            raise InvalidOptionError(f"chunk_id {chunk_id[:80]!r} is not a chunk of {instance.name!r}")
        if grade is not None and await self._catalog.find_item(instance.uid, key) is None:
            raise ItemNotFoundError(f"{instance.name!r} has no item {key[:80]!r}")
        return SetJudgment(query, key, worth, self._now())

    def _now(self) -> int:
        return int(self._clock() * 1000)


def lab_row(one: SetQuery) -> dict[str, object]:
    """The query as a line of a ``.jsonl`` file of the Lab."""
    items = [
        {"item": each.key, "grade": each.grade}
        | ({} if each.start is None else {"start": each.start, "end": each.end, "hash": each.hash})
        for each in one.judgments
    ]
    return {"query": one.query, "items": items}
