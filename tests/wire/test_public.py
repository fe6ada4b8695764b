"""Public endpoints: what anybody may ask without a token, and that nothing else leaks there."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from secondlook.models.fakes import FakeReranker
from secondlook.stores.snippets import NAME
from tests.wire.conftest import BGE, NEW, PAGES, Wire, error_of, frames_of

NAMESPACES = "/client/v4/accounts/acc/ai-search/namespaces"
QUESTION = {"messages": [{"role": "user", "content": "lamp oil"}], "stream": False}
SNIPPET = {**QUESTION, "ai_search_options": {"retrieval": {"metadata_only": True, "max_num_results": 50}}}


class Front:
    """An endpoint as a stranger reaches it: no token, by its path or by its host."""

    def __init__(self, wire: Wire, label: str, host: str = "") -> None:
        self.wire, self.label, self.host = wire, label, host

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        """The answer to one request."""
        headers = {"Authorization": "", **({"Host": self.host} if self.host else {}), **more.pop("headers", {})}
        place = path if self.host else f"/public/{self.label}{path}"
        return self.wire.ask(method, place, headers=headers, **more)

    def post(self, path: str, body: object = None, **more: Any) -> httpx.Response:
        """The answer to a POST of JSON."""
        return self.ask("POST", path, json=body, **more)


def publish(wire: Wire, name: str = "handbook", **params: Any) -> Front:
    answer = wire.ask("PUT", f"{NEW}/{name}", json={"public_endpoint_params": {"enabled": True, **params}})
    assert answer.status_code == 200, answer.text
    return Front(wire, answer.json()["result"]["public_endpoint_id"])


def publish_namespace(wire: Wire, name: str = "default", **params: Any) -> Front:
    answer = wire.ask("PUT", f"{NAMESPACES}/{name}", json={"public_endpoint_params": {"enabled": True, **params}})
    assert answer.status_code == 200, answer.text
    return Front(wire, f"ns-{answer.json()['result']['public_endpoint_id']}")


@pytest.fixture
def front(filled: Wire) -> Front:
    return publish(filled)


@pytest.fixture
def both(filled: Wire) -> Wire:
    filled.make("blog", score_threshold=0.0, retrieval_options={"keyword_match_mode": "or"})
    filled.upload("posts/lamp.md", "A post on lamp oil.", name="blog")
    return filled


def keys(answer: httpx.Response) -> set[str]:
    assert answer.status_code == 200, answer.text
    return {one["item"]["key"] for one in answer.json()["result"]["chunks"]}


def test_the_id_is_made_once_and_stays(filled: Wire) -> None:
    assert filled.get(f"{NEW}/handbook").json()["result"]["public_endpoint_id"] is None
    off = filled.ask("PUT", f"{NEW}/handbook", json={"public_endpoint_params": {"enabled": False}}).json()["result"]
    assert off["public_endpoint_id"] is None
    front = publish(filled)
    assert publish(filled, rate_limit={"requests": 5}).label == front.label
    filled.ask("PUT", f"{NEW}/handbook", json={"public_endpoint_params": {"enabled": False}})
    assert error_of(front.post("/search", QUESTION)) == (404, 60004, "ai search not enabled")
    [row] = filled.get(NEW).json()["result"]
    assert (row["public_endpoint_id"], row["public_endpoint_params"]["enabled"]) == (front.label, False)
    assert publish(filled).label == front.label
    assert keys(front.post("/search", QUESTION))


def test_settings_are_shown_with_their_defaults_and_replaced_whole(filled: Wire) -> None:
    defaults = {
        "enabled": True,
        "search_endpoint": {"disabled": False},
        "chat_completions_endpoint": {"disabled": False},
        "mcp": {"disabled": False, "description": "Finds exactly what you're looking for"},
        "rate_limit": {"requests": 120, "period_ms": 60000, "technique": "fixed"},
        "authorized_hosts": ["*"],
        "custom_domains": None,
        "default_domain_enabled": True,
        "allowed_overrides": None,
    }
    publish(filled, search_endpoint={"disabled": True}, rate_limit={"requests": 7, "technique": "sliding"})
    shown = filled.get(f"{NEW}/handbook").json()["result"]["public_endpoint_params"]
    assert shown["rate_limit"] == {"requests": 7, "period_ms": 60000, "technique": "sliding"}
    filled.ask("PUT", f"{NEW}/handbook", json={"max_num_results": 5})
    assert filled.get(f"{NEW}/handbook").json()["result"]["public_endpoint_params"] == shown
    publish(filled)
    assert filled.get(f"{NEW}/handbook").json()["result"]["public_endpoint_params"] == defaults


def test_an_instance_may_be_made_with_its_endpoint(wire: Wire) -> None:
    made = wire.make(
        "docs", public_endpoint_params={"enabled": True}, type="web-crawler", source="https://site.example"
    )
    assert made["public_endpoint_params"]["authorized_hosts"] == ["site.example"]
    assert Front(wire, made["public_endpoint_id"]).post("/search", QUESTION).status_code == 200


@pytest.mark.parametrize(
    "params",
    [
        {"rate_limit": {"requests": 0}},
        {"rate_limit": {"period_ms": 59_999}},
        {"rate_limit": {"period_ms": 3_600_001}},
        {"rate_limit": {"technique": "token"}},
        {"authorized_hosts": ["http://"]},
        {"authorized_hosts": ["a b"]},
        {"custom_domains": ["a.example.com", "b.example.com"]},
        {"instances_allowed": ["handbook"]},
        {"enabled": "yes"},
        {"mcp": {"description": ""}},
    ],
)
def test_settings_that_are_refused_change_nothing(filled: Wire, params: dict[str, Any]) -> None:
    body = {"max_num_results": 3, "public_endpoint_params": {"enabled": True, **params}}
    assert error_of(filled.ask("PUT", f"{NEW}/handbook", json=body)) == (400, 7400, "invalid_request")
    shown = filled.get(f"{NEW}/handbook").json()["result"]
    assert (shown["max_num_results"], "public_endpoint_params" in shown) == (10, False)


def test_a_search_without_a_token(front: Front) -> None:
    answer = front.post("/search", SNIPPET, headers={"cf-ai-search-source": "snippet-search"})
    assert keys(answer) == set(PAGES)
    body = answer.json()
    assert body["success"] is True
    [chunk, *_] = body["result"]["chunks"]
    assert chunk["text"] == ""
    assert chunk["item"]["metadata"]["filename"]


def test_the_body_is_that_of_the_private_route(front: Front) -> None:
    front.wire.ask("PUT", f"{NEW}/handbook", json={"reranking_model": BGE})
    options = {"reranking": {"enabled": True, "match_threshold": 0}}
    body = {"query": "lamp oil", "ai_search_options": options}
    private = front.wire.post(f"{NEW}/handbook/search", body).json()["result"]
    public = front.post("/search", body).json()["result"]
    assert public == {name: value for name, value in private.items() if name not in ("reranking", "thresholds")}
    assert public["chunks"][0]["scoring_details"]["reranking_score"]


def test_nothing_of_the_inside_is_told(front: Front) -> None:
    front.wire.rerankers[BGE] = FakeReranker("bge@1", error=RuntimeError("http://10.0.0.7 refused the key sl_secret"))
    front.wire.ask("PUT", f"{NEW}/handbook", json={"reranking_model": BGE})
    options = {"reranking": {"enabled": True}}
    for body in ({**QUESTION, "explain": True}, {**QUESTION, "explain": True, "ai_search_options": options}):
        for path in ("/search", "/chat/completions", "/ai-search"):
            text = front.post(path, body).text
            assert not any(word in text for word in ("sl_secret", "trace", "dropped", "explain", "built-in@1"))
    strict = {**QUESTION, "ai_search_options": {**options, "retrieval": {"return_on_failure": False}}}
    refused = front.post("/search", strict)
    assert error_of(refused) == (500, 7073, "all_search_methods_failed")
    assert "detail" not in refused.json()["errors"][0]
    wrong = front.post("/search", {**QUESTION, "ai_search_options": {"retrieval": {"max_num_results": 0}}})
    assert "max_num_results" in wrong.json()["errors"][0]["detail"]


def test_what_nobody_foresaw(front: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: Any, **__: Any) -> None:
        raise KeyError("a bug")

    monkeypatch.setattr(front.wire.services.searching, "search", broken)
    answer = front.post("/search", QUESTION)
    assert error_of(answer) == (500, 60100, "internal error")
    assert "bug" not in answer.text
    assert answer.headers["access-control-allow-origin"] == "*"


def test_a_chat(front: Front) -> None:
    whole = front.post("/chat/completions", QUESTION).json()
    assert whole["choices"][0]["message"]["content"]
    assert whole["chunks"]
    frames = frames_of(front.post("/chat/completions", {**QUESTION, "stream": True}))
    assert (frames[0][0], frames[-1]) == ("chunks", ("", "[DONE]"))
    assert not any('"reranking"' in data for _, data in frames)
    empty = front.post("/chat/completions", {"messages": []})
    assert error_of(empty) == (400, 7038, "missing_user_query")


def test_the_legacy_alias(front: Front) -> None:
    answer = front.post("/ai-search", {**QUESTION, "stream": True, "max_num_results": 2})
    frames = frames_of(answer)
    text = "".join(json.loads(data)["response"] for _, data in frames)  # what the search box does with it
    assert text
    whole = front.post("/ai-search", {**QUESTION, "max_num_results": 2}).json()["result"]
    assert (len(whole["data"]), bool(whole["response"])) == (2, True)


@pytest.mark.parametrize(
    ("switch", "path", "expected"),
    [
        ("search_endpoint", "/search", (401, 60008, "search endpoint disabled")),
        ("chat_completions_endpoint", "/chat/completions", (401, 60009, "chat completions endpoint disabled")),
        ("chat_completions_endpoint", "/ai-search", (401, 60009, "chat completions endpoint disabled")),
        ("mcp", "/mcp", (401, 60007, "mcp endpoint disabled")),
    ],
)
def test_each_way_can_be_closed(filled: Wire, switch: str, path: str, expected: tuple[int, int, str]) -> None:
    assert error_of(publish(filled, **{switch: {"disabled": True}}).post(path, QUESTION)) == expected


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/stats", (405, 60010, "method not allowed")),
        ("GET", "/mcp", (405, 60016, "method not allowed; this MCP endpoint only accepts POST")),
        ("DELETE", "/mcp", (405, 60016, "method not allowed; this MCP endpoint only accepts POST")),
        ("GET", "/search", (404, 60006, "endpoint not found")),
        ("POST", "/elsewhere", (404, 60006, "endpoint not found")),
        ("GET", "", (404, 60006, "endpoint not found")),
        ("GET", "/search/", (404, 60006, "endpoint not found")),
        ("GET", "/assets/v0.0.1/search-snippet.es.js", (404, 60001, "asset not found")),
        ("GET", "/assets/v0.0.42/other.js", (404, 60001, "asset not found")),
        ("GET", "/assets/v..%2f..%2f/search-snippet.es.js", (404, 60001, "asset not found")),
        ("GET", "/assets/v0.0.42/search-snippet.es.js", (503, 60017, "asset fetch failed")),
    ],
)
def test_paths_and_methods(front: Front, method: str, path: str, expected: tuple[int, int, str]) -> None:
    assert error_of(front.ask(method, path)) == expected


@pytest.mark.parametrize("content", [b"[]", b"no json", b'"x"', b""])
def test_a_body_that_is_no_object(front: Front, content: bytes) -> None:
    for path in ("/search", "/chat/completions", "/ai-search"):
        answer = front.ask("POST", path, content=content)
        assert error_of(answer) == (400, 60015, "request body must be a JSON object")


def test_a_body_that_is_too_large(front: Front) -> None:
    answer = front.post("/search", {"query": "x" * (1 << 20)})
    assert error_of(answer) == (400, 60015, "request body must be a JSON object")
    assert "1,048,576 bytes" in answer.json()["errors"][0]["detail"]


def test_unknown_labels(front: Front) -> None:
    wire = front.wire
    for label in ("nothing", "ns-", front.label.upper(), f"x{front.label}"):
        assert error_of(Front(wire, label).post("/search", QUESTION)) == (404, 60002, "hash not found on url")
    for label in ("0" * 16, f"ns-{front.label}"):
        assert error_of(Front(wire, label).post("/search", QUESTION)) == (404, 60003, "config not found")


def test_an_endpoint_goes_with_its_instance(front: Front) -> None:
    front.wire.ask("DELETE", f"{NEW}/handbook")
    assert error_of(front.post("/search", QUESTION)) == (404, 60003, "config not found")
    front.wire.fill()
    assert publish(front.wire).label != front.label


def test_a_host_is_the_endpoint_and_nothing_else(front: Front) -> None:
    wire = front.wire
    by_host = Front(wire, "", f"{front.label}.search.example.com:8787")
    assert keys(by_host.post("/search", QUESTION)) == set(PAGES)
    token = {"Authorization": wire.headers["Authorization"]}
    for path in (
        NEW,
        f"{NEW}/handbook",
        "/health",
        "/metrics",
        "/openapi.json",
        "/docs",
        f"/public/{front.label}/search",
    ):
        for headers in ({}, token):
            answer = by_host.ask("GET", path, headers=headers)
            assert error_of(answer) == (404, 60006, "endpoint not found"), path
    other = Front(wire, "", "0123456789abcdef.example.com")
    assert error_of(other.post("/search", QUESTION)) == (404, 60003, "config not found")
    assert Front(wire, "", "search.example.com").ask("GET", "/health").status_code == 200
    assert Front(wire, "", front.label).ask("GET", "/health").status_code == 200  # one word is no domain


def test_private_routes_stay_private(front: Front) -> None:
    for path in ("/../../client/v4/accounts/acc/ai-search/instances", "/%2e%2e/%2e%2e/metrics"):
        answer = front.ask("GET", path)
        assert answer.status_code in (401, 404), path
    assert front.wire.ask("GET", NEW, headers={"Authorization": ""}).status_code == 401


def test_the_limit_of_a_fixed_window(filled: Wire) -> None:
    front = publish(filled, rate_limit={"requests": 2, "period_ms": 60000})
    for path in ("/search", "/chat/completions"):
        assert front.post(path, QUESTION).status_code == 200
    refused = front.post("/search", QUESTION)
    assert error_of(refused) == (429, 60005, "rate limited")
    assert refused.headers["retry-after"] == str(60 - int(filled.clock) % 60)
    assert refused.headers["access-control-allow-origin"] == "*"
    assert front.ask("OPTIONS", "/search").status_code == 204  # not counted, and not refused
    filled.clock += int(refused.headers["retry-after"])
    assert front.post("/search", QUESTION).status_code == 200


def test_the_limit_of_a_sliding_window(filled: Wire) -> None:
    front = publish(filled, rate_limit={"requests": 4, "period_ms": 60000, "technique": "sliding"})
    filled.clock = 6_000_000_000.0
    assert [front.post("/search", QUESTION).status_code for _ in range(5)] == [200, 200, 200, 200, 429]
    filled.clock += 60  # a new window, but the last minute is still full
    assert front.post("/search", QUESTION).status_code == 429
    wait = int(front.post("/search", QUESTION).headers["retry-after"])
    assert wait == 15
    filled.clock += wait
    assert front.post("/search", QUESTION).status_code == 200


def test_one_endpoint_does_not_use_up_another(both: Wire) -> None:
    first, second = publish(both, rate_limit={"requests": 1}), publish(both, "blog", rate_limit={"requests": 1})
    assert [one.post("/search", QUESTION).status_code for one in (first, second, first)] == [200, 200, 429]


def test_a_preflight(front: Front) -> None:
    headers = {
        "Origin": "https://site.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type,cf-ai-search-source,x-own",
    }
    answer = front.ask("OPTIONS", "/search", headers=headers)
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == "*"
    allowed = answer.headers["access-control-allow-headers"].split(", ")
    assert {"content-type", "cf-ai-search-source", "x-own"} <= set(allowed)
    assert "POST" in answer.headers["access-control-allow-methods"]


@pytest.mark.parametrize(
    ("host", "origin", "allowed"),
    [
        ("site.example", "https://site.example", True),
        ("site.example", "http://site.example:3000", True),
        ("site.example", "https://www.site.example", False),
        ("*.site.example", "https://www.site.example", True),
        ("*.site.example", "https://site.example", False),
        ("*.site.example", "https://evilsite.example", False),
        ("https://site.example", "http://site.example", False),
        ("https://site.example", "https://site.example", True),
        ("site.example:8443", "https://site.example:8443", True),
        ("site.example:443", "https://site.example", True),
        ("site.example:8443", "https://site.example", False),
        ("site.example", "https://site.example.evil.example", False),
        ("site.example", "null", False),
    ],
)
def test_pages_that_may_read(filled: Wire, host: str, origin: str, allowed: bool) -> None:
    front = publish(filled, authorized_hosts=[host])
    for method in ("OPTIONS", "POST"):
        answer = front.ask(method, "/search", json=QUESTION, headers={"Origin": origin})
        assert answer.status_code < 300  # the browser decides
        assert answer.headers.get("access-control-allow-origin") == (origin if allowed else None)
        assert answer.headers["vary"] == "Origin"


def test_events_are_kept_and_bounded(front: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    event = {"inputQuery": "fog", "snippetVersion": "0.0.42", "totalResult": 6, "clickedResultId": "c1",
             "clickPosition": 1, "clickViewMore": False, "secret": "x", "nested": {"a": 1}}  # fmt: skip
    headers = {"Origin": "https://site.example"}
    answer = front.post("/stats", {"events": [event, {"inputQuery": "x" * 5000, "totalResult": -1}]}, headers=headers)
    assert (answer.status_code, answer.json()["success"]) == (200, True)
    assert answer.headers["access-control-allow-origin"] == "https://site.example"
    assert answer.headers["access-control-allow-credentials"] == "true"  # sendBeacon sends cookies, whoever reads them
    wire = front.wire
    endpoint = wire.run(wire.services.endpoints.find(front.label))
    assert endpoint
    cut, kept = wire.run(wire.services.endpoints.events(endpoint))
    assert kept.told == {name: value for name, value in event.items() if name not in ("secret", "nested")}
    assert cut.told == {"inputQuery": "x" * 1000}
    monkeypatch.setattr("secondlook.services.endpoints.MOST_EVENTS", 3)
    for at in range(5):
        front.post("/stats", {"events": [{"inputQuery": str(at)}]})
    assert [one.told["inputQuery"] for one in wire.run(wire.services.endpoints.events(endpoint))] == ["4", "3", "2"]
    assert 'secondlook_box_events_total{kind="click"}' in wire.get("/metrics").text


@pytest.mark.parametrize("body", [b"", b"{}", b'{"events": []}', b'{"events": {}}', b'{"events": [1]}', b"[]", b"x"])
def test_events_that_are_none(front: Front, body: bytes) -> None:
    assert error_of(front.ask("POST", "/stats", content=body)) == (400, 60011, "invalid stats request body")


def test_the_bundle_comes_from_the_cache(front: Front, tmp_path: Path) -> None:
    folder = tmp_path / "snippets" / "0.0.42"
    folder.mkdir(parents=True)
    (folder / NAME).write_bytes(b"export {};")
    answer = front.ask("GET", "/assets/v0.0.42/search-snippet.es.js", headers={"Origin": "https://site.example"})
    assert (answer.status_code, answer.content) == (200, b"export {};")
    assert answer.headers["content-type"].startswith("text/javascript")
    assert answer.headers["access-control-allow-origin"] == "*"


def test_a_custom_domain(both: Wire) -> None:
    front = publish(both, custom_domains=["Search.Example.com"])
    mine = Front(both, "", "search.example.com:443")
    assert keys(mine.post("/search", QUESTION)) == set(PAGES)
    assert error_of(mine.ask("GET", NEW)) == (404, 60006, "endpoint not found")
    taken = both.ask(
        "PUT",
        f"{NEW}/blog",
        json={"public_endpoint_params": {"enabled": True, "custom_domains": ["search.example.com"]}},
    )
    assert error_of(taken) == (409, 7091, "custom_domain_already_in_use")
    publish(both, default_domain_enabled=False)  # domains that are not sent stay
    assert keys(mine.post("/search", QUESTION)) == set(PAGES)
    assert error_of(front.post("/search", QUESTION)) == (404, 60018, "default domain disabled")
    shown = both.get(f"{NEW}/handbook").json()["result"]["public_endpoint_params"]
    assert (shown["custom_domains"], shown["default_domain_enabled"]) == (["search.example.com"], False)
    publish(both, custom_domains=[])
    assert keys(front.post("/search", QUESTION)) == set(PAGES)
    assert error_of(mine.ask("GET", "/search"))[1] == 7404  # nobody's host
    assert publish(both, "blog", custom_domains=["search.example.com"])


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"custom_domains": ["localhost"]}, (400, 7090, "custom_domain_not_a_verified_zone_on_this_account")),
        ({"custom_domains": ["10.0.0.1"]}, (400, 7090, "custom_domain_not_a_verified_zone_on_this_account")),
        ({"custom_domains": ["https://a.example"]}, (400, 7090, "custom_domain_not_a_verified_zone_on_this_account")),
        (
            {"enabled": False, "custom_domains": ["a.example"]},
            (400, 7093, "custom_domains_require_an_active_public_endpoint"),
        ),
        (
            {"default_domain_enabled": False},
            (400, 7096, "disabling_the_default_domain_requires_at_least_one_custom_domain"),
        ),
    ],
)
def test_domains_that_are_refused(filled: Wire, params: dict[str, Any], expected: tuple[int, int, str]) -> None:
    body = {"public_endpoint_params": {"enabled": True, **params}}
    assert error_of(filled.ask("PUT", f"{NEW}/handbook", json=body)) == expected


def test_the_endpoint_of_a_namespace(both: Wire) -> None:
    front = publish_namespace(both, instances_allowed=["handbook", "blog"])
    answer = front.post("/search", QUESTION)
    assert {one["instance_id"] for one in answer.json()["result"]["chunks"]} == {"handbook", "blog"}
    assert "reranking" not in answer.json()["result"]
    one = {**QUESTION, "ai_search_options": {"instance_ids": ["blog"]}}
    assert keys(front.post("/search", one)) == {"posts/lamp.md"}
    chat = front.post("/chat/completions", one).json()
    assert [chunk["instance_id"] for chunk in chat["chunks"]] == ["blog"]
    by_host = Front(both, "", f"{front.label}.example.com")
    assert keys(by_host.post("/search", one)) == {"posts/lamp.md"}


def test_a_namespace_shows_what_it_allows_and_no_more(both: Wire) -> None:
    front = publish_namespace(both, instances_allowed=["blog"])
    assert keys(front.post("/search", QUESTION)) == {"posts/lamp.md"}
    asked = {"messages": QUESTION["messages"]}
    refused = [
        front.post(path, {**asked, "ai_search_options": {"instance_ids": ids}})
        for path in ("/search", "/chat/completions")
        for ids in (["handbook"], ["gone"], ["blog", "handbook"])
    ]
    publish_namespace(both, instances_allowed=[])
    refused.append(front.post("/search", asked))
    publish_namespace(both, instances_allowed=["blog"])
    both.ask("DELETE", f"{NEW}/blog")
    refused.append(front.post("/search", asked))
    assert {one.text for one in refused} == {refused[0].text}
    assert error_of(refused[0]) == (404, 60013, "ai_search_not_found")


def test_the_tool_of_a_namespace(both: Wire) -> None:
    front = publish_namespace(both, instances_allowed=["handbook", "blog"])
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call",
            "params": {"name": "search", "arguments": {"query": "lamp oil"}}}  # fmt: skip
    accepts = {"Accept": "application/json, text/event-stream"}
    result = front.post("/mcp", call, headers=accepts).json()["result"]
    assert {one["instance_id"] for one in result["structuredContent"]["chunks"]} == {"handbook", "blog"}
    assert "reranking" not in result["structuredContent"]
    publish_namespace(both, instances_allowed=[])
    result = front.post("/mcp", call, headers=accepts).json()["result"]
    assert result["isError"] is True
    assert "60013" in result["content"][0]["text"]


@pytest.mark.parametrize("ids", ["blog", [], [1], {"a": 1}, ["blog"] * 11])
def test_ids_that_are_none(both: Wire, ids: Any) -> None:
    front = publish_namespace(both, instances_allowed=["blog"])
    answer = front.post("/search", {**QUESTION, "ai_search_options": {"instance_ids": ids}})
    assert error_of(answer) == (400, 60012, "invalid ai_search_options.instance_ids")


@pytest.mark.parametrize("path", ["/stats", "/ai-search", "/assets/v0.0.42/search-snippet.es.js"])
def test_paths_that_a_namespace_has_not(both: Wire, path: str) -> None:
    front = publish_namespace(both, instances_allowed=["blog"])
    answer = front.ask("GET" if "assets" in path else "POST", path, json=QUESTION)
    assert error_of(answer) == (404, 60014, "path not supported for namespace-kind hash")


def test_a_namespace_keeps_its_id_when_null_switches_it_off(both: Wire) -> None:
    both.post(NAMESPACES, {"name": "shore"})
    unknown = {"public_endpoint_params": {"enabled": True, "instances_allowed": ["blog"]}}
    expected = (400, 7097, "instances_allowed_contains_unknown_instances")
    assert error_of(both.ask("PUT", f"{NAMESPACES}/shore", json=unknown)) == expected
    assert error_of(both.post(NAMESPACES, {"name": "other", **unknown})) == expected
    front = publish_namespace(both, "shore")
    off = both.ask("PUT", f"{NAMESPACES}/shore", json={"public_endpoint_params": None}).json()["result"]
    assert (f"ns-{off['public_endpoint_id']}", off["public_endpoint_params"]["enabled"]) == (front.label, False)
    assert both.get(f"{NAMESPACES}/shore").json()["result"] == off
    assert both.get(NAMESPACES).json()["result"] == [off]
    both.ask("DELETE", f"{NAMESPACES}/shore")
    made = both.post(NAMESPACES, {"name": "shore", "public_endpoint_params": {"enabled": True}}).json()["result"]
    assert made["public_endpoint_id"] not in (None, off["public_endpoint_id"])


def test_a_message_of_the_protocol_that_is_no_json_is_refused_in_json(front: Front) -> None:
    publish(front.wire, mcp={"disabled": False}, authorized_hosts=["*"])
    for headers in ({}, {"Content-Type": "text/plain"}):
        answer = front.ask("POST", "/mcp", content=b"{}", headers=headers)
        assert (answer.status_code, answer.headers["content-type"]) == (415, "application/json")
        assert answer.json()["error"]["code"] == -32600
        assert "Content-Type: application/json" in answer.json()["error"]["message"]


CALL = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "search", "arguments": {"query": "oil"}}}
ACCEPTS = {"Accept": "application/json, text/event-stream"}


def call_from(wire: Wire, label: str, host: str, origin: str | None, path: str = "") -> httpx.Response:
    """The answer to a call of the tool by a page."""
    page = {} if origin is None else {"Origin": origin}
    return wire.post(path or f"/public/{label}/mcp", CALL, headers={**ACCEPTS, **page, "Host": host})


OWN = [
    ("localhost:8787", None, True),
    ("localhost:8787", "http://localhost:8787", True),
    ("127.0.0.1:8787", "http://127.0.0.1:8787", True),
    ("[::1]:8787", "http://[::1]:8787", True),
    ("192.168.1.5", "http://192.168.1.5", True),
    ("wire", "http://wire", True),
    ("wire", "http://wire:80", True),
    ("help.localhost", "https://help.localhost", True),
    ("search.example.com", "https://search.example.com", True),  # behind a proxy with a certificate for that name
    ("evil.example.com", "http://evil.example.com", False),
    ("evil.example.com:8787", "http://evil.example.com:8787", False),
    ("EVIL.example.com", "http://evil.example.com", False),
    ("localhost:8787", "http://[", False),
]
"""Pages of the host that the request names: which are the server's own."""
STRANGE = [
    ("localhost:8787", "http://evil.example.com"),
    ("localhost:8787", "http://localhost:9999"),
    ("localhost:8787", "https://localhost"),
    ("localhost:8787", "http://localhost.evil.example:8787"),
    ("127.0.0.1:8787", "http://127.0.0.1.evil.example:8787"),
    ("localhost:8787", "null"),
    ("localhost:8787", "file://"),
]
"""Pages of other hosts."""


def test_the_tool_answers_no_page_under_a_rebound_name(front: Front) -> None:
    for host, origin, allowed in OWN:
        answer = call_from(front.wire, front.label, host, origin)
        assert answer.status_code == (200 if allowed else 403), (host, origin)
        if not allowed:
            error = answer.json()
            assert (error["jsonrpc"], error["id"], error["error"]["code"]) == ("2.0", None, -32000)
            assert "authorized_hosts" in error["error"]["message"]


def test_the_tool_answers_strange_pages_unless_hosts_are_named(front: Front) -> None:
    for host, origin in STRANGE:
        assert call_from(front.wire, front.label, host, origin).status_code == 200, "the default is every host"
    publish(front.wire, authorized_hosts=["app.example"])
    for host, origin in STRANGE:
        assert call_from(front.wire, front.label, host, origin).status_code == 403, origin
        assert call_from(front.wire, front.label, host, f"http://{host}").status_code == 200, "its own pages may"


def test_the_tool_answers_the_pages_that_are_authorized(filled: Wire) -> None:
    cases: list[tuple[list[str], str, bool]] = [
        (["app.example"], "https://app.example", True),
        (["app.example"], "https://other.example", False),
        (["*.app.example"], "https://a.app.example", True),
        (["*.app.example"], "https://app.example", False),
        (["https://app.example:8443"], "https://app.example:8443", True),
        (["https://app.example:8443"], "http://app.example:8443", False),
        (["*"], "https://anything.example", True),
        ([], "https://app.example", False),
    ]
    for hosts, origin, allowed in cases:
        front = publish(filled, authorized_hosts=hosts)
        assert call_from(filled, front.label, "localhost:8787", origin).status_code == (200 if allowed else 403), origin
        rebound = call_from(filled, front.label, "evil.example", "http://evil.example")
        assert rebound.status_code == (200 if hosts == ["*"] else 403)
        assert call_from(filled, front.label, "localhost:8787", None).status_code == 200


def test_the_tool_answers_pages_of_its_own_hosts(both: Wire) -> None:
    front = publish(both, custom_domains=["search.example.com"])
    for host in ("search.example.com", f"{front.label}.search.example.net"):
        assert call_from(both, "", host, f"http://{host}", "/mcp").status_code == 200
    namespace = publish_namespace(both, instances_allowed=["blog"])
    host = f"{namespace.label}.search.example.net"
    assert call_from(both, "", host, f"http://{host}", "/mcp").status_code == 200
    assert call_from(both, namespace.label, "evil.example", "http://evil.example").status_code == 403


def test_an_unknown_tool_is_an_error_of_the_protocol(front: Front) -> None:
    for name in ("find", "Search", "", "search "):
        call = {**CALL, "params": {"name": name, "arguments": {"query": "oil"}}}
        answer = front.post("/mcp", call, headers=ACCEPTS).json()
        assert (answer["id"], answer["error"]["code"]) == (1, -32602)
        assert name in answer["error"]["message"] and "result" not in answer


def test_wrong_arguments_of_the_tool_are_a_result_that_an_agent_reads(front: Front) -> None:
    for arguments in ({}, {"query": ""}, {"query": "  "}, {"query": 3}, None):
        call = {**CALL, "params": {"name": "search", **({"arguments": arguments} if arguments is not None else {})}}
        result = front.post("/mcp", call, headers=ACCEPTS).json()["result"]
        assert result["isError"] is True and "query" in result["content"][0]["text"]
