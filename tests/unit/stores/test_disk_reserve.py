"""Free space is left on the disk, and a full one is told as that."""

import errno
import os
from pathlib import Path

import pytest

from secondlook.errors import BackendError, StorageFullError
from secondlook.stores.disk_reserve import DiskReserve, free_bytes, trouble_of_write

MIB = 1 << 20


def test_what_leaves_the_reserve_is_let_through() -> None:
    reserve = DiskReserve(64 * MIB, lambda: 65 * MIB)
    reserve.check(MIB)
    with pytest.raises(
        StorageFullError, match="the disk is full: 65 MiB are free, of which SECONDLOOK_DISK_RESERVE_MB keeps 64"
    ):
        reserve.check(MIB + 1)


def test_no_reserve_is_none() -> None:
    DiskReserve(0, lambda: 10).check(10)


def test_a_disk_that_says_nothing_stops_nothing() -> None:
    def fail() -> int:
        raise OSError(errno.ENOSYS, "no such call")

    DiskReserve(64 * MIB, fail).check(MIB)


def test_the_disk_of_a_folder(tmp_path: Path) -> None:
    assert free_bytes(tmp_path) > 0


@pytest.mark.parametrize(
    ("number", "kind", "words"),
    [
        (errno.ENOSPC, StorageFullError, "could not write a.md: the disk is full: delete items"),
        (errno.EDQUOT, StorageFullError, "the disk is full"),
        (errno.EIO, BackendError, "could not write a.md: Input/output error"),
    ],
)
def test_a_failed_write_says_why(number: int, kind: type[BackendError], words: str) -> None:
    found = trouble_of_write(OSError(number, os.strerror(number)), "a.md")
    assert type(found) is kind
    assert words in str(found)
