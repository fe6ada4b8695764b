"""While an instance is deleted, its requests answer that there is none: no failure, and no traceback."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from secondlook.domain.instance import DEFAULT_NAMESPACE
from secondlook.models.fakes import FakeReranker
from tests.wire.conftest import BGE, LEGACY, NEW, Wire

pytestmark = pytest.mark.attack

ROUNDS = 4
OIL = {"query": "oil"}
TURNS = {"messages": [{"role": "user", "content": "oil"}]}
JOINT = "/client/v4/accounts/acc/ai-search/namespaces/default/search"


@pytest.fixture
def wire(tmp_path: Path) -> Iterator[Wire]:
    found = Wire(tmp_path)
    yield found
    found.close()


class Deleter(FakeReranker):
    """Deletes the instance in the middle of its search, as somebody else may."""

    wire: Wire

    async def score(self, query: str, passages: Any, **more: Any) -> Any:
        instance = await self.wire.services.instances.get("acc", DEFAULT_NAMESPACE, "handbook")
        await self.wire.services.instances.delete(instance)
        return await super().score(query, passages, **more)


RERANKED = {"retrieval": {"context_expansion": 1}, "reranking": {"enabled": True, "model": BGE}}
ASKS: dict[str, Callable[[str], tuple[str, dict[str, Any]]]] = {
    "a search": lambda _: (f"{NEW}/handbook/search", OIL),
    "a chat": lambda _: (f"{NEW}/handbook/chat/completions", TURNS),
    "an OpenAI chat": lambda _: ("/v1/chat/completions", {"model": "acc/default/handbook", **TURNS}),
    "a joint search": lambda _: (JOINT, OIL),
    "a public search": lambda label: (f"/public/{label}/search", OIL),
    "a legacy search": lambda _: (f"{LEGACY}/handbook/search", OIL),
}


@pytest.mark.parametrize("way", ASKS)
def test_an_instance_that_is_deleted_in_the_middle(wire: Wire, way: str, caplog: pytest.LogCaptureFixture) -> None:
    wire.fill(public_endpoint_params={"enabled": True}, reranking=True, reranking_model=BGE)
    deleter = Deleter("deleter@1")
    deleter.wire = wire
    wire.rerankers[BGE] = deleter
    path, body = ASKS[way](wire.get(f"{NEW}/handbook").json()["result"]["public_endpoint_id"])
    options = {**RERANKED, **({"instance_ids": ["handbook"]} if way == "a joint search" else {})}
    answer = wire.post(path, {**body, "ai_search_options": options})
    if way == "a legacy search":  # which expands nothing: all was read before
        assert answer.status_code == 200
    else:
        assert answer.status_code == 404, answer.text
    assert not [one for one in caplog.records if one.levelno >= logging.WARNING]


async def ask_often(client: httpx.AsyncClient, method: str, path: str, more: dict[str, Any]) -> list[str]:
    """What answers say of failures of the server, until one says that the instance is gone."""
    failed = []
    for _ in range(8):
        answer = await client.request(method, path, **more)
        if answer.status_code >= 500:
            failed.append(f"{method} {path}: {answer.status_code} {answer.text[:300]}")
        if answer.status_code == 404:
            break
    return failed


async def race(wire: Wire, number: int) -> list[str]:
    """Every way to use an instance, and its deletion meanwhile."""
    client, base = wire.client, f"{NEW}/race{number}"
    await client.post(NEW, json={"id": f"race{number}", "public_endpoint_params": {"enabled": True}})
    form = {"files": {"file": ("a.md", b"lamp oil")}, "data": {"wait_for_completion": "true"}}
    item = (await client.post(f"{base}/items", **form)).json()["result"]["id"]
    label = (await client.get(base)).json()["result"]["public_endpoint_id"]
    ways: list[tuple[str, str, dict[str, Any]]] = [
        ("POST", f"{base}/search", {"json": OIL}),
        ("POST", f"{base}/chat/completions", {"json": TURNS}),
        ("POST", f"{base}/why", {"json": {**OIL, "item_key": "a.md"}}),
        ("POST", f"{LEGACY}/race{number}/search", {"json": OIL}),
        ("POST", f"/public/{label}/search", {"json": OIL}),
        ("POST", JOINT, {"json": {**OIL, "ai_search_options": {"instance_ids": [f"race{number}"]}}}),
        ("POST", "/v1/chat/completions", {"json": {"model": f"acc/default/race{number}", **TURNS}}),
        ("GET", f"{base}/items/{item}/chunks", {}),
        ("GET", f"{base}/items/{item}/download", {}),
        ("GET", f"{base}/items", {}),
        ("GET", f"{base}/stats", {}),
        ("POST", f"{base}/items", {"files": {"file": ("b.md", b"fog horn")}}),
        ("PATCH", f"{base}/items/{item}", {"json": {}}),
        ("PUT", base, {"json": {"index_method": {"vector": number % 2 == 0, "keyword": True}}}),
        ("POST", f"{base}/jobs", {"json": {}}),
        ("POST", f"{base}/purge_cache", {}),
    ]

    async def delete() -> list[str]:
        for _ in range(number):
            await client.get(base)
        answer = await client.delete(base)
        return [] if answer.status_code == 200 else [answer.text]

    found = await asyncio.gather(delete(), *(ask_often(client, *one) for one in ways))
    return [line for lines in found for line in lines]


def test_every_request_while_an_instance_is_deleted(wire: Wire, caplog: pytest.LogCaptureFixture) -> None:
    failed = [line for number in range(ROUNDS) for line in wire.run(race(wire, number))]
    assert not failed
    assert not [one.getMessage() for one in caplog.records if one.levelno >= logging.ERROR or one.exc_info]
