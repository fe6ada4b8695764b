"""A running server follows a folder and a website, and a kill at any point of a sync changes nothing of the outcome."""

import os
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.acceptance.server_process import ServerProcess, run_cli, start_server
from tests.web_site import WebSite, serve_site

pytestmark = pytest.mark.server

BASE = "/accounts/kill/ai-search/instances"
FILES = int(os.environ.get("SECONDLOOK_TEST_KILL_FILES", "200"))
KILLS = int(os.environ.get("SECONDLOOK_TEST_KILLS", "5"))
PATIENCE = 600.0


@contextmanager
def talking_to(server: ServerProcess, token: str) -> Iterator[httpx.Client]:
    headers = {"authorization": f"Bearer {token}"}
    with httpx.Client(base_url=server.url, headers=headers, timeout=60) as client:
        yield client


def result_of(answer: httpx.Response) -> Any:
    assert answer.status_code == 200, answer.text
    return answer.json()["result"]


def make(client: httpx.Client, name: str, **settings: object) -> None:
    result_of(client.post(BASE, json={"id": name, "chunk_size": 64, **settings}))


def settled(client: httpx.Client, name: str, jobs: int = 1) -> str:
    """Why the newest of at least so many jobs ended."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        found = result_of(client.get(f"{BASE}/{name}/jobs"))
        if len(found) >= jobs and "ended_at" in found[0]:
            return str(found[0]["end_reason"])
        time.sleep(0.1)
    raise AssertionError(f"the sync of {name} did not end in {PATIENCE:g} s")


def indexed(client: httpx.Client, name: str) -> dict[str, tuple[str, list[str]]]:
    """Status and chunks of every item, by key."""
    found: dict[str, tuple[str, list[str]]] = {}
    for page in range(1, 10_000):
        rows = result_of(client.get(f"{BASE}/{name}/items", params={"page": page, "per_page": 50}))
        for row in rows:
            chunks = result_of(client.get(f"{BASE}/{name}/items/{row['id']}/chunks", params={"limit": 100}))
            kept = [f"{one['text']} {one['item']['timestamp']} {one['item']['metadata']}" for one in chunks]
            found[row["key"]] = (row["status"], kept)
        if not rows:
            return found
    raise AssertionError("the pages do not end")


def write_files(folder: Path) -> None:
    for number in range(FILES):
        path = folder / f"part{number % 7}" / f"item{number}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"# Item {number}\n\n" + "".join(f"item{number} says line {line}. " for line in range(4)))


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_kills_during_a_sync(tmp_path: Path) -> None:
    """SIGKILL at random points: after the last start the index is what a fresh one would be."""
    folder, data = tmp_path / "docs", tmp_path / "data"
    write_files(folder)
    (folder / "old.md").write_text("to be removed")
    token = run_cli("token", "create", "--name", "kill", "--quiet", data_dir=data)
    chance = random.Random(5)
    environment = {"SECONDLOOK_FOLDER_ROOTS": str(tmp_path), "SECONDLOOK_SYNC_COOLDOWN": "0"}
    interrupted = 0
    for turn in range(KILLS):
        server = start_server(data, **environment)
        with talking_to(server, token) as client:
            if turn == 0:
                make(client, "docs", type="folder", source=str(folder))
            elif turn == KILLS // 2:
                (folder / "old.md").unlink()
                (folder / "part0" / "item0.md").write_text("changed in the midst")
                client.post(f"{BASE}/docs/jobs", json={})  # 429 while one runs
            time.sleep(chance.random() * 0.8)
            jobs = result_of(client.get(f"{BASE}/docs/jobs"))
            interrupted += bool(jobs) and "ended_at" not in jobs[0]
        server.kill()
    assert interrupted >= 1
    server = start_server(data, **environment)
    try:
        with talking_to(server, token) as client:
            assert settled(client, "docs") == "completed"
            result_of(client.post(f"{BASE}/docs/jobs", json={}))
            assert settled(client, "docs", 2) == "completed"
            make(client, "fresh", type="folder", source=str(folder))
            assert settled(client, "fresh") == "completed"
            after, fresh = indexed(client, "docs"), indexed(client, "fresh")
            assert len(fresh) == FILES and {status for status, _ in fresh.values()} == {"completed"}
            assert after == fresh
            totals = [result_of(client.get(f"{BASE}/{name}/stats"))["engine"] for name in ("docs", "fresh")]
            assert totals[0] == totals[1]
    finally:
        server.stop()
    files = [path for path in (data / "files").rglob("*") if path.is_file()]
    assert len(files) == 2 * FILES  # no bytes that nobody names


@pytest.fixture
def site() -> Iterator[WebSite]:
    with serve_site() as made:
        yield made


def test_a_website_from_creation_to_search(tmp_path: Path, site: WebSite) -> None:
    site.html("/lamps", "<h1>Lamps</h1><p>Warm the reservoir when the oil freezes.</p>", "<title>Lamps</title>")
    site.html("/fog", "<h1>Fog</h1><p>Two blasts of the horn every ninety seconds.</p>")
    site.sitemap("/lamps", "/fog", "/none")
    token = run_cli("token", "create", "--name", "web", "--quiet", data_dir=tmp_path)
    server = start_server(tmp_path, SECONDLOOK_FETCH_ALLOW="127.0.0.1")
    try:
        with talking_to(server, token) as client:
            make(client, "site", source=site.url, score_threshold=0)
            assert settled(client, "site") == "completed"
            answer = result_of(client.post(f"{BASE}/site/search", json={"query": "frozen lamp oil"}))
            assert answer["chunks"][0]["item"]["key"] == f"{site.url}/lamps"
            rows = result_of(client.get(f"{BASE}/site/items", params={"source": f"web-crawler:{site.url}"}))
            assert {row["key"]: row["status"] for row in rows} == {
                f"{site.url}/lamps": "completed", f"{site.url}/fog": "completed", f"{site.url}/none": "error",
            }  # fmt: skip
            stats = result_of(client.get(f"{BASE}/site/stats"))
            assert stats["index_source_errors"] == {"http_4xx": 1} and stats["file_embed_errors"] == {}
    finally:
        server.stop()


def test_nothing_inside_is_read_unless_the_operator_says_so(tmp_path: Path, site: WebSite) -> None:
    site.html("/a", "inside")
    site.sitemap("/a")
    token = run_cli("token", "create", "--name", "web", "--quiet", data_dir=tmp_path)
    server = start_server(tmp_path)
    try:
        with talking_to(server, token) as client:
            make(client, "inside", source=site.url)
            assert settled(client, "inside").startswith("invalid_url: the host '127.0.0.1' resolves to 127.0.0.1")
            refused = client.post(BASE, json={"id": "etc", "type": "folder", "source": "/etc"})
            assert (refused.status_code, refused.json()["errors"][0]["code"]) == (400, 7047)
            assert site.asked == []
    finally:
        server.stop()
