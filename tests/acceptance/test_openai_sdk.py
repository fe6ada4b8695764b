"""The official SDK of OpenAI against a live server: an instance is its base URL, our options go in ``extra_body``."""

import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import openai
import pytest
from openai import OpenAI

from tests.acceptance.server_process import ServerProcess, run_cli, start_server
from tests.llm_server import running

pytestmark = pytest.mark.server

ACCOUNT = "0123456789abcdef0123456789abcdef"
FILES = {
    "winter/oil.md": "When lamp oil freezes, warm the reservoir to 12 degrees before lighting.",
    "signals/fog.md": "Two blasts of the fog horn every ninety seconds.",
}
QUESTION: Any = [{"role": "user", "content": "what must I do when the oil in the lamp is frozen?"}]
OPTIONS = {
    "ai_search_options": {
        "retrieval": {"max_num_results": 1, "match_threshold": 0, "keyword_match_mode": "or"},
        "reranking": {"enabled": True, "match_threshold": 0},
        "cache": {"enabled": False},
    }
}
TOOL: Any = {"type": "function", "function": {"name": "tide", "parameters": {"type": "object", "properties": {}}}}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ServerProcess, str]]:
    """A server over a language model, and a token."""
    folder = tmp_path_factory.mktemp("openai")
    token = run_cli("token", "create", "--name", "tests", "--quiet", data_dir=folder)
    with running() as url:
        server = start_server(folder, SECONDLOOK_LLM_URL=url, SECONDLOOK_LLM_MODEL="ok")
        yield server, token
        server.stop()


@pytest.fixture(scope="module", params=["", "/namespaces/default"], ids=["short", "namespaced"])
def client(served: tuple[ServerProcess, str], request: pytest.FixtureRequest) -> OpenAI:
    server, token = served
    base = f"{server.url}/client/v4/accounts/{ACCOUNT}/ai-search{request.param}/instances"
    name = f"handbook-{uuid.uuid4().hex[:8]}"
    with httpx.Client(headers={"authorization": f"Bearer {token}"}, timeout=60) as plain:
        plain.post(base, json={"id": name}).raise_for_status()
        for key, text in FILES.items():
            files = {"file": (key, text.encode())}
            form = {"wait_for_completion": "true"}
            plain.post(f"{base}/{name}/items", files=files, data=form).raise_for_status()
    return OpenAI(api_key=token, base_url=f"{base}/{name}", max_retries=0, timeout=60)


def test_a_completion_with_its_chunks(client: OpenAI) -> None:
    found = client.chat.completions.create(model="", messages=QUESTION, extra_body=OPTIONS)
    assert "warm the reservoir to 12 degrees" in (found.choices[0].message.content or "")
    assert found.choices[0].finish_reason == "stop"
    assert found.usage is not None and found.usage.total_tokens > 7
    extra = found.model_extra or {}
    [chunk] = extra["chunks"]
    assert chunk["item"]["key"] == "winter/oil.md"
    assert chunk["scoring_details"]["reranking_score"] > 0
    assert extra["reranking"]["status"] == "ran"


def test_a_stream_of_cloudflares_route_begins_with_what_this_sdk_does_not_know(client: OpenAI) -> None:
    """Its first event is a bare list, which the SDK takes for a frame that has no choices: use ``/v1`` to stream."""
    asked: Any = {"model": "", "messages": QUESTION, "extra_body": OPTIONS, "stream": True}
    first, *frames = list(client.chat.completions.create(**asked))
    assert isinstance(first, list)
    assert first[0].model_extra["item"]["key"] == "winter/oil.md"
    choices = [choice for frame in frames for choice in frame.choices]
    assert "warm the reservoir to 12 degrees" in "".join(choice.delta.content or "" for choice in choices)
    assert [choice.finish_reason for choice in choices if choice.finish_reason] == ["stop"]
    assert frames[-1].usage is not None and frames[-1].usage.total_tokens > 7


def test_calls_of_tools(client: OpenAI) -> None:
    asked: dict[str, Any] = {"model": "calls", "messages": QUESTION, "tools": [TOOL], "extra_body": OPTIONS}
    found = client.chat.completions.create(**asked)
    calls = found.choices[0].message.tool_calls or []
    assert [(one.type, one.id) for one in calls] == [("function", "call_0"), ("function", "call_1")]
    again = [
        *QUESTION,
        found.choices[0].message.model_dump(exclude_none=True),
        *({"role": "tool", "tool_call_id": one.id, "content": "high"} for one in calls),
    ]
    answered = client.chat.completions.create(**{**asked, "messages": again})
    assert "[winter/oil.md]" in (answered.choices[0].message.content or "")


@pytest.mark.parametrize(
    ("model", "kind", "code"),
    [
        ("busy", openai.RateLimitError, 2003),
        ("denies", openai.BadRequestError, 7096),
        ("unpaid", openai.APIStatusError, 7078),
        ("unknown", openai.BadRequestError, 7010),
        ("refuses", openai.InternalServerError, 7033),
    ],
)
def test_errors_are_those_that_the_sdk_knows(
    client: OpenAI, model: str, kind: type[openai.APIStatusError], code: int
) -> None:
    with pytest.raises(kind) as caught:
        client.chat.completions.create(model=model, messages=QUESTION, extra_body=OPTIONS)
    assert caught.value.response.json()["errors"][0]["code"] == code


def test_the_second_time_is_a_kept_answer(client: OpenAI) -> None:
    body = {"ai_search_options": {"retrieval": {"match_threshold": 0, "keyword_match_mode": "or"}}}
    seen = []
    for _ in range(2):
        raw = client.chat.completions.with_raw_response.create(model="", messages=QUESTION, extra_body=body)
        seen.append((raw.headers["cf-aig-cache-status"], raw.parse().choices[0].message.content))
    assert [one for one, _ in seen] == ["MISS", "HIT"]
    assert seen[0][1] == seen[1][1]
