"""Callers who try to spend the operator's money: on every route, with run tokens and over public endpoints."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from secondlook.models.fakes import FakeGenerator, FakeReranker
from secondlook.ports import Delta, Prompt
from tests.wire.conftest import BGE, NEW, Wire, error_of
from tests.wire.test_access_tokens import TOKENS, as_token
from tests.wire.test_public import NAMESPACES, publish, publish_namespace

pytestmark = pytest.mark.attack

REMOTE = "dear/reranker"
ASK: dict[str, Any] = {"messages": [{"role": "user", "content": "lamp oil"}]}
SYSTEM = {"role": "system", "content": "Write a poem."}
LEGACY = "/client/v4/accounts/acc/autorag/rags/handbook"
BINDING = "/autorag/rags/handbook"


class Listening(FakeGenerator):
    """A language model that remembers what it was sent."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[Prompt] = []

    async def stream(self, prompt: Prompt) -> AsyncIterator[Delta]:
        self.heard.append(prompt)
        async for delta in super().stream(prompt):
            yield delta


class Listened:
    """An API whose language model and remote reranker remember what they were asked."""

    def __init__(self, folder: Path) -> None:
        self.model = Listening()
        self.wire = Wire(folder, self.model)
        self.reranked = 0
        self.wire.rerankers[REMOTE] = FakeReranker("dear@1", remote=True, scorer=self._score)
        self.wire.fill(max_tokens=300, rewrite_query=False)
        self.limited = as_token(self.wire, permission="run")
        self.whole = as_token(self.wire, permission="run", overrides=True)

    def _score(self, *_: object) -> float:
        self.reranked += 1
        return 0.9


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Listened]:
    made = Listened(tmp_path)
    yield made
    made.wire.close()


CHATS = (f"{NEW}/handbook/chat/completions", "/v1/chat/completions", f"{NAMESPACES}/default/chat/completions")
PAID: list[dict[str, Any]] = [
    {"model": "dear/model"},
    {"max_tokens": 301},
    {"max_completion_tokens": 10**9},
    {"tools": [{"type": "function", "function": {"name": "f"}}]},
    {"tool_choice": "auto"},
    {"functions": []},
    {"messages": [SYSTEM, *ASK["messages"]]},
    {"messages": [{**SYSTEM, "role": "developer"}, *ASK["messages"]]},
    {"messages": [{"role": "assistant", "content": "", "tool_calls": [{"id": "c"}]}, *ASK["messages"]]},
    {"ai_search_options": {"query_rewrite": {"enabled": True, "model": "dear/model"}}},
    {"ai_search_options": {"query_rewrite": {"enabled": True, "rewrite_prompt": "Write a poem."}}},
    {"ai_search_options": {"reranking": {"enabled": True, "model": REMOTE}}},
    {"ai_search_options": {"reranking": {"enabled": True, "model": f"{BGE}>{REMOTE}"}}},
    {"ai_search_options": {"reranking": {"enabled": True, "stages": [{"model": BGE}, {"model": REMOTE}]}}},
]


def body_for(path: str, more: dict[str, Any]) -> dict[str, Any]:
    body = {**ASK, **more}
    if path == "/v1/chat/completions":
        return {**body, "model": "acc/default/handbook"}
    if path.startswith(NAMESPACES):
        options = body.get("ai_search_options", {})
        return {**body, "ai_search_options": {**options, "instance_ids": ["handbook"]}}
    return body


@pytest.mark.parametrize("path", CHATS)
def test_a_run_token_buys_nothing_in_a_chat(house: Listened, path: str) -> None:
    for more in PAID:
        if path == "/v1/chat/completions" and "model" in more:
            continue  # the instance is the model there
        for stream in (False, True):
            answer = house.wire.post(path, body_for(path, {**more, "stream": stream}), headers=house.limited)
            assert error_of(answer) == (403, 10000, "Authentication error"), (more, answer.text)
            assert answer.json()["errors"][0]["fields"]
    assert (house.model.heard, house.reranked) == ([], 0)


@pytest.mark.parametrize("path", CHATS)
def test_a_token_with_the_permission_goes_on_as_before(house: Listened, path: str) -> None:
    for more in PAID:
        answer = house.wire.post(path, body_for(path, more), headers=house.whole)
        assert answer.status_code == 200, answer.text
    assert house.reranked


@pytest.mark.parametrize("base", [LEGACY, BINDING.replace("handbook", "own"), f"{NEW}/handbook"])
def test_a_run_token_buys_nothing_in_a_search(house: Listened, base: str) -> None:
    house.wire.ask("PUT", f"{NEW}/handbook", json={"rewrite_query": True})
    paths = [f"{base}/search", *([f"{base}/why"] if base.startswith(NEW) else [f"{base}/ai-search"])]
    house.wire.post("/client/v4/accounts/default/ai-search/instances", {"id": "own"})
    for path in paths:
        legacy = "autorag" in path
        options = {"reranking": {"enabled": True, "model": REMOTE}}
        body = {"query": "oil", "item_key": "x", **(options if legacy else {"ai_search_options": options})}
        answer = house.wire.post(path, body, headers=house.limited)
        assert error_of(answer)[:2] == (403, 10000), path
        if path.endswith("ai-search"):
            for more in ({"model": "dear/model"}, {"system_prompt": "Write a poem."}):
                answer = house.wire.post(path, {"query": "oil", **more}, headers=house.limited)
                assert error_of(answer)[:2] == (403, 10000), more
    assert (house.model.heard, house.reranked) == ([], 0)


def test_a_run_token_chooses_every_local_reranker_on_all_routes(house: Listened) -> None:
    for enabled in (True, False):
        for path in (*CHATS, f"{NEW}/handbook/search"):
            options = {"reranking": {"enabled": enabled, "model": BGE, "match_threshold": 0}}
            answer = house.wire.post(path, body_for(path, {"ai_search_options": options}), headers=house.limited)
            assert answer.status_code == 200, answer.text
        body = {"query": "lamp oil", "reranking": {"enabled": enabled, "model": BGE}}
        for path in ("search", "ai-search"):
            assert house.wire.post(f"{LEGACY}/{path}", body, headers=house.limited).status_code == 200
    texts = {"query": "oil", "model": BGE, "texts": ["oil", "fog"]}
    assert house.wire.post("/rerank", texts, headers=house.limited).status_code == 200


def test_a_run_token_buys_no_remote_reranking_of_passages(house: Listened) -> None:
    passages = {"query": "oil", "model": REMOTE, "documents": ["oil", "fog"]}
    answers: list[httpx.Response] = [
        house.wire.post(path, passages, headers=house.limited) for path in ("/v1/rerank", "/v2/rerank", "/rerank")
    ]
    texts = {"query": "oil", "model": REMOTE, "texts": ["oil"]}
    answers.append(house.wire.post("/rerank", texts, headers=house.limited))
    run = {"query": "oil", "contexts": [{"text": "oil"}]}
    answers.append(house.wire.post(f"/client/v4/accounts/acc/ai/run/{REMOTE}", run, headers=house.limited))
    headers = {**house.limited, "cf-consn-model-id": REMOTE}
    answers.append(house.wire.post("/run", {"inputs": run}, headers=headers))
    assert [error_of(one)[:2] for one in answers] == [(403, 10000)] * len(answers)
    assert house.reranked == 0
    assert house.wire.post("/v1/rerank", passages, headers=house.whole).status_code == 200


def test_the_instances_own_remote_reranker_may_be_switched_on(house: Listened) -> None:
    house.wire.ask("PUT", f"{NEW}/handbook", json={"reranking_model": REMOTE})
    for model in ("", REMOTE):
        options = {"reranking": {"enabled": True, "model": model}}
        body = {"query": "oil", "ai_search_options": options}
        assert house.wire.post(f"{NEW}/handbook/search", body, headers=house.limited).status_code == 200
    assert house.reranked


def test_a_public_endpoint_keeps_the_instances_models_prompts_and_limits(house: Listened) -> None:
    house.wire.ask("PUT", f"{NEW}/handbook", json={"system_prompt_ai_search": "Be brief."})
    one, all_of = publish(house.wire), publish_namespace(house.wire, instances_allowed=["handbook"])
    for front in (one, all_of):
        paths = ["/chat/completions", "/v1/chat/completions", *(["/ai-search"] if front is one else [])]
        for path in paths:
            for more in PAID:
                house.model.heard.clear()
                answer = front.post(path, {**ASK, **more, "temperature": 2, "service_tier": "priority"})
                assert answer.status_code == 200, answer.text
                [prompt] = house.model.heard
                assert [(turn.role, turn.content) for turn in prompt.messages if turn.role != "assistant"] == [
                    ("system", "Be brief."), ("user", "lamp oil")
                ]  # fmt: skip
                assert (prompt.model, [value for _, value in prompt.forwarded]) == ("", [300])
                assert not any(turn.extra for turn in prompt.messages)
    assert house.reranked == 0


def test_a_public_endpoint_names_what_it_ignored(house: Listened) -> None:
    front = publish(house.wire)
    options = {"query_rewrite": {"enabled": True, "model": "@cf/x", "rewrite_prompt": "p"}}  # as the search box sends
    answer = front.post("/chat/completions", {**ASK, "ai_search_options": options, "model": "dear/model"}).json()
    assert {one["message"].partition(":")[0] for one in answer["messages"]} >= {
        "model", "query_rewrite.enabled", "query_rewrite.model", "query_rewrite.rewrite_prompt"
    }  # fmt: skip


def test_an_endpoint_allows_what_its_setting_names(house: Listened) -> None:
    front = publish(house.wire, allowed_overrides=["model", "reranker"])
    answer = front.post("/chat/completions", {**ASK, "model": "dear/model", "max_tokens": 900, **PAID[-3]})
    assert answer.status_code == 200, answer.text
    assert (house.model.heard[-1].model, house.model.heard[-1].forwarded) == ("dear/model", (("max_tokens", 300),))
    assert house.reranked
    shown = house.wire.get(f"{NEW}/handbook").json()["result"]["public_endpoint_params"]
    assert shown["allowed_overrides"] == ["model", "reranker"]
    refused = house.wire.ask(
        "PUT", f"{NEW}/handbook", json={"public_endpoint_params": {"enabled": True, "allowed_overrides": ["money"]}}
    )
    assert error_of(refused) == (400, 7400, "invalid_request")


def test_a_token_is_made_with_the_permission_only_if_asked_for(house: Listened) -> None:
    made = [
        house.wire.post(TOKENS, {"name": "n", **more}).json()["result"]["allow_overrides"]
        for more in ({"permission": "run"}, {"permission": "run", "allow_overrides": True}, {"permission": "edit"})
    ]
    assert made == [False, True, True]
