"""One sync of an external source: what is new or changed is fetched and indexed, what is gone is removed."""

import asyncio
import contextlib
import time
from collections.abc import Sequence
from hashlib import blake2b

from secondlook.domain.instance import Instance, InstanceSettings, Item
from secondlook.domain.jobs import CHANGED
from secondlook.domain.source import REFUSED, Entry, Origin
from secondlook.errors import (
    CallerError,
    FileTooLargeError,
    ForbiddenSourceError,
    InstanceNotFoundError,
    InvalidServiceTokenError,
    ItemNotFoundError,
    ItemSourceError,
    KeyTakenError,
    PausedError,
    SourceError,
    UnknownSourceError,
    UnsupportedFileError,
)
from secondlook.ports import Catalog
from secondlook.services.indexing import Indexing
from secondlook.services.intake import Upload
from secondlook.services.pull_state import Pull, Tell, rule_of
from secondlook.services.service_tokens import ServiceTokens
from secondlook.services.waiting import to_the_end
from secondlook.supply import Memos, Source, Sources

FETCHES = 8
"""Entries fetched at once."""
AHEAD = 64
"""Items that may wait to be indexed before more is fetched, so that a bucket is not copied before it is read."""
PROBE = 20.0
"""Seconds that a test of a source may take."""
SAMPLE = 5
"""Keys that a test of a source shows."""
LOOK_EVERY = 1.0
"""Seconds between two looks at whether the instance is still there, and not paused."""


class Pulling:
    """Brings the index in step with the source of an instance.

    Each item is stored together with what its source wants to be told of it the next time. So a sync that breaks
    off anywhere goes on by beginning again: what was stored is unchanged.
    """

    def __init__(
        self,
        sources: Sources,
        memos: Memos,
        catalog: Catalog,
        indexing: Indexing,
        service_tokens: ServiceTokens,
        *,
        release: str = "",
    ) -> None:
        self._sources = sources
        self._memos = memos
        self._catalog = catalog
        self._indexing = indexing
        self._service_tokens = service_tokens
        self._refused = f"{REFUSED}{release}: "

    async def pull(self, instance: Instance, tell: Tell, *, may_shrink: bool = False) -> None:
        """Fetch, index, remove; returns when all of the source is indexed.

        Raises:
            SourceError: the source cannot be read, or not to its end, or, unless ``may_shrink``, most of its items
                are gone, as when a disk is not mounted: then nothing was removed but what rules leave out.
            PausedError: the instance was paused meanwhile.
            InstanceNotFoundError: it was deleted meanwhile.
        """
        source = await self._open(instance.account, instance.settings)
        known = {one.key: one for one in await self._memos.list(instance.uid)}
        pull = Pull(instance, source, tell, known, may_shrink)
        try:
            try:
                await self._read(pull)
                pull.check_loss()
            except SourceError as error:
                if error.kind != CHANGED:
                    await self._remove_gone(pull, whole=False)
                    await tell(pull.summary(), "info")
                raise
            await self._remove_gone(pull)
        finally:
            for task in pull.indexing:
                task.cancel()
            await asyncio.gather(*pull.indexing, return_exceptions=True)
            await source.close()
            for note in source.notes():
                with contextlib.suppress(CallerError):  # the job went with its instance
                    await tell(note, "warning")
        await tell(pull.summary(), "info")

    async def pull_one(self, instance: Instance, item: Item) -> Item:
        """The item, fetched anew and queued, or as it is if nothing changed.

        Raises:
            ItemSourceError, SourceError: it cannot be had; the item says so too.
        """
        source = await self._open(instance.account, instance.settings)
        try:
            entry = Entry(item.key)
            if skipped := rule_of(instance.settings, entry):
                raise ItemSourceError("excluded_by_path_filter", f"{item.key}: {skipped}")
            await self._fetch(instance, source, entry)
        except ItemSourceError as error:
            await self._refuse(instance, Entry(item.key, error=str(error), gone=error.gone))
            raise
        finally:
            await source.close()
        return await self._indexing.find(instance, item.key)

    async def check(self, account: str, settings: InstanceSettings, *, inferred: bool) -> None:
        """Nothing, if an instance may have that source.

        A folder must be open to users. A bucket of which nobody said that it is one, ``inferred``, must be there;
        whatever else is wrong with a source is told by its first sync.

        Raises:
            ForbiddenSourceError, UnknownSourceError, InvalidServiceTokenError
        """
        if settings.source_kind == "folder":
            try:
                await (await self._open(account, settings)).close()
            except SourceError as error:
                raise ForbiddenSourceError(f"source: {error}") from error
        elif settings.source_kind == "r2" and inferred:
            try:
                await self._look_into(account, settings)
            except SourceError as error:
                raise UnknownSourceError(
                    f"source: {settings.source!r} is neither an http(s) address nor a readable bucket ({error})"
                ) from error

    async def fingerprint(self, instance: Instance) -> str:
        """Another text when something that the source lists has changed; raises ``SourceError``."""
        source = await self._open(instance.account, instance.settings)
        try:
            found = [f"{entry.key}\0{entry.memo}" async for entry in source.list({})]
        finally:
            await source.close()
        return blake2b("\0".join(sorted(found)).encode(errors="surrogateescape"), digest_size=16).hexdigest()

    async def probe(
        self, account: str, settings: InstanceSettings, secret: tuple[str, str] | None = None
    ) -> Sequence[str]:
        """The first keys of the source, with these credentials instead of those of its token, if any are given.

        Raises:
            SourceError, InvalidServiceTokenError
        """
        source = await (self._sources.open(settings, secret) if secret else self._open(account, settings))
        found: list[str] = []
        try:
            async with asyncio.timeout(PROBE), contextlib.aclosing(source.list({})) as entries:
                async for entry in entries:
                    found.append(entry.key)
                    if len(found) >= SAMPLE:
                        break
        except TimeoutError as error:
            if not found:
                raise SourceError(
                    "timeout_error", f"{settings.source} did not answer within {PROBE:g} seconds"
                ) from error
        finally:
            await source.close()
        return found

    async def _look_into(self, account: str, settings: InstanceSettings) -> None:
        source = await self._open(account, settings)
        try:
            async with contextlib.aclosing(source.list({})) as entries:
                async for _ in entries:
                    break
        finally:
            await source.close()

    async def _open(self, account: str, settings: InstanceSettings) -> Source:
        token = settings.service_token
        try:
            secret = await self._service_tokens.secret(account, token) if token else None
        except InvalidServiceTokenError as error:
            raise SourceError("external_source_missing_api_token", str(error), lasting=True) from error
        return await self._sources.open(settings, secret)

    async def _read(self, pull: Pull) -> None:
        """Look at every entry, a few at a time."""
        origin = pull.instance.settings.source_id
        told = {one.key: one.told(self._refused) for one in pull.known.values() if one.source == origin}
        memos = {key: memo for key, memo in told.items() if memo}
        running: set[asyncio.Task[None]] = set()
        failure: SourceError | None = None
        try:
            try:
                async with contextlib.aclosing(pull.source.list(memos)) as entries:
                    async for entry in entries:
                        await self._look(pull)
                        while len(running) >= FETCHES:
                            running = await _one_less(running)
                        running.add(asyncio.create_task(self._deal_with(pull, entry)))
            except SourceError as error:
                failure = error  # what was named before is still dealt with
            failure = await _finish(running) or failure
            while pull.indexing:
                await asyncio.wait(pull.indexing, timeout=LOOK_EVERY)
                await self._look(pull)
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
        if failure:
            raise failure

    async def _deal_with(self, pull: Pull, entry: Entry) -> None:
        skipped = entry.skipped or ("" if entry.error else rule_of(pull.instance.settings, entry))
        if skipped:
            pull.excluded.update([entry.key] if entry.gone else [])
            await pull.note("skipped", f"{entry.key}: {skipped}")
            return
        pull.seen.add(entry.key)
        if entry.unchanged:
            before = pull.known.get(entry.key)
            pull.counts["error" if before and before.error else "unchanged"] += 1
            if before and not before.error and before.memo != entry.memo:
                await self._memos.keep(before.item_id, entry.memo)
            if before and before.waits:
                with contextlib.suppress(ItemNotFoundError):  # deleted meanwhile
                    await self._follow_later(pull, await self._indexing.get(pull.instance, before.item_id))
            return
        if entry.error:
            await self._note_error(pull, entry)
            return
        try:
            item = await self._fetch(pull.instance, pull.source, entry)
        except KeyTakenError as error:
            await pull.note("skipped", str(error), "warning")
            return
        except ItemSourceError as error:
            refused = self._refused + entry.memo if entry.memo and error.kind == "unsupported_type" else ""
            await self._note_error(pull, Entry(entry.key, refused, error=str(error), gone=error.gone))
            return
        if item is None:
            pull.counts["unchanged"] += 1
            return
        await self._follow_later(pull, item)

    async def _follow_later(self, pull: Pull, item: Item) -> None:
        """Have the end of indexing the item counted; wait first while too many are indexed."""
        while len(pull.indexing) >= AHEAD:
            await asyncio.wait(pull.indexing, return_when=asyncio.FIRST_COMPLETED)
        task = asyncio.create_task(self._follow(pull, item))
        pull.indexing.add(task)
        task.add_done_callback(pull.indexing.discard)

    async def _fetch(self, instance: Instance, source: Source, entry: Entry) -> Item | None:
        """The item, queued; None if its bytes are indexed already.

        Raises:
            ItemSourceError, KeyTakenError, SourceError
        """
        found = await source.fetch(entry)
        upload = Upload(entry.key, found.content, found.content_type, found.metadata)
        origin = Origin(instance.settings.source_id, found.memo, found.modified_at or entry.modified_at)
        try:
            item = await to_the_end(self._indexing.take(instance, upload, origin))
        except (KeyTakenError, InstanceNotFoundError):
            raise
        except CallerError as error:
            kind = _kind_of(error)
            raise ItemSourceError(kind, str(error).removeprefix(f"{kind}: "), gone=True) from error
        if item is None:
            with contextlib.suppress(ItemNotFoundError):  # deleted meanwhile
                await self._memos.keep((await self._indexing.find(instance, entry.key)).id, found.memo)
        return item

    async def _note_error(self, pull: Pull, entry: Entry, *, at_once: bool = False) -> None:
        """Put the item in error; where that ends what it serves, only once all of the list is known."""
        if not at_once and pull.holds_back(entry):
            return
        try:
            await self._refuse(pull.instance, entry)
        except CallerError as error:
            await pull.note("skipped", str(error), "warning")
            return
        await pull.note("error", f"{entry.key}: {entry.error}", "error")

    async def _refuse(self, instance: Instance, entry: Entry) -> None:
        origin = Origin(instance.settings.source_id)
        await to_the_end(self._indexing.refuse(instance, entry.key, origin, error=entry.error, gone=entry.gone))
        if entry.memo:
            with contextlib.suppress(ItemNotFoundError):  # deleted meanwhile
                await self._memos.keep((await self._indexing.find(instance, entry.key)).id, entry.memo)

    async def _follow(self, pull: Pull, item: Item) -> None:
        """Count how indexing the item ended."""
        try:
            now = await self._indexing.wait_for(item)
        except ItemNotFoundError:
            return  # deleted meanwhile
        if now.status == "error":
            await pull.note("error", f"{now.key}: {now.error}", "error")
        else:
            await pull.note(now.status, f"{now.key}: {now.status}")

    async def _remove_gone(self, pull: Pull, *, whole: bool = True) -> None:
        """Remove the items of this source and of those before it which the list did not name.

        Of a list that is not whole, only what rules leave out: those of the instance, or those of the source.
        """
        for entry in pull.let_go(whole=whole):
            await self._note_error(pull, entry, at_once=True)
        origin = pull.instance.settings.source_id
        for key, one in pull.known.items():
            if key in pull.seen or not (whole or (one.source == origin and not pull.is_wanted(key))):
                continue
            await self._look(pull)
            with contextlib.suppress(ItemNotFoundError):  # deleted meanwhile
                item = await self._indexing.get(pull.instance, one.item_id)
                if item.source:  # else an upload was used instead
                    await to_the_end(self._indexing.delete(pull.instance, one.item_id, found=True))
                    await pull.note("removed", f"{key}: removed")

    async def _look(self, pull: Pull) -> None:
        """Raises ``PausedError``, ``InstanceNotFoundError``, or ``SourceError`` when another source was set."""
        if time.monotonic() - pull.looked_at < LOOK_EVERY:
            return
        pull.looked_at = time.monotonic()
        now = await self._catalog.get_instance_by_uid(pull.instance.uid)
        if now.settings.paused:
            raise PausedError(f"instance {now.name!r} was paused")
        if now.settings.origin != pull.instance.settings.origin:
            raise SourceError(CHANGED, "the source of the instance was changed: another sync will start")


async def _one_less(running: set[asyncio.Task[None]]) -> set[asyncio.Task[None]]:
    """Those that still run once one has ended; raises what it raised."""
    done, left = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        task.result()
    return left


async def _finish(running: set[asyncio.Task[None]]) -> SourceError | None:
    """Wait for all; what failed the source is given back, anything else is raised."""
    failures = [one for one in await asyncio.gather(*running, return_exceptions=True) if one is not None]
    for one in failures:
        if not isinstance(one, SourceError):
            raise one
    return next((one for one in failures if isinstance(one, SourceError)), None)


def _kind_of(error: CallerError) -> str:
    if isinstance(error, FileTooLargeError):
        return "over_size"
    kind = str(error).partition(":")[0]
    if "_" in kind and kind.replace("_", "").isalpha():
        return kind
    return "unsupported_type" if isinstance(error, UnsupportedFileError) else "unknown_error"
