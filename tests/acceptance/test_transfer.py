"""An instance is copied from one server into a data folder, and from there to another account: real ones both."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from secondlook import connect
from tests.acceptance.server_process import ServerProcess

pytestmark = pytest.mark.server

FILES = {f"stores/page-{number:02}.md": f"# Page {number}\n\nShelf {number} of the store.\n" for number in range(56)}
SETTINGS = {
    "reranking": True,
    "reranking_model": "@cf/baai/bge-reranker-base",
    "reranking_weight": 0.25,
    "embedding_model": "@cf/qwen/qwen3-embedding-0.6b",
    "chunk_size": 128,
    "chunk_overlap": 20,
    "score_threshold": 0.2,
    "custom_metadata": [{"field_name": "shelf", "data_type": "number"}],
    "retrieval_options": {
        "keyword_match_mode": "or",
        "boost_by": [{"field": "shelf", "direction": "desc"}],
        "boost_after_reranking": False,
    },
    "system_prompt_ai_search": "Answer in one sentence.",
    "cache": False,
}


class There:
    """The instances of one account of the server."""

    def __init__(self, server: ServerProcess, token: str, account: str) -> None:
        self.root = f"/client/v4/accounts/{account}/ai-search/instances"
        self.client = httpx.Client(base_url=server.url, headers={"Authorization": f"Bearer {token}"}, timeout=60)

    def read(self, path: str, **query: Any) -> Any:
        answer = self.client.get(self.root + path, params=query)
        assert answer.is_success, answer.text
        return answer.json()["result"]

    def upload(self, key: str, text: str, **metadata: Any) -> None:
        form = {"metadata": json.dumps(metadata)} if metadata else {}
        answer = self.client.post(f"{self.root}/store/items", files={"file": (key, text.encode())}, data=form)
        assert answer.is_success, answer.text


@pytest.fixture(scope="module")
def there(server: ServerProcess, token: str) -> There:
    found = There(server, token, "origin")
    assert found.client.post(found.root, json={"id": "store", **SETTINGS}).is_success
    for number, (key, text) in enumerate(FILES.items()):
        found.upload(key, text, shelf=number)
    return found


def run(kind: str, server: ServerProcess, token: str, folder: Path, *more: str) -> tuple[int, str]:
    """The exit code and what was printed."""
    command = [sys.executable, "-m", "secondlook", kind, "cloudflare", "--instance", "store"]
    done = subprocess.run(
        [*command, "--url", f"{server.url}/client/v4", "--data-dir", str(folder), *more],
        env={**os.environ, "CLOUDFLARE_API_TOKEN": token, "HF_HUB_OFFLINE": "1", "COLUMNS": "300"},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


async def check_copy(folder: Path) -> None:
    async with connect(data_dir=folder) as env:
        copy = env.AI_SEARCH.get("store")
        info = await copy.info()
        assert {name: info[name] for name in SETTINGS} == SETTINGS
        assert (await copy.stats())["completed"] == 56
        retrieval = {"filters": {"shelf": 37}, "match_threshold": 0}
        found = await copy.search({"query": "shelf 37", "ai_search_options": {"retrieval": retrieval}})
        assert [chunk["item"]["key"] for chunk in found["chunks"]] == ["stores/page-37.md"]


def test_there_and_back(there: There, server: ServerProcess, token: str, tmp_path: Path) -> None:
    code, said = run("import", server, token, tmp_path, "--account", "origin")
    assert code == 0, said
    assert "store: created with the settings of the original" in said
    assert "56 files copied, 0 unchanged" in said
    asyncio.run(check_copy(tmp_path))

    there.upload("stores/page-07.md", "# Page 7\n\nIts shelf was moved.\n", shelf=7)
    there.client.put(f"{there.root}/store", json={"score_threshold": 0.3}).raise_for_status()
    code, said = run("import", server, token, tmp_path, "--account", "origin")
    assert code == 0, said
    assert "store: exists already and keeps its settings" in said
    assert "score_threshold is 0.2 in the copy, 0.3 in the original" in said
    assert "1 file copied, 55 unchanged" in said

    code, said = run("export", server, token, tmp_path, "--account", "target", "--into", "returned")
    assert code == 0, said
    assert "56 files copied" in said
    back = There(server, token, "target")
    info = back.read("/returned")
    official = {name: value for name, value in SETTINGS.items() if name != "reranking_weight"}
    assert {name: info[name] for name in official} == official
    assert info["reranking_weight"] == 1.0
    items = back.read("/returned/items", key="stores/page-07.md")
    assert items[0]["metadata"]["shelf"] == 7
    text = back.client.get(f"{back.root}/returned/items/{items[0]['id']}/download").text
    assert text == "# Page 7\n\nIts shelf was moved.\n"


def test_what_is_refused(there: There, server: ServerProcess, token: str, tmp_path: Path) -> None:
    origin = ("--account", "origin")
    for kind, secret, more, reason in (
        ("import", "sl_wrong", origin, "use one that may edit AI Search in account 'origin'"),
        ("import", token, ("--account", "nobody"), "there is no instance store of"),
        ("import", token, (*origin, "--url", "ftp://host"), "--url is 'ftp://host'. Give an address"),
        ("import", token, (*origin, "--url", server.url + "/nothing"), "check its name"),
        ("import", token, (*origin, "--server", server.url), "cannot be combined"),
        ("export", token, (*origin, "--into", "No Name"), "there is no instance store of Secondlook"),
    ):
        code, said = run(kind, server, secret, tmp_path / "data", *more)
        assert (code, reason in said) == (2, True), said


def test_between_two_servers(there: There, server: ServerProcess, token: str) -> None:
    command = [sys.executable, "-m", "secondlook", "import", "cloudflare", "--instance", "store"]
    command += ["--account", "origin", "--url", f"{server.url}/client/v4", "--token", token]
    command += ["--server", server.url, "--local-account", "second", "--into", "store-2", "--settings-only"]
    environment = {name: value for name, value in os.environ.items() if name != "SECONDLOOK_TOKEN"}
    for secret, code, reason in (("", 2, "Set SECONDLOOK_TOKEN"), (token, 0, "0 files copied")):
        done = subprocess.run(
            command, env={**environment, "SECONDLOOK_TOKEN": secret, "COLUMNS": "300"},
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert (done.returncode, reason in done.stdout + done.stderr) == (code, True), done.stdout + done.stderr
    info = There(server, token, "second").read("/store-2")
    assert (info["reranking_weight"], info["chunk_size"]) == (0.25, 128)
