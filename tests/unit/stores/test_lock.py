"""Locks: one holder alone or many together, and free as soon as a holder is gone."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from secondlook.errors import SetupError
from secondlook.stores.lock import FileLock

HOLD = """
import sys, time
from pathlib import Path
from secondlook.stores.lock import FileLock
print(FileLock(Path(sys.argv[1])).take(), flush=True)
time.sleep(600)
"""


def test_one_holds_it_alone(tmp_path: Path) -> None:
    with FileLock(tmp_path / "lock") as second:
        with FileLock(tmp_path / "lock") as first:
            assert first.take() and first.take()
            assert not second.take()
        assert second.take()
        with FileLock(tmp_path / "lock") as third:
            assert not third.take()
            second.release()
            assert third.take()


def test_many_share_it_and_keep_out_who_wants_it_alone(tmp_path: Path) -> None:
    with FileLock(tmp_path / "lock") as first, FileLock(tmp_path / "lock") as second:
        first.share()
        second.share()
        with FileLock(tmp_path / "lock") as third:
            assert not third.take()


def test_who_shares_waits_for_who_holds_it_alone(tmp_path: Path) -> None:
    with FileLock(tmp_path / "lock") as first, FileLock(tmp_path / "lock") as second:
        assert first.take()
        waiting = threading.Thread(target=second.share)
        waiting.start()
        waiting.join(0.2)
        assert waiting.is_alive()
        first.share()
        waiting.join(20)
        assert not waiting.is_alive()


@pytest.mark.process
def test_it_is_free_once_its_holder_was_killed(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == "True\n"
        with FileLock(path) as mine:
            assert not mine.take()
            holder.kill()
            holder.wait(30)
            assert mine.take()


def test_a_file_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    with pytest.raises(SetupError, match=r"could not open .*file/lock"):
        FileLock(tmp_path / "file" / "lock")
