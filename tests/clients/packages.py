"""The Python packages of ``packages.txt``, installed at the first use into ``build/clients``.

They are too much for the test tools, and go without what those bring: a script that runs with ``PYTHONPATH`` on that
folder finds both. To add a client: its exact version and those of what it needs in ``packages.txt``.
"""

import fcntl
import os
import subprocess
import sys
from pathlib import Path

from tests.machine import miss

HERE = Path(__file__).parent
WANTED = HERE / "packages.txt"
SITE = HERE.parents[1] / "build" / "clients"
STAMP = SITE / ".installed"
PATIENCE = 280.0
"""Seconds for an installation: within the time limit of a test."""
FLAGS = ("--quiet", "--disable-pip-version-check", "--no-deps", "--no-compile", "--only-binary", ":all:", "--upgrade")


def ready() -> Path:
    """The folder with every package; where they cannot be installed the test is skipped, or in CI fails."""
    try:
        install()
    except RuntimeError as error:
        miss(str(error))
    return SITE


def install() -> None:
    """Bring ``build/clients`` up to ``packages.txt``, once for all that ask at the same time."""
    wanted = f"{sys.version_info[:2]}\n{WANTED.read_text(encoding='utf-8')}"
    with WANTED.open(encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if STAMP.is_file() and STAMP.read_text(encoding="utf-8") == wanted:
            return
        command = [sys.executable, "-m", "pip", "install", *FLAGS, "--target", str(SITE), "-r", str(WANTED)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
        except subprocess.TimeoutExpired as error:
            raise RuntimeError(f"pip did not install {WANTED.name} in {PATIENCE:.0f} s") from error
        if done.returncode:
            raise RuntimeError(f"pip could not install {WANTED.name}: {done.stderr.strip()[-1000:]}")
        STAMP.write_text(wanted, encoding="utf-8")


def run_script(script: str, *arguments: str, timeout: float = 120) -> str:
    """What the script prints that runs with the packages."""
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        capture_output=True, text=True, timeout=timeout, check=False, env={**os.environ, "PYTHONPATH": str(SITE)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout
