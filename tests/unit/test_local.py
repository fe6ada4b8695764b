"""The bindings over a data folder, without a server."""

import asyncio
import re
import subprocess
import sys
from pathlib import Path

import pytest

from secondlook import AutoRAGNotFoundError, BindingError, Connection, connect
from secondlook.errors import FolderInUseError
from secondlook.local import open_folder
from secondlook.settings import load_settings
from tests.house.yard import DOCS
from tests.in_loop import in_loop

TEXT = "# Lamp oil\n\nWarm the lamp oil reservoir before lighting when the oil freezes."
QUERY = "what to do when the oil is frozen"


@pytest.fixture(autouse=True)
def cached(monkeypatch: pytest.MonkeyPatch, cache_dir: Path) -> None:
    monkeypatch.setenv("SECONDLOOK_CACHE_DIR", str(cache_dir))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.delenv("SECONDLOOK_DATA_DIR", raising=False)


async def fill(env: Connection) -> None:
    made = await env.AI_SEARCH.create({"id": "handbook", "score_threshold": 0.1})
    item = await made.items.uploadAndPoll("winter/oil.md", TEXT, {"pollIntervalMs": 20})
    assert item["status"] == "completed"


async def found(env: Connection) -> list[str]:
    page = await env.AI.autorag("handbook").search({"query": QUERY, "reranking": {"enabled": True}})
    return [row["filename"] for row in page["data"]]


@in_loop
async def test_a_folder_is_written_and_read_again(tmp_path: Path) -> None:
    async with connect(data_dir=tmp_path / "data") as env:
        await fill(env)
        assert await found(env) == ["winter/oil.md"]
        stream = await env.AI.autorag("handbook").aiSearch({"query": QUERY, "stream": True})
        assert (await stream.text()).endswith("data: [DONE]\n\n")
    env = connect(data_dir=str(tmp_path / "data"))  # opened by the first calls, which may come at once
    assert await asyncio.gather(found(env), found(env)) == [["winter/oil.md"]] * 2
    await env.close()
    async with connect(data_dir=tmp_path / "data", account="other") as env:
        with pytest.raises(AutoRAGNotFoundError):
            await found(env)


@in_loop
async def test_a_variant_of_a_model(tmp_path: Path) -> None:
    short = "secondlook/late-interaction?max_tokens=64"
    async with connect(data_dir=tmp_path) as env:
        await fill(env)
        handbook = env.AI_SEARCH.get("handbook")
        models = []
        for model in (short, ""):
            reranking = {"enabled": True, "match_threshold": 0, **({"model": model} if model else {})}
            answer = await handbook.search({"query": QUERY, "ai_search_options": {"reranking": reranking}})
            models.append(answer["reranking"]["model"])
        assert models[0] == f"{models[1]}/64"
        made = await env.AI_SEARCH.create({"id": "short", "reranking": True, "reranking_model": short})
        assert (await made.info())["reranking_model"] == short
        with pytest.raises(BindingError, match="'speed=9' is not an option"):
            await env.AI_SEARCH.create({"id": "fast", "reranking_model": "secondlook/late-interaction?speed=9"})


@in_loop
async def test_two_at_once_share_a_folder(tmp_path: Path) -> None:
    async with connect(data_dir=tmp_path) as first:
        await fill(first)
        async with connect(data_dir=tmp_path) as second:
            assert await found(second) == ["winter/oil.md"]
            sent = await second.AI_SEARCH.get("handbook").items.uploadAndPoll("new.md", TEXT, {"pollIntervalMs": 20})
            assert sent["status"] == "completed"
        assert sorted(await found(first)) == ["new.md", "winter/oil.md"]


@in_loop
async def test_what_was_left_in_the_queue_is_taken_up(tmp_path: Path) -> None:
    async with connect(data_dir=tmp_path) as env:
        made = await env.AI_SEARCH.create({"id": "handbook", "score_threshold": 0.1})
        await made.items.upload("winter/oil.md", TEXT)
    async with connect(data_dir=tmp_path) as env:
        items = env.AI_SEARCH.get("handbook").items
        for _ in range(500):
            if (await items.list())["result"][0]["status"] == "completed":
                break
            await asyncio.sleep(0.02)
        assert await found(env) == ["winter/oil.md"]


@in_loop
async def test_the_folder_is_free_again_once_closed(tmp_path: Path) -> None:
    from secondlook.bootstrap import open_runtime

    settings = load_settings(data_dir=tmp_path)
    async with open_folder(tmp_path):
        with pytest.raises(FolderInUseError, match="a server is already running on the data folder"):
            async with open_runtime(settings):
                pass
    async with open_runtime(settings):
        pass


@pytest.mark.process
def test_the_example_of_the_documents_runs(tmp_path: Path) -> None:
    page = (DOCS / "howto" / "use-from-python.md").read_text(encoding="utf-8")
    example, *_ = [one for one in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if "data_dir=" in one]
    done = subprocess.run(
        [sys.executable, "-c", example], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    score, key = done.stdout.split()
    assert (0 < float(score) <= 1, key) == (True, "winter/oil.md")
    assert (tmp_path / "secondlook-data" / "catalog.sqlite").is_file()
