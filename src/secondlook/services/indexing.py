"""Items: taken in durably, indexed in the background, searchable whole or not at all."""

import asyncio
import contextlib
import logging
import re
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial

from secondlook.domain.chunk import Chunk, IndexedChunk
from secondlook.domain.instance import Instance, Item, ItemStatus
from secondlook.domain.jobs import ItemLine
from secondlook.domain.lease import Lease
from secondlook.domain.source import Origin
from secondlook.errors import (
    BackendError,
    ExternalItemError,
    IndexCorruptError,
    InstanceNotFoundError,
    ItemNotFoundError,
    ItemSyncError,
    PausedError,
    StoredFileError,
)
from secondlook.ledgers import Journal, Leases
from secondlook.ports import Blobs, Catalog, Embedder, Indexer
from secondlook.services.checks import Checks
from secondlook.services.chunking import Chunking, ReadingOptions, Steps
from secondlook.services.intake import Intake, Upload, check_found, put_under_schema, retyped
from secondlook.services.rebuilding import Rebuilding
from secondlook.services.retaking import Retaking
from secondlook.services.stored_files import find_damage, read_stored
from secondlook.services.waiting import set_within, to_the_end
from secondlook.services.working import Role, Working, WorkingOptions

log = logging.getLogger(__name__)

UNFINISHED: Sequence[ItemStatus] = ("queued", "running")
MADE = re.compile(r"[0-9a-f]{24}|eval-[0-9a-f]{16}")
"""Names of indexes that instances and evaluations make; what else lies there is not ours."""


class Indexing:
    """Takes uploads and indexes them, a few items at a time, oldest first.

    An upload is acknowledged once its bytes and its row are on disk. A crash at any
    point leaves the row queued or running, and whoever works the queue takes those up again.
    """

    def __init__(
        self,
        catalog: Catalog,
        indexer: Indexer,
        blobs: Blobs,
        embedder: Embedder,
        *,
        journal: Journal,
        leases: Leases,
        reading: ReadingOptions | None = None,
        working: WorkingOptions | None = None,
        checks: Checks | None = None,
    ) -> None:
        self._catalog = catalog
        self._indexer = indexer
        self._blobs = blobs
        self._journal = journal
        self._intake = Intake(catalog, blobs)
        self._lock = self._intake.lock
        self._chunking = Chunking(blobs, embedder, reading)
        self._leases = leases
        self._working = Working(leases, self._index, working)
        self._checks = checks or Checks()
        self._retaking = Retaking(catalog, indexer, embedder, reindex=self.reindex)
        self.rebuilding = Rebuilding(
            catalog, indexer, embedder, leases, reindex=self.reindex, retake=self.retake, progressed=self._progressed
        )

    async def start(self, role: Role = "server") -> None:
        """Begin to index: a server and its workers what waits, a command what is uploaded here."""
        if role == "server":
            instances = await self._catalog.list_instances("", None)
            self._checks.begin({one.uid: partial(self.rebuilding.check, one) for one in instances})
            self._indexer.hear_damage(self.rebuilding.report)
        await self._working.start(role)

    async def sweep(self) -> int:
        """Remove the blobs that no item names and the indexes that no instance has, and say how many.

        A crash leaves them between bytes and row. Nothing may be uploaded, and no instance made, meanwhile, here
        or by another process.
        """
        named = {item.blob for item in await self._catalog.list_items("")}
        loose = [key for key in await self._blobs.list() if key not in named]
        for key in loose:
            await _remove_loose(self._blobs.delete(key), key)
        known = {instance.uid for instance in await self._catalog.list_instances("", None)}
        orphans = [name for name in await self._indexer.list_indexes() if MADE.fullmatch(name) and name not in known]
        for name in orphans:
            await _remove_loose(self._indexer.drop_index(name), name)
        return len(loose) + len(orphans)

    async def stop(self) -> None:
        """Stop after the current step; what is unfinished goes on at the next start."""
        await self._checks.stop()
        await self.rebuilding.stop()
        await self._working.stop()
        await asyncio.gather(*self._retaking.stop(), return_exceptions=True)
        await self._chunking.close()

    async def read_text(self, instance: Instance, item: Item) -> str:
        """The item's text as its chunks were cut from it; raises as ``Chunking.read``."""
        return (await self._chunking.read(instance, item))[0].text

    async def upload(self, instance: Instance, upload: Upload, *, wait: float | None = None) -> Item:
        """The item, queued, or as it is after at most ``wait`` seconds; the same key replaces.

        Raises:
            FileMissingError, NameTooLongError, FileTooLargeError, UnsupportedFileError, InvalidMetadataError
        """
        item = await self._intake.take_upload(instance, upload)
        return await self._enqueue(item, wait)

    async def upload_changed(self, instance: Instance, upload: Upload, *, wait: float | None = None) -> Item | None:
        """As ``upload``; None, with nothing stored, if the item is indexed from the same bytes already."""
        item = await self._intake.take_upload(instance, upload, changed_only=True)
        return await self._enqueue(item, wait) if item else None

    async def take(self, instance: Instance, upload: Upload, origin: Origin) -> Item | None:
        """The item, queued, that an external source brought; None when it is indexed as it is already.

        Raises:
            KeyTakenError: an upload has that key.
            FileMissingError, FileTooLargeError, UnsupportedFileError, InvalidMetadataError
        """
        item = await self._intake.take_found(instance, upload, origin)
        return await self._enqueue(item, None) if item else None

    async def refuse(self, instance: Instance, key: str, origin: Origin, *, error: str, gone: bool = False) -> bool:
        """Whether there is a new item in error for what a source has and does not give.

        With ``gone``, what was indexed of it before is served no more.
        """
        check_found(key)
        before = await self._catalog.find_item(instance.uid, key) if gone else None
        if before and before.source and (before.blob or before.chunks_count):
            with contextlib.suppress(ItemNotFoundError):  # whole, so that a crash leaves nothing of it to be found
                await self.delete(instance, before.id, found=True)
        return await self._intake.note_refusal(instance, key, origin, error=error) is not None

    async def find(self, instance: Instance, key: str) -> Item:
        """The item of that key; raises ``ItemNotFoundError``."""
        item = await self._catalog.find_item(instance.uid, key)
        if item is None:
            raise ItemNotFoundError(f"this instance has no item with the key {key!r}")
        return item

    async def get(self, instance: Instance, item_id: str) -> Item:
        """Raises ``ItemNotFoundError``."""
        return await self._catalog.get_item(instance.uid, item_id)

    async def list(self, instance: Instance, statuses: Sequence[ItemStatus] = ()) -> Sequence[Item]:
        """Newest first."""
        return await self._catalog.list_items(instance.uid, statuses)

    async def delete(self, instance: Instance, item_id: str, *, found: bool = False) -> Item:
        """The item as it was; it is gone from searches when this returns.

        With ``found`` only one that a source brought; raises ``ItemNotFoundError`` if an upload has taken its place.
        """
        item = await self._catalog.get_item(instance.uid, item_id)
        async with self._lock(instance.uid, item.key):
            item = await self._catalog.get_item(instance.uid, item_id)  # as a newer upload may have left it
            if found and not item.source:
                raise ItemNotFoundError(f"item {item_id!r} was replaced by an upload: it no longer comes from a source")
            await self._catalog.remove_item(instance.uid, item_id)
            if item.blob:  # first, for its room on a full disk
                await self._blobs.delete(item.blob)
            with contextlib.suppress(IndexCorruptError):  # it is rebuilt without the item
                await self._indexer.delete_item(instance.uid, item_id)
        return item

    async def reindex(
        self, instance: Instance, item_id: str, *, wait: float | None = None, why: str = "queued to be indexed again"
    ) -> Item:
        """Index the stored bytes again; the old chunks are served until then."""
        found = await self._catalog.get_item(instance.uid, item_id)
        async with self._lock(instance.uid, found.key):
            found = await self._catalog.get_item(instance.uid, item_id)  # as a newer upload may have left it
            item = await self._requeue(instance, found, why)
        return await self._enqueue(item, wait)

    async def sync(self, instance: Instance, item_id: str, *, wait: float | None = None) -> Item:
        """As ``reindex``, as a caller asks for it.

        Raises:
            PausedError: the instance is paused. ItemSyncError: the item could not be queued.
        """
        if instance.settings.paused:
            raise PausedError(
                f"instance {instance.name!r} is paused and does not sync items: set paused to false first"
            )
        try:
            return await self.reindex(instance, item_id, wait=wait)
        except BackendError as error:
            raise ItemSyncError(f"item {item_id!r} could not be queued ({error}): try again") from error

    def retake(self, instance: Instance) -> None:
        """Give the index its shape and queue every outdated item, oldest first, in the background.

        A restart goes on with it. What each item carries is read by the instance's present schema.
        """
        self._retaking.begin(instance)

    async def wait_for(self, item: Item) -> Item:
        """The item once it is neither queued nor running; raises ``ItemNotFoundError`` when it is deleted."""
        return await self._settled(item)

    async def lines(
        self, instance: Instance, item_id: str, limit: int, before: int | None
    ) -> tuple[Sequence[ItemLine], bool]:
        """What was done to the item, newest first, before the line of that number; and whether there is more."""
        await self._catalog.get_item(instance.uid, item_id)
        found = await self._journal.list_item_lines(item_id, limit + 1, before)
        return found[:limit], len(found) > limit

    async def download(self, instance: Instance, item_id: str) -> tuple[Item, bytes]:
        """The item and its bytes as uploaded.

        Raises:
            ItemNotFoundError, ExternalItemError
            StoredFileError: the bytes are missing or damaged.
        """
        item = await self._catalog.get_item(instance.uid, item_id)
        while True:
            if item.source:
                raise ExternalItemError(f"{item.key} comes from {item.source}: download it there")
            try:
                return item, await read_stored(self._blobs, item)
            except ItemNotFoundError as error:
                before, item = item, await self._catalog.get_item(instance.uid, item_id)  # perhaps replaced meanwhile
                if item.blob == before.blob:
                    raise StoredFileError(await find_damage(self._blobs, item)) from error

    async def chunks(self, instance: Instance, item_id: str, limit: int, offset: int) -> tuple[Sequence[Chunk], int]:
        """A page of the item's chunks, and how many there are."""
        await self._catalog.get_item(instance.uid, item_id)
        return await self._indexer.list_chunks(instance.uid, item_id, limit, offset)

    async def drain(self, on_item: Callable[[int], None] | None = None) -> None:
        """Return when nothing is queued; ``on_item`` hears how many are left."""
        while True:
            progress = self._working.progress
            left = await self._working.count_left()
            if not (left or self._retaking or self._checks or self.rebuilding):
                return
            if on_item:
                on_item(left)
            await set_within(progress, 0.2)

    async def _progressed(self) -> None:
        await set_within(self._working.progress, 1.0)

    async def _enqueue(self, item: Item, wait: float | None) -> Item:
        self._working.add(item)
        if not wait:
            return item
        with contextlib.suppress(TimeoutError):  # the caller then sees the status: queued or running
            async with asyncio.timeout(wait):
                return await self._settled(item)
        return await self._catalog.get_item(item.instance_uid, item.id)

    async def _settled(self, item: Item) -> Item:
        """The item once it is neither queued nor running; a newer upload of its key is waited for too."""
        while True:
            done = self._working.settled(item)
            now = await self._catalog.get_item(item.instance_uid, item.id)
            if now.status not in UNFINISHED:
                self._working.tell(item)
                return now
            if now.version == item.version:
                await done.wait()
            item = now

    async def _index(self, lease: Lease, steps: Steps) -> None:
        """Make the item searchable and settle the lease, or raise."""
        item = lease.item
        try:
            instance = await self._catalog.get_instance_by_uid(item.instance_uid)
        except InstanceNotFoundError:
            return  # deleted while it waited

        async def tell() -> None:
            await self._leases.note(lease, steps.take())

        chunks = await self._chunking.make_chunks(instance, item, steps, before_long_work=tell)
        steps.enter("store")
        await to_the_end(self._store(lease, instance, chunks, steps))

    async def _store(self, lease: Lease, instance: Instance, chunks: Sequence[IndexedChunk], steps: Steps) -> None:
        item = lease.item
        async with self._lock(instance.uid, item.key):
            if not await self._leases.holds(lease):
                return  # a newer upload or a delete came between, or another worker was faster
            await self._indexer.put_item(instance.uid, item.id, chunks)
            if chunks:
                steps.note("store", "searchable", chunk_count=len(chunks))
                kept = await self._leases.settle(lease, "completed", chunks_count=len(chunks), lines=steps.take())
            else:
                empty = "file_content_empty: the file contains no text"
                steps.note("fail", empty, error_type="file_content_empty")
                kept = await self._leases.settle(lease, "error", error=empty, lines=steps.take())
            if not kept:
                await self._give_way(instance, item)

    async def _give_way(self, instance: Instance, item: Item) -> None:
        """Another process changed the item while its chunks were written: index what is there now, or nothing."""
        current = await self._catalog.find_item(instance.uid, item.key)
        if current is None or current.id != item.id:
            await self._indexer.delete_item(instance.uid, item.id)
        elif current.status not in UNFINISHED and (current.version, current.status) != (item.version, "completed"):
            self._working.add(
                await self._requeue(instance, current, "queued again: an older version had overwritten it")
            )

    async def _requeue(self, instance: Instance, item: Item, reason: str) -> Item:
        again = replace(item, status="queued", error="")
        return await put_under_schema(
            self._catalog, instance, lambda now: retyped(again, now), [_line(item, "queue", reason)]
        )


async def _remove_loose(removing: Awaitable[None], name: str) -> None:
    """What cannot be removed stays until the next start."""
    try:
        await removing
    except OSError as error:
        log.warning("Could not remove the leftover %s: %s", name, error)


def _line(item: Item, action: str, message: str) -> ItemLine:
    return ItemLine(int(time.time() * 1000), action, message, item.key)
