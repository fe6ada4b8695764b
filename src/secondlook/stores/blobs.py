"""Blobs in a folder: whole or not there, durable once written."""

import os
import shutil
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path, PurePosixPath

from secondlook.errors import BackendError, ItemNotFoundError
from secondlook.threads import BoundedThreads

THREADS, MOST_WAITING = 4, 512


class FileBlobs:
    """Bytes by slash path under ``folder``, which with ``private`` no other user may enter."""

    def __init__(self, folder: Path, *, private: bool = False) -> None:
        self._folder = folder
        self._folder.mkdir(parents=True, exist_ok=True)
        self._threads = BoundedThreads("file reads and writes", threads=THREADS, waiting=MOST_WAITING)
        if private:
            self._folder.chmod(0o700)

    async def put(self, key: str, content: bytes) -> None:
        """Write or replace: a temporary file, flushed to disk, then renamed."""
        await self._threads.run(partial(_write, self._path(key), content))

    async def get(self, key: str) -> bytes:
        """Raises ``ItemNotFoundError``."""
        path = self._path(key)
        try:
            return await self._threads.run(path.read_bytes)
        except (FileNotFoundError, IsADirectoryError) as error:
            raise ItemNotFoundError(f"the stored file {key} is missing: upload the item again") from error

    async def list(self) -> Sequence[str]:
        """The keys of all blobs, and of what a write left behind that never came to its end."""

        def run() -> Sequence[str]:
            return [path.relative_to(self._folder).as_posix() for path in self._folder.rglob("*") if path.is_file()]

        return await self._threads.run(run)

    async def delete(self, prefix: str) -> None:
        """Remove the key and everything under it."""
        path = self._path(prefix)

        def run() -> None:
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)

        await self._threads.run(run)

    def _path(self, key: str) -> Path:
        path = PurePosixPath(key)
        if not key or path.is_absolute() or ".." in path.parts:
            raise BackendError(f"{key!r} cannot name a blob: relative paths without .. only")
        return self._folder / path


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(file.name, path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
