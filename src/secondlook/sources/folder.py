"""A folder of this machine as a source: its files, by their paths below it."""

import asyncio
import os
import stat
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from pathlib import Path

from secondlook.domain.source import LARGEST_THING, Entry, Fetched, too_large
from secondlook.domain.wording import plural
from secondlook.errors import ItemSourceError, SourceError

CLOSED_TOLD = 20
"""Folders that cannot be read which the log of a sync names."""
TURN = 500
"""Files looked at between two looks at the event loop."""


class Folder:
    """The regular files below ``folder``, which must be a real path, with no symbolic link in it.

    Folders whose name begins with a dot are left out, as are links to folders; a link to a file counts if the file
    lies below ``folder`` too.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._left_out = 0
        self._closed: list[str] = []

    async def list(self, memos: Mapping[str, str]) -> AsyncGenerator[Entry, None]:
        """Every file; raises ``SourceError`` when the folder itself cannot be read.

        Of a folder below it that cannot be read, what is known is named as unchanged.
        """
        found = self._walk(memos)
        while turn := await asyncio.to_thread(_take, found, TURN):
            for entry in turn:
                yield entry

    async def fetch(self, entry: Entry) -> Fetched:
        """The file; raises ``ItemSourceError``."""
        return await asyncio.to_thread(self._read, entry.key)

    def notes(self) -> Sequence[str]:
        """What the log of a sync should tell."""
        told = [f"{one}; items read from it before are kept" for one in self._closed[:CLOSED_TOLD]]
        if len(self._closed) > CLOSED_TOLD:
            told.append(f"could not read {plural(len(self._closed) - CLOSED_TOLD, 'more folder')}")
        if self._left_out:
            told.append(f"{plural(self._left_out, 'link')} skipped: leading out of the folder, or to a folder")
        return told

    async def close(self) -> None:
        """Nothing is held open."""

    def _walk(self, memos: Mapping[str, str]) -> Iterator[Entry]:
        if not self._folder.is_dir():
            raise SourceError("bucket_not_found", f"the folder {self._folder} does not exist", lasting=True)
        waiting = [self._folder]
        while waiting:
            here = waiting.pop()
            try:
                with os.scandir(here) as inside:
                    entries = sorted(inside, key=lambda one: one.name)
            except OSError as error:
                if here == self._folder:
                    raise SourceError("bucket_unauthorized", f"could not read {here}: {error.strerror}") from error
                if not isinstance(error, FileNotFoundError):  # else removed since its parent was read
                    yield from self._keep(here, error, memos)
                continue
            for one in entries:
                if one.is_dir(follow_symlinks=False):
                    if not one.name.startswith("."):
                        waiting.append(Path(one.path))
                elif found := self._look_at(one, memos):
                    yield found

    def _keep(self, closed: Path, error: OSError, memos: Mapping[str, str]) -> Iterator[Entry]:
        """What is known of a folder that cannot be read now: it is not gone."""
        name = closed.relative_to(self._folder).as_posix()
        self._closed.append(f"could not read the folder {name} ({error.strerror})")
        yield from (Entry(key, memo, unchanged=True) for key, memo in memos.items() if key.startswith(f"{name}/"))

    def _look_at(self, found: "os.DirEntry[str]", memos: Mapping[str, str]) -> Entry | None:
        key = Path(found.path).relative_to(self._folder).as_posix()
        try:
            path = self._real(key) if found.is_symlink() else Path(found.path)
            told = path.lstat() if path else None
        except FileNotFoundError:
            return None  # removed since the folder was read, or a link to nothing
        except OSError as error:
            return Entry(key, error=f"file_not_found: could not inspect {key}: {error.strerror}")
        if told is None:
            self._left_out += 1
            return None
        if not stat.S_ISREG(told.st_mode):
            return None
        memo = _memo(told)
        if told.st_size > LARGEST_THING:
            why = f"over_size: {too_large(key, told.st_size)}"
            return Entry(key, memo, modified_at=_modified(told), error=why, gone=True)
        return Entry(key, memo, unchanged=memos.get(key) == memo, modified_at=_modified(told))

    def _real(self, key: str) -> Path | None:
        """Where the file lies; None outside the folder, and for what is no file."""
        path = Path(os.path.realpath(self._folder / key, strict=True))
        return path if path.is_relative_to(self._folder) and not path.is_dir() else None

    def _read(self, key: str) -> Fetched:
        """Opened without following a link, and looked at again once it is open."""
        if key.startswith("/") or ".." in key.split("/"):
            raise ItemSourceError("file_not_found", f"{key!r} is not a path inside the folder", gone=True)
        try:
            path = self._real(key)
            if path is None:
                raise ItemSourceError("file_not_found", f"{key} leaves the folder", gone=True)
            file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError as error:
            raise ItemSourceError("file_not_found", f"{key} no longer exists", gone=True) from error
        except OSError as error:
            raise ItemSourceError("file_not_found", f"could not read {key}: {error.strerror}") from error
        with os.fdopen(file, "rb") as opened:
            told = os.fstat(opened.fileno())
            if not stat.S_ISREG(told.st_mode):
                raise ItemSourceError("unsupported_type", f"{key} is not a regular file", gone=True)
            content = opened.read(LARGEST_THING + 1)
        if len(content) > LARGEST_THING:
            raise ItemSourceError("over_size", too_large(key, told.st_size), gone=True)
        return Fetched(content, _memo(told), modified_at=_modified(told))


def _take(found: Iterator[Entry], most: int) -> Sequence[Entry]:
    return [entry for _, entry in zip(range(most), found, strict=False)]


def _memo(told: os.stat_result) -> str:
    return f"{told.st_mtime_ns}-{told.st_size}-{told.st_ino}"


def _modified(told: os.stat_result) -> int:
    return told.st_mtime_ns // 1_000_000
