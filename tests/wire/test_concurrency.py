"""Calls that meet: none fails with a server error, and none undoes another."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from secondlook.services.indexing import Upload
from tests.wire.conftest import NEW, Wire, error_of, keys_of

ITEMS = f"{NEW}/handbook/items"
FORM = {"content-type": "multipart/form-data; boundary=b"}


def together(wire: Wire, *calls: tuple[str, str, dict[str, Any]]) -> list[httpx.Response]:
    """The answers to calls that are made at once."""

    async def run() -> list[httpx.Response]:
        return await asyncio.gather(*(wire.client.request(method, path, **more) for method, path, more in calls))

    return wire.run(run())


def upload(key: str, text: str, wait: str = "true") -> tuple[str, str, dict[str, Any]]:
    return "POST", ITEMS, {"files": {"file": (key, text.encode())}, "data": {"wait_for_completion": wait}}


def search(query: str) -> tuple[str, str, dict[str, Any]]:
    return "POST", f"{NEW}/handbook/search", {"json": {"query": query}}


def test_twenty_uploads_and_searches_at_once(filled: Wire) -> None:
    calls = [call for n in range(20) for call in (upload(f"{n}.md", f"lamp number{n}"), search(f"number{n}"))]
    answers = together(filled, *calls)
    assert {answer.status_code for answer in answers} == {200}
    assert all(filled.get(ITEMS, key=f"{n}.md").json()["result"][0]["status"] == "completed" for n in range(20))


def test_one_of_many_creates_wins(wire: Wire) -> None:
    answers = together(wire, *[("POST", NEW, {"json": {"id": "handbook"}})] * 8)
    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 7
    assert {error_of(answer)[1] for answer in answers if answer.status_code == 400} == {7022}


def test_who_waits_sees_the_newest_upload_indexed(wire: Wire) -> None:
    wire.make()
    answers = together(wire, *[upload("same.md", f"version {n}") for n in range(8)])
    items = [answer.json()["result"] for answer in answers]
    assert {item["status"] for item in items} == {"completed"}
    assert len({item["id"] for item in items}) == 1


def test_an_index_again_does_not_undo_an_upload(filled: Wire) -> None:
    item = filled.get(ITEMS, key="signals/fog.md").json()["result"][0]

    async def run() -> None:
        instance = await filled.services.instances.get("acc", "default", "handbook")
        new = Upload("signals/fog.md", b"Three blasts now.")
        await asyncio.gather(filled.indexing.upload(instance, new), filled.indexing.reindex(instance, item["id"]))
        await filled.indexing.drain()

    filled.run(run())
    now = filled.get(f"{ITEMS}/{item['id']}").json()["result"]
    assert (now["status"], now["checksum"]) == ("completed", hashlib.md5(b"Three blasts now.").hexdigest())
    assert filled.get(f"{ITEMS}/{item['id']}/download").content == b"Three blasts now."


def test_a_delete_leaves_no_bytes_of_a_newer_upload(filled: Wire, tmp_path: Path) -> None:
    item = filled.get(ITEMS, key="signals/fog.md").json()["result"][0]
    before = len(list((tmp_path / "files").rglob("*")))

    async def run() -> None:
        instance = await filled.services.instances.get("acc", "default", "handbook")
        new = Upload("signals/fog.md", b"Three blasts now.")
        await asyncio.gather(filled.indexing.upload(instance, new), filled.indexing.delete(instance, item["id"]))
        await filled.indexing.drain()

    filled.run(run())
    assert error_of(filled.get(f"{ITEMS}/{item['id']}"))[1] == 7041
    assert len(list((tmp_path / "files").rglob("*"))) == before - 1


@pytest.mark.parametrize("wait", ["true", "false"])
def test_an_instance_that_is_deleted_while_a_file_comes_in(wire: Wire, tmp_path: Path, wait: str) -> None:
    wire.make()

    async def body() -> AsyncIterator[bytes]:
        yield b'--b\r\nContent-Disposition: form-data; name="wait_for_completion"\r\n\r\n' + wait.encode()
        await wire.client.delete(f"{NEW}/handbook")
        yield b'\r\n--b\r\nContent-Disposition: form-data; name="file"; filename="a.md"\r\n\r\ntext\r\n--b--\r\n'

    answer = wire.ask("POST", ITEMS, content=body(), headers=FORM)
    assert error_of(answer) == (404, 7002, "ai_search_not_found")
    assert list((tmp_path / "files").iterdir()) == []


def test_delete_while_it_is_indexed(wire: Wire) -> None:
    wire.make(score_threshold=0)
    item = wire.upload("long.md", "\n\n".join(f"lamp {n} " + "word " * 200 for n in range(50)), wait="false").json()
    path = f"{ITEMS}/{item['result']['id']}"
    answers = together(wire, *[("DELETE", path, {})] * 3)
    assert {answer.status_code for answer in answers} <= {200, 404}
    wire.run(wire.indexing.drain())
    assert keys_of(wire.post(f"{NEW}/handbook/search", {"query": "lamp"})) == []
    assert wire.get(ITEMS).json()["result_info"]["total_count"] == 0


def test_two_requests_that_change_an_instance_both_count(wire: Wire) -> None:
    """Each reads the settings, merges its own and writes them: neither overwrites what the other set."""
    wire.make(max_num_results=5)
    wanted: list[dict[str, Any]] = [
        {"max_num_results": 9},
        {"score_threshold": 0.11},
        {"paused": True},
        {"cache": False},
        {"rewrite_query": True},
        {"reranking": True},
    ]

    async def work() -> list[int]:
        asked = (wire.client.put(f"{NEW}/handbook", json=one) for one in wanted)
        return [answer.status_code for answer in await asyncio.gather(*asked)]

    assert wire.run(work()) == [200] * len(wanted)
    one = wire.get(f"{NEW}/handbook").json()["result"]
    assert {name: one[name] for each in wanted for name in each} == {k: v for each in wanted for k, v in each.items()}
