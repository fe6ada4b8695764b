"""The bindings of Workers in Python, over the whole API in this process."""

import asyncio
import io
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest

from secondlook import (
    AiSearchError,
    AiSearchInternalError,
    AiSearchNotFoundError,
    AutoRAGInternalError,
    AutoRAGNameNotSetError,
    AutoRAGNotFoundError,
    AutoRAGUnauthorizedError,
    Connection,
    InferenceUpstreamError,
)
from secondlook.api.binding.in_process import InProcess
from tests.wire.conftest import BGE, BROKEN, PAGES, Wire

QUERY = "what to do when the lamp oil freezes"
MESSAGES: Any = [{"role": "user", "content": QUERY}]


@pytest.fixture
def env(filled: Wire) -> Iterator[Connection]:
    made = connection(filled, filled.headers)
    yield made
    filled.run(made.close())


def connection(wire: Wire, headers: dict[str, str], *, namespace: str = "default") -> Connection:
    client = httpx.AsyncClient(transport=InProcess(wire.app), base_url="http://wire", headers=headers)
    return Connection(client, account="acc", namespace=namespace, where="here")


def test_autorag(filled: Wire, env: Connection) -> None:
    rag = env.AI.autorag("handbook")
    found = filled.run(rag.search({"query": QUERY, "max_num_results": 2, "reranking": {"enabled": True}}))
    assert found["object"] == "vector_store.search_results.page"
    assert len(found["data"]) == 2
    assert found["reranking"]["status"] == "ran"
    answer = filled.run(rag.aiSearch({"query": QUERY}))
    assert answer["response"]
    assert [one["id"] for one in filled.run(env.AI.autorag().list())] == ["handbook"]


def test_autorag_streams(filled: Wire, env: Connection) -> None:
    async def read() -> list[tuple[str, str]]:
        stream = await env.AI.autorag("handbook").aiSearch({"query": QUERY, "stream": True})
        assert stream.headers["content-type"].startswith("text/event-stream")
        return [event async for event in stream.events()]

    events = filled.run(read())
    assert events[-1] == ("", "[DONE]")
    assert all('"response"' in data for _, data in events[:-1])


def test_errors_of_autorag(filled: Wire, env: Connection) -> None:
    with pytest.raises(AutoRAGNotFoundError, match="ai_search_not_found") as caught:
        filled.run(env.AI.autorag("nobody").search({"query": QUERY}))
    assert (caught.value.message, caught.value.status, caught.value.code) == ("ai_search_not_found", 404, 7002)
    with pytest.raises(AutoRAGInternalError, match="missing_user_query"):
        filled.run(env.AI.autorag("handbook").aiSearch({"query": ""}))
    with pytest.raises(AutoRAGInternalError, match="missing_user_query"):
        filled.run(env.AI.autorag("handbook").aiSearch({"query": "", "stream": True}))
    with pytest.raises(AutoRAGNameNotSetError):
        filled.run(env.AI.autorag().search({"query": QUERY}))
    stranger = connection(filled, {"Authorization": "Bearer sl_wrong"})
    with pytest.raises(AutoRAGUnauthorizedError, match="Authentication error"):
        filled.run(stranger.AI.autorag("handbook").search({"query": QUERY}))
    filled.run(stranger.close())


def test_run(filled: Wire, env: Connection) -> None:
    contexts: Any = [{"text": text} for text in PAGES.values()]
    answer = filled.run(env.AI.run(BGE, {"query": QUERY, "contexts": contexts, "top_k": 2}))
    assert len(answer["response"]) == 2
    with pytest.raises(InferenceUpstreamError, match="invalid_model"):
        filled.run(env.AI.run("@cf/meta/llama", {"query": QUERY, "contexts": contexts}))


def test_a_namespace(filled: Wire, env: Connection) -> None:
    made = filled.run(env.AI_SEARCH.create({"id": "made-here", "reranking": True}))
    assert filled.run(made.info())["reranking"] is True
    found = filled.run(env.AI_SEARCH.list({"search": "made", "per_page": 5}))
    assert [one["id"] for one in found["result"]] == ["made-here"]
    assert found["result_info"]["total_count"] == 1
    assert filled.run(env.AI.aiSearch().get("made-here").stats())["completed"] == 0
    assert filled.run(env.AI_SEARCH.delete("made-here")) is None  # type: ignore[func-returns-value]  # as in JavaScript
    with pytest.raises(AiSearchNotFoundError):
        filled.run(env.AI_SEARCH.delete("made-here"))
    with pytest.raises(AiSearchError, match="invalid_request"):
        filled.run(env.AI_SEARCH.create({"id": "No Name"}))
    other = connection(filled, filled.headers, namespace="others")
    with pytest.raises(AiSearchNotFoundError, match="namespace_not_found"):
        filled.run(other.AI_SEARCH.list())
    filled.run(other.close())


def test_an_instance(filled: Wire, env: Connection) -> None:
    instance = env.AI_SEARCH.get("handbook")
    found = filled.run(
        instance.search({"query": QUERY, "ai_search_options": {"reranking": {"enabled": True, "match_threshold": 0}}})
    )
    assert {chunk["item"]["key"] for chunk in found["chunks"]} <= set(PAGES)
    assert all("reranking_score" in chunk["scoring_details"] for chunk in found["chunks"])
    assert filled.run(instance.update({"max_num_results": 9}))["max_num_results"] == 9
    assert filled.run(instance.stats())["completed"] == len(PAGES)


def test_chat(filled: Wire, env: Connection) -> None:
    instance = env.AI_SEARCH.get("handbook")
    answer = filled.run(instance.chatCompletions({"messages": MESSAGES}))
    assert answer["choices"][0]["message"]["content"]
    assert answer["chunks"]

    async def read() -> list[tuple[str, str]]:
        stream = await instance.chatCompletions({"messages": MESSAGES, "stream": True})
        return [event async for event in stream.events()]

    events = filled.run(read())
    assert events[0][0] == "chunks"
    assert events[-1] == ("", "[DONE]")


async def pieces() -> AsyncIterator[bytes]:
    yield b"# Cups\n\n"
    yield b"Three small cups."


@pytest.mark.parametrize("kind", ["bytes", "text", "file", "stream"])
def test_items(filled: Wire, env: Connection, kind: str) -> None:
    text = "# Cups\n\nThree small cups."
    content: Any = {"bytes": text.encode(), "text": text, "file": io.BytesIO(text.encode()), "stream": pieces()}[kind]
    items = env.AI_SEARCH.get("handbook").items
    name = f"cups/ü {kind}.md"
    sent = filled.run(items.uploadAndPoll(name, content, {"metadata": {"size": 3}, "pollIntervalMs": 10}))
    assert (sent["key"], sent["status"]) == (name, "completed")
    assert (sent["metadata"] or {})["size"] == 3
    one = items.get(sent["id"])
    assert filled.run(one.info())["checksum"] == sent["checksum"]
    got = filled.run(one.download())
    assert (got["filename"], got["size"], got["contentType"]) == (name[5:], len(text), "text/markdown; charset=utf-8")
    assert filled.run(got["body"].text()) == text
    chunks = filled.run(one.chunks({"limit": 1, "offset": 0}))
    assert (chunks["result"][0]["text"], chunks["result_info"]["limit"]) == (text, 1)
    assert filled.run(one.sync())["next_action"] == "INDEX"
    assert [row["id"] for row in filled.run(items.list({"key": name}))["result"]] == [sent["id"]]
    filled.run(items.delete(sent["id"]))
    with pytest.raises(AiSearchNotFoundError, match="item_not_found"):
        filled.run(one.info())
    with pytest.raises(AiSearchError, match="unsupported_file_type"):
        filled.run(items.upload("logo.ico", b"x"))


def test_polling_ends_when_the_time_is_up(filled: Wire, env: Connection) -> None:
    filled.run(filled.indexing.stop())  # nobody indexes what is uploaded now
    started = filled.run(_time())
    item = filled.run(
        env.AI_SEARCH.get("handbook").items.uploadAndPoll("slow.md", "x", {"timeoutMs": 60, "pollIntervalMs": 20})
    )
    assert item["status"] == "queued"
    assert 0.06 <= filled.run(_time()) - started < 5


async def _time() -> float:
    return asyncio.get_running_loop().time()


def test_a_server_that_fails(filled: Wire, env: Connection) -> None:
    strict: Any = {"retrieval": {"return_on_failure": False}, "reranking": {"enabled": True, "model": BROKEN}}
    with pytest.raises(AiSearchInternalError, match="all_search_methods_failed") as caught:
        filled.run(env.AI_SEARCH.get("handbook").search({"query": QUERY, "ai_search_options": strict}))
    assert (caught.value.status, caught.value.code) == (500, 7073)
