"""``secondlook sync`` over the data folder, and over a running server whose connections break."""

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit

import httpx
import pytest

from secondlook import sync_command
from secondlook.errors import CallerError
from secondlook.sync_command import Event, follow, read_events
from tests.acceptance.server_process import ServerProcess, run_cli, start_server
from tests.thread_server import QuietHandler, serve_in_thread

pytestmark = pytest.mark.server

JOBS = "/accounts/default/ai-search/instances/docs/jobs"
KEYS = ("a.md", "b/c.md", "d.md")


def sync(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """What the command leaves."""
    return subprocess.run(
        [sys.executable, "-m", "secondlook", "sync", *arguments],
        capture_output=True, text=True, timeout=120, check=False,
        env={**os.environ, "HF_HUB_OFFLINE": "1", **environment},
    )  # fmt: skip


@contextmanager
def serving(data_dir: Path, **environment: str) -> Iterator[tuple[ServerProcess, httpx.Client]]:
    token = run_cli("token", "create", "--name", "tests", "--quiet", data_dir=data_dir)
    server = start_server(data_dir, **environment)
    headers = {"Authorization": f"Bearer {token}"}
    try:
        with httpx.Client(base_url=f"{server.url}/client/v4", headers=headers, timeout=60) as client:
            yield server, client
    finally:
        server.stop()


def fill(folder: Path) -> None:
    for key in KEYS:
        (folder / key).parent.mkdir(parents=True, exist_ok=True)
        (folder / key).write_text(f"# {key}\n\nLamp oil of {key}.")


@pytest.fixture
def pages(tmp_path: Path) -> Path:
    folder = tmp_path / "pages"
    fill(folder)
    return folder


def environment_of(pages: Path) -> dict[str, str]:
    return {"SECONDLOOK_FOLDER_ROOTS": str(pages.parent), "SECONDLOOK_SYNC_COOLDOWN": "0"}


def make_instance(client: httpx.Client, pages: Path) -> str:
    """The id of its first sync, which begins by itself."""
    settings = {"id": "docs", "type": "folder", "source": str(pages)}
    made = client.post("/accounts/default/ai-search/instances", json=settings)
    assert made.status_code == 200, made.text
    while not (rows := client.get(JOBS).json()["result"]):
        time.sleep(0.05)
    job: str = rows[0]["id"]
    return job


def test_over_the_data_folder_and_over_a_server(tmp_path: Path, pages: Path) -> None:
    data, environment = tmp_path / "data", environment_of(pages)
    with serving(data, **environment) as (server, client):
        make_instance(client, pages)
        refused = sync("docs", "--data-dir", str(data), **environment)
        assert (refused.returncode, refused.stdout) == (2, "")
        assert "Pass its address, e.g. --server" in refused.stderr
        token = {"SECONDLOOK_TOKEN": client.headers["authorization"].removeprefix("Bearer ")}
        done = sync("docs", "--server", server.url, **token)
        assert (done.returncode, done.stdout) == (0, "docs: 3 items indexed\n"), done.stderr
        assert "Syncing docs" in done.stderr and "3/3" in done.stderr
        unknown = sync("nothing", "--server", server.url, **token)
        assert unknown.returncode == 2 and "nothing" in unknown.stderr
    (pages / "a.md").unlink()
    (pages / "bad.pdf").write_bytes(b"no document")
    done = sync("docs", "--data-dir", str(data), **environment)
    assert (done.returncode, done.stdout) == (0, "docs: 2 items indexed, 1 failed\n"), done.stderr
    assert "bad.pdf" in done.stderr, "what went wrong is told as it happens"
    for path in (*pages.rglob("*.*"), *sorted(pages.glob("*"), reverse=True), pages):
        path.rmdir() if path.is_dir() else path.unlink(missing_ok=True)
    gone = sync("docs", "--data-dir", str(data), **environment)
    assert gone.returncode == 2
    assert "the sync of docs failed: bucket_not_found" in " ".join(gone.stderr.split())


def test_a_sync_that_runs_already_is_followed(tmp_path: Path, pages: Path) -> None:
    for number in range(40):
        (pages / f"more{number}.md").write_text(f"Oil of grade {number}. " * 200)
    with serving(tmp_path / "data", **environment_of(pages)) as (server, client):
        make_instance(client, pages)
        token = client.headers["authorization"].removeprefix("Bearer ")
        done = sync("docs", "--server", server.url, SECONDLOOK_TOKEN=token)
        assert (done.returncode, done.stdout) == (0, "docs: 43 items indexed\n"), done.stderr
        assert "A sync is running already" in done.stderr
        assert len(client.get(JOBS).json()["result"]) == 1


@contextmanager
def cutting(url: str, times: int, after: int) -> Iterator[str]:
    """A proxy that hangs up on the first so many connections after so many bytes of their answer."""
    there = urlsplit(url)
    listener = socket.create_server(("127.0.0.1", 0))
    left = [times]

    def serve() -> None:
        with suppress(OSError):
            while True:
                near, _ = listener.accept()
                Thread(target=carry, args=(near,), daemon=True).start()

    def carry(near: socket.socket) -> None:
        cut = left[0] > 0
        left[0] -= 1
        with near, socket.create_connection((there.hostname, there.port)) as far, suppress(OSError):
            far.sendall(near.recv(65536))
            passed = 0
            while data := far.recv(200):
                near.sendall(data)
                passed += len(data)
                if cut and passed >= after:
                    return

    Thread(target=serve, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.close()


@pytest.mark.parametrize(("times", "after", "whole"), [(2, 600, True), (50, 1, False)])
def test_broken_connections(
    tmp_path: Path, pages: Path, monkeypatch: pytest.MonkeyPatch, times: int, after: int, whole: bool
) -> None:
    monkeypatch.setattr(sync_command, "PAUSES", (0.1,) * 5)
    with serving(tmp_path / "data", **environment_of(pages)) as (server, client):
        job = make_instance(client, pages)
        heard: list[Event] = []

        async def listen() -> None:
            with cutting(server.url, times, after) as url:
                headers = {"Authorization": client.headers["authorization"], "Connection": "close"}
                async with httpx.AsyncClient(base_url=f"{url}/client/v4", headers=headers) as there:
                    async for event in follow(there, f"{JOBS}/{job}/events"):
                        heard.append(event)

        if whole:
            asyncio.run(listen())
            assert heard[-1].kind == "end" and heard[-1].data["end_reason"] == "completed"
            told = [event.data["id"] for event in heard if event.kind == "log"]
            lines = client.get(f"{JOBS}/{job}/logs", params={"per_page": 100}).json()["result"]
            assert told == [line["id"] for line in lines], "each line once, though the connection broke"
        else:
            with pytest.raises(CallerError, match="lost the connection to the server"):
                asyncio.run(listen())


class Stranger(QuietHandler):
    """A server of something else: its path is what it answers."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        status, body = (404, b'{"detail": "Not Found"}') if "404" in self.path else (200, b'{"hello": 1}')
        if "list" in self.path:
            body = b"[]"
        self.send_head(status, len(body))
        self.wfile.write(body)


@pytest.mark.parametrize("name", ["404", "hello", "list"])
def test_a_server_of_something_else(name: str) -> None:
    with serve_in_thread(Stranger) as url:
        done = sync(name, "--server", url, SECONDLOOK_TOKEN="t")
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert "not as Secondlook does" in " ".join(done.stderr.split())


@pytest.mark.parametrize(
    ("server", "token", "told"),
    [
        ("http://127.0.0.1:1", "t", "cannot reach http://127.0.0.1:1"),
        ("http://127.0.0.1:99999", "t", "Give an address like"),
        ("http://127.0.0.1:1", "t\u00f6", "is not a valid token"),
        ("http://127.0.0.1:1", "", "requires a token. Set SECONDLOOK_TOKEN."),
    ],
)
def test_what_cannot_be_asked(server: str, token: str, told: str) -> None:
    done = sync("docs", "--server", server, SECONDLOOK_TOKEN=token)
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert told in " ".join(done.stderr.split())


def test_events_are_read() -> None:
    async def content() -> AsyncIterator[bytes]:
        for piece in (b': beat\n\nid: 4\nevent: log\ndata: {"a":\nda', b"ta: 1}\n\ndata: [2]\n\nevent: x\n\n"):
            yield piece

    async def read() -> list[Event]:
        return [event async for event in read_events(content())]

    assert asyncio.run(read()) == [Event("log", {"a": 1}, "4"), Event("message", [2], "4")]  # type: ignore[arg-type]
