"""Jobs, item logs, service tokens and several instances, through each client that has them."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any
from unittest.mock import ANY

import httpx
import pytest

from secondlook import AiSearchError, connect
from tests.acceptance.server_process import ServerProcess
from tests.acceptance.test_npm_sdk import INSTANCES, Sdk
from tests.acceptance.test_npm_sdk import client as sdk_client
from tests.acceptance.test_wrangler import wrangler_of
from tests.clients.node import Node
from tests.clients.workerd import BOUND, Worker, serve_worker

pytestmark = [pytest.mark.server, pytest.mark.node]

ACCOUNT = "facade00facade00facade00facade00"
HERE = {"account_id": ACCOUNT, "name": "default"}
QUESTION = "what must I do when the oil in the lamp is frozen?"
PAGES = {
    "one": ("winter/oil.md", "When lamp oil freezes, warm the reservoir to 12 °C before lighting."),
    "two": ("winter/wicks.md", "Oil climbs a wick that is trimmed square; a frozen lamp needs a new one."),
}
ENDED = "job_cannot_be_cancelled"


@pytest.fixture(scope="module")
def items(server: ServerProcess, token: str) -> dict[str, str]:
    """Two instances with one page each, and an empty one; the ids of the pages."""
    base = f"{server.url}/client/v4/accounts/{ACCOUNT}/ai-search"
    ids = {}
    with httpx.Client(base_url=base, headers={"Authorization": f"Bearer {token}"}, timeout=60) as client:
        site = {"id": "site"}
        assert client.post("/instances", json=site).status_code == 200
        for name, file in PAGES.items():
            assert client.post("/instances", json={"id": name, "score_threshold": 0.1}).status_code == 200
            form = {"wait_for_completion": "true"}
            sent = client.post(f"/instances/{name}/items", files={"file": file}, data=form).json()["result"]
            assert sent["status"] == "completed"
            ids[name] = sent["id"]
    return ids


@pytest.fixture(scope="module")
def sdk(node: Node, server: ServerProcess, token: str, items: dict[str, str]) -> Iterator[Sdk]:
    with sdk_client(node, server, token) as made:
        yield made


@pytest.fixture(scope="module")
def worker(
    node: Node, server: ServerProcess, token: str, items: object, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Worker]:
    folder = tmp_path_factory.mktemp("worker")
    with serve_worker(
        folder, config=BOUND, worker="probe.mjs", url=server.url, token=token, account=ACCOUNT
    ) as running:
        yield running


def test_jobs_of_the_sdk(sdk: Sdk) -> None:
    made = sdk(f"{INSTANCES}.jobs.create", "site", {**HERE, "description": "after deploy"})
    assert (made["source"], made["description"]) == ("user", "after deploy")
    again = sdk(f"{INSTANCES}.jobs.create", "site", HERE)["error"]
    assert (again["status"], again["errors"][0]["message"]) == (429, "sync_in_cooldown")
    one = {**HERE, "id": "site"}
    assert sdk(f"{INSTANCES}.jobs.get", made["id"], one)["id"] == made["id"]
    assert made["id"] in [job["id"] for job in sdk(f"{INSTANCES}.jobs.list", "site", HERE, how="pages")]
    assert isinstance(sdk(f"{INSTANCES}.jobs.logs", made["id"], one), list)
    ended = sdk(f"{INSTANCES}.jobs.update", made["id"], {**one, "action": "cancel"})
    assert ended.get("id") == made["id"] or ended["error"]["errors"][0]["message"] == ENDED
    assert sdk(f"{INSTANCES}.jobs.get", "nothing", one)["error"]["errors"][0]["message"] == "job_not_found"


def test_jobs_of_wrangler(
    node: Node, server: ServerProcess, token: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    wrangler = wrangler_of(node, server, token, ACCOUNT, tmp_path_factory.mktemp("home"))
    wrangler("create", "pages", "--type", "builtin")
    made = wrangler("jobs", "create", "pages", "--description", "after deploy")
    assert (made["source"], made["description"]) == ("user", "after deploy")
    assert wrangler("jobs", "get", "pages", made["id"])["id"] == made["id"]
    assert [job["id"] for job in wrangler("jobs", "list", "pages")] == [made["id"]]
    assert isinstance(wrangler("jobs", "logs", "pages", made["id"]), list)
    assert made["id"] in wrangler("jobs", "list", "pages", as_json=False)
    assert "job_not_found" in wrangler("jobs", "cancel", "pages", "nothing", "-y", as_json=False, fails=True)


def test_jobs_of_a_worker(worker: Worker) -> None:
    worker.call("AI_SEARCH", ["create", {"id": "by-worker"}])
    jobs = (["get", "by-worker"], "jobs")
    made = worker.call("AI_SEARCH", *jobs, ["create", {"description": "after deploy"}])["value"]
    assert (made["source"], made["description"]) == ("user", "after deploy")
    listed = worker.call("AI_SEARCH", *jobs, ["list", {"per_page": 5}])["value"]
    assert ([job["id"] for job in listed["result"]], listed["result_info"]["per_page"]) == ([made["id"]], 5)
    one = (*jobs, ["get", made["id"]])
    assert worker.call("AI_SEARCH", *one, ["info"])["value"]["id"] == made["id"]
    assert worker.call("AI_SEARCH", *one, ["logs", {"page": 1}])["value"]["result_info"]["page"] == 1
    ended = worker.call("AI_SEARCH", *one, ["cancel"])
    assert ended.get("error", {}).get("message") == ENDED or ended["value"]["id"] == made["id"]


def test_jobs_of_python(server: ServerProcess, token: str) -> None:

    async def use() -> None:
        async with connect(server.url, token, account=ACCOUNT) as env:
            site = await env.AI_SEARCH.create({"id": "by-python"})
            made = await site.jobs.create()
            assert [job["id"] for job in (await site.jobs.list({"page": 1}))["result"]] == [made["id"]]
            assert (await site.jobs.get(made["id"]).info())["source"] == "user"
            assert (await site.jobs.get(made["id"]).logs())["result_info"]["page"] == 1
            try:
                assert (await site.jobs.get(made["id"]).cancel())["id"] == made["id"]
            except AiSearchError as error:
                assert error.message == ENDED

    asyncio.run(use())


def test_item_logs(sdk: Sdk, worker: Worker, items: dict[str, str], server: ServerProcess, token: str) -> None:
    lines = sdk(f"{INSTANCES}.items.logs", items["one"], {**HERE, "id": "one"})
    assert {"timestamp", "action", "message"} <= set(lines[0])
    page = worker.call("AI_SEARCH", ["get", "one"], "items", ["get", items["one"]], ["logs", {"limit": 1}])["value"]
    assert (page["result_info"]["count"], page["result"][0]) == (1, lines[0])

    async def read() -> Any:
        async with connect(server.url, token, account=ACCOUNT) as env:
            logs = env.AI_SEARCH.get("one").items.get(items["one"]).logs
            seen, cursor = [], None
            while True:
                found = await logs({"limit": 1, "cursor": cursor} if cursor else {"limit": 1})
                seen += found["result"]
                if not found["result_info"]["truncated"]:
                    return seen
                cursor = found["result_info"]["cursor"]

    assert asyncio.run(read()) == lines


def test_several_instances(sdk: Sdk, worker: Worker, server: ServerProcess, token: str) -> None:
    asked = {"query": QUESTION, "ai_search_options": {"instance_ids": ["one", "two", "nobody"]}}
    found = sdk("aiSearch.namespaces.search", "default", {"account_id": ACCOUNT, **asked})
    assert {chunk["instance_id"] for chunk in found["chunks"]} <= {"one", "two"}
    assert [one["instance_id"] for one in found["errors"]] == ["nobody"]
    through = worker.call("AI_SEARCH", ["search", asked])["value"]
    assert [chunk["id"] for chunk in through["chunks"]] == [chunk["id"] for chunk in found["chunks"]]
    chat = {"messages": [{"role": "user", "content": QUESTION}], "ai_search_options": {"instance_ids": ["one", "two"]}}
    answer = sdk("aiSearch.namespaces.chatCompletions", "default", {"account_id": ACCOUNT, **chat})
    assert answer["choices"][0]["message"]["content"]
    assert worker.call("AI_SEARCH", ["chatCompletions", chat])["value"]["chunks"][0]["instance_id"]
    assert worker.call("AI_SEARCH", ["chatCompletions", {**chat, "stream": True}])["text"].endswith("data: [DONE]\n\n")

    async def search() -> Any:
        async with connect(server.url, token, account=ACCOUNT) as env:
            stream = await env.AI_SEARCH.chatCompletions({**chat, "stream": True})  # type: ignore[call-overload]
            assert await anext(stream.events()) == ("chunks", ANY)
            await stream.aclose()
            return await env.AI_SEARCH.search(asked)  # type: ignore[arg-type]  # a plain dictionary

    assert [chunk["id"] for chunk in asyncio.run(search())["chunks"]] == [chunk["id"] for chunk in found["chunks"]]


def test_service_tokens(sdk: Sdk) -> None:
    where = {"account_id": ACCOUNT}
    given = {"cf_api_id": "key", "cf_api_key": "secret", "name": "bucket"}
    made = sdk("aiSearch.tokens.create", {**where, **given})
    assert made["name"] == "bucket"
    assert "secret" not in json.dumps(made)
    assert sdk("aiSearch.tokens.update", made["id"], {**where, **given, "name": "renamed"})["name"] == "renamed"
    assert sdk("aiSearch.tokens.read", made["id"], where)["name"] == "renamed"
    assert made["id"] in [one["id"] for one in sdk("aiSearch.tokens.list", where, how="pages")]
    sdk("aiSearch.tokens.delete", made["id"], where)
    assert sdk("aiSearch.tokens.read", made["id"], where)["error"]["errors"][0]["message"] == "token_not_found"
