"""Run one long step of a Makefile and say in one line what it does and how long it took.

    python3 requirements/step.py "Installing the test tools" pip install …

What the command prints is shown only if it fails, and then all of it. Needs nothing but Python.
"""

import subprocess
import sys
import time
from collections.abc import Sequence
from typing import TextIO

TURN = 1.0
"""Seconds between two updates of the line on a terminal."""


def run(title: str, command: Sequence[str], *, screen: TextIO = sys.stderr) -> int:
    """The command's exit status, once it has ended."""
    began = time.monotonic()
    moving = screen.isatty()
    if not moving:
        print(f"{title} …", end="", file=screen, flush=True)
    try:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            errors="replace",
        )  # fmt: skip
    except OSError as error:
        print(f" failed: {error}", file=screen)
        return 127
    try:
        said = ""
        while True:
            if moving:
                print(f"\r{title} … {elapsed(began)}", end="", file=screen, flush=True)
            try:
                said, _ = process.communicate(timeout=TURN)
                break
            except subprocess.TimeoutExpired:
                continue
    except KeyboardInterrupt:
        process.terminate()
        process.wait()
        print(f"\n{title}: stopped after {elapsed(began)}", file=screen)
        return 130
    start = f"\r{title} …" if moving else ""
    if process.returncode == 0:
        print(f"{start} {elapsed(began)}", file=screen)
        return 0
    print(f"{start} failed after {elapsed(began)}:\n{said}", file=screen)
    return process.returncode if process.returncode > 0 else 128 - process.returncode


def elapsed(began: float) -> str:
    """``0:07`` for seven seconds."""
    minutes, seconds = divmod(round(time.monotonic() - began), 60)
    return f"{minutes}:{seconds:02}"


if __name__ == "__main__":
    sys.exit(run(sys.argv[1], sys.argv[2:]))
