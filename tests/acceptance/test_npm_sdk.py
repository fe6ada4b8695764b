"""The official TypeScript SDK against a live server, with only its base URL changed."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.acceptance.server_process import ServerProcess
from tests.clients.node import Node

pytestmark = [pytest.mark.server, pytest.mark.node]

ACCOUNT = "fedcba9876543210fedcba9876543210"
INSTANCES = "aiSearch.namespaces.instances"
HERE = {"account_id": ACCOUNT, "name": "default"}
QUESTION = "what must I do when the oil in the lamp is frozen?"
PAGES = {  # this SDK takes folders off the names of files
    "oil.md": "# Lamp oil\n\nWhen lamp oil freezes, warm the reservoir to 12 °C before lighting.",
    "fog.md": "# Fog signal\n\nTwo blasts every ninety seconds. Wind the clockwork every four hours.",
}

Sdk = Callable[..., Any]


@contextmanager
def client(node: Node, server: ServerProcess, token: str) -> Iterator[Sdk]:
    """Makes calls, one after the other."""
    where = {"CLOUDFLARE_API_TOKEN": token, "CLOUDFLARE_BASE_URL": f"{server.url}/client/v4"}
    with node.talk("sdk.mjs", **where) as ask:
        yield lambda path, *given, how="": ask({"path": path, "given": given, "how": how})


@pytest.fixture(scope="module")
def sdk(node: Node, server: ServerProcess, token: str) -> Iterator[Sdk]:
    with client(node, server, token) as made:
        yield made


@pytest.fixture(scope="module")
def filled(sdk: Sdk) -> str:
    """An instance with two pages, and the id of the first."""
    made = sdk(f"{INSTANCES}.create", "default", {
        "account_id": ACCOUNT, "id": "handbook", "score_threshold": 0.1,
        "index_method": {"vector": True, "keyword": True},
        "retrieval_options": {"keyword_match_mode": "or"},
    })  # fmt: skip
    assert made["id"] == "handbook"
    ids = []
    for file in PAGES.items():
        form = {"file": {"$file": file}, "metadata": json.dumps({"season": "any"}), "wait_for_completion": True}
        item = sdk(f"{INSTANCES}.items.upload", "handbook", {**HERE, "file": form})
        assert (item["key"], item["status"]) == (file[0], "completed")
        ids.append(item["id"])
    return str(ids[0])


@pytest.mark.parametrize("family", [INSTANCES, "aiSearch.instances"])
def test_search(sdk: Sdk, filled: str, family: str) -> None:
    place = HERE if family == INSTANCES else {"account_id": ACCOUNT}
    asked = {"query": QUESTION, "ai_search_options": {"reranking": {"enabled": True, "match_threshold": 0}}}
    found = sdk(f"{family}.search", "handbook", {**place, **asked})
    assert found["query_kind"] == "text"
    assert found["chunks"][0]["item"]["key"] == "oil.md"
    assert found["chunks"][0]["scoring_details"]["reranking_score"] > 0


def test_chat_whole_and_streamed(sdk: Sdk, filled: str) -> None:
    asked = {**HERE, "messages": [{"role": "user", "content": QUESTION}]}
    answer = sdk(f"{INSTANCES}.chatCompletions", "handbook", asked)
    assert "warm the reservoir to 12 °C" in answer["choices"][0]["message"]["content"]
    assert answer["chunks"][0]["item"]["key"] == "oil.md"
    stream = sdk(f"{INSTANCES}.chatCompletions", "handbook", {**asked, "stream": True}, how="stream")["text"]
    assert stream.startswith("event: chunks\ndata: [")
    assert stream.endswith("data: [DONE]\n\n")


def test_items(sdk: Sdk, filled: str) -> None:
    one = {**HERE, "id": "handbook"}
    assert sdk(f"{INSTANCES}.items.get", filled, one)["metadata"]["season"] == "any"
    assert sdk(f"{INSTANCES}.items.download", filled, one)["text"] == PAGES["oil.md"]
    assert sdk(f"{INSTANCES}.items.chunks", filled, one)[0]["item"]["key"] == "oil.md"
    listed = sdk(f"{INSTANCES}.items.list", "handbook", {**HERE, "per_page": 1}, how="pages")
    assert {item["key"] for item in listed} == set(PAGES)
    again = {"next_action": "INDEX", "wait_for_completion": True}
    assert sdk(f"{INSTANCES}.items.sync", filled, {**one, **again})["status"] == "completed"
    by_key = sdk(f"{INSTANCES}.items.createOrUpdate", "handbook", {**HERE, "key": "fog.md", **again})
    assert by_key["status"] == "completed"
    assert sdk(f"{INSTANCES}.stats", "handbook", HERE)["completed"] == 2


def test_create_read_update_list_delete(sdk: Sdk) -> None:
    for name in ("short-lived", "second"):
        sdk(f"{INSTANCES}.create", "default", {"account_id": ACCOUNT, "id": name})
    assert sdk(f"{INSTANCES}.update", "short-lived", {**HERE, "reranking": True})["reranking"] is True
    assert sdk(f"{INSTANCES}.read", "short-lived", HERE)["reranking"] is True
    listed = sdk(f"{INSTANCES}.list", "default", {"account_id": ACCOUNT, "per_page": 1}, how="pages")
    assert {"short-lived", "second"} <= {one["id"] for one in listed}
    sdk(f"{INSTANCES}.delete", "second", HERE)
    assert sdk("aiSearch.instances.delete", "short-lived", {"account_id": ACCOUNT})["id"] == "short-lived"
    gone = sdk(f"{INSTANCES}.read", "short-lived", HERE)["error"]
    assert (gone["name"], gone["status"]) == ("NotFoundError", 404)
    assert gone["errors"][0]["message"] == "ai_search_not_found"


def test_namespaces(sdk: Sdk) -> None:
    where = {"account_id": ACCOUNT}
    assert sdk("aiSearch.namespaces.create", {**where, "name": "harbour", "description": "Ashore"})["name"] == "harbour"
    assert sdk("aiSearch.namespaces.update", "harbour", {**where, "description": "Afloat"})["description"] == "Afloat"
    assert sdk("aiSearch.namespaces.read", "harbour", where)["description"] == "Afloat"
    assert [one["name"] for one in sdk("aiSearch.namespaces.list", where, how="pages")] == ["harbour"]
    sdk("aiSearch.namespaces.delete", "harbour", where)
    assert sdk("aiSearch.namespaces.read", "harbour", where)["error"]["errors"][0]["code"] == 7063


def test_tokens_are_listed(sdk: Sdk) -> None:
    assert sdk("aiSearch.tokens.list", {"account_id": ACCOUNT}, how="pages")


def test_a_wrong_token(node: Node, server: ServerProcess) -> None:
    with client(node, server, "sl_wrong") as stranger:
        refused = stranger(f"{INSTANCES}.read", "handbook", HERE)["error"]
    assert (refused["name"], refused["errors"][0]["code"]) == ("AuthenticationError", 10000)
