"""Service tokens, what our own tokens may do, and limits."""

from pathlib import Path
from typing import Any

import pytest

from secondlook.services.instances import Limits
from tests.wire.conftest import BGE, LEGACY, NEW, Wire, error_of

TOKENS = "/client/v4/accounts/acc/ai-search/tokens"
NAMESPACES = "/client/v4/accounts/acc/ai-search/namespaces"
SENT = {"name": "bucket", "cf_api_id": "id1", "cf_api_key": "key-of-the-bucket"}
BUILT_IN = "00000000-0000-0000-0000-000000000000"


def test_service_tokens(wire: Wire) -> None:
    made = wire.post(TOKENS, SENT).json()["result"]
    assert {name: made[name] for name in ("name", "cf_api_id", "enabled", "legacy")} == {
        "name": "bucket", "cf_api_id": "id1", "enabled": True, "legacy": False,
    }  # fmt: skip
    assert wire.get(f"{TOKENS}/{made['id']}").json()["result"] == made
    assert [row["id"] for row in wire.get(TOKENS).json()["result"]] == [BUILT_IN, made["id"]]
    assert [row["name"] for row in wire.get(TOKENS, search="BUCK").json()["result"]] == ["bucket"]
    page = wire.get(TOKENS, page=2, per_page=1).json()
    assert page["result_info"] == {"count": 1, "page": 2, "per_page": 1, "total_count": 2}
    put = {**SENT, "name": "new", "cf_api_key": "second", "legacy": True}
    changed = wire.ask("PUT", f"{TOKENS}/{made['id']}", json=put).json()["result"]
    assert (changed["id"], changed["name"], changed["legacy"]) == (made["id"], "new", True)
    assert changed["created_at"] == made["created_at"]
    assert wire.ask("DELETE", f"{TOKENS}/{made['id']}").json()["result"] == changed
    for method in ("GET", "PUT", "DELETE"):
        answer = wire.ask(method, f"{TOKENS}/{made['id']}", json=SENT)
        assert error_of(answer) == (404, 7075, "token_not_found")


def test_the_key_never_comes_back(wire: Wire) -> None:
    made = wire.post(TOKENS, SENT)
    one = f"{TOKENS}/{made.json()['result']['id']}"
    answers = [made, wire.get(TOKENS), wire.get(one), wire.ask("PUT", one, json=SENT), wire.ask("DELETE", one)]
    assert {answer.status_code for answer in answers} == {200}
    for answer in answers:
        assert SENT["cf_api_key"] not in answer.text
        assert "cf_api_key" not in answer.text


@pytest.mark.parametrize("left_out", list(SENT))
def test_service_tokens_that_are_refused(wire: Wire, left_out: str) -> None:
    for value in (None, "", 5):
        assert error_of(wire.post(TOKENS, {**SENT, left_out: value}))[:2] == (400, 7400)
    assert len(wire.get(TOKENS).json()["result"]) == 1


def test_a_service_token_in_use(wire: Wire) -> None:
    made = wire.post(TOKENS, SENT).json()["result"]["id"]
    assert wire.make(type="r2", source="bucket", token_id=made)["token_id"] == made
    assert error_of(wire.ask("DELETE", f"{TOKENS}/{made}")) == (409, 7076, "token_in_use_by_instances")
    answer = wire.post(NEW, {"id": "other", "token_id": "nope"})
    assert error_of(answer) == (400, 7012, "ai_search_instance_invalid_token")
    answer = wire.ask("PUT", f"{NEW}/handbook", json={"token_id": "nope"})
    assert error_of(answer)[:2] == (400, 7012)
    assert wire.ask("PUT", f"{NEW}/handbook", json={"token_id": BUILT_IN}).json()["result"]["token_id"] == BUILT_IN
    assert wire.ask("DELETE", f"{TOKENS}/{made}").status_code == 200
    assert error_of(wire.ask("DELETE", f"{TOKENS}/{BUILT_IN}"))[:2] == (400, 7400)


def as_token(wire: Wire, **scope: Any) -> dict[str, str]:
    _, secret = wire.run(wire.services.access.create("scoped", **scope))
    return {"Authorization": f"Bearer {secret}"}


QUERY = {"query": "oil lamp", "messages": None}
CHAT = {"messages": [{"role": "user", "content": "oil lamp"}]}
WHY = {"query": "oil lamp", "item_key": "winter/oil.md"}
RUN = {"query": "oil", "contexts": [{"text": "lamp"}]}
RERANK = {"query": "oil", "documents": ["lamp"], "model": BGE}
QUESTIONS = [
    (f"{NEW}/handbook/search", QUERY),
    (f"{NAMESPACES}/default/instances/handbook/search", QUERY),
    (f"{NEW}/handbook/chat/completions", CHAT),
    (f"{NEW}/handbook/why", WHY),
    (f"{LEGACY}/handbook/search", QUERY),
    (f"{LEGACY}/handbook/ai-search", QUERY),
    (f"/accounts/acc/ai/run/{BGE}", RUN),
    ("/v2/rerank", RERANK),
]


def test_a_token_to_run_may_search_and_chat_alone(filled: Wire) -> None:
    headers = as_token(filled, permission="run")
    for path, body in QUESTIONS:
        assert filled.post(path, body, headers=headers).status_code == 200, path
    for method, path in (
        ("GET", NEW), ("POST", NEW), ("GET", f"{NEW}/handbook"), ("PUT", f"{NEW}/handbook"),
        ("DELETE", f"{NEW}/handbook"), ("GET", f"{NEW}/handbook/stats"), ("GET", f"{NEW}/handbook/items"),
        ("POST", f"{NEW}/handbook/items"), ("POST", f"{NEW}/handbook/jobs"), ("PATCH", f"{LEGACY}/handbook/sync"),
        ("GET", LEGACY), ("GET", f"{LEGACY}/handbook/files"), ("POST", f"{NEW}/handbook/purge_cache"),
        ("GET", TOKENS), ("POST", TOKENS), ("POST", NAMESPACES), ("GET", "/metrics"),
    ):  # fmt: skip
        answer = filled.ask(method, path, headers=headers, json={})
        assert error_of(answer) == (403, 10000, "Authentication error"), path
    assert "permission edit" in answer.json()["errors"][0]["detail"]
    assert filled.get(f"{NEW}/handbook").status_code == 200


def test_a_token_of_an_account_stays_in_it(filled: Wire) -> None:
    mine, other = as_token(filled, account="acc"), as_token(filled, account="other")
    for path, body in QUESTIONS:
        assert filled.post(path, body, headers=mine).status_code == 200, path
        wanted = 200 if path == "/v2/rerank" else 403  # nobody's data is read there
        assert filled.post(path, body, headers=other).status_code == wanted, path
    assert filled.ask("GET", NEW, headers=mine).status_code == 200
    for path in (NEW, LEGACY, TOKENS, NAMESPACES, "/autorag/rags", "/metrics"):
        assert error_of(filled.ask("GET", path, headers=other)) == (403, 10000, "Authentication error"), path
    assert filled.ask("GET", NEW.replace("/acc/", "/other/"), headers=other).status_code == 200
    assert filled.ask("GET", "/autorag/rags", headers=as_token(filled, account="default")).status_code == 200


def test_limits(tmp_path: Path) -> None:
    wire = Wire(tmp_path, limits=Limits(instances=2, namespaces=1, fields=1))
    try:
        wire.make("a")
        wire.make("b")
        assert error_of(wire.post(NEW, {"id": "c"})) == (403, 7013, "max_instances_reached")
        assert error_of(wire.post(NEW, {"id": "a"}))[:2] == (403, 7013)
        assert wire.post(NEW.replace("/acc/", "/other/"), {"id": "c"}).status_code == 200
        assert wire.post(NAMESPACES, {"name": "one"}).status_code == 200
        assert error_of(wire.post(NAMESPACES, {"name": "two"})) == (403, 7062, "max_namespaces_reached")
        assert error_of(wire.post(NAMESPACES, {"name": "one"}))[:2] == (409, 7064)
        fields = [{"field_name": name, "data_type": "text"} for name in ("x", "y")]
        answer = wire.ask("PUT", f"{NEW}/a", json={"custom_metadata": fields})
        assert error_of(answer)[:2] == (400, 7400)
        assert "SECONDLOOK_MAX_METADATA_FIELDS" in answer.json()["errors"][0]["detail"]
        wire.ask("DELETE", f"{NEW}/b")
        assert wire.post(NEW, {"id": "c"}).status_code == 200
    finally:
        wire.close()


def test_the_quota_of_a_month(tmp_path: Path) -> None:
    wire = Wire(tmp_path, monthly_queries=3)
    try:
        wire.fill()
        search, chat, legacy = f"{NEW}/handbook/search", f"{NEW}/handbook/chat/completions", f"{LEGACY}/handbook/search"
        assert wire.post(search, {"query": ""}).status_code == 400  # what is refused does not count
        for path, body in ((search, QUERY), (chat, {**CHAT, "stream": True}), (legacy, QUERY)):
            assert wire.post(path, body).status_code == 200
        for path, body in ((search, QUERY), (chat, CHAT), (legacy, QUERY)):
            answer = wire.post(path, body)
            assert error_of(answer) == (429, 7069, "monthly_query_quota_exceeded")
            assert int(answer.headers["retry-after"]) >= 1
        assert wire.get(f"{NEW}/handbook").status_code == 200
        assert wire.post("/v2/rerank", RERANK).status_code == 200
        elsewhere = search.replace("/acc/", "/other/")
        assert error_of(wire.post(elsewhere, QUERY))[:2] == (404, 7002)
    finally:
        wire.close()
