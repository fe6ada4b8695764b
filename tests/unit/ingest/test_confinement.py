"""What a confined process may not do; each law is tried in a process of its own."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from secondlook.ingest.confinement import parent_is_gone

pytestmark = pytest.mark.process


def run(code: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    """A process with that code after the imports."""
    head = "import os, socket, sys, time\nfrom secondlook.ingest import confinement\nconfinement.confine(1 << 29)\n"
    return subprocess.run(
        [sys.executable, "-c", head + textwrap.dedent(code)],
        capture_output=True, text=True, timeout=60, check=False, cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("bytearray(1 << 30)", "MemoryError"),
        ("open('written', 'wb', 0).write(b'x')", "File too large"),
        ("socket.create_connection(('127.0.0.1', 9))", "PermissionError: socket.getaddrinfo"),
        ("socket.socket().connect(('127.0.0.1', 9))", "PermissionError: socket.connect"),
        ("socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', 9))", "PermissionError: socket.sendto"),
    ],
)
def test_what_is_refused(code: str, error: str, tmp_path: Path) -> None:
    found = run(code, tmp_path)
    assert found.returncode == 1
    assert error in found.stderr


def test_a_process_that_only_waits_is_killed(tmp_path: Path) -> None:
    found = run("confinement.allow_seconds(0.1); time.sleep(50)", tmp_path)
    assert found.returncode == -signal.SIGALRM


def test_a_process_that_computes_is_killed(tmp_path: Path) -> None:
    found = run("confinement.allow_seconds(0.1); confinement.allow_for_ever()\nwhile True: pass", tmp_path)
    assert found.returncode == -signal.SIGXCPU


def test_time_is_given_for_each_document(tmp_path: Path) -> None:
    found = run(
        "confinement.allow_seconds(0.1); confinement.allow_for_ever(); time.sleep(1.5); print('lives')", tmp_path
    )
    assert found.stdout == "lives\n"


def test_the_parent() -> None:
    assert not parent_is_gone(os.getppid())
    assert parent_is_gone(os.getpid())
