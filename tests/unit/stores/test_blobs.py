"""Blobs: whole or not there."""

import asyncio
import errno
import os
from pathlib import Path

import pytest

from secondlook.errors import BackendError, ItemNotFoundError, StorageFullError
from secondlook.stores.blobs import FileBlobs
from secondlook.stores.disk_reserve import DiskReserve


def test_put_get_replace_delete(tmp_path: Path) -> None:
    blobs = FileBlobs(tmp_path)
    asyncio.run(blobs.put("a/b/c", b"one"))
    asyncio.run(blobs.put("a/b/c", b"two"))
    asyncio.run(blobs.put("a/b/d", b""))
    assert asyncio.run(blobs.get("a/b/c")) == b"two"
    assert asyncio.run(blobs.get("a/b/d")) == b""
    assert sorted(path.name for path in (tmp_path / "a" / "b").iterdir()) == ["c", "d"]
    asyncio.run(blobs.delete("a/b/c"))
    asyncio.run(blobs.delete("a/b/c"))
    asyncio.run(blobs.delete("a"))
    for key in ("a/b/c", "a/b/d", "a"):
        with pytest.raises(ItemNotFoundError):
            asyncio.run(blobs.get(key))


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_write_for_which_the_disk_is_full_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    blobs = FileBlobs(tmp_path)
    asyncio.run(blobs.put("a/b", b"before"))

    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr(os, call, fail)
        for key in ("a/b", "a/c", "new/c"):
            with pytest.raises(StorageFullError, match="the disk is full"):
                asyncio.run(blobs.put(key, b"after"))
    assert asyncio.run(blobs.list()) == ["a/b"], "no temporary files"
    assert asyncio.run(blobs.get("a/b")) == b"before"


def test_nothing_is_put_that_the_reserve_has_no_room_for(tmp_path: Path) -> None:
    blobs = FileBlobs(tmp_path, reserve=DiskReserve(10, lambda: 15))
    asyncio.run(blobs.put("a", b"12345"))
    with pytest.raises(StorageFullError):
        asyncio.run(blobs.put("b", b"123456"))
    asyncio.run(blobs.delete("a"))
    assert asyncio.run(blobs.list()) == []


def test_a_folder_is_no_blob(tmp_path: Path) -> None:
    blobs = FileBlobs(tmp_path)
    asyncio.run(blobs.put("a/b", b"one"))
    with pytest.raises(ItemNotFoundError):
        asyncio.run(blobs.get("a"))


@pytest.mark.parametrize("key", ["", "/etc/passwd", "../x", "a/../../x"])
def test_nothing_outside_the_folder(tmp_path: Path, key: str) -> None:
    with pytest.raises(BackendError, match="cannot name a blob"):
        asyncio.run(FileBlobs(tmp_path / "in").get(key))


def test_the_rest_of_a_broken_write_is_listed(tmp_path: Path) -> None:
    blobs = FileBlobs(tmp_path)
    asyncio.run(blobs.put("a/b", b"one"))
    (tmp_path / "a" / "tmpx").write_bytes(b"ha")
    assert sorted(asyncio.run(blobs.list())) == ["a/b", "a/tmpx"]
