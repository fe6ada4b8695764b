"""What ``secondlook dev-worker`` writes runs: beside a Worker in ``wrangler dev``, and in workerd alone."""

import json
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.acceptance.server_process import PATIENCE, ServerProcess, run_cli
from tests.acceptance.test_workers import NAME, QUERY
from tests.clients.node import Node
from tests.clients.workerd import WORKERS, Worker, running

pytestmark = [pytest.mark.server, pytest.mark.node]

OFFLINE = {"WRANGLER_SEND_METRICS": "false", "CI": "1", "NO_COLOR": "1"}


@pytest.fixture(scope="module")
def app(server: ServerProcess, data_dir: Path, token: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Worker's project, with our Worker beside it."""
    folder = tmp_path_factory.mktemp("app")
    for name in ("october.mjs", "probe.mjs"):
        shutil.copy(WORKERS / name, folder)
    told = run_cli(
        "dev-worker", str(folder / "secondlook-worker"), "--url", server.url, "--token", token,
        "--worker", str(folder / "october.mjs"), data_dir=data_dir,
    )  # fmt: skip
    services = json.loads("{" + told[told.index('"services"') : told.index("instead of")] + "}")
    config = {"name": "app", "main": "probe.mjs", "compatibility_date": "2026-07-01", **services}
    (folder / "wrangler.json").write_text(json.dumps(config), encoding="utf-8")
    return folder


@pytest.fixture(scope="module", autouse=True)
def page(server: ServerProcess, token: str) -> Iterator[None]:
    """The instance that the Worker names, with one page, for as long as this module runs."""
    base = f"{server.url}/client/v4/accounts/default/ai-search"
    with httpx.Client(base_url=base, headers={"Authorization": f"Bearer {token}"}, timeout=60) as client:
        client.delete(f"/instances/{NAME}")
        assert client.post("/instances", json={"id": NAME, "score_threshold": 0.1}).status_code == 200
        file = {"file": ("llamas/coffee.md", "To train a llama to deliver coffee, begin with an empty cup.")}
        sent = client.post(f"/instances/{NAME}/items", files=file, data={"wait_for_completion": "true"})
        assert sent.json()["result"]["status"] == "completed"
        yield
        client.delete(f"/instances/{NAME}")


def test_beside_a_worker_in_wrangler(node: Node, app: Path) -> None:
    both = ("-c", "wrangler.json", "-c", "secondlook-worker/wrangler.json")
    with wrangler_dev(node, app, *both) as worker:
        found = worker.call("AI", ["autorag", NAME], ["search", {"query": QUERY}])
        assert found["value"]["data"][0]["filename"] == "llamas/coffee.md"
        missing = worker.call("AI", ["autorag", "nobody"], ["search", {"query": QUERY}])
        assert missing["error"] == {"name": "AutoRAGNotFoundError", "message": "ai_search_not_found"}
        stream = worker.call("AI", ["autorag", NAME], ["aiSearch", {"query": QUERY, "stream": True}])
        assert stream["type"].startswith("text/event-stream")
        assert stream["text"].endswith("data: [DONE]\n\n")
        items = worker.call("AI_SEARCH", ["get", NAME], "items", ["list"])
        assert [row["key"] for row in items["value"]["result"]] == ["llamas/coffee.md"]


def test_alone_in_workerd(node: Node, app: Path) -> None:
    with running(app / "secondlook-worker" / "workerd.capnp") as worker:
        answer = httpx.get(worker.url, timeout=60).json()
    assert answer["data"][0]["filename"] == "llamas/coffee.md"
    assert "begin with an empty cup" in answer["response"]


@contextmanager
def wrangler_dev(node: Node, app: Path, *arguments: str) -> Iterator[Worker]:
    """``wrangler dev`` on a free port, until the block ends."""
    process = subprocess.Popen(
        node.command("wrangler", "dev", *arguments, "--ip", "127.0.0.1", "--port", "0"),
        cwd=app, env={**os.environ, **OFFLINE, "HOME": str(app)}, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
    )  # fmt: skip
    seen = []
    try:
        for line in process.stdout or ():
            seen.append(line)
            if found := re.search(r"Ready on (http://\S+)", line):
                yield Worker(found[1])
                return
        raise AssertionError("wrangler did not start: " + "".join(seen))
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.communicate(timeout=PATIENCE)
