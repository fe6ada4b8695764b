"""``wrangler ai-search``, command by command, with only the base URL of its API changed."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.acceptance.server_process import ServerProcess
from tests.clients.node import Node, run

pytestmark = [pytest.mark.server, pytest.mark.node]

ACCOUNT = "00112233445566778899aabbccddeeff"
PAGES = {
    "winter/oil.md": "# Lamp oil\n\nWhen lamp oil freezes, warm the reservoir to 12 °C before lighting.",
    "winter/wicks.md": "# Wicks\n\nOil climbs a wick that is trimmed square; a frozen lamp needs a new one.",
    "signals/fog.md": "# Fog signal\n\nTwo blasts every ninety seconds. Wind the clockwork every four hours.",
}
QUESTION = "what must I do when the oil in the lamp is frozen?"

Wrangler = Callable[..., Any]


def wrangler_of(node: Node, server: ServerProcess, token: str, account: str, home: Path) -> Wrangler:
    """What ``wrangler ai-search …`` prints: the JSON, unless ``as_json`` is false, or the text of an error."""

    def call(*words: str, token: str = token, as_json: bool = True, fails: bool = False) -> Any:
        flags = ("--json",) if as_json else ()
        done = run(
            node.command("wrangler", "ai-search", *words, *flags), cwd=home,
            environment={
                "CLOUDFLARE_API_BASE_URL": f"{server.url}/client/v4", "CLOUDFLARE_API_TOKEN": token,
                "CLOUDFLARE_ACCOUNT_ID": account, "WRANGLER_SEND_METRICS": "false", "CI": "1", "NO_COLOR": "1",
                "HOME": str(home),
            },
        )  # fmt: skip
        assert bool(done.returncode) == fails, done.stdout + done.stderr
        return json.loads(done.stdout) if as_json and not fails else done.stdout + done.stderr

    return call


@pytest.fixture(scope="module")
def wrangler(node: Node, server: ServerProcess, token: str, tmp_path_factory: pytest.TempPathFactory) -> Wrangler:
    return wrangler_of(node, server, token, ACCOUNT, tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def handbook(wrangler: Wrangler, server: ServerProcess, token: str) -> str:
    """An instance that wrangler made, with three pages that wrangler has no command to upload."""
    made = wrangler(
        "create", "handbook", "--type", "builtin", "--chunk-size", "128", "--chunk-overlap", "10",
        "--max-num-results", "7", "--score-threshold", "0.1", "--hybrid-search", "--no-cache",
        "--reranking-model", "@cf/baai/bge-reranker-base", "--generation-model", "@cf/qwen/qwen3-30b-a3b-fp8",
        "--custom-metadata", "season:text", "--custom-metadata", "pages:number",
    )  # fmt: skip
    assert made["id"] == "handbook"
    assert made["namespace"] == "default"
    wanted = {"chunk_size": 128, "chunk_overlap": 10, "max_num_results": 7, "score_threshold": 0.1, "cache": False}
    assert {name: made[name] for name in wanted} == wanted
    assert {one["field_name"]: one["data_type"] for one in made["custom_metadata"]} == {
        "season": "text", "pages": "number",
    }  # fmt: skip
    base = f"{server.url}/client/v4/accounts/{ACCOUNT}/ai-search/instances/handbook/items"
    for key, text in PAGES.items():
        form = {"wait_for_completion": "true", "metadata": json.dumps({"season": key.partition("/")[0]})}
        sent = httpx.post(
            base, files={"file": (key, text)}, data=form, headers={"Authorization": f"Bearer {token}"}, timeout=60
        )
        assert sent.json()["result"]["status"] == "completed", sent.text
    return "handbook"


def test_search_with_and_without_reranking(wrangler: Wrangler, handbook: str) -> None:
    on = wrangler("search", handbook, "--query", QUESTION, "--reranking", "--score-threshold", "0")
    off = wrangler("search", handbook, "--query", QUESTION, "--no-reranking", "--score-threshold", "0")
    assert on["search_query"] == QUESTION
    assert on["chunks"][0]["item"]["key"] == "winter/oil.md"
    assert all(chunk["scoring_details"]["reranking_score"] >= 0.4 for chunk in on["chunks"])
    assert all("reranking_score" not in chunk["scoring_details"] for chunk in off["chunks"])
    assert on["reranking"]["asked_model"] == "@cf/baai/bge-reranker-base"


def test_search_filtered_and_cut(wrangler: Wrangler, handbook: str) -> None:
    flags = ("--score-threshold", "0", "--no-reranking")
    found = wrangler("search", handbook, "--query", QUESTION, "--filter", "season=signals", *flags)
    assert {chunk["item"]["key"] for chunk in found["chunks"]} == {"signals/fog.md"}
    found = wrangler("search", handbook, "--query", QUESTION, "--max-num-results", "1", *flags)
    assert len(found["chunks"]) == 1


def test_search_for_a_person(wrangler: Wrangler, handbook: str) -> None:
    told = wrangler("search", handbook, "--query", QUESTION, "--reranking", as_json=False)
    assert f'Search query: "{QUESTION}"' in told
    assert "winter/oil.md" in told


def test_get_and_stats(wrangler: Wrangler, handbook: str) -> None:
    assert wrangler("get", handbook)["chunk_size"] == 128
    assert "handbook" in wrangler("get", handbook, as_json=False)
    assert wrangler("stats", handbook)["completed"] == len(PAGES)
    assert "Indexed" in wrangler("stats", handbook, as_json=False)


def test_list(wrangler: Wrangler, handbook: str) -> None:
    assert "handbook" in [one["id"] for one in wrangler("list", "--per-page", "50")]
    assert "handbook" in wrangler("list", as_json=False)
    assert wrangler("list", "--page", "9") == []


def test_update(wrangler: Wrangler) -> None:
    made = wrangler("create", "changing", "--type", "builtin", "--reranking")
    assert made["reranking"] is True
    changed = wrangler(
        "update", "changing", "--no-reranking", "--reranking-model", "@cf/baai/bge-reranker-base",
        "--max-num-results", "3", "--score-threshold", "0.2", "--chunk-size", "200", "--chunk-overlap", "5",
        "--no-cache", "--paused", "--generation-model", "@cf/meta/llama-3.3-70b-instruct-fp8-fast",
    )  # fmt: skip
    wanted = {
        "reranking": False, "max_num_results": 3, "score_threshold": 0.2, "chunk_size": 200, "chunk_overlap": 5,
        "cache": False, "paused": True, "ai_search_model": "@cf/meta/llama-3.3-70b-instruct-fp8-fast",
        "reranking_model": "@cf/baai/bge-reranker-base",
    }  # fmt: skip
    assert {name: changed[name] for name in wanted} == wanted
    assert "Successfully deleted" in wrangler("delete", "changing", "-y", as_json=False)
    assert "ai_search_not_found" in wrangler("get", "changing", fails=True)


def test_a_website(wrangler: Wrangler) -> None:
    made = wrangler(
        "create", "site", "--type", "web-crawler", "--source", "https://harbour.example", "--parse-type", "discover",
        "--include-items", "**/notices/**", "--exclude-items", "**/drafts/**",
    )  # fmt: skip
    assert (made["type"], made["source"]) == ("web-crawler", "https://harbour.example")
    assert made["source_params"]["include_items"] == ["**/notices/**"]
    assert made["source_params"]["web_crawler"]["parse_type"] == "discover"


def test_namespaces(wrangler: Wrangler) -> None:
    assert wrangler("namespace", "create", "harbour", "--description", "Ashore")["name"] == "harbour"
    assert wrangler("namespace", "update", "harbour", "--description", "Afloat")["description"] == "Afloat"
    assert wrangler("namespace", "get", "harbour")["description"] == "Afloat"
    assert [one["name"] for one in wrangler("namespace", "list", "--search", "float")] == ["harbour"]
    assert wrangler("create", "inside", "--type", "builtin", "-n", "harbour")["namespace"] == "harbour"
    assert [one["id"] for one in wrangler("list", "-n", "harbour")] == ["inside"]
    assert "namespace_not_empty" in wrangler("namespace", "delete", "harbour", "-y", as_json=False, fails=True)
    wrangler("delete", "inside", "-n", "harbour", "-y", as_json=False)
    assert "harbour" in wrangler("namespace", "delete", "harbour", "-y", as_json=False)
    assert "namespace_not_found" in wrangler("namespace", "get", "harbour", fails=True)


def test_errors_are_told(wrangler: Wrangler) -> None:
    for words, detail in (
        (("get", "nobody"), "there is no instance 'nobody'"),
        (("create", "odd", "--type", "builtin", "--reranking-model", "none"), "unknown reranking model 'none'"),
        (("namespace", "get", "nowhere"), "there is no namespace 'nowhere'"),
    ):
        assert detail in wrangler(*words, as_json=False, fails=True)
    assert "ai_search_not_found" in wrangler("search", "nobody", "--query", "x", fails=True)
    assert "invalid_model" in wrangler("create", "odd", "--type", "builtin", "--reranking-model", "none", fails=True)
    assert "Authentication" in wrangler("get", "any", token="sl_wrong", fails=True)
