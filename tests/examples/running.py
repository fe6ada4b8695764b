"""Runs the blocks of a page in order, in one shell, as a reader would paste them."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from queue import Empty, Queue
from threading import Thread
from time import monotonic

from tests.examples.blocks import Block, missing_lines, read_blocks
from tests.house.yard import ROOT

SESSION = Path(__file__).with_name("session.sh")
PORT = "8787"
PATIENCE = 600.0
CURL = "silent\nshow-error\nfail-with-body\n"
"""A request that is refused is a failed command."""
STEMS = {"python": ("-python.py", sys.executable), "js": ("-script.mjs", "node")}
ASKS = re.compile(r"\$BASE|SECONDLOOK_URL|127\.0\.0\.1:8787")
"""What a block says that asks the server."""
StandIn = Callable[[ExitStack, "Session"], str]


class ExampleError(AssertionError):
    """An example that does not do what its page says."""


class Session:
    """A shell in a folder of its own that sees the repository's examples and documents.

    With ``variables`` they are set, and a server is started before the first block that asks one.
    """

    def __init__(self, folder: Path, variables: str = "", **environment: str) -> None:
        self.folder = folder
        self.has_server = bool(variables)
        self.port = free_port()
        self.replacements: dict[str, str] = {f"127.0.0.1:{PORT}": f"127.0.0.1:{self.port}"}
        shutil.copytree(ROOT / "examples", folder / "examples")  # no link: a source leaves out what links lead to
        (folder / "docs").symlink_to(ROOT / "docs")
        (folder / ".venv").symlink_to(sys.prefix)
        (folder / ".curlrc").write_text(CURL, encoding="utf-8")
        clean = {
            name: value for name, value in os.environ.items() if not name.startswith(("SECONDLOOK_", "CLOUDFLARE_"))
        }
        bins = str(Path(sys.prefix) / "bin")
        self.environment = {
            **clean, "CURL_HOME": str(folder), "HOME": str(folder),
            "HF_HUB_OFFLINE": "1", "PYTHONUNBUFFERED": "1", "COLUMNS": "200", "SECONDLOOK_PORT": str(self.port),
            "SECONDLOOK_SYNC_COOLDOWN": "0", "CI": "true", "WRANGLER_SEND_METRICS": "false", **environment,
            "PATH": f"{bins}:{environment.get('PATH', clean['PATH'])}",
        }  # fmt: skip
        self._said: Queue[str | None] = Queue()
        self._shell = subprocess.Popen(
            ["bash", "--noprofile", "--norc"], cwd=folder, env=self.environment, text=True, bufsize=1,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        Thread(target=self._read, daemon=True).start()
        self.run(f". {SESSION}\n{variables}")

    def run(self, script: str, *, fails: bool = False) -> str:
        """What the lines print; raises ``ExampleError`` for one that fails, or for none that does."""
        text = script
        for old, new in self.replacements.items():
            text = text.replace(old, new)
        path = Path(tempfile.mkstemp(suffix=".sh", dir=self.folder)[1])
        path.write_text(text, encoding="utf-8")
        assert self._shell.stdin
        mark = f"ended-{path.stem}"
        # each command by itself, so that a failure in the middle of a block is seen; the shell and its variables stay
        self._shell.stdin.write(
            f'failed=0; trap failed=1 ERR; set -o pipefail; . {path}; trap - ERR; echo "{mark} $failed"\n'
        )
        self._shell.stdin.flush()
        printed, status = self._until(mark, script)
        if (status != "0") is not fails:
            raise ExampleError(f"{'did not fail' if fails else 'failed'}:\n{text}\n--- printed:\n{printed}")
        return printed

    def declared(self, *names: str) -> str:
        """Lines that set these variables in another session, with its own address."""
        return self.run(f"declare -p {' '.join(names)}").replace(f"127.0.0.1:{self.port}", f"127.0.0.1:{PORT}")

    def close(self) -> None:
        """End the shell and its server."""
        if self._shell.poll() is None and self._shell.stdin:
            self._shell.stdin.write("stop_server; exit\n")
            self._shell.stdin.flush()
            try:
                self._shell.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(self._shell.pid, 9)
                self._shell.wait(30)

    def _read(self) -> None:
        for line in self._shell.stdout or ():
            self._said.put(line)
        self._said.put(None)

    def _until(self, mark: str, script: str) -> tuple[str, str]:
        lines: list[str] = []
        end = monotonic() + PATIENCE
        while True:
            try:
                line = self._said.get(timeout=max(0.01, end - monotonic()))
            except Empty:
                raise ExampleError(
                    f"still runs after {PATIENCE:g} s:\n{script}\n--- printed:\n{''.join(lines)}"
                ) from None
            if line is None:
                raise ExampleError(f"the shell ended:\n{script}\n--- printed:\n{''.join(lines)}")
            if mark in line:
                before, _, status = line.partition(mark)
                return "".join([*lines, before]), status.strip()
            lines.append(line)


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


@contextmanager
def opened(folder: Path, variables: str = "", **environment: str) -> Iterator[Session]:
    """A session that ends with the block."""
    session = Session(folder, variables, **environment)
    try:
        yield session
    finally:
        session.close()


def run_page(session: Session, path: Path, stand_ins: Mapping[str, StandIn], stack: ExitStack) -> int:
    """Run every block of the page, and say how many there were."""
    printed, ran = "", 0
    for at, block in enumerate(read_blocks(path)):
        try:
            if (told := block.note("stand-in")) is not None:
                name, _, text = told.partition(" ")
                session.replacements[text] = stand_ins[name](stack, session)
            printed, done = run_block(session, block, printed, f"block{at}")
        except ExampleError as error:
            raise ExampleError(f"{path}:{block.line}: {error}") from None
        ran += done
    return ran


def run_block(session: Session, block: Block, printed: str, stem: str) -> tuple[str, bool]:
    """What the block printed, or what was printed before it, and whether it did anything."""
    if block.note("stop") is not None:
        session.run("stop_server")
    elif session.has_server and asks_server(block):
        session.run("ensure_server")
    if (name := block.note("file")) is not None:
        write(session, name, block.text)
    elif (request := block.note("body")) is not None:
        printed = send(session, request, block.text)
    elif block.note("output") is not None:
        if missing := missing_lines(block.text, printed):
            raise ExampleError(f"the page shows what is not printed: {missing}\n--- printed:\n{printed}")
    elif not block.runs:
        check_syntax(block)
        return printed, False
    elif block.language in STEMS:
        suffix, program = STEMS[block.language]
        write(session, stem + suffix, block.text)
        printed = session.run(f"{program} {stem}{suffix}")
    else:
        wanted = block.note("fails")
        printed = session.run(block.text, fails=wanted is not None)
        if wanted and wanted not in printed:
            raise ExampleError(f"failed, but not with {wanted}:\n{printed}")
    return printed, True


def asks_server(block: Block) -> bool:
    """Whether it needs a server that it does not start itself."""
    asks = (block.runs and ASKS.search(block.text)) or block.note("body") is not None
    return bool(asks) and "secondlook serve" not in block.text


def write(session: Session, name: str, text: str) -> None:
    """A file in the session's folder, with the addresses of this session."""
    target = session.folder / name
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(replaced(session, text), encoding="utf-8")


def replaced(session: Session, text: str) -> str:
    """The text with the addresses of this session."""
    for old, new in session.replacements.items():
        text = text.replace(old, new)
    return text


def send(session: Session, request: str, body: str) -> str:
    """The answer to the request with that body."""
    method, _, path = request.partition(" ")
    json.loads(body)
    write(session, "body.json", body)
    return session.run(
        f'curl -X {method} "$SECONDLOOK_URL/client/v4/accounts/default{path}" -d @body.json'
        ' -H "Authorization: Bearer $SECONDLOOK_TOKEN" -H "Content-Type: application/json"'
    )


def check_syntax(block: Block) -> None:
    """JSON that is only shown is JSON, but for ``…``."""
    if block.language == "json":
        try:
            json.loads(block.text.replace("…", "0"))
        except ValueError as error:
            raise ExampleError(f"no JSON ({error}):\n{block.text}") from None
