"""Keys that nothing reads are named in the answer, and no others; an unknown reranker is an error, used or not."""

import json
from typing import Any

import httpx
import pytest

from tests.wire.conftest import BGE, LEGACY, MISSING, NEW, Wire, error_of, frames_of, keys_of

QUERY = "lamp oil"
JOINT = "/client/v4/accounts/acc/ai-search/namespaces"


def told(answer: httpx.Response) -> list[str]:
    """The paths that the answer names."""
    assert answer.status_code == 200, answer.text
    return [one["message"].partition(":")[0] for one in answer.json().get("messages", [])]


def test_a_misspelled_key_is_named_with_its_path_and_what_was_meant(filled: Wire) -> None:
    body = {
        "query": QUERY,
        "max_results": 3,
        "ai_search_options": {"retrieval": {"match_treshold": 0.9, "boost_by": [{"field": "timestamp", "way": "asc"}]}},
    }
    answer = filled.post(f"{NEW}/handbook/search", body)
    assert told(answer) == [
        "max_results",
        "ai_search_options.retrieval.match_treshold",
        "ai_search_options.retrieval.boost_by.0.way",
    ]
    messages = answer.json()["messages"]
    assert messages[1] == {
        "code": 7499,
        "message": "ai_search_options.retrieval.match_treshold: this key is unknown and was ignored;"
        " did you mean match_threshold?",
    }
    assert len(keys_of(answer)) == 3
    assert told(filled.post(f"{NEW}/handbook/search", {"query": QUERY})) == []


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", f"{LEGACY}/handbook/search", {"query": QUERY}),
        ("POST", f"{LEGACY}/handbook/ai-search", {"query": QUERY}),
        ("POST", f"{NEW}/handbook/search", {"query": QUERY}),
        ("POST", f"{NEW}/handbook/why", {"query": QUERY, "item_key": "winter/oil.md"}),
        ("POST", f"{JOINT}/default/search", {"query": QUERY, "ai_search_options": {"instance_ids": ["handbook"]}}),
        ("POST", NEW, {"id": "other"}),
        ("PUT", f"{NEW}/handbook", {}),
        ("POST", JOINT, {"name": "shore"}),
        ("POST", f"{NEW}/handbook/jobs", {}),
    ],
)
def test_every_route_with_a_body_names_them(filled: Wire, method: str, path: str, body: dict[str, Any]) -> None:
    answer = filled.ask(method, path, json={**body, "rerankng": True})
    if answer.status_code == 200:
        assert told(answer) == ["rerankng"]
    else:  # an upload-only instance has no source to sync: the refusal names the key too
        assert [one["message"].partition(":")[0] for one in answer.json()["messages"]] == ["rerankng"]


def test_a_refusal_names_them_too(filled: Wire) -> None:
    answer = filled.post(f"{NEW}/nowhere/search", {"query": QUERY, "retrieval": {}})
    assert error_of(answer)[0] == 404 and answer.json()["messages"] == []  # refused before the body was read
    answer = filled.post(f"{NEW}/handbook/search", {"retrieval": {}})
    assert error_of(answer) == (400, 7039, "missing_user_query")
    assert [one["message"][:10] for one in answer.json()["messages"]] == ["retrieval:"]


def test_keys_of_a_chat_go_to_the_model_and_are_known(filled: Wire) -> None:
    body = {"messages": [{"role": "user", "content": QUERY, "name": "me"}], "temperature": 0.1, "seed": 3}
    whole = filled.post(f"{NEW}/handbook/chat/completions", body).json()
    assert "messages" not in whole
    options = {"ai_search_options": {"retrievl": {}}}
    path = f"{NEW}/handbook/chat/completions"
    assert told(filled.post(path, {**body, **options})) == ["ai_search_options.retrievl"]
    frames = frames_of(filled.post(path, {**body, **options, "stream": True}))
    assert [one["code"] for one in json.loads(frames[-2][1])["messages"]] == [7499]


def test_an_instance_that_is_sent_back_as_it_was_read_has_no_unknown_key(filled: Wire) -> None:
    shown = filled.get(f"{NEW}/handbook").json()["result"]
    answer = filled.ask("PUT", f"{NEW}/handbook", json=shown)
    assert told(answer) == []
    times = {"modified_at": None, "last_activity": None}
    assert {**answer.json()["result"], **times} == {**shown, **times}
    sent = {"public_endpoint_params": {"enabled": True, "mpc": {}}, "source_params": {"inclde_items": []}}
    named = told(filled.ask("PUT", f"{NEW}/handbook", json=sent))
    assert named == ["source_params.inclde_items", "public_endpoint_params.mpc"]


def test_a_namespace_too(filled: Wire) -> None:
    made = filled.post(JOINT, {"name": "shore", "description": "ashore"}).json()["result"]
    assert told(filled.ask("PUT", f"{JOINT}/shore", json=made)) == []


def test_rerankers_as_a_service_warn_as_their_clients_read_it(wire: Wire) -> None:
    body = {"query": "oil", "documents": ["oil", "fog"], "top_m": 1}
    meta = wire.post("/v2/rerank", body).json()["meta"]
    assert meta["warnings"] == ["top_m: this key is unknown and was ignored; did you mean top_n?"]
    assert "warnings" not in wire.post("/v2/rerank", {"query": "oil", "documents": ["oil"]}).json()["meta"]


@pytest.mark.parametrize("enabled", [None, False, True])
def test_an_unknown_reranker_is_an_error_also_where_it_is_not_used(filled: Wire, enabled: bool | None) -> None:
    rerank = {"model": "no/such", **({} if enabled is None else {"enabled": enabled})}
    new: dict[str, Any] = {"query": QUERY, "ai_search_options": {"reranking": rerank}}
    named = {"instance_ids": ["handbook"], "reranking": rerank}
    for path, body in (
        (f"{NEW}/handbook/search", new),
        (f"{NEW}/handbook/why", {**new, "item_key": "winter/oil.md"}),
        (f"{NEW}/handbook/chat/completions", {**new, "query": None, "messages": [{"role": "user", "content": QUERY}]}),
        (f"{LEGACY}/handbook/search", {"query": QUERY, "reranking": rerank}),
        (f"{JOINT}/default/search", {"query": QUERY, "ai_search_options": named}),
    ):
        assert error_of(filled.post(path, body)) == (400, 7010, "invalid_model"), path


def test_each_model_of_a_cascade_is_checked_and_weights_that_are_not_here_are_no_error(filled: Wire) -> None:
    def search(**rerank: Any) -> httpx.Response:
        return filled.post(f"{NEW}/handbook/search", {"query": QUERY, "ai_search_options": {"reranking": rerank}})

    assert error_of(search(model=f"{BGE}>no/such"))[1] == 7010
    assert error_of(search(stages=[{"model": BGE}, {"model": "no/such"}]))[1] == 7010
    assert len(keys_of(search(model=MISSING))) == 3


def test_an_instance_cannot_have_an_unknown_reranker_while_reranking_is_off(wire: Wire) -> None:
    assert error_of(wire.post(NEW, {"id": "a", "reranking": False, "reranking_model": "no/such"}))[1] == 7010
    wire.make("b")
    assert error_of(wire.ask("PUT", f"{NEW}/b", json={"reranking_model": "no/such"}))[1] == 7010
    stages = [{"model": "no/such"}]
    assert error_of(wire.ask("PUT", f"{NEW}/b", json={"reranking_stages": stages}))[1] == 7010
