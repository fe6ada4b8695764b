"""Folders that are watched: a sync begins soon after something in one changes."""

import asyncio
import contextlib
import logging

from secondlook.domain.instance import Instance
from secondlook.errors import CallerError, CooldownError, SecondlookError, SourceError
from secondlook.ports import Catalog
from secondlook.services.syncing import Syncing

log = logging.getLogger(__name__)


class Watching:
    """Looks at every folder of an instance that is not paused, ``every`` so many seconds.

    A look costs what a listing costs, and reads no file. The first one after a start begins a sync, since nobody
    knows what happened before.
    """

    def __init__(self, catalog: Catalog, syncing: Syncing, *, every: float) -> None:
        self._catalog = catalog
        self._syncing = syncing
        self._every = every
        self._seen: dict[str, str] = {}

    async def watch(self) -> None:
        """Look for ever; what goes wrong is logged, and tried again."""
        while True:
            try:
                await self.look()
            except SecondlookError:
                log.exception("could not check watched folders; retrying in %g s", self._every)
            await asyncio.sleep(self._every)

    async def look(self) -> int:
        """Begin a sync for each folder that is not as it was, and say how many."""
        begun = 0
        watched = [
            one
            for one in await self._catalog.list_instances("", None)
            if one.settings.source_kind == "folder" and not one.settings.paused
        ]
        self._seen = {one.uid: self._seen[one.uid] for one in watched if one.uid in self._seen}
        for one in watched:
            begun += await self._look_at(one)
        return begun

    async def _look_at(self, instance: Instance) -> bool:
        try:
            now = await self._syncing.fingerprint(instance)
        except SourceError:
            return False  # the next sync says what is wrong
        if now == self._seen.get(instance.uid):
            return False
        with contextlib.suppress(CallerError):  # paused or deleted meanwhile
            try:
                await self._syncing.begin(instance, description="the folder changed", trigger="schedule")
            except CooldownError:
                return False  # one runs, and may have passed the change already: look again
            self._seen[instance.uid] = now
            return True
        return False
