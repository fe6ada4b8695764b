"""``secondlook logs --follow`` beside a server: each line once, as it happens, until Ctrl-C."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Queue
from threading import Thread

import httpx
import pytest

from tests.acceptance.server_process import ServerProcess, run_cli, start_server

pytestmark = [pytest.mark.server, pytest.mark.slow]

PATIENCE = 120.0


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("followed")


@pytest.fixture(scope="module")
def token(folder: Path) -> str:
    return run_cli("token", "create", "--name", "tests", "--quiet", data_dir=folder)


@pytest.fixture(scope="module")
def server(folder: Path, token: str) -> Iterator[ServerProcess]:
    running = start_server(folder)
    yield running
    running.stop()


@pytest.fixture(scope="module")
def api(server: ServerProcess, token: str) -> Iterator[httpx.Client]:
    base = f"{server.url}/client/v4/accounts/default/ai-search"
    with httpx.Client(base_url=base, headers={"Authorization": f"Bearer {token}"}, timeout=60) as client:
        yield client


class Following:
    """The command with its output in a pipe, where nothing may wait in a buffer."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        self.seen: list[str] = []
        self._lines: Queue[str | None] = Queue()
        Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        for line in self.process.stdout or ():
            self._lines.put(line.rstrip("\n"))
        self._lines.put(None)

    def read_to(self, text: str) -> list[str]:
        """The lines up to one with that text; fails if the output ends first."""
        found: list[str] = []
        while not found or text not in found[-1]:
            line = self._lines.get(timeout=PATIENCE)
            assert line is not None, f"the output ended before {text!r}: {found}"
            found.append(line)
        self.seen += found
        return found


@contextmanager
def following(instance: str, *flags: str, server: ServerProcess, token: str) -> Iterator[Following]:
    process = subprocess.Popen(
        ["env", "--default-signal=INT", sys.executable, "-m", "secondlook", "logs", instance, "--follow", *flags,
         "--server", server.url],
        env={**os.environ, "SECONDLOOK_TOKEN": token},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    try:
        yield Following(process)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(30)


def upload(api: httpx.Client, name: str, key: str) -> None:
    api.post(f"/instances/{name}/items", files={"file": (key, b"Lamp oil freezes.")}).raise_for_status()


def test_new_lines_follow_the_old_ones_until_ctrl_c(server: ServerProcess, api: httpx.Client, token: str) -> None:
    api.post("/instances", json={"id": "docs"}).raise_for_status()
    upload(api, "docs", "first.md")
    with following("docs", server=server, token=token) as command:
        assert "first.md" in command.read_to("first.md  store: searchable")[0]
        upload(api, "docs", "second.md")
        actions = [one.split("second.md  ")[1].split(":")[0] for one in command.read_to("second.md  store: searchable")]
        assert actions == ["queue", "read", "split", "embed", "store"]
        upload(api, "docs", "third.md")
        assert all("third.md" in one for one in command.read_to("third.md  store: searchable"))
        assert len(set(command.seen)) == len(command.seen) == 15
        os.killpg(command.process.pid, signal.SIGINT)
        assert command.process.stderr
        assert command.process.stderr.read() == "Interrupted. Nothing was changed. Run the same command again.\n"
        assert command.process.wait(30) == 130


def test_json_is_an_object_a_line_of_that_item_alone(server: ServerProcess, api: httpx.Client, token: str) -> None:
    api.post("/instances", json={"id": "notes"}).raise_for_status()
    upload(api, "notes", "mine.md")
    flags = ("--json", "--item", "mine.md")
    with following("notes", *flags, server=server, token=token) as command:
        first = [json.loads(one) for one in command.read_to("store: searchable")]
        assert {one["of"] for one in first} == {"mine.md"}
        upload(api, "notes", "other.md")
        upload(api, "notes", "mine.md")
        again = [json.loads(one) for one in command.read_to("store: searchable")]
        assert {one["of"] for one in again} == {"mine.md"}
        assert [one["text"].split(":")[0] for one in again] == ["queue", "read", "split", "embed", "store"]


def test_it_ends_with_the_server(tmp_path: Path) -> None:
    secret = run_cli("token", "create", "--name", "tests", "--quiet", data_dir=tmp_path)
    run_cli("index", "docs", __file__, data_dir=tmp_path)
    other = start_server(tmp_path)
    with following("docs", server=other, token=secret) as command:
        command.read_to("store: searchable")
        other.stop()
        assert command.process.stderr
        assert f"cannot reach {other.url}" in command.process.stderr.read()
        assert command.process.wait(30) == 2
