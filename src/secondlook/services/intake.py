"""What comes in, uploaded or from a source: bytes to disk, then the row that names them."""

import asyncio
import hashlib
import secrets
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import overload

from secondlook.domain.chunk import MetadataValue
from secondlook.domain.instance import Instance, Item
from secondlook.domain.jobs import ItemLine
from secondlook.domain.source import Origin
from secondlook.errors import (
    FileMissingError,
    InstanceChangedError,
    InstanceNotFoundError,
    InvalidMetadataError,
    KeyTakenError,
    NameTooLongError,
)
from secondlook.ingest.kinds import check_file
from secondlook.ingest.metadata import ENVELOPE, clean_metadata, envelope_size, place_metadata
from secondlook.ingest.naming import typed_name
from secondlook.ports import Blobs, Catalog

LONGEST_KEY = 128
LONGEST_FOUND_KEY = 2048
"""Characters of a key that a source gives: object stores allow 1,024 bytes, and addresses are as long as these."""
LOCKS = 64


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as it comes in."""

    key: str
    content: bytes
    content_type: str = ""
    metadata: Mapping[str, object] | None = None


class Intake:
    """Makes items durable; a crash between bytes and row leaves bytes that nobody names, and nothing else."""

    def __init__(self, catalog: Catalog, blobs: Blobs) -> None:
        self._catalog = catalog
        self._blobs = blobs
        self._locks = [asyncio.Lock() for _ in range(LOCKS)]

    def lock(self, uid: str, key: str) -> asyncio.Lock:
        """One of a fixed set of locks, so that their number stays bounded; the same key always gets the same."""
        return self._locks[zlib.crc32(f"{uid}/{key}".encode()) % len(self._locks)]

    @overload
    async def take_upload(self, instance: Instance, upload: Upload) -> Item: ...

    @overload
    async def take_upload(self, instance: Instance, upload: Upload, *, changed_only: bool) -> Item | None: ...

    async def take_upload(self, instance: Instance, upload: Upload, *, changed_only: bool = False) -> Item | None:
        """The item, queued; the same key replaces, also what a source brought.

        With ``changed_only``, None if an upload of the same bytes is indexed; one that failed is queued again.

        Raises:
            FileMissingError, NameTooLongError, FileTooLargeError, UnsupportedFileError, InvalidMetadataError
        """
        key = upload.key.strip().lstrip("/")
        if not key or any(part in ("", ".", "..") for part in key.split("/")):
            raise FileMissingError(f"the file name {upload.key!r} is not valid: it must have no empty, . or .. parts")
        if len(key) > LONGEST_KEY:
            raise NameTooLongError(f"the file name has {len(key)} characters; the limit is {LONGEST_KEY}")
        check_file(key, len(upload.content), ocr=instance.settings.ocr)
        upload = replace(upload, key=key)
        item = _make_item(instance, upload, Origin(""))
        async with self.lock(instance.uid, key):
            before = await self._catalog.find_item(instance.uid, key)
            if changed_only and before and _is_indexed(before, item):
                return None
            return await self._store(instance, item, upload, before=before, memo=None)

    async def take_found(self, instance: Instance, upload: Upload, origin: Origin) -> Item | None:
        """The item, queued; None when these bytes are indexed already; then nothing is kept.

        Raises:
            KeyTakenError: an upload has that key, and uploads win.
            FileMissingError, NameTooLongError, FileTooLargeError, UnsupportedFileError, InvalidMetadataError
        """
        check_found(upload.key)
        check_file(typed_name(upload.key, upload.content_type), len(upload.content), ocr=instance.settings.ocr)
        item = _make_item(instance, upload, origin)
        async with self.lock(instance.uid, upload.key):
            before = await self._find_found(instance, upload.key)
            if before and _is_same(before, item):
                return None
            return await self._store(instance, item, upload, before=before, memo=origin.memo)

    async def note_refusal(self, instance: Instance, key: str, origin: Origin, *, error: str) -> Item | None:
        """The item in error, which keeps earlier content and memo; None if it has that error already.

        Raises ``KeyTakenError``, ``FileMissingError`` or ``NameTooLongError``.
        """
        check_found(key)
        now = int(time.time() * 1000)
        async with self.lock(instance.uid, key):
            before = await self._find_found(instance, key)
            if before and (before.status, before.error, before.source) == ("error", error, origin.source):
                return None
            plain = Item(secrets.token_hex(12), instance.uid, key, "error", "", 0, created_at=now)
            item = replace(before or plain, status="error", error=error, source=origin.source, last_seen_at=now)
            told = ItemLine(now, "fail", error, key, error_type=error.partition(":")[0])
            mine = before and before.source == origin.source
            return await put_under_schema(
                self._catalog, instance, lambda now: retyped(item, now), [told], memo=None if mine else ""
            )

    async def _find_found(self, instance: Instance, key: str) -> Item | None:
        before = await self._catalog.find_item(instance.uid, key)
        if before and not before.source:
            raise KeyTakenError(f"{key}: an uploaded item has this key and was not overwritten: delete it first")
        return before

    async def _store(
        self, instance: Instance, item: Item, upload: Upload, *, before: Item | None, memo: str | None
    ) -> Item:
        how = f"found in {item.source}" if item.source else "uploaded"
        queued = ItemLine(int(time.time() * 1000), "queue", f"{item.size:,} bytes {how}", item.key)
        blob = item.blob

        def make(now: Instance) -> Item:
            return replace(item, metadata=_metadata_of(now, upload, item.timestamp))

        try:
            await self._blobs.put(blob, upload.content)
            stored = await put_under_schema(self._catalog, instance, make, [queued], memo=memo)
        except InvalidMetadataError:  # under fields that were changed while the file came in
            await self._blobs.delete(blob)
            raise
        except (InstanceNotFoundError, OSError):
            await self._clear_if_gone(instance)
            raise
        if before and before.blob:
            await self._blobs.delete(before.blob)
        return stored

    async def _clear_if_gone(self, instance: Instance) -> None:
        """Nothing while the instance is there; else what came in late is removed and the error says so."""
        try:
            await self._catalog.get_instance_by_uid(instance.uid)
        except InstanceNotFoundError as error:
            await self._blobs.delete(instance.uid)
            raise InstanceNotFoundError(
                f"instance {instance.name!r} was deleted during the upload: create it again to upload to it"
            ) from error


async def put_under_schema(
    catalog: Catalog,
    instance: Instance,
    make: Callable[[Instance], Item],
    lines: Sequence[ItemLine],
    *,
    memo: str | None = None,
) -> Item:
    """The item as it was stored: made for the metadata fields that the instance has in that moment.

    ``instance`` may be older than a change of its fields: then the item is made again. A change after this finds the
    item in the catalogue, and marks it outdated.

    Raises:
        InstanceNotFoundError: the instance is gone. Whatever ``make`` raises.
    """
    while True:
        try:
            return await catalog.put_item(make(instance), lines, memo=memo, schema=instance.settings.fields)
        except InstanceChangedError:
            instance = await catalog.get_instance_by_uid(instance.uid)


def retyped(item: Item, instance: Instance) -> Item:
    """The item with its metadata as the instance's fields want it."""
    return replace(item, metadata=clean_metadata(item.metadata, instance.settings.fields))


def check_found(key: str) -> None:
    """Nothing if a thing of a source can be kept by that key.

    Raises:
        FileMissingError: nothing can be called that. NameTooLongError
    """
    if not key or not _is_text(key):
        raise FileMissingError(f"invalid_url: the key {key!r} is not valid UTF-8, or contains NUL")
    if len(key) > LONGEST_FOUND_KEY:
        raise NameTooLongError(f"invalid_url: the key has {len(key)} characters; the limit is {LONGEST_FOUND_KEY}")


def _make_item(instance: Instance, upload: Upload, origin: Origin) -> Item:
    """Raises ``FileMissingError`` or ``InvalidMetadataError``."""
    key = upload.key
    if not _is_text(key):
        raise FileMissingError(f"the file name {key!r} is not valid UTF-8, or contains NUL")
    now = int(time.time() * 1000)
    return Item(
        id=secrets.token_hex(12),
        instance_uid=instance.uid,
        key=key,
        status="queued",
        checksum=hashlib.md5(upload.content, usedforsecurity=False).hexdigest(),
        size=len(upload.content),
        content_type=upload.content_type,
        metadata=_metadata_of(instance, upload, origin.modified_at or now),
        created_at=now,
        last_seen_at=now,
        blob=f"{instance.uid}/{secrets.token_hex(12)}",
        source=origin.source,
        modified_at=origin.modified_at,
    )


def _is_text(key: str) -> bool:
    """Whether it can be stored: UTF-8 without NUL."""
    return "\0" not in key and key == key.encode(errors="replace").decode()


def _is_same(before: Item, item: Item) -> bool:
    """Whether the item is indexed, or about to be, from the same bytes under the same metadata."""
    told = ("checksum", "content_type", "metadata", "source")
    alike = all(getattr(before, name) == getattr(item, name) for name in told)
    return alike and bool(before.blob) and before.status in ("queued", "running", "completed")


def _is_indexed(before: Item, item: Item) -> bool:
    """Whether an upload of the same bytes is indexed, under whatever metadata."""
    return before.status == "completed" and not before.source and before.checksum == item.checksum


def _metadata_of(instance: Instance, upload: Upload, timestamp: int) -> dict[str, MetadataValue]:
    """What came with the file as the instance's fields want it; raises ``InvalidMetadataError``."""
    key, metadata = upload.key, clean_metadata(upload.metadata or {}, instance.settings.fields)
    size = envelope_size({**metadata, **place_metadata(key, timestamp)})
    if size > ENVELOPE:
        raise InvalidMetadataError(
            f"metadata is too large: with the built-in fields it has {size:,} bytes as JSON; the limit is {ENVELOPE:,}:"
            " shorten it"
        )
    return metadata
