"""A Secondlook server as its own process."""

import os
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, Queue
from threading import Thread

PATIENCE = 90.0


@dataclass
class ServerProcess:
    """A running server; ``kill`` is SIGKILL."""

    process: "subprocess.Popen[str]"
    url: str
    said: list[str] = field(default_factory=list)
    """Every line that it has printed so far."""

    def kill(self) -> None:
        with suppress(ProcessLookupError):  # it has ended already
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(30)

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.kill()


def run_cli(*arguments: str, data_dir: Path | None = None, token: str = "") -> str:
    """What a command prints."""
    place = ["--data-dir", str(data_dir)] if data_dir else []
    done = subprocess.run(
        [sys.executable, "-m", "secondlook", *arguments, *place],
        env={**os.environ, **({"SECONDLOOK_TOKEN": token} if token else {})},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    if done.returncode:
        raise AssertionError(done.stdout + done.stderr)
    return done.stdout.strip()


def start_server(data_dir: Path, *, open_files: int = 0, **environment: str) -> ServerProcess:
    """A server on a free port, ready to answer; ``open_files`` is the most that it may have open, 0 for no limit."""
    limit = ["prlimit", f"--nofile={open_files}"] if open_files else []
    process = subprocess.Popen(
        [*limit, sys.executable, "-m", "secondlook", "serve", "--port", "0", "--data-dir", str(data_dir)],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
        env={**os.environ, "HF_HUB_OFFLINE": "1", "PYTHONUNBUFFERED": "1", **environment},
    )  # fmt: skip
    lines: Queue[str] = Queue()
    seen: list[str] = []

    def read() -> None:
        for line in process.stdout or ():
            seen.append(line)
            lines.put(line)

    Thread(target=read, daemon=True).start()
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and process.poll() is None:
        try:
            line = lines.get(timeout=0.5)
        except Empty:
            continue
        if found := re.search(r"Listening on (http://\S+)", line):
            return ServerProcess(process, found.group(1), seen)
    raise AssertionError("the server did not start: " + "".join(seen))
