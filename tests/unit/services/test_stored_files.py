"""Stored bytes are compared with the checksum of what was uploaded."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from secondlook.domain.instance import Item
from secondlook.errors import ItemNotFoundError, StoredFileError
from secondlook.services.stored_files import checksum_of, find_damage, read_stored
from secondlook.stores.blobs import FileBlobs

ITEM = Item("i", "u", "oil.md", "completed", checksum_of(b"lamp oil"), 8, blob="u/1")


@pytest.fixture
def blobs(tmp_path: Path) -> FileBlobs:
    made = FileBlobs(tmp_path)
    asyncio.run(made.put("u/1", b"lamp oil"))
    return made


def test_sound_bytes_are_read(blobs: FileBlobs) -> None:
    assert asyncio.run(read_stored(blobs, ITEM)) == b"lamp oil"
    assert asyncio.run(find_damage(blobs, ITEM)) == ""


@pytest.mark.parametrize("content", [b"", b"lamp oi", b"lamp oim", b"lamp oil\n"])
def test_other_bytes_are_damage(blobs: FileBlobs, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "u" / "1").write_bytes(content)
    with pytest.raises(StoredFileError):
        asyncio.run(read_stored(blobs, ITEM))
    assert asyncio.run(find_damage(blobs, ITEM)) == "the stored file of oil.md is damaged: upload it again"
    fetched = replace(ITEM, source="folder:/srv")
    assert asyncio.run(find_damage(blobs, fetched)) == "the stored file of oil.md is damaged: run a sync"


@pytest.mark.parametrize("instead", ["nothing", "a folder"])
def test_a_missing_file_is_told(blobs: FileBlobs, tmp_path: Path, instead: str) -> None:
    (tmp_path / "u" / "1").unlink()
    if instead == "a folder":
        (tmp_path / "u" / "1").mkdir()
    with pytest.raises(ItemNotFoundError):
        asyncio.run(read_stored(blobs, ITEM))
    assert asyncio.run(find_damage(blobs, ITEM)) == "the stored file of oil.md is missing: upload it again"


def test_an_item_of_an_early_release_has_no_checksum(blobs: FileBlobs, tmp_path: Path) -> None:
    (tmp_path / "u" / "1").write_bytes(b"anything")
    assert asyncio.run(read_stored(blobs, replace(ITEM, checksum=""))) == b"anything"
