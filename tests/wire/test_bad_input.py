"""Every kind of bad input gets the contract's error, in the contract's envelope."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.wire.conftest import LEGACY, NEW, Wire, error_of

SEARCH = f"{NEW}/handbook/search"


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic eDp5"}])
@pytest.mark.parametrize("path", [NEW, f"{NEW}?page=zero", f"{NEW}/handbook/items", "/autorag/rags"])
def test_no_token(wire: Wire, path: str, headers: dict[str, str]) -> None:
    wire.client.headers.pop("Authorization")
    answer = wire.ask("GET", path, headers=headers)
    assert error_of(answer) == (401, 10000, "Authentication error")


def test_a_revoked_token(wire: Wire) -> None:
    token = wire.run(wire.services.access.list())[0]
    wire.run(wire.services.access.revoke(token.id))
    assert error_of(wire.get(NEW))[0] == 401


def test_the_old_key_header(wire: Wire) -> None:
    secret = wire.client.headers.pop("Authorization").removeprefix("Bearer ")
    assert wire.ask("GET", NEW, headers={"X-Auth-Email": "a@b.c", "X-Auth-Key": secret}).status_code == 200


def test_health_needs_no_token(wire: Wire) -> None:
    wire.client.headers.pop("Authorization")
    assert wire.get("/health").json()["status"] == "ok"


@pytest.mark.parametrize("path", [f"{NEW}/nope/search", f"{LEGACY}/nope/search", f"{LEGACY}/nope/ai-search"])
def test_unknown_instance(wire: Wire, path: str) -> None:
    assert error_of(wire.post(path, {"query": "x"})) == (404, 7002, "ai_search_not_found")


def test_unknown_namespace(wire: Wire) -> None:
    base = "/accounts/acc/ai-search/namespaces/nope/instances"
    for answer in (wire.post(f"{base}/handbook/search", {"query": "x"}), wire.post(base, {"id": "a"})):
        assert error_of(answer) == (404, 7063, "namespace_not_found")


def test_unknown_account_sees_nothing(filled: Wire) -> None:
    answer = filled.post("/accounts/other/ai-search/instances/handbook/search", {"query": "x"})
    assert error_of(answer)[:2] == (404, 7002)


def test_unknown_route_and_method(wire: Wire) -> None:
    assert error_of(wire.get("/client/v4/accounts/acc/nothing"))[0] == 404
    assert error_of(wire.ask("DELETE", NEW))[0] == 405


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b"3", b"\xff\xfe", b'{"query": "\\udc00"}', b"[" * 100_000]
)
@pytest.mark.parametrize("path", [SEARCH, f"{NEW}/handbook/chat/completions", f"{LEGACY}/handbook/search", NEW])
def test_a_body_that_is_no_json_object(filled: Wire, path: str, body: bytes) -> None:
    answer = filled.ask("POST", path, content=body)
    assert error_of(answer) == (400, 7400, "invalid_request")


@pytest.mark.parametrize("body", [{}, {"query": ""}, {"query": "  "}, {"query": None}, {"messages": []}])
def test_no_query(filled: Wire, body: dict[str, Any]) -> None:
    assert error_of(filled.post(SEARCH, body)) == (400, 7039, "missing_user_query")
    assert error_of(filled.post(f"{LEGACY}/handbook/search", body))[:2] == (400, 7039)
    assert error_of(filled.post(f"{NEW}/handbook/chat/completions", body)) == (400, 7038, "missing_user_query")


def retrieval(**options: Any) -> dict[str, Any]:
    return {"query": "x", "ai_search_options": {"retrieval": options}}


def reranking(**options: Any) -> dict[str, Any]:
    return {"query": "x", "ai_search_options": {"reranking": options}}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"query": 5}, "query"),
        ({"query": ["x"]}, "query"),
        ({"query": "x", "messages": [{"role": "user", "content": "y"}]}, "query"),
        ({"messages": "x"}, "messages"),
        ({"messages": [{"role": "pirate", "content": "x"}]}, "pirate"),
        ({"messages": [{"content": "x"}]}, "messages.0.role"),
        ({"query": "x", "ai_search_options": []}, "ai_search_options"),
        (retrieval(max_num_results=0), "ai_search_options.retrieval.max_num_results"),
        (retrieval(max_num_results=51), "ai_search_options.retrieval.max_num_results"),
        (retrieval(max_num_results="5"), "ai_search_options.retrieval.max_num_results"),
        (retrieval(max_num_results=2.5), "ai_search_options.retrieval.max_num_results"),
        (retrieval(match_threshold=1.01), "ai_search_options.retrieval.match_threshold"),
        (retrieval(match_threshold=-0.1), "ai_search_options.retrieval.match_threshold"),
        (retrieval(retrieval_type="magic"), "ai_search_options.retrieval.retrieval_type"),
        (retrieval(context_expansion=4), "ai_search_options.retrieval.context_expansion"),
        (retrieval(fusion_method="sum"), "ai_search_options.retrieval.fusion_method"),
        (retrieval(keyword_match_mode="not"), "ai_search_options.retrieval.keyword_match_mode"),
        (retrieval(filters=[]), "ai_search_options.retrieval.filters"),
        (reranking(enabled="yes"), "ai_search_options.reranking.enabled"),
        (reranking(enabled=True, model=5), "ai_search_options.reranking.model"),
        (reranking(enabled=True, match_threshold=1.5), "ai_search_options.reranking.match_threshold"),
        (reranking(budget_ms=0), "ai_search_options.reranking.budget_ms"),
        (reranking(budget_ms=600_001), "ai_search_options.reranking.budget_ms"),
        (reranking(budget_ms="5"), "ai_search_options.reranking.budget_ms"),
        (reranking(on_failure="panic"), "ai_search_options.reranking.on_failure"),
        (reranking(weight=1.01), "ai_search_options.reranking.weight"),
        (reranking(weight=-0.01), "ai_search_options.reranking.weight"),
        (reranking(weight="1"), "ai_search_options.reranking.weight"),
        (reranking(stages={}), "ai_search_options.reranking.stages"),
        (reranking(stages=[{}] * 5), "ai_search_options.reranking.stages"),
        (reranking(stages=["m"]), "ai_search_options.reranking.stages.0"),
        (reranking(stages=[{"model": 3}]), "ai_search_options.reranking.stages.0.model"),
        (reranking(stages=[{"window": 0}]), "ai_search_options.reranking.stages.0.window"),
        (reranking(stages=[{"window": 201}]), "ai_search_options.reranking.stages.0.window"),
        (reranking(stages=[{"keep": 0}]), "ai_search_options.reranking.stages.0.keep"),
        (retrieval(boost_after_reranking="yes"), "ai_search_options.retrieval.boost_after_reranking"),
        ({"query": "x", "explain": "yes"}, "explain"),
    ],
)
def test_wrong_types_and_ranges_name_the_field(filled: Wire, body: dict[str, Any], field: str) -> None:
    answer = filled.post(SEARCH, body)
    assert error_of(answer) == (400, 7400, "invalid_request")
    assert field in answer.json()["errors"][0]["detail"]


@pytest.mark.parametrize(
    "body",
    [
        {"max_num_results": 51},
        {"max_num_of_results": 0},
        {"ranking_options": {"score_threshold": 2}},
        {"reranking": {"enabled": 3}},
        {"reranking": {"budget_ms": 0}},
        {"reranking": {"on_failure": "panic"}},
        {"reranking": {"weight": 2}},
        {"reranking": {"stages": [{"window": 0}]}},
        {"explain": 1},
        {"rewrite_query": "no"},
        {"filters": "folder"},
    ],
)
def test_wrong_types_and_ranges_of_the_legacy_generation(filled: Wire, body: dict[str, Any]) -> None:
    assert error_of(filled.post(f"{LEGACY}/handbook/search", {"query": "x", **body}))[:2] == (400, 7400)


def test_numbers_that_json_does_not_know(filled: Wire) -> None:
    text = '{"query": "x", "ai_search_options": {"retrieval": {"match_threshold": NaN}}}'
    assert error_of(filled.ask("POST", SEARCH, content=text))[:2] == (400, 7400)
    text = '{"query": "x", "ai_search_options": {"retrieval": {"filters": {"timestamp": 1e999}}}}'
    assert error_of(filled.ask("POST", SEARCH, content=text))[0] == 400


UNREADABLE = [
    b'{"id": "a", "query": "x", "extra": NaN}',
    b'{"id": "a", "query": "x", "extra": [-Infinity]}',
    b'{"id": "a", "query": "x", "extra": {"y": 1e999}}',
    b'{"id": "a", "query": "\xed\xa0\x80"}',
    '{"id": "a", "query": "x"}'.encode("utf-16"),
    b'{"id": "a", "query": "x", "extra": ' + b"[" * 200 + b"]" * 200 + b"}",
    b'{"id": "a", "query": "x", "extra": ' + b"9" * 5000 + b"}",
]


@pytest.mark.parametrize("body", UNREADABLE)
@pytest.mark.parametrize("path", [SEARCH, f"{NEW}/handbook/chat/completions", f"{LEGACY}/handbook/search", NEW])
def test_json_that_could_not_be_written_again(filled: Wire, path: str, body: bytes) -> None:
    answer = filled.ask("POST", path, content=body)
    assert error_of(answer) == (400, 7400, "invalid_request")
    assert "JSON" in answer.json()["errors"][0]["detail"]


def test_what_is_kept_can_always_be_shown(wire: Wire) -> None:
    body = b'{"id": "a", "source": "https://x.example", "source_params": {"web_crawler": {"depth": NaN}}}'
    assert error_of(wire.ask("POST", NEW, content=body))[:2] == (400, 7400)
    assert wire.get(NEW).status_code == 200
    assert error_of(wire.post(NEW, {"id": "a", "system_prompt_ai_search": "x" * (2 << 20)}))[:2] == (400, 7400)


def test_a_huge_value_is_not_sent_back_whole(filled: Wire) -> None:
    answer = filled.post(SEARCH, reranking(enabled=True, model="m" * 1_000_000))
    assert error_of(answer)[:2] == (400, 7010)
    assert len(answer.content) < 2000


@pytest.mark.parametrize(
    ("part", "code"),
    [
        ({"type": "text"}, 7400),
        ({"type": "text", "text": None}, 7400),
        ({"type": "text", "text": 5}, 7400),
        ({"type": "text", "text": ""}, 7400),
        ({"text": "x"}, 7400),
        ({"type": "image_url"}, 7400),
        ({"type": "image_url", "image_url": {"url": ""}}, 7400),
        ({"type": "file", "file": {"filename": "x" * 256}}, 7400),
        ({"type": "image_url", "image_url": {"url": "https://x.example/a.png"}}, 7089),
    ],
)
def test_parts_that_are_refused(filled: Wire, part: dict[str, Any], code: int) -> None:
    messages = [{"role": "user", "content": [{"type": "text", "text": "fog horn"}, part]}]
    for path in (SEARCH, f"{NEW}/handbook/chat/completions"):
        assert error_of(filled.post(path, {"messages": messages}))[:2] == (400, code)


def test_parts_of_other_kinds_and_earlier_images_are_passed_over(filled: Wire) -> None:
    image = {"type": "image_url", "image_url": {"url": "https://x.example/a.png"}}
    messages = [
        {"role": "user", "content": [{"type": "text", "text": "look"}, image]},
        {"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]},
        {"role": "user", "content": [{"type": "input_audio"}, {"type": "text", "text": "fog horn"}]},
    ]
    assert filled.post(SEARCH, {"messages": messages}).json()["result"]["search_query"] == "fog horn"


@pytest.mark.parametrize(
    "options",
    [
        {"cache": {"enabled": "yes"}},
        {"cache": {"cache_threshold": "sometimes"}},
        {"custom_metadata": {"a": 1, "b": 2, "c": 3}},
        {"custom_metadata": {"cf.ray": "x"}},
        {"custom_metadata": {"task": "x"}},
        {"custom_metadata": {"a": []}},
    ],
)
def test_options_that_no_stage_reads_are_checked(filled: Wire, options: dict[str, Any]) -> None:
    assert error_of(filled.post(SEARCH, {"query": "x", "ai_search_options": options}))[:2] == (400, 7400)


@pytest.mark.parametrize(
    "tail", ["/a%2Fb", "/%00", "/%ff%fe", "/%ed%a0%80", "/%F0%9F%98%80", "/handbook%0a", "/%2e%2e", "/handbook%20"]
)
def test_strange_ids_in_paths(filled: Wire, tail: str) -> None:
    for method, more in (("GET", ""), ("DELETE", ""), ("GET", "/items"), ("GET", "/stats")):
        assert error_of(filled.ask(method, f"{NEW}{tail}{more}"))[0] == 404
    assert error_of(filled.ask("GET", f"{NEW}/handbook/items{tail}"))[0] == 404
    assert filled.get(f"{NEW}/handbook").status_code == 200


@pytest.mark.parametrize("method", ["OPTIONS", "TRACE", "PATCH"])
def test_methods_without_a_route(filled: Wire, method: str) -> None:
    for path in (f"{NEW}/handbook", SEARCH):
        answer = filled.ask(method, path)
        assert (answer.status_code, "allow" in answer.headers) == (405, True)


@pytest.mark.parametrize("query", ["\0", "a\0b", "'\"`;--", "*", "NEAR(", "a AND", "𝒳" * 100, "x" * 4000, "?" * 4000])
def test_strange_queries_are_searched(filled: Wire, query: str) -> None:
    assert filled.post(SEARCH, {"query": query}).status_code == 200


def test_a_json_body_without_end(filled: Wire) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b"[" * (1 << 20)

    assert error_of(filled.ask("POST", SEARCH, content=endless()))[:2] == (400, 7400)


def test_an_unexpected_failure_tells_nothing(filled: Wire, caplog: pytest.LogCaptureFixture) -> None:
    @filled.app.get("/boom")
    async def boom() -> None:
        raise RuntimeError("password is swordfish")

    answer = filled.get("/boom")
    assert error_of(answer) == (500, 7001, "Internal Error")
    assert "swordfish" not in answer.text


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, 7400),
        ({"id": ""}, 7400),
        ({"id": "Upper"}, 7400),
        ({"id": "a--b"}, 7400),
        ({"id": "a\n"}, 7400),
        ({"id": "x" * 65}, 7400),
        ({"id": 5}, 7400),
        ({"id": "a", "reranking_model": "no/such"}, 7010),
        ({"id": "a", "embedding_model": "no/such"}, 7010),
        ({"id": "a", "reranking": "yes"}, 7400),
        ({"id": "a", "max_num_results": 51}, 7400),
        ({"id": "a", "score_threshold": 1.5}, 7400),
        ({"id": "a", "chunk_size": 63}, 7036),
        ({"id": "a", "chunk_size": 5000}, 7036),
        ({"id": "a", "chunk_overlap": 31}, 7400),
        ({"id": "a", "index_method": {"vector": False, "keyword": False}}, 7400),
        ({"id": "a", "cache_ttl": 5}, 7400),
        ({"id": "a", "type": 5}, 7400),
        ({"id": "a", "type": "ftp", "source": "x"}, 7400),
        ({"id": "a", "type": "web-crawler"}, 7052),
        ({"id": "a", "source": "a-bucket"}, 7111),
        ({"id": "a", "source": "http://"}, 7111),
        ({"id": "a", "source": "https:///path"}, 7111),
        ({"id": "a", "source": ["https://x.example"]}, 7400),
        ({"id": "a", "source_params": "x"}, 7400),
        ({"id": "a", "source_params": {"include_items": ["*"] * 11}}, 7400),
        ({"id": "a", "source_params": {"exclude_items": [5]}}, 7400),
        ({"id": "a", "source_params": {"exclude_items": ["@(" * 17 + "a" + ")" * 17]}}, 7400),
        ({"id": "a", "source_params": {"include_items": ["a" * 1025]}}, 7400),
        ({"id": "a", "token_id": 5}, 7400),
        ({"id": "a", "summarization": "yes"}, 7400),
        ({"id": "a", "public_endpoint_params": []}, 7400),
        ({"id": "a", "metadata": "x"}, 7400),
        ({"id": "a", "custom_metadata": [{"field_name": "folder", "data_type": "text"}]}, 7400),
        ({"id": "a", "custom_metadata": [{"field_name": "x", "data_type": "blob"}]}, 7400),
        ({"id": "a", "custom_metadata": [{"field_name": f"f{n}", "data_type": "text"} for n in range(6)]}, 7400),
        ({"id": "a", "retrieval_options": {"boost_by": [{"field": "colour"}]}}, 7400),
    ],
)
def test_instances_that_cannot_be_made(wire: Wire, body: dict[str, Any], code: int) -> None:
    assert error_of(wire.post(NEW, body))[:2] == (400, code)
    assert wire.get(NEW).json()["result_info"]["total_count"] == 0


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("../../etc/passwd.md", 7055),
        ("a//b.md", 7055),
        ("/", 7055),
        ("..", 7055),
        ("x" * 126 + ".md", 7072),
        ("a.pages", 7060),
        ("no-type", 7060),
    ],
)
def test_keys_that_are_refused(filled: Wire, name: str, code: int) -> None:
    assert error_of(filled.upload(name, "lamp oil"))[:2] == (400, code)


@pytest.mark.parametrize("name", ["é" * 60 + ".md", "a\\b.md", "%2e%2e/x.md", "\U0001f600.md", "a b?c#d.md"])
def test_strange_keys_that_are_taken(filled: Wire, name: str) -> None:
    item = filled.upload(name, "a fresh word: marlinspike").json()["result"]
    assert (item["key"], item["status"]) == (name, "completed")
    found = filled.post(SEARCH, {"query": "marlinspike"}).json()["result"]["chunks"]
    assert found[0]["item"]["key"] == name
    assert filled.ask("GET", f"{NEW}/handbook/items/{item['id']}/download").content == b"a fresh word: marlinspike"


def test_markup_that_never_ends_holds_nobody_up(filled: Wire) -> None:
    for piece in ("<!--", "<script>", " "):
        item = filled.upload("page.xml", piece * 100_000 + "\nlamp").json()["result"]
        assert item["status"] in ("completed", "queued", "running"), item
        page = filled.upload("page.html", piece * 100_000 + "\nlamp").json()["result"]
        assert page["status"] == "completed" or page["error"].startswith("markdown_conversion_empty"), page


LONG = [("x " * 200_000, "400,000 characters"), ("?" * 4001, "4,001 characters"), ("oil " * 257, "more than 256 terms")]


@pytest.mark.parametrize(("query", "told"), [(text.strip() + "!" * text.startswith("x"), told) for text, told in LONG])
@pytest.mark.parametrize(
    ("path", "extra"),
    [
        (SEARCH, {}),
        (f"{NEW}/handbook/why", {"item_key": "winter/oil.md"}),
        (f"{LEGACY}/handbook/search", {}),
        (f"{LEGACY}/handbook/ai-search", {}),
        ("/client/v4/accounts/acc/ai-search/namespaces/default/search", {"instance_ids": ["handbook"]}),
    ],
)
def test_a_query_that_is_too_long_is_refused(
    filled: Wire, path: str, extra: dict[str, Any], query: str, told: str
) -> None:
    body = {"query": query, **extra}
    if "namespaces" in path:
        body = {"query": query, "ai_search_options": extra}
    answer = filled.post(path, body)
    assert answer.status_code == 400 and told in answer.text and "shorten it" in answer.text


@pytest.mark.parametrize("text", [one for one, _ in LONG])
def test_the_last_message_of_a_chat_is_cut_for_the_search(filled: Wire, text: str) -> None:
    body = {"messages": [{"role": "user", "content": f"lamp oil {text}"}], "explain": True}
    for path in (f"{NEW}/handbook/chat/completions", SEARCH):
        answer = filled.post(path, body)
        assert answer.status_code == 200, answer.text
        found = answer.json().get("result", answer.json())
        assert found["reranking"]["query_truncated"] is True
        assert len(found["search_query"]) <= 4000
