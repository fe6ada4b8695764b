"""The official Python SDK against a live server, with only its base URL changed."""

import json
import uuid
from typing import Any

import cloudflare
import pytest
from cloudflare import Cloudflare

from tests.acceptance.server_process import ServerProcess

pytestmark = pytest.mark.server

ACCOUNT = "0123456789abcdef0123456789abcdef"
FILES = {
    "winter/oil.md": "# Lamp oil in winter\n\nWhen lamp oil freezes, warm the reservoir to 12 °C before lighting.",
    "stores/grades.md": "# Oil grades\n\nGrade B stays liquid down to -8 °C. Grade A freezes at 2 °C. Order in May.",
    "signals/fog.md": "# Fog signal\n\nTwo blasts every ninety seconds. Wind the clockwork every four hours.",
}
QUESTION = "what must I do when the oil in the lamp is frozen?"


@pytest.fixture(scope="module")
def client(server: ServerProcess, token: str) -> Cloudflare:
    return Cloudflare(api_token=token, base_url=f"{server.url}/client/v4", max_retries=0)


@pytest.fixture(scope="module")
def name(client: Cloudflare) -> str:
    name = f"handbook-{uuid.uuid4().hex[:8]}"
    made = instances(client).create(
        "default",
        account_id=ACCOUNT,
        id=name,
        reranking=True,
        reranking_model="@cf/baai/bge-reranker-base",
        score_threshold=0.1,
        retrieval_options={"keyword_match_mode": "or"},
    )
    assert made.id == name
    assert made.reranking is True
    for key, text in FILES.items():
        item = instances(client).items.upload(
            name,
            account_id=ACCOUNT,
            name="default",
            file={"file": (key, text.encode(), "text/markdown"), "wait_for_completion": True},
        )
        assert item.status == "completed", item
        assert item.key == key
    return name


def instances(client: Cloudflare) -> Any:
    return client.aisearch.namespaces.instances


def options(**reranking: Any) -> dict[str, Any]:
    return {"retrieval": {"max_num_results": 3}, "reranking": {"match_threshold": 0, **reranking}}


def test_search_with_and_without_reranking(client: Cloudflare, name: str) -> None:
    found = {}
    for enabled in (True, False):
        found[enabled] = instances(client).search(
            name, account_id=ACCOUNT, name="default", query=QUESTION, aisearch_options=options(enabled=enabled)
        )
    on, off = found[True].chunks, found[False].chunks
    assert {chunk.item.key for chunk in on} <= set(FILES)
    assert on[0].item.key == "winter/oil.md"
    assert all(chunk.scoring_details.reranking_score is not None for chunk in on)
    assert all(chunk.scoring_details.reranking_score is None for chunk in off)
    assert [chunk.score for chunk in on] == sorted((chunk.score for chunk in on), reverse=True)


def test_the_sdk_reads_and_sends_convex_fusion(client: Cloudflare, name: str) -> None:
    assert instances(client).read(name, account_id=ACCOUNT, name="default").fusion_method == "convex"
    for method in ("convex", "rrf"):
        found = instances(client).search(
            name,
            account_id=ACCOUNT,
            name="default",
            query=QUESTION,
            aisearch_options={"retrieval": {"fusion_method": method}, "reranking": {"enabled": False}},
        )
        assert found.chunks and {one.scoring_details.fusion_method for one in found.chunks} == {method}
        assert found.to_dict()["reranking"]["fusion"].startswith(method)


def test_the_receipt_says_that_the_model_was_substituted(client: Cloudflare, name: str) -> None:
    found = instances(client).search(
        name, account_id=ACCOUNT, name="default", query=QUESTION, aisearch_options=options(enabled=True)
    )
    receipt = found.to_dict()["reranking"]
    assert receipt["status"] == "substituted"
    assert receipt["asked_model"] == "@cf/baai/bge-reranker-base"
    assert "late-interaction" in receipt["model"]


def test_chat(client: Cloudflare, name: str) -> None:
    answer = instances(client).chat_completions(
        name,
        account_id=ACCOUNT,
        name="default",
        messages=[{"role": "user", "content": QUESTION}],
        aisearch_options=options(enabled=True),
    )
    text = answer.choices[0].message.content
    assert "warm the reservoir to 12 °C" in text
    assert "From winter/oil.md:" in text
    assert answer.model == "secondlook/extractive"
    assert answer.chunks[0].item.key == "winter/oil.md"


def test_chat_streamed(client: Cloudflare, name: str) -> None:
    with instances(client).with_streaming_response.chat_completions(
        name,
        account_id=ACCOUNT,
        name="default",
        messages=[{"role": "user", "content": QUESTION}],
        aisearch_options=options(enabled=True),
        stream=True,
    ) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        lines = [line for line in answer.iter_lines() if line]
    assert lines[0] == "event: chunks"
    assert json.loads(lines[1].removeprefix("data: "))[0]["item"]["key"] == "winter/oil.md"
    frames = [json.loads(line.removeprefix("data: ")) for line in lines[2:-1]]
    text = "".join(frame["choices"][0]["delta"].get("content", "") for frame in frames)
    assert "warm the reservoir to 12 °C" in text
    assert frames[-1]["choices"][0]["finish_reason"] == "stop"
    assert lines[-1] == "data: [DONE]"


def test_read_update_list_delete(client: Cloudflare) -> None:
    made = instances(client).create("default", account_id=ACCOUNT, id="short-lived")
    assert made.reranking is False
    changed = instances(client).update("short-lived", account_id=ACCOUNT, name="default", reranking=True)
    assert changed.reranking is True
    assert changed.chunk_size == made.chunk_size
    assert instances(client).read("short-lived", account_id=ACCOUNT, name="default").reranking is True
    assert "short-lived" in [one.id for one in instances(client).list("default", account_id=ACCOUNT)]
    instances(client).delete("short-lived", account_id=ACCOUNT, name="default")
    with pytest.raises(cloudflare.NotFoundError):
        instances(client).read("short-lived", account_id=ACCOUNT, name="default")


def test_a_wrong_token_is_refused(server: ServerProcess) -> None:
    stranger = Cloudflare(api_token="sl_wrong", base_url=f"{server.url}/client/v4", max_retries=0)
    with pytest.raises(cloudflare.AuthenticationError):
        instances(stranger).read("any", account_id=ACCOUNT, name="default")


def test_the_example_of_october_2025(client: Cloudflare, name: str) -> None:
    body = {
        "query": QUESTION,
        "model": "@cf/meta/llama-3.3-70b-instruct-fp8-fast",
        "max_num_of_results": 2,
        "reranking": {"enabled": True, "model": "@cf/baai/bge-reranker-base"},
    }
    answer: Any = client.post(f"/accounts/{ACCOUNT}/autorag/rags/{name}/ai-search", body=body, cast_to=object)
    result = answer["result"]
    assert result["object"] == "vector_store.search_results.page"
    assert len(result["data"]) == 2
    assert result["data"][0]["filename"] == "winter/oil.md"
    assert "warm the reservoir" in result["response"]
    assert result["reranking"]["status"] == "substituted"
