"""Seven clients of OpenAI stream answers of an instance from ``/v1``, each in its own way and without any help."""

import json
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from openai import OpenAI

from tests.acceptance.server_process import ServerProcess, run_cli, start_server
from tests.clients.node import Node
from tests.clients.packages import run_script
from tests.llm_server import running

pytestmark = [pytest.mark.server, pytest.mark.timeout(600)]

ACCOUNT = "keepers"
FILES = {
    "winter/oil.md": "When lamp oil freezes, warm the reservoir to 12 degrees before lighting.",
    "signals/fog.md": "Two blasts of the fog horn every ninety seconds.",
}
QUESTION = "what must I do when the oil in the lamp is frozen?"
ANSWER = "warm the reservoir to 12 degrees"
TOOL: Any = {"type": "function", "function": {"name": "tide", "parameters": {"type": "object", "properties": {}}}}
NODE_CLIENTS = ("openai", "@ai-sdk/openai", "@ai-sdk/openai-compatible")
MODELS = ("handbook", "winter/handbook")
"""An instance of the namespace ``default`` and one of another."""
Place = tuple[str, str]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """The base URL of a server over a language model, and a token of the account whose instances are the models."""
    folder = tmp_path_factory.mktemp("openai-clients")
    token = run_cli("token", "create", "--name", "tests", "--account", ACCOUNT, "--quiet", data_dir=folder)
    with running() as url:
        server = start_server(folder, SECONDLOOK_LLM_URL=url, SECONDLOOK_LLM_MODEL="ok")
        _fill(server, token)
        yield f"{server.url}/v1", token
        server.stop()


def _fill(server: ServerProcess, token: str) -> None:
    base = f"{server.url}/accounts/{ACCOUNT}/ai-search"
    settings = {"score_threshold": 0, "cache": False, "retrieval_options": {"keyword_match_mode": "or"}}
    with httpx.Client(headers={"authorization": f"Bearer {token}"}, timeout=60) as plain:
        plain.post(f"{base}/namespaces", json={"name": "winter"}).raise_for_status()
        for path, name, more in (
            ("instances", "handbook", {}),
            ("namespaces/winter/instances", "handbook", {}),
            ("instances", "caller", {"ai_search_model": "calls"}),
        ):
            plain.post(f"{base}/{path}", json={"id": name, **settings, **more}).raise_for_status()
            for key, text in FILES.items():
                files, form = {"file": (key, text.encode())}, {"wait_for_completion": "true"}
                plain.post(f"{base}/{path}/{name}/items", files=files, data=form).raise_for_status()


@pytest.mark.parametrize("model", MODELS)
def test_openai(served: Place, model: str) -> None:
    client = OpenAI(base_url=served[0], api_key=served[1], max_retries=0)
    assert {one.id for one in client.models.list()} >= {*MODELS, "caller"}
    assert client.models.retrieve(model).id == model
    asked: Any = {"model": model, "messages": [{"role": "user", "content": QUESTION}]}
    text, chunks = "", []
    for frame in client.chat.completions.create(**asked, stream=True):
        [choice] = frame.choices
        text += choice.delta.content or ""
        chunks += (frame.model_extra or {}).get("chunks", [])
    assert ANSWER in text
    assert choice.finish_reason == "stop"
    assert {chunk["item"]["key"] for chunk in chunks} == set(FILES)
    whole = client.chat.completions.create(**asked)
    assert whole.choices[0].message.content == text
    assert whole.usage is not None and whole.usage.total_tokens > 7


def test_the_stream_helper_of_openai(served: Place) -> None:
    client = OpenAI(base_url=served[0], api_key=served[1], max_retries=0)
    messages: Any = [{"role": "user", "content": QUESTION}]
    usage: Any = {"include_usage": True}
    with client.chat.completions.stream(model="handbook", messages=messages, stream_options=usage) as stream:
        kinds = {event.type for event in stream}
        whole = stream.get_final_completion()
    assert kinds == {"chunk", "content.delta", "content.done"}
    assert ANSWER in (whole.choices[0].message.content or "")
    assert whole.usage is not None and whole.usage.total_tokens > 7
    with client.chat.completions.stream(model="caller", messages=messages, tools=[TOOL]) as stream:
        called = stream.get_final_completion().choices[0]
    assert [call.function.name for call in called.message.tool_calls or ()] == ["tide", "tide"]
    assert called.finish_reason == "tool_calls"


@pytest.mark.parametrize(
    ("model", "key", "kind", "code"),
    [
        ("nothing", "", openai.NotFoundError, "model_not_found"),
        ("summer/handbook", "", openai.NotFoundError, "model_not_found"),
        ("other/default/handbook", "", openai.PermissionDeniedError, "Authentication error"),
        ("handbook", "sl_wrong", openai.AuthenticationError, "invalid_api_key"),
        ("", "", openai.BadRequestError, "invalid_request"),
    ],
)
def test_errors_of_openai(served: Place, model: str, key: str, kind: type[openai.APIStatusError], code: str) -> None:
    client = OpenAI(base_url=served[0], api_key=key or served[1], max_retries=0)
    with pytest.raises(kind) as caught:
        client.chat.completions.create(model=model, messages=[{"role": "user", "content": QUESTION}], stream=True)
    assert caught.value.code == code
    assert caught.value.type


@pytest.fixture(scope="module")
def ask_node(served: Place, node: Node) -> Iterator[Callable[[object], Any]]:
    """Asks one of the npm clients."""
    with node.talk("chat.mjs", CHAT_URL=served[0], CHAT_KEY=served[1]) as ask:
        yield ask


@pytest.mark.node
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("client", NODE_CLIENTS)
def test_npm_clients(ask_node: Callable[[object], Any], client: str, model: str) -> None:
    found = ask_node({"client": client, "model": model, "question": QUESTION})
    assert "error" not in found, found
    assert ANSWER in found["text"]
    assert found["reason"] == "stop"
    assert found["tokens"] > 7
    assert set(found["chunks"]) == set(FILES)
    assert found["frames"] > 3


@pytest.mark.node
@pytest.mark.parametrize("client", NODE_CLIENTS)
def test_npm_clients_call_tools_and_know_errors(ask_node: Callable[[object], Any], client: str) -> None:
    called = ask_node({"client": client, "model": "caller", "question": QUESTION, "tools": True})
    assert set(called["calls"]) == {"tide"}
    assert called["reason"] in ("tool_calls", "tool-calls")
    for model in ("nothing", "summer/handbook", "handbook/"):
        failed = ask_node({"client": client, "model": model, "question": QUESTION})
        assert (failed["error"]["status"], failed["error"]["code"]) == (404, "model_not_found")
        assert "instance" in failed["error"]["message"] or "namespace" in failed["error"]["message"]


LANGCHAIN = """
import json, sys
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
url, token, question, *models = sys.argv[1:]

@tool
def tide() -> str:
    "The tide."
    return "high"

def sum_of(stream):
    whole = None
    for piece in stream:
        whole = piece if whole is None else whole + piece
    return whole

told = []
for name in models:
    model = ChatOpenAI(base_url=url, api_key=token, model=name, stream_usage=True, max_retries=0)
    whole = sum_of(model.stream(question))
    told.append([whole.content, whole.response_metadata["finish_reason"], whole.usage_metadata["total_tokens"]])
caller = ChatOpenAI(base_url=url, api_key=token, model="caller", max_retries=0).bind_tools([tide])
print(json.dumps([told, [call["name"] for call in sum_of(caller.stream(question)).tool_calls]]))
"""
PYDANTIC_AI = """
import asyncio, json, sys
from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider
url, token, question, *models = sys.argv[1:]

async def ask(name):
    agent = Agent(OpenAIChatModel(name, provider=OpenAIProvider(base_url=url, api_key=token)), retries=0)
    async with agent.run_stream(question) as result:
        text = "".join([piece async for piece in result.stream_text(delta=True, debounce_by=None)])
        response = result.response
    whole = (await agent.run(question)).output
    return [text, response.finish_reason, result.usage.total_tokens, whole]

async def main():
    print(json.dumps([await ask(name) for name in models]))

asyncio.run(main())
"""
LITELLM = """
import json, sys
import litellm
litellm.suppress_debug_info = True
url, token, question, *models = sys.argv[1:]
told = []
for name in models:
    place = dict(model=f"openai/{name}", api_base=url, api_key=token, num_retries=0)
    messages = [{"role": "user", "content": question}]
    frames = list(litellm.completion(**place, messages=messages, stream=True, stream_options={"include_usage": True}))
    text = "".join(one.choices[0].delta.content or "" for one in frames if one.choices)
    reasons = [one.choices[0].finish_reason for one in frames if one.choices and one.choices[0].finish_reason]
    whole = litellm.completion(**place, messages=messages)
    told.append([text, reasons[-1], frames[-1].usage.total_tokens, whole.choices[0].message.content])
try:
    litellm.completion(**{**place, "model": "openai/nothing"}, messages=messages, stream=True)
    failure = ""
except litellm.NotFoundError as error:
    failure = str(error)
print(json.dumps([told, failure]))
"""


def test_langchain(served: Place, langchain: Path) -> None:
    told, calls = json.loads(run_script(LANGCHAIN, *served, QUESTION, *MODELS))
    assert len(told) == len(MODELS)
    for text, reason, tokens in told:
        assert ANSWER in text and reason == "stop" and tokens > 7
    assert calls == ["tide", "tide"]


def test_pydantic_ai(served: Place, langchain: Path) -> None:
    told = json.loads(run_script(PYDANTIC_AI, *served, QUESTION, *MODELS))
    assert len(told) == len(MODELS)
    for text, reason, tokens, whole in told:
        assert ANSWER in text and reason == "stop" and tokens > 7
        assert whole == text


def test_litellm(served: Place, langchain: Path) -> None:
    told, failure = json.loads(run_script(LITELLM, *served, QUESTION, *MODELS))
    assert len(told) == len(MODELS)
    for text, reason, tokens, whole in told:
        assert ANSWER in text and reason == "stop" and tokens > 7
        assert whole == text
    assert "nothing" in failure


def test_another_public_way(served: Place) -> None:
    """A public endpoint is a base URL too, and needs no key that is true."""
    base = served[0].removesuffix("/v1")
    headers = {"authorization": f"Bearer {served[1]}"}
    made = httpx.post(
        f"{base}/accounts/{ACCOUNT}/ai-search/instances", headers=headers, timeout=60,
        json={"id": f"open-{uuid.uuid4().hex[:6]}", "public_endpoint_params": {"enabled": True}},
    ).json()["result"]  # fmt: skip
    client = OpenAI(base_url=f"{base}/public/{made['public_endpoint_id']}/v1", api_key="none", max_retries=0)
    frames = list(
        client.chat.completions.create(model="any", messages=[{"role": "user", "content": QUESTION}], stream=True)
    )
    assert "".join(frame.choices[0].delta.content or "" for frame in frames)
    assert frames[-1].choices[0].finish_reason == "stop"
