"""The stored bytes of items, compared with the checksum of what was uploaded."""

import asyncio
import hashlib

from secondlook.domain.instance import Item
from secondlook.errors import ItemNotFoundError, StoredFileError
from secondlook.ports import Blobs


async def read_stored(blobs: Blobs, item: Item) -> bytes:
    """The item's bytes.

    Raises:
        ItemNotFoundError: they are missing. StoredFileError: they are not what was uploaded.
    """
    content = await blobs.get(item.blob)
    if item.checksum and await asyncio.to_thread(checksum_of, content) != item.checksum:
        raise StoredFileError(f"the stored file of {item.key} is damaged: {_advice(item)}")
    return content


async def find_damage(blobs: Blobs, item: Item) -> str:
    """What is wrong with the item's stored bytes, and what to do; empty if they are sound."""
    try:
        await read_stored(blobs, item)
    except ItemNotFoundError:
        return f"the stored file of {item.key} is missing: {_advice(item)}"
    except StoredFileError as error:
        return str(error)
    except OSError as error:
        return f"the stored file of {item.key} cannot be read ({error.strerror}): {_advice(item)}"
    return ""


def checksum_of(content: bytes) -> str:
    """What ``Item.checksum`` is of these bytes."""
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def _advice(item: Item) -> str:
    return "run a sync" if item.source else "upload it again"
