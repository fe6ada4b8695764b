"""Chat over a real language model server: calls of tools, usage, what is rewritten, and a part that failed."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from secondlook.models.openai_compatible import OpenAICompatible
from tests.llm_server import running
from tests.wire.conftest import NEW, Wire, frames_of, keys_of

pytestmark = pytest.mark.server

CHAT, SEARCH = f"{NEW}/handbook/chat/completions", f"{NEW}/handbook/search"
TOOL = {"type": "function", "function": {"name": "tide", "parameters": {"type": "object"}}}
ASK: dict[str, Any] = {"messages": [{"role": "user", "content": "fog horn"}], "tools": [TOOL], "model": "calls"}
CALLS = [
    {"id": "call_0", "type": "function", "function": {"name": "tide", "arguments": '{"place": "north"}'}},
    {"id": "call_1", "type": "function", "function": {"name": "tide", "arguments": '{"place": "south"}'}},
]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with running() as found:
        yield found


@pytest.fixture
def chatty(tmp_path: Path, url: str) -> Iterator[Wire]:
    model = OpenAICompatible(url, model="ok")
    found = Wire(tmp_path, model)
    found.fill()
    yield found
    found.run(model.close())
    found.close()


def sent(url: str) -> dict[str, Any]:
    """What the model was asked last."""
    last: dict[str, Any] = httpx.get(url.replace("/v1", "/requests")).json()[-1]
    return last


def test_calls_of_tools_whole(chatty: Wire, url: str) -> None:
    body = chatty.post(CHAT, ASK).json()
    [choice] = body["choices"]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"] == {"role": "assistant", "content": None, "tool_calls": CALLS}
    assert body["chunks"]
    assert sent(url)["tools"] == [TOOL]


def test_calls_of_tools_streamed(chatty: Wire) -> None:
    frames = frames_of(chatty.post(CHAT, {**ASK, "stream": True}))
    parts = [json.loads(data) for _, data in frames[1:-1]]
    pieces = [piece for part in parts for piece in part["choices"][0]["delta"].get("tool_calls", ())]
    assert [piece["index"] for piece in pieces] == [0, 0, 0, 1, 1, 1]
    said = "".join(piece["function"]["arguments"] for piece in pieces if piece["index"] == 1)
    assert said == CALLS[1]["function"]["arguments"]  # type: ignore[index]  # it is an object
    assert parts[-1]["choices"][0]["finish_reason"] == "tool_calls"


def test_what_the_tools_gave_goes_to_the_model(chatty: Wire, url: str) -> None:
    turns = [
        *ASK["messages"],
        {"role": "assistant", "content": None, "tool_calls": CALLS},
        *({"role": "tool", "tool_call_id": call["id"], "content": "high"} for call in CALLS),
    ]
    answer = chatty.post(CHAT, {**ASK, "messages": turns}).json()
    assert answer["choices"][0]["finish_reason"] == "stop"
    assert "[signals/fog.md]" in answer["choices"][0]["message"]["content"]
    given = sent(url)["messages"]
    assert [one["role"] for one in given] == ["system", "user", "assistant", "tool", "tool"]
    assert given[2]["tool_calls"] == CALLS
    assert [one["tool_call_id"] for one in given[3:]] == ["call_0", "call_1"]


def test_usage_whole_and_streamed(chatty: Wire) -> None:
    body = {"messages": ASK["messages"]}
    usage = chatty.post(CHAT, body).json()["usage"]
    frames = frames_of(chatty.post(CHAT, {**body, "stream": True}))
    assert json.loads(frames[-2][1])["usage"] == usage
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"] > 7


def test_only_what_follows_is_rewritten(chatty: Wire, url: str) -> None:
    options = {"query_rewrite": {"enabled": True, "rewrite_prompt": "Make it one query."}}
    first = {"messages": [{"role": "system", "content": "Be a pirate."}, {"role": "user", "content": "the fog horn"}]}
    asked = len(httpx.get(url.replace("/v1", "/requests")).json())
    found = chatty.post(SEARCH, {**first, "ai_search_options": options}).json()["result"]
    assert found["search_query"] == "the fog horn"
    assert len(httpx.get(url.replace("/v1", "/requests")).json()) == asked
    more = [{"role": "assistant", "content": "It blows."}, {"role": "user", "content": "how often?"}]
    body = {"messages": [*first["messages"], *more], "ai_search_options": options}
    found = chatty.post(SEARCH, body).json()["result"]
    assert found["search_query"] == "No document about: how often?"
    told = [one["content"] for one in sent(url)["messages"]]
    assert told == ["Make it one query.", "the fog horn", "It blows.", "how often?"], "the pirate is for the answer"
    found = chatty.post(SEARCH, {"query": "how often?", "ai_search_options": options}).json()["result"]
    assert found["search_query"] == "how often?", "with query, rewriting is ignored"


def test_the_legacy_generation_rewrites_its_query(chatty: Wire) -> None:
    path = f"{NEW.replace('ai-search/instances', 'autorag/rags')}/handbook/search"
    found = chatty.post(path, {"query": "how often?", "rewrite_query": True}).json()["result"]
    assert found["search_query"] == "No document about: how often?"


def test_what_one_method_found_when_the_other_failed(chatty: Wire) -> None:
    chatty.embedder.fails = True
    answer = chatty.post(SEARCH, {"query": "fog horn"})
    assert keys_of(answer) == ["signals/fog.md"]
    result = answer.json()["result"]
    line = {"method": "vector", "message": "search_failed", "detail": "the embedder is down"}
    assert result["errors"] == [line]
    assert set(result["chunks"][0]["scoring_details"]) >= {"keyword_score", "keyword_rank"}
    chat = chatty.post(CHAT, {"messages": ASK["messages"]}).json()
    assert "[signals/fog.md]" in chat["choices"][0]["message"]["content"]
    assert chat["errors"] == [line]
    frames = frames_of(chatty.post(CHAT, {"messages": ASK["messages"], "stream": True}))
    assert json.loads(frames[-2][1])["errors"] == [line]


def test_a_search_of_which_nothing_is_left(chatty: Wire) -> None:
    chatty.embedder.fails = True
    options = {"retrieval": {"retrieval_type": "vector"}}
    answer = chatty.post(SEARCH, {"query": "fog horn", "ai_search_options": options})
    assert keys_of(answer) == []
    assert [one["method"] for one in answer.json()["result"]["errors"]] == ["vector"]
    chat = chatty.post(CHAT, {"messages": ASK["messages"], "ai_search_options": options}).json()
    assert "could not be searched" in chat["choices"][0]["message"]["content"]
    assert chat["chunks"] == []


def test_a_part_that_is_a_file_needs_its_name(chatty: Wire, url: str) -> None:
    parts = [{"type": "text", "text": "fog horn"}, {"type": "file", "file": {"filename": "a.pdf", "file_data": "AA=="}}]
    assert chatty.post(CHAT, {"messages": [{"role": "user", "content": parts}]}).status_code == 200
    assert sent(url)["messages"][-1] == {"role": "user", "content": "fog horn"}
    parts[1] = {"type": "file", "file": {"file_id": "x"}}
    answer = chatty.post(CHAT, {"messages": [{"role": "user", "content": parts}]})
    assert answer.status_code == 400
    assert "filename" in answer.json()["errors"][0]["detail"]
