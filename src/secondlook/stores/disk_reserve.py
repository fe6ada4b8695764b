"""Room on the disk: a reserve is left free, so that deletes, settings and the catalogue can still be written."""

import errno
import shutil
from collections.abc import Callable
from pathlib import Path

from secondlook.errors import BackendError, StorageFullError

FULL = (errno.ENOSPC, errno.EDQUOT)
ADVICE = "delete items or instances, or make room on the disk"


def free_bytes(folder: Path) -> int:
    """What may still be written to the disk that the folder lies on."""
    return shutil.disk_usage(folder).free


class DiskReserve:
    """Refuses what would leave less than ``reserve`` bytes free.

    Args:
        free: how many bytes are free.
    """

    def __init__(self, reserve: int, free: Callable[[], int]) -> None:
        self._reserve = reserve
        self._free = free

    def check(self, size: int) -> None:
        """Raises ``StorageFullError`` if there is no room for so many bytes."""
        try:
            left = self._free()
        except OSError:  # the write itself says what is wrong
            return
        if left - size < self._reserve:
            raise StorageFullError(
                f"the disk is full: {left / 2**20:,.0f} MiB are free, of which SECONDLOOK_DISK_RESERVE_MB keeps"
                f" {self._reserve / 2**20:,.0f}: {ADVICE}"
            )


def trouble_of_write(error: OSError, name: str) -> BackendError:
    """What a failed write is told as."""
    if error.errno in FULL:
        return StorageFullError(f"could not write {name}: the disk is full: {ADVICE}")
    return BackendError(f"could not write {name}: {error.strerror or error}")
