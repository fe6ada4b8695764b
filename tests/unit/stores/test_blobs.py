"""Blobs: whole or not there."""

import asyncio
from pathlib import Path

import pytest

from secondlook.errors import BackendError, ItemNotFoundError
from secondlook.stores.blobs import FileBlobs


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
