"""Keeps each index in step with the catalogue: one that is damaged or missing is rebuilt from the stored files."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from functools import partial
from typing import Protocol

from secondlook.domain.instance import Instance, Item
from secondlook.domain.problem import IndexProblem
from secondlook.domain.wording import plural
from secondlook.errors import IndexCorruptError, InstanceNotFoundError, ItemNotFoundError, SecondlookError
from secondlook.ledgers import Leases
from secondlook.ports import Catalog, Embedder, Indexer
from secondlook.services.shapes import shape_of

log = logging.getLogger(__name__)

AT_ONCE = 500
"""Items that one statement names."""
INDEX_ERRORS = ("hybrid_search_indexing_failed", "vectorize_upstream_error")
"""Types of the errors of items that failed because of the index, not because of their file."""
ROUNDS = 5
"""Times that what is still lacking after a rebuild is queued again."""


class Reindex(Protocol):
    """Queues an item, by its id, to be indexed again."""

    def __call__(self, instance: Instance, item_id: str, *, why: str) -> Awaitable[object]:
        """Raises ``ItemNotFoundError``."""


class Rebuilding:
    """Checks the index of each instance once after a start, and whenever the engine reports damage.

    A damaged index is put aside at once; what belongs into it is queued in the background. It is not searched until
    all of that is indexed. A restart goes on with it.

    Args:
        retake: gives the index its shape and queues what is outdated.
        progressed: returns when something more is indexed, or after some seconds.
        retry: seconds after which an index that could not be put aside is tried again.
    """

    def __init__(
        self,
        catalog: Catalog,
        indexer: Indexer,
        embedder: Embedder,
        leases: Leases,
        *,
        reindex: Reindex,
        retake: Callable[[Instance], None],
        progressed: Callable[[], Awaitable[object]],
        retry: float = 30.0,
    ) -> None:
        self._catalog = catalog
        self._indexer = indexer
        self._embedder = embedder
        self._leases = leases
        self._reindex = reindex
        self._retake = retake
        self._progressed = progressed
        self._retry = retry
        self._problems: dict[str, IndexProblem] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._whole: set[str] = set()

    def __bool__(self) -> bool:
        """Whether anything is being rebuilt."""
        return bool(self._tasks)

    def problem_of(self, uid: str) -> IndexProblem | None:
        """What is wrong with the index of the instance, if anything is."""
        return self._problems.get(uid)

    async def check(self, instance: Instance) -> None:
        """Compare the index with the catalogue, and begin what is to be done; one bad index stops no other instance.

        The index is read first: what another process indexes meanwhile has its row before its chunks.
        """
        uid = instance.uid
        try:
            why = await self._indexer.read_problem(uid)
            if uid in self._tasks:
                return  # found damaged meanwhile
            await self._drop_unnamed(uid)
            counts = await self._indexer.count_by_item(uid)
            lacking = await self._find_lacking(uid, counts)
            if why:
                self._whole.add(uid)
                self._start(uid, partial(self._fill, instance, why))
            elif lacking and not counts:
                self.report(uid, f"it holds none of its {plural(len(lacking), 'item')}")
            elif lacking:
                self._start(uid, partial(self._complete, instance, lacking))
            self._retake(instance)
            await self._read_again(instance)
        except IndexCorruptError as error:
            self.report(uid, str(error.__cause__ or error))
        except SecondlookError as error:
            log.error("Could not check the index of %s/%s: %s", instance.account, instance.name, error)

    def report(self, uid: str, why: str) -> None:
        """The index was found damaged: rebuild it unless that has begun."""
        if uid in self._whole:
            return
        if task := self._tasks.get(uid):
            task.cancel()  # it completes an index that is put aside now
        self._whole.add(uid)
        self._problems[uid] = IndexProblem(why, searchable=False)
        self._start(uid, partial(self._rebuild_reported, uid, why))

    async def stop(self) -> None:
        """End what runs; the next start goes on with it."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _start(self, uid: str, work: Callable[[], Coroutine[object, object, None]]) -> None:
        task = asyncio.create_task(self._run(uid, work))
        self._tasks[uid] = task
        task.add_done_callback(lambda done: self._forget(uid, done))

    def _forget(self, uid: str, task: "asyncio.Task[None]") -> None:
        if self._tasks.get(uid) is task:  # not another that has taken its place
            del self._tasks[uid]
            self._whole.discard(uid)

    async def _run(self, uid: str, work: Callable[[], Coroutine[object, object, None]]) -> None:
        try:
            await work()
        except InstanceNotFoundError:
            self._problems.pop(uid, None)  # deleted meanwhile
        except SecondlookError as error:
            log.error("Could not rebuild the index %s; the next start or search retries: %s", uid, error)

    async def _rebuild_reported(self, uid: str, why: str) -> None:
        instance = await self._catalog.get_instance_by_uid(uid)
        await self._rebuild(instance, why)

    async def _rebuild(self, instance: Instance, why: str) -> None:
        """Put the index aside, and fill a new one."""
        log.error(
            "Cannot read the index of %s/%s (%s). Rebuilding it from the stored files; searches of this instance answer"
            " 503 until it is complete.", instance.account, instance.name, why,
        )  # fmt: skip
        self._problems[instance.uid] = IndexProblem(why, searchable=False)
        while True:
            instance = await self._catalog.get_instance_by_uid(instance.uid)
            try:
                await self._indexer.remake_index(instance.uid, shape_of(instance.settings, self._embedder), why)
                break
            except SecondlookError as error:
                log.error("Could not replace the index %s; retrying in %g s: %s", instance.uid, self._retry, error)
                self._problems[instance.uid] = IndexProblem(f"{why}; {error}", searchable=False)
            await asyncio.sleep(self._retry)
        await self._fill(instance, why)

    async def _fill(self, instance: Instance, why: str) -> None:
        """Queue what the index lacks until it holds everything, then let it be searched."""
        uid = instance.uid
        self._problems[uid] = IndexProblem(why, searchable=False)
        waits: set[str] = set()
        for _ in range(ROUNDS):
            lacking = await self._find_lacking(uid, await self._indexer.count_by_item(uid), rebuilt=not waits)
            await self._queue(instance, lacking, f"queued again: the index is rebuilt ({why})")
            unfinished = [one.id for one in await self._catalog.list_items(uid, ("queued", "running"))]
            if not lacking and waits:
                break
            waits |= {*lacking, *unfinished}
            if not waits:
                break
            await self._settle(list(waits))
        failed = [one for one in await self._catalog.list_items(uid, ("error",)) if one.id in waits]
        await self._indexer.finish_index(uid, keep_damaged=bool(failed))
        self._problems.pop(uid, None)
        log.warning(
            "Rebuilt the index of %s/%s: %s, %d failed", instance.account, instance.name, plural(len(waits), "item"),
            len(failed),
        )  # fmt: skip

    async def _complete(self, instance: Instance, lacking: Sequence[str]) -> None:
        """Index again what a sound index lacks; what it holds is searched meanwhile."""
        why = f"{plural(len(lacking), 'item')} had no or too few chunks in the index"
        log.warning("%s/%s: %s; indexing again", instance.account, instance.name, why)
        self._problems[instance.uid] = IndexProblem(why, searchable=True)
        await self._queue(instance, lacking, "queued again: the index lacked chunks of it")
        await self._settle(lacking)
        self._problems.pop(instance.uid, None)

    async def _queue(self, instance: Instance, item_ids: Sequence[str], why: str) -> None:
        for item_id in item_ids:
            with contextlib.suppress(ItemNotFoundError):  # deleted meanwhile
                await self._reindex(instance, item_id, why=why)

    async def _settle(self, item_ids: Sequence[str]) -> None:
        """Return once none of these is queued or running."""
        for start in range(0, len(item_ids), AT_ONCE):
            some = item_ids[start : start + AT_ONCE]
            while await self._leases.list_unfinished(some):
                await self._progressed()

    async def _find_lacking(self, uid: str, counts: Mapping[str, int], *, rebuilt: bool = False) -> Sequence[str]:
        """The indexed items of which the index has another number of chunks, oldest first.

        ``rebuilt``: also what is outdated, and what failed because of the index.
        """
        rows = await self._catalog.list_items(uid)
        found = [one.id for one in reversed(rows) if _is_lacking(one, counts)]
        if rebuilt:
            found += [one.id for one in reversed(rows) if one.blob and _failed_by_index(one)]
        return found

    async def _drop_unnamed(self, uid: str) -> None:
        """Drop from the index what the catalogue no longer names."""
        indexed = await self._indexer.list_items(uid)
        named = {item.id for item in await self._catalog.list_items(uid)}
        for item_id in indexed:
            if item_id not in named:
                await self._indexer.delete_item(uid, item_id)

    async def _read_again(self, instance: Instance) -> None:
        """Queue what an earlier release read by other rules; it is searched as it is until then."""
        found = await self._indexer.list_outdated(instance.uid)
        if found:
            log.warning("%s/%s: indexing again, for their letters: %d", instance.account, instance.name, len(found))
        await self._queue(instance, found, "queued to be indexed again")
        await self._indexer.mark_current(instance.uid)


def _is_lacking(item: Item, counts: Mapping[str, int]) -> bool:
    return item.status == "completed" and item.chunks_count is not None and item.chunks_count != counts.get(item.id, 0)


def _failed_by_index(item: Item) -> bool:
    return item.status == "outdated" or (item.status == "error" and item.error.startswith(INDEX_ERRORS))
