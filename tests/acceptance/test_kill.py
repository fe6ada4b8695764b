"""SIGKILL during ingest loses no acknowledged item and serves no half item."""

import random
import threading
import time
from pathlib import Path

import httpx
import pytest

from tests.acceptance.server_process import run_cli, start_server

pytestmark = pytest.mark.server

ACCOUNT = "crash"
BASE = f"/accounts/{ACCOUNT}/ai-search/instances"
PARTS = 12
ROUNDS = 3


def make_text(number: int) -> str:
    """A document of several chunks, each of which names it."""
    body = "".join(
        f"## Part {part} of item{number}\n\n" + f"item{number} says part{part}. " * 60 for part in range(PARTS)
    )
    return f"# Item {number}\n\n{body}"


def upload_until_refused(client: httpx.Client, first: int, acknowledged: set[int]) -> None:
    for number in range(first, first + 500):
        try:
            answer = client.post(f"{BASE}/docs/items", files={"file": (f"item{number}.md", make_text(number).encode())})
        except httpx.HTTPError:
            return
        if answer.status_code == 200:
            acknowledged.add(number)


@pytest.mark.slow
def test_kill_during_ingest(tmp_path: Path) -> None:
    token = run_cli("token", "create", "--name", "crash", "--quiet", data_dir=tmp_path)
    headers = {"authorization": f"Bearer {token}"}
    acknowledged: set[int] = set()
    chance = random.Random(11)
    for turn in range(ROUNDS):
        server = start_server(tmp_path)
        with httpx.Client(base_url=server.url, headers=headers, timeout=30) as client:
            if turn == 0:
                made = client.post(BASE, json={"id": "docs", "index_method": {"vector": True, "keyword": True}})
                assert made.status_code == 200, made.text
            uploading = threading.Thread(target=upload_until_refused, args=(client, turn * 1000, acknowledged))
            uploading.start()
            until = time.monotonic() + 30
            before = len(acknowledged)
            while len(acknowledged) < before + 4 + chance.randrange(8) and time.monotonic() < until:
                time.sleep(0.01)
            server.kill()
            uploading.join(60)
    assert len(acknowledged) >= ROUNDS * 4
    server = start_server(tmp_path)
    try:
        with httpx.Client(base_url=server.url, headers=headers, timeout=60) as client:
            items = settle(client)
            assert {f"item{number}.md" for number in acknowledged} <= set(items)
            for key, item in items.items():
                assert item["status"] == "completed", item
                listed = client.get(f"{BASE}/docs/items/{item['id']}/chunks", params={"limit": 100}).json()
                assert listed["result_info"]["total"] == item["chunks_count"]
                text = " ".join(chunk["text"] for chunk in listed["result"])
                assert all(f"part{part}." in text for part in range(PARTS)), key
    finally:
        server.stop()


def settle(client: httpx.Client) -> dict[str, dict[str, object]]:
    """All items once none is queued or running; meanwhile whatever is found is whole."""
    until = time.monotonic() + 240
    while time.monotonic() < until:
        found: dict[str, dict[str, object]] = {}
        for page in range(1, 100):
            rows = client.get(f"{BASE}/docs/items", params={"page": page, "per_page": 50}).json()["result"]
            found |= {row["key"]: row for row in rows}
            if not rows:
                break
        if all(row["status"] not in ("queued", "running") for row in found.values()):
            return found
        time.sleep(0.2)
    raise AssertionError("items are still queued after 240 s")
