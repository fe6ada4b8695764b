"""Several processes on one queue: a worker helps the server, and one that is killed loses and spoils nothing."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import pytest

from secondlook import bootstrap
from secondlook.domain.instance import InstanceSettings
from secondlook.domain.query import Query
from secondlook.services.intake import Upload
from secondlook.services.searching import Ask
from secondlook.settings import Settings
from tests.acceptance.server_process import ServerProcess, run_cli, start_server

pytestmark = pytest.mark.server

BASE = "/accounts/default/ai-search/instances"
FILES = int(os.environ.get("SECONDLOOK_TEST_QUEUE_FILES", "20"))
PATIENCE = 120.0


@contextmanager
def worker(data_dir: Path, *flags: str, **environment: str) -> Iterator["subprocess.Popen[str]"]:
    """A process on the queue, killed at the end if it still runs."""
    process = subprocess.Popen(
        [sys.executable, "-m", "secondlook", "work", *flags, "--data-dir", str(data_dir)],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
        env={**os.environ, "HF_HUB_OFFLINE": "1", "PYTHONUNBUFFERED": "1", **environment},
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(30)
        if process.stdout:
            process.stdout.close()


def text_of(number: int) -> str:
    lines = " ".join(f"item{number} says line {line} of lamp oil and fog horns." for line in range(40))
    return f"# Item {number}\n\n{lines}"


def rows(data_dir: Path, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(data_dir / "catalog.sqlite", timeout=30)) as connection:
        return connection.execute(sql).fetchall()


def wait_until(data_dir: Path, sql: str, wanted: int) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if rows(data_dir, sql)[0][0] == wanted:
            return
        time.sleep(0.02)
    raise AssertionError(f"{sql} was not {wanted} in {PATIENCE:g} s: {rows(data_dir, 'SELECT key, status FROM items')}")


def chunks_of(client: httpx.Client, name: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for page in range(1, 2 + FILES // 50):
        for item in client.get(f"{BASE}/{name}/items", params={"page": page, "per_page": 50}).json()["result"]:
            answer = client.get(f"{BASE}/{name}/items/{item['id']}/chunks", params={"limit": 100}).json()["result"]
            assert item["status"] == "completed", item
            found[item["key"]] = [one["text"] for one in answer]
    return found


def upload(client: httpx.Client, name: str) -> None:
    for number in range(FILES):
        file = {"file": (f"item{number}.md", text_of(number))}
        assert client.post(f"{BASE}/{name}/items", files=file).status_code == 200


def test_a_killed_worker_loses_nothing(tmp_path: Path) -> None:
    token = run_cli("token", "create", "--name", "queue", "--quiet", data_dir=tmp_path)
    short = {"SECONDLOOK_LEASE_SECONDS": "2"}
    server = start_server(tmp_path, **short)
    theirs = "SELECT count(*) > 0 FROM items WHERE owner LIKE 'worker-%'"
    try:
        headers = {"authorization": f"Bearer {token}"}
        with httpx.Client(base_url=server.url, headers=headers, timeout=60) as client:
            for name in ("helped", "alone"):
                assert client.post(BASE, json={"id": name, "chunk_size": 64}).status_code == 200
            with worker(tmp_path, **short) as helper:
                assert helper.stdout and helper.stdout.readline().startswith("Working on the queue of ")
                upload(client, "helped")
                wait_until(tmp_path, theirs, 1)
                helper.kill()
                helper.wait(30)
                assert rows(tmp_path, theirs) == [(1,)], "it died with the lease in its hands"
            wait_until(tmp_path, "SELECT count(*) FROM items WHERE status = 'completed'", FILES)
            assert rows(tmp_path, "SELECT count(*) FROM items WHERE owner != '' OR lease_until > 0") == [(0,)]
            upload(client, "alone")
            wait_until(tmp_path, "SELECT count(*) FROM items WHERE status = 'completed'", 2 * FILES)
            assert chunks_of(client, "helped") == chunks_of(client, "alone")
            stats = [client.get(f"{BASE}/{name}/stats").json()["result"]["engine"] for name in ("helped", "alone")]
            assert stats[0] == stats[1]
            follow_until_the_server_stops(client, server, tmp_path)
    finally:
        server.stop()


def follow_until_the_server_stops(client: httpx.Client, server: ServerProcess, data_dir: Path) -> None:
    """Who follows a job that does not end holds up no server that is asked to stop."""
    with closing(sqlite3.connect(data_dir / "catalog.sqlite", timeout=30)) as connection, connection:
        connection.execute(
            "INSERT INTO jobs SELECT 'endless', uid, 'user', '', 1, NULL, 1, '' FROM instances WHERE name = 'alone'"
        )
    with client.stream("GET", f"{BASE}/alone/jobs/endless/events") as stream:
        lines = stream.iter_lines()
        assert next(lines) == "event: job"
        begun = time.monotonic()
        server.process.terminate()
        assert [line for line in lines if line.startswith("event: ")] == []
        server.process.wait(20)
    assert time.monotonic() - begun < 20


def test_what_a_worker_indexes_is_found_by_another_process_at_once(tmp_path: Path, cache_dir: Path) -> None:
    settings = Settings(data_dir=tmp_path, cache_dir=cache_dir, offline=True)

    async def work() -> None:
        async with bootstrap.open_runtime(settings, queue="none") as here:
            plain = InstanceSettings(min_score=0.0)
            made = await here.services.instances.create("default", "default", "docs", settings=plain)
            found = []
            for number in range(3):
                key = f"item{number}.md"
                item = await here.services.indexing.upload(made, Upload(key, text_of(number).encode()))
                with worker(tmp_path, "--once", SECONDLOOK_CACHE_DIR=str(cache_dir)) as other:
                    assert await asyncio.to_thread(other.wait, 60) == 0
                assert (await here.services.indexing.get(made, item.id)).status == "completed"
                ranking = await here.services.searching.search(made, Query(f"item{number} fog horns"), Ask())
                found.append({one.chunk.item_key for one in ranking.candidates})
            assert found == [{"item0.md"}, {"item0.md", "item1.md"}, {"item0.md", "item1.md", "item2.md"}]

    asyncio.run(work())


def test_a_worker_that_is_asked_to_stop_gives_back_what_it_was_at(tmp_path: Path) -> None:
    page = tmp_path / "pages"
    page.mkdir()
    (page / "oil.md").write_text(text_of(1))
    data = tmp_path / "data"
    run_cli("index", "docs", str(page), data_dir=data)
    with closing(sqlite3.connect(data / "catalog.sqlite")) as connection, connection:
        connection.execute("UPDATE items SET status = 'queued', version = version + 1")
    with worker(data) as helper:
        assert helper.stdout and helper.stdout.readline().startswith("Working on the queue of ")
        helper.terminate()
        assert helper.wait(60) == 0
    assert rows(data, "SELECT count(*) FROM items WHERE owner != '' OR status = 'running'") == [(0,)]
    assert rows(data, "SELECT attempts FROM items") == [(0,)]
