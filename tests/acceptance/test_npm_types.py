"""Answers against the types of the official TypeScript SDK: null only where they allow it, and no key missing."""

import json
import re
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.acceptance.server_process import ServerProcess
from tests.clients.node import MODULES, Node

pytestmark = [pytest.mark.server, pytest.mark.node]

TYPES = MODULES / "cloudflare" / "resources" / "aisearch"
FILES = ("namespaces/instances/instances", "namespaces/instances/items", "namespaces/instances/jobs",
         "namespaces/namespaces", "tokens")  # fmt: skip
FIELD = re.compile(r"^    (\w+)(\??): (.+)$", re.MULTILINE)
Fields = Mapping[str, tuple[bool, bool]]
"""Field -> whether it may be absent, and whether it may be null."""


@pytest.fixture(scope="module")
def types(node: Node) -> Mapping[str, Fields]:
    """Every interface of an answer, by its name; the first level alone."""
    found = {}
    for file in FILES:
        text = Path(TYPES / f"{file}.d.ts").read_text(encoding="utf-8")
        for name, body in re.findall(r"^export interface (\w+Response) \{\n(.*?)^\}", text, re.MULTILINE | re.DOTALL):
            found[name] = {
                field: (bool(optional), kind.rstrip(";").endswith("| null"))
                for field, optional, kind in FIELD.findall(body)
            }
    assert len(found) > 20 and found["InstanceReadResponse"]["token_id"] == (True, False)
    return found


def faults(shown: Mapping[str, Any], fields: Fields) -> list[str]:
    """The fields that are null or missing though the type forbids it."""
    null = [name for name, (_, may) in fields.items() if name in shown and shown[name] is None and not may]
    return null + [f"no {name}" for name, (optional, _) in fields.items() if not optional and name not in shown]


def all_faults(types: Mapping[str, Fields], shown: Mapping[str, Mapping[str, Any]]) -> dict[str, list[str]]:
    """The faults of each answer that has any, by the name of its type."""
    found = {kind: faults(one, types[kind]) for kind, one in shown.items()}
    return {kind: lines for kind, lines in found.items() if lines}


@pytest.fixture(scope="module")
def api(server: ServerProcess, token: str) -> Iterator[httpx.Client]:
    base = f"{server.url}/client/v4/accounts/{uuid.uuid4().hex}/ai-search"
    with httpx.Client(base_url=base, headers={"Authorization": f"Bearer {token}"}, timeout=60) as client:
        yield client


def result(answer: httpx.Response) -> Any:
    """What an answer holds."""
    assert answer.is_success, answer.text
    return answer.json()["result"]


FULL = {
    "metadata": {"worker_domain": "a.example"}, "public_endpoint_params": {"enabled": True},
    "custom_metadata": [{"field_name": "season", "data_type": "text"}], "reranking": True, "rewrite_query": True,
}  # fmt: skip


@pytest.mark.parametrize("settings", [{}, FULL], ids=["plain", "full"])
def test_instances(types: Mapping[str, Fields], api: httpx.Client, settings: dict[str, Any]) -> None:
    name = f"one-{uuid.uuid4().hex[:6]}"
    path = f"/namespaces/default/instances/{name}"
    shown = {
        "InstanceCreateResponse": result(api.post("/namespaces/default/instances", json={"id": name, **settings})),
        "InstanceReadResponse": result(api.get(path)),
        "InstanceUpdateResponse": result(api.put(path, json={"max_num_results": 3})),
        "InstanceListResponse": result(api.get("/namespaces/default/instances"))[0],
        "InstanceStatsResponse": result(api.get(f"{path}/stats")),
        "InstanceDeleteResponse": result(api.delete(path)),
    }
    assert all_faults(types, shown) == {}


def test_items_and_jobs(types: Mapping[str, Fields], api: httpx.Client) -> None:
    api.post("/namespaces/default/instances", json={"id": "kept"})
    base = "/namespaces/default/instances/kept"
    form = {"metadata": json.dumps({"colour": "red"}), "wait_for_completion": "true"}
    made = result(api.post(f"{base}/items", files={"file": ("a.md", b"Words.")}, data=form))
    assert [one["code"] for one in made["warnings"]] == ["custom_metadata_field_not_filterable"]
    job = result(api.post(f"{base}/jobs", json={}))
    shown = {
        "ItemUploadResponse": made,
        "ItemGetResponse": result(api.get(f"{base}/items/{made['id']}")),
        "ItemListResponse": result(api.get(f"{base}/items"))[0],
        "ItemSyncResponse": result(api.patch(f"{base}/items/{made['id']}", json={"next_action": "INDEX"})),
        "JobCreateResponse": job,
        "JobGetResponse": result(api.get(f"{base}/jobs/{job['id']}")),
        "JobListResponse": result(api.get(f"{base}/jobs"))[0],
    }
    assert all_faults(types, shown) == {}


def test_namespaces_and_tokens(types: Mapping[str, Fields], api: httpx.Client) -> None:
    sent = {"name": "one", "cf_api_id": "id", "cf_api_key": "key"}
    token = result(api.post("/tokens", json=sent))
    shown = {
        "NamespaceCreateResponse": result(api.post("/namespaces", json={"name": "shore"})),
        "NamespaceReadResponse": result(api.get("/namespaces/shore")),
        "NamespaceUpdateResponse": result(api.put("/namespaces/shore", json={"description": "Ashore"})),
        "NamespaceListResponse": result(api.get("/namespaces"))[0],
        "TokenCreateResponse": token,
        "TokenReadResponse": result(api.get(f"/tokens/{token['id']}")),
        "TokenUpdateResponse": result(api.put(f"/tokens/{token['id']}", json=sent)),
        "TokenListResponse": result(api.get("/tokens"))[0],
    }
    assert all_faults(types, shown) == {}
