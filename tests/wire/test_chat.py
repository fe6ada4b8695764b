"""Chat and ai-search: bodies, stream grammar, and what happens when the model fails."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from secondlook.errors import GeneratorError, GeneratorTimeoutError
from secondlook.models.fakes import FakeGenerator
from secondlook.ports import Delta, Prompt
from tests.wire.conftest import BGE, LEGACY, NEW, Wire, error_of, frames_of

CHAT = f"{NEW}/handbook/chat/completions"
ASK: dict[str, Any] = {
    "messages": [{"role": "user", "content": "when does the fog horn sound"}],
    "ai_search_options": {"reranking": {"enabled": True, "model": BGE, "match_threshold": 0}},
}


class Recording(FakeGenerator):
    """Breaks after its first word if told to, and remembers what it was given."""

    def __init__(self, *, breaks: Exception | None = None) -> None:
        super().__init__()
        self.breaks = breaks
        self.prompts: list[Prompt] = []
        self.cancelled = asyncio.Event()
        self.hangs = False

    async def stream(self, prompt: Prompt) -> AsyncIterator[Delta]:
        """Pieces of the answer."""
        self.prompts.append(prompt)
        yield Delta("Two ")
        if self.breaks:
            raise self.breaks
        if self.hangs:
            try:
                await asyncio.Event().wait()
            finally:
                self.cancelled.set()
        yield Delta("blasts.", "length", 5, 2)


@pytest.fixture
def model() -> Recording:
    return Recording()


@pytest.fixture
def chatty(tmp_path: Path, model: Recording) -> Iterator[Wire]:
    found = Wire(tmp_path, model)
    found.fill()
    yield found
    found.close()


def test_a_completion_is_bare(chatty: Wire) -> None:
    body = chatty.post(CHAT, ASK).json()
    assert "success" not in body and "result" not in body
    assert body["object"] == "chat.completion"
    assert body["choices"] == [
        {"index": 0, "finish_reason": "length", "message": {"role": "assistant", "content": "Two blasts."}}
    ]
    assert body["usage"] == {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}
    assert body["chunks"][0]["scoring_details"]["reranking_score"] > 0
    assert body["reranking"]["status"] == "ran"
    assert body["model"] == "fake-generator"
    assert isinstance(body["created"], int) and body["id"].startswith("id-")


@pytest.mark.parametrize("base", ["/accounts/acc/ai-search/namespaces/default/instances", NEW])
def test_a_stream(chatty: Wire, base: str) -> None:
    frames = frames_of(chatty.post(f"{base}/handbook/chat/completions", {**ASK, "stream": True}))
    assert [name for name, _ in frames] == ["chunks", "", "", "", ""]
    chunks = json.loads(frames[0][1])
    assert isinstance(chunks, list) and chunks[0]["item"]["key"] == "signals/fog.md"
    assert frames[-1][1] == "[DONE]"
    parts = [json.loads(data) for _, data in frames[1:-1]]
    assert {part["object"] for part in parts} == {"chat.completion.chunk"}
    assert len({part["id"] for part in parts}) == 1
    assert "".join(part["choices"][0]["delta"].get("content", "") for part in parts) == "Two blasts."
    assert parts[-1]["choices"][0]["finish_reason"] == "length"
    assert parts[-1]["usage"]["total_tokens"] == 7
    assert parts[-1]["reranking"]["status"] == "ran"


def test_an_explained_chat_tells_what_was_searched_sent_and_spent(chatty: Wire, model: Recording) -> None:
    body = {**ASK, "explain": True}
    whole = chatty.post(CHAT, body).json()
    frames = frames_of(chatty.post(CHAT, {**body, "stream": True}))
    chunks, last = json.loads(frames[0][1]), json.loads(frames[-2][1])
    for one, found in ((whole, whole["chunks"]), (last, chunks)):
        assert one["search_query"] == ASK["messages"][0]["content"]
        generation = one["generation"]
        assert generation["model"] == "fake-generator"
        assert generation["messages"] == ASK["messages"]
        assert 0 <= generation["first_ms"] <= generation["ms"]
        assert [step["stage"] for step in one["trace"]][-1] == "generate"
        assert {"rerank", "fuse"} <= {step["stage"] for step in one["trace"]}
        assert one["trace"][-1]["ms"] == generation["ms"]
        assert one["usage"]["total_tokens"] == 7
        assert all(chunk["explain"]["stages"] for chunk in found)
    plain = chatty.post(CHAT, ASK).json()
    assert not {"generation", "trace", "search_query", "dropped"} & set(plain)
    assert "explain" not in plain["chunks"][0]


def test_a_joint_chat_is_explained_too(chatty: Wire) -> None:
    options = {**ASK["ai_search_options"], "instance_ids": ["handbook"]}
    space = "/client/v4/accounts/acc/ai-search/namespaces/default/chat/completions"
    found = chatty.post(space, {**ASK, "explain": True, "ai_search_options": options}).json()
    assert found["generation"]["messages"] == ASK["messages"]
    assert found["chunks"][0]["instance_id"] == "handbook" and found["chunks"][0]["explain"]


def test_metadata_only_holds_in_a_stream(chatty: Wire) -> None:
    body = {**ASK, "stream": True, "ai_search_options": {"retrieval": {"metadata_only": True}}}
    chunks = json.loads(frames_of(chatty.post(CHAT, body))[0][1])
    assert chunks and not any(chunk.get("text") for chunk in chunks)


def test_legacy_answer_and_stream(chatty: Wire) -> None:
    body = {"query": "when does the fog horn sound", "reranking": {"enabled": True}}
    result = chatty.post(f"{LEGACY}/handbook/ai-search", body).json()["result"]
    assert result["response"] == "Two blasts."
    assert result["data"] and result["reranking"]["status"] == "ran"
    frames = frames_of(chatty.post(f"{LEGACY}/handbook/ai-search", {**body, "stream": True}))
    assert frames == [("", '{"response": "Two "}'), ("", '{"response": "blasts."}'), ("", "[DONE]")]


def test_keys_of_openai_reach_the_model(chatty: Wire, model: Recording) -> None:
    chatty.post(CHAT, {**ASK, "model": "some/model", "temperature": 0.1, "tools": [], "explain": True})
    prompt = model.prompts[0]
    assert prompt.model == "some/model"
    assert dict(prompt.forwarded) == {"temperature": 0.1, "tools": []}


def test_who_sets_the_system_prompt(chatty: Wire, model: Recording) -> None:
    chatty.ask("PUT", f"{NEW}/handbook", json={"system_prompt_ai_search": "of the instance"})
    chatty.post(CHAT, ASK)
    chatty.post(CHAT, {**ASK, "messages": [{"role": "system", "content": "of the request"}, *ASK["messages"]]})
    chatty.post(f"{LEGACY}/handbook/ai-search", {"query": "fog", "system_prompt": "of the body"})
    said = [" ".join(turn.content for turn in prompt.messages) for prompt in model.prompts]
    assert "of the instance" in said[0]
    assert "of the request" in said[1]
    assert "of the body" in said[2]


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    ("error", "wanted"),
    [
        (GeneratorError("it said 503"), (502, 7033, "ai_gateway_exception")),
        (GeneratorTimeoutError("60 s"), (400, 7031, "ai_gateway_timeout")),
        (RuntimeError("swordfish"), (500, 7001, "Internal Error")),
    ],
)
def test_a_model_that_fails_at_once(
    tmp_path: Path, error: Exception, wanted: tuple[int, int, str], stream: bool
) -> None:
    wire = Wire(tmp_path, FakeGenerator(error=error))
    wire.fill()
    assert error_of(wire.post(CHAT, {**ASK, "stream": stream})) == wanted
    assert error_of(wire.post(f"{LEGACY}/handbook/ai-search", {"query": "fog horn", "stream": stream})) == wanted
    wire.close()


@pytest.mark.parametrize("error", [GeneratorError("it broke"), RuntimeError("swordfish")])
def test_a_model_that_breaks_mid_stream(tmp_path: Path, error: Exception) -> None:
    wire = Wire(tmp_path, Recording(breaks=error))
    wire.fill()
    frames = frames_of(wire.post(CHAT, {**ASK, "stream": True}))
    assert frames[-1][1] == "[DONE]"
    last = json.loads(frames[-2][1])
    assert last["choices"][0]["finish_reason"] == "error"
    assert last["errors"][0]["code"] in (7033, 7001)
    legacy = frames_of(wire.post(f"{LEGACY}/handbook/ai-search", {"query": "fog horn", "stream": True}))
    assert json.loads(legacy[-2][1])["success"] is False
    assert legacy[-1][1] == "[DONE]"
    assert "swordfish" not in str(frames) + str(legacy)
    assert error_of(wire.post(CHAT, ASK))[0] >= 500
    wire.close()


def scope_of(wire: Wire, path: str) -> dict[str, Any]:
    headers = [(name.lower().encode(), value.encode()) for name, value in wire.headers.items()]
    return {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "path": path,
        "raw_path": path.encode(), "query_string": b"", "headers": headers, "scheme": "http",
        "server": ("wire", 80), "client": ("127.0.0.1", 1), "root_path": "",
    }  # fmt: skip


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("path", [CHAT, f"{LEGACY}/handbook/ai-search"])
def test_a_client_that_hangs_up_stops_the_model(chatty: Wire, model: Recording, path: str, stream: bool) -> None:
    model.hangs = True
    question = ASK if path == CHAT else {"query": "fog horn"}
    body = json.dumps({**question, "stream": stream}).encode()

    async def scenario() -> list[bytes]:
        sent: list[bytes] = []
        begun = asyncio.Event()
        first = True

        async def receive() -> dict[str, Any]:
            nonlocal first
            if first:
                first = False
                return {"type": "http.request", "body": body, "more_body": False}
            while not (begun.is_set() or (model.prompts and not stream)):
                await asyncio.sleep(0)
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            if message["type"] == "http.response.body" and message["body"]:
                sent.append(message["body"])
                if b"Two" in message["body"]:
                    begun.set()

        await asyncio.wait_for(chatty.app(scope_of(chatty, path), receive, send), 20)
        await asyncio.wait_for(model.cancelled.wait(), 20)
        return sent

    sent = chatty.run(scenario())
    if stream:
        assert all(frame.endswith(b"\n\n") and frame.count(b"\n\n") == 1 for frame in sent)
    else:
        assert sent == []
