"""What clients of OpenAI are sent: normal frames, models, and errors in OpenAI's shape."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from secondlook.errors import GeneratorError
from secondlook.models.fakes import FakeGenerator
from secondlook.services.access import Access
from secondlook.stores.answers import AnswerFile
from tests.wire.conftest import BGE, BROKEN, NEW, PAGES, Wire, frames_of
from tests.wire.test_chat import Recording

CHAT = "/v1/chat/completions"
NAMESPACES = "/client/v4/accounts/acc/ai-search/namespaces"
ASK: dict[str, Any] = {
    "model": "handbook",
    "messages": [{"role": "user", "content": "when does the fog horn sound"}],
    "ai_search_options": {"reranking": {"enabled": True, "model": BGE, "match_threshold": 0}},
}
HEAD = {"id", "object", "created", "model", "generation_model", "choices"}


@pytest.fixture
def model() -> Recording:
    return Recording()


@pytest.fixture
def chatty(tmp_path: Path, model: Recording) -> Iterator[Wire]:
    """An API with the instance ``handbook`` of the account ``acc``, to which the token belongs."""
    found = Wire(tmp_path, model)
    found.fill(public_endpoint_params={"enabled": True})
    found.client.headers["Authorization"] = f"Bearer {token_of(found)}"
    yield found
    found.close()


def token_of(wire: Wire, account: str = "acc", **more: Any) -> str:
    """A token of that account."""
    access: Access = wire.services.access
    return wire.run(access.create("tests", account=account, **more))[1]


def parts_of(answer: httpx.Response) -> list[dict[str, Any]]:
    """Every frame of a stream but the sentinel: no event has a name, and each holds an object."""
    frames = frames_of(answer)
    assert [name for name, _ in frames] == [""] * len(frames)
    assert frames[-1][1] == "[DONE]"
    parts = [json.loads(data) for _, data in frames[:-1]]
    assert all(isinstance(part, dict) for part in parts)
    return parts


def error_of(answer: httpx.Response) -> tuple[int, str, str]:
    """Status, type and code of an error in OpenAI's shape."""
    error = answer.json()["error"]
    assert {"message", "type", "param", "code"} == set(error)
    assert error["message"]
    return answer.status_code, error["type"], error["code"]


def public_path(wire: Wire) -> str:
    """The same route of the public endpoint of ``handbook``."""
    label = wire.get(f"{NEW}/handbook").json()["result"]["public_endpoint_id"]
    return f"/public/{label}{CHAT}"


def test_a_completion_has_openais_keys_and_the_chunks(chatty: Wire) -> None:
    body = chatty.post(CHAT, ASK).json()
    assert body["object"] == "chat.completion"
    assert (body["model"], body["generation_model"]) == ("handbook", "fake-generator")
    assert body["choices"] == [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "Two blasts.", "refusal": None},
            "logprobs": None,
            "finish_reason": "length",
        }
    ]
    assert body["usage"] == {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}
    assert body["chunks"][0]["scoring_details"]["reranking_score"] > 0
    assert body["reranking"]["status"] == "ran"
    assert "success" not in body


def test_every_frame_of_a_stream_is_a_normal_one(chatty: Wire) -> None:
    for path, public in ((CHAT, False), (public_path(chatty), True)):
        for usage in (None, False, True):
            options = {} if usage is None else {"stream_options": {"include_usage": usage}}
            parts = parts_of(chatty.post(path, {**ASK, **options, "stream": True}))
            check_frames(parts, public=public, usage=bool(usage))


def check_frames(parts: list[dict[str, Any]], *, public: bool, usage: bool) -> None:
    """Each is a normal frame; those of the answer make one message, and the chunks come with the first."""
    assert {part["object"] for part in parts} == {"chat.completion.chunk"}
    assert len({(part["id"], part["created"]) for part in parts}) == 1
    if usage:
        last = parts.pop()
        assert (last["choices"], last["usage"]["total_tokens"]) == ([], 7)
    assert all(set(part) >= HEAD and len(part["choices"]) == 1 for part in parts)
    assert all(("usage" in part) is usage for part in parts)
    choices = [part["choices"][0] for part in parts]
    assert choices[0]["delta"] == {"role": "assistant", "content": ""}
    assert "".join(choice["delta"].get("content", "") for choice in choices) == "Two blasts."
    assert [choice["finish_reason"] for choice in choices] == [None] * (len(choices) - 1) + ["length"]
    assert [bool(part.get("chunks")) for part in parts] == [True] + [False] * (len(parts) - 1)
    assert parts[0]["chunks"][0]["item"]["key"] in PAGES
    assert ("reranking" in parts[-1]) is not public, "strangers are not told of the server"


def test_the_language_model_is_the_instances_and_gets_what_is_its_own(chatty: Wire, model: Recording) -> None:
    chatty.post(CHAT, {**ASK, "temperature": 0.5, "stream_options": {"include_usage": True}})
    assert model.prompts[-1].model == ""
    assert dict(model.prompts[-1].forwarded) == {"temperature": 0.5}


NAMES = {
    "handbook": True,
    "default/handbook": True,
    "acc/default/handbook": True,
    "winter/handbook": True,
    "acc/winter/handbook": True,
    "winter/blog": False,
    "summer/handbook": False,
    "gpt-4o": False,
    "openai/acc/default/handbook": False,
    "winter/": False,
    "/handbook": False,
}


def test_what_the_model_names(chatty: Wire) -> None:
    chatty.client.headers.update(chatty.headers)
    chatty.post(NAMESPACES, {"name": "winter"})
    chatty.post(f"{NAMESPACES}/winter/instances", {"id": "handbook"})
    chatty.client.headers["Authorization"] = f"Bearer {token_of(chatty)}"
    for name, found in NAMES.items():
        answer = chatty.post(CHAT, {**ASK, "model": name})
        if found:
            assert answer.json()["model"] == name
            assert bool(answer.json()["chunks"]) is ("winter" not in name), "that one is empty"
            continue
        assert error_of(answer) == (404, "invalid_request_error", "model_not_found"), name
        assert answer.json()["error"]["param"] == "model"
        assert chatty.get(f"/v1/models/{name}").status_code == 404


def test_models_are_the_instances_of_the_token(chatty: Wire) -> None:
    chatty.client.headers.update(chatty.headers)
    chatty.post(NAMESPACES, {"name": "winter"})
    chatty.post(f"{NAMESPACES}/winter/instances", {"id": "blog"})
    chatty.post("/accounts/default/ai-search/instances", {"id": "notes"})
    names = {
        token_of(chatty): ["handbook", "winter/blog"],
        token_of(chatty, permission="run"): ["handbook", "winter/blog"],
        token_of(chatty, "default"): ["notes"],
        token_of(chatty, ""): ["acc/default/handbook", "acc/winter/blog", "notes"],
        token_of(chatty, "empty"): [],
    }
    for token, wanted in names.items():
        headers = {"authorization": f"Bearer {token}"}
        listed = chatty.ask("GET", "/v1/models", headers=headers).json()
        assert listed["object"] == "list"
        assert sorted(one["id"] for one in listed["data"]) == wanted
        for one in listed["data"]:
            assert set(one) == {"id", "object", "created", "owned_by"} and one["object"] == "model"
            assert chatty.ask("GET", f"/v1/models/{one['id']}", headers=headers).json() == one
            answer = chatty.post(CHAT, {**ASK, "model": one["id"]}, headers=headers)
            assert answer.status_code == 200, "what is listed can be asked"


def broken(how: str) -> tuple[Mapping[str, Any], dict[str, str]]:
    """A body and headers with one thing wrong."""
    bodies: Mapping[str, Any] = {
        "no model": {**ASK, "model": ""},
        "a number": {**ASK, "model": 3},
        "no message": {**ASK, "messages": []},
        "no user": {**ASK, "messages": [{"role": "system", "content": "Be brief."}]},
        "bad option": {**ASK, "ai_search_options": {"retrieval": {"max_num_results": 99}}},
        "elsewhere": {**ASK, "model": "other/default/handbook"},
        "reranker": {**ASK, "ai_search_options": {"reranking": {"enabled": True, "model": BROKEN,
                                                                "on_failure": "error"}}},
    }  # fmt: skip
    headers = {"authorization": "Bearer sl_wrong"} if how == "no token" else {}
    return bodies.get(how, ASK), headers


WRONG: Mapping[str, tuple[int, str, str]] = {
    "no model": (400, "invalid_request_error", "invalid_request"),
    "a number": (400, "invalid_request_error", "invalid_request"),
    "no message": (400, "invalid_request_error", "missing_user_query"),
    "no user": (400, "invalid_request_error", "missing_user_query"),
    "bad option": (400, "invalid_request_error", "invalid_request"),
    "no token": (401, "invalid_request_error", "invalid_api_key"),
    "elsewhere": (403, "permission_error", "Authentication error"),
    "reranker": (500, "server_error", "all_search_methods_failed"),
}


def test_errors_have_openais_shape(chatty: Wire) -> None:
    for how, wanted in WRONG.items():
        body, headers = broken(how)
        for stream in (False, True):
            answer = chatty.post(CHAT, {**body, "stream": stream}, headers=headers)
            assert error_of(answer) == wanted, how


def test_other_routes_of_openai_say_which_there_are(chatty: Wire) -> None:
    for path in ("/v1/responses", "/v1/embeddings", "/v1/completions", "/v1/models"):
        answer = chatty.post(path, {"model": "handbook", "input": "oil"})
        assert answer.status_code == (405 if "models" in path else 404), path
        assert error_of(answer)[1] == "invalid_request_error"
        if answer.status_code == 404:
            assert CHAT in answer.json()["error"]["message"]


def test_a_stream_that_breaks_says_so_in_a_frame(chatty: Wire, model: Recording) -> None:
    model.breaks = GeneratorError("the language model hung up")
    *said, last = parts_of(chatty.post(CHAT, {**ASK, "stream": True}))
    assert [part["choices"][0]["delta"].get("content") for part in said] == ["", "Two "]
    assert last["error"]["type"] == "server_error"
    assert last["error"]["message"] == "the language model hung up"
    *_, last = parts_of(chatty.post(public_path(chatty), {**ASK, "stream": True}))
    assert last["error"]["message"] == "ai_gateway_exception", "strangers are not told why"


@pytest.mark.parametrize("stream", [False, True])
def test_a_model_that_fails_at_once_is_an_error_and_no_stream(tmp_path: Path, stream: bool) -> None:
    wire = Wire(tmp_path, FakeGenerator(error=GeneratorError("the language model is away")))
    try:
        wire.fill()
        answer = wire.post(CHAT, {**ASK, "model": "acc/default/handbook", "stream": stream})
        assert error_of(answer) == (502, "server_error", "ai_gateway_exception")
        assert "is away" in answer.json()["error"]["message"]
    finally:
        wire.close()


def test_errors_of_public_endpoints(chatty: Wire) -> None:
    path = public_path(chatty)
    assert error_of(chatty.post(path, {**ASK, "messages": []}))[::2] == (400, "missing_user_query")
    closed = {"public_endpoint_params": {"enabled": True, "chat_completions_endpoint": {"disabled": True}}}
    assert chatty.ask("PUT", f"{NEW}/handbook", json=closed).status_code == 200
    assert error_of(chatty.post(path, ASK))[::2] == (401, "invalid_api_key")
    assert chatty.post(path.replace("/v1/", "/v2/"), ASK).json()["errors"][0]["code"] == 60006


def test_a_chat_counts_for_the_account_of_the_token(tmp_path: Path) -> None:
    wire = Wire(tmp_path, monthly_queries=2)
    try:
        wire.fill()
        headers = {"authorization": f"Bearer {token_of(wire)}"}
        assert [wire.post(CHAT, ASK, headers=headers).status_code for _ in range(2)] == [200, 200]
        assert error_of(wire.post(CHAT, ASK, headers=headers)) == (429, "insufficient_quota", "insufficient_quota")
        assert wire.post(f"{NEW}/handbook/search", {"query": "oil"}).status_code == 429
    finally:
        wire.close()


def test_a_kept_answer_says_so(tmp_path: Path) -> None:
    answers = AnswerFile(tmp_path / "answers.sqlite", room=1 << 20)
    wire = Wire(tmp_path, answers=answers)
    try:
        wire.fill()
        headers = {"authorization": f"Bearer {token_of(wire)}"}
        body = {**ASK, "ai_search_options": {"cache": {"enabled": True}}}
        seen = [wire.post(CHAT, body, headers=headers).headers["cf-aig-cache-status"] for _ in range(2)]
        assert seen == ["MISS", "HIT"]
    finally:
        wire.close()
        answers.close()


def test_cloudflares_clients_keep_their_first_event(chatty: Wire) -> None:
    body = {name: value for name, value in ASK.items() if name != "model"}
    frames = frames_of(chatty.post(f"{NEW}/handbook/chat/completions", {**body, "stream": True}))
    assert frames[0][0] == "chunks" and isinstance(json.loads(frames[0][1]), list)
