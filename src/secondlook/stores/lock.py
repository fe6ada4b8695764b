"""A lock on a file, which the kernel frees when its holder ends, however it ends."""

import fcntl
import os
from pathlib import Path
from types import TracebackType

from secondlook.errors import SetupError


class FileLock:
    """An advisory lock; ``path`` stays where it is, only the lock on it comes and goes.

    Raises:
        SetupError: the file cannot be made, or its file system knows no locks.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise SetupError(f"could not open {path} ({error.strerror}): check its permissions") from error

    def __enter__(self) -> "FileLock":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def take(self) -> bool:
        """Whether nobody else holds it, and it is now ours alone; does not wait."""
        try:
            self._lock(fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def share(self) -> None:
        """Hold it with all who share it; waits for one who holds it alone, and gives up holding it alone."""
        self._lock(fcntl.LOCK_SH)

    def release(self) -> None:
        """Hold it no more, alone or with others."""
        self._lock(fcntl.LOCK_UN)

    def close(self) -> None:
        """Let go of it."""
        os.close(self._file)

    def _lock(self, how: int) -> None:
        try:
            fcntl.flock(self._file, how)
        except BlockingIOError:
            raise
        except OSError as error:
            raise SetupError(
                f"could not lock {self._path} ({error.strerror}): use a file system that supports flock"
            ) from error
