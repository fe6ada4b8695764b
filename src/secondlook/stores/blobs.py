"""Blobs in a folder: whole or not there, durable once written."""

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path, PurePosixPath

from secondlook.errors import BackendError, ItemNotFoundError
from secondlook.stores.disk_reserve import DiskReserve, trouble_of_write
from secondlook.threads import BoundedThreads

THREADS, MOST_WAITING = 4, 512


class FileBlobs:
    """Bytes by slash path under ``folder``, which with ``private`` no other user may enter."""

    def __init__(self, folder: Path, *, private: bool = False, reserve: DiskReserve | None = None) -> None:
        """Nothing is put that ``reserve`` has no room for."""
        self._folder = folder
        self._reserve = reserve
        self._folder.mkdir(parents=True, exist_ok=True)
        self._threads = BoundedThreads("file reads and writes", threads=THREADS, waiting=MOST_WAITING)
        if private:
            self._folder.chmod(0o700)

    async def put(self, key: str, content: bytes) -> None:
        """Write or replace: a temporary file, flushed to disk, then renamed.

        Raises:
            StorageFullError: there is no room for it. BackendError: it could not be written; nothing of it stays.
        """
        if self._reserve:
            self._reserve.check(len(content))
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
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file, _removed_on_error(Path(file.name)):
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            os.replace(file.name, path)
        _flush_folder(path.parent)
    except OSError as error:
        raise trouble_of_write(error, "a stored file") from error


@contextmanager
def _removed_on_error(path: Path) -> Iterator[None]:
    try:
        yield
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _flush_folder(path: Path) -> None:
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
