"""What a change of settings leaves to do: the index takes its new shape, and outdated items are indexed again."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

from secondlook.domain.instance import Instance
from secondlook.errors import InstanceNotFoundError, ItemNotFoundError, SecondlookError
from secondlook.ports import Catalog, Embedder, Indexer
from secondlook.services.shapes import shape_of

log = logging.getLogger(__name__)


class Retaking:
    """Works in the background, one instance after the other. A restart goes on with what is left.

    Args:
        reindex: queues an item, by its id, to be indexed again.
    """

    def __init__(
        self,
        catalog: Catalog,
        indexer: Indexer,
        embedder: Embedder,
        *,
        reindex: Callable[[Instance, str], Awaitable[object]],
    ) -> None:
        self._catalog = catalog
        self._indexer = indexer
        self._embedder = embedder
        self._reindex = reindex
        self._turn = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, instance: Instance) -> None:
        """Do all that is to be done for the instance as it is in the catalogue by then."""
        task = asyncio.create_task(self._work(instance))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def __bool__(self) -> bool:
        """Whether anything is left."""
        return bool(self._tasks)

    async def wait(self, seconds: float) -> None:
        """Return when something is done, or after that time."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)

    def stop(self) -> set[asyncio.Task[None]]:
        """The tasks, which are about to end."""
        for task in self._tasks:
            task.cancel()
        return set(self._tasks)

    async def _work(self, instance: Instance) -> None:
        try:
            async with self._turn:  # so that of two changes the later one is the last to be applied
                now = await self._catalog.get_instance_by_uid(instance.uid)
                await self._indexer.reshape_index(now.uid, shape_of(now.settings, self._embedder))
            outdated = await self._catalog.list_items(now.uid, ("outdated",))
            if outdated:
                log.warning("%s/%s: re-indexing outdated items: %d", now.account, now.name, len(outdated))
            for item in reversed(outdated):
                with contextlib.suppress(ItemNotFoundError):  # deleted meanwhile
                    if (await self._catalog.get_item(now.uid, item.id)).status == "outdated":  # not taken up meanwhile
                        await self._reindex(now, item.id)
        except SecondlookError:
            with contextlib.suppress(InstanceNotFoundError):  # deleted meanwhile
                await self._catalog.get_instance_by_uid(instance.uid)
                log.exception("could not re-index outdated items of %s; the next start or sync retries", instance.name)
