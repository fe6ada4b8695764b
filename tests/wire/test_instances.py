"""Instances and namespaces: create, read, partial update, list, delete, stats."""

from pathlib import Path
from typing import Any

import pytest

from tests.wire.conftest import BGE, NEW, PAGES, Wire, error_of

FIELDS = (
    "id namespace type source source_params status enable paused engine_version embedding_model ai_search_model"
    " rewrite_query rewrite_model reranking reranking_model index_method hybrid_search_enabled fusion_method"
    " indexing_options retrieval_options chunk chunk_size chunk_overlap max_num_results score_threshold cache"
    " cache_threshold cache_ttl sync_interval custom_metadata public_endpoint_id public_endpoint_params created_at"
    " modified_at created_by modified_by last_activity token_id ai_gateway_id summarization summarization_model"
    " system_prompt_ai_search system_prompt_rewrite_query system_prompt_index_summarization vectorize_name metadata"
).split()


def test_every_field_has_the_contracts_default(wire: Wire) -> None:
    made = wire.make()
    [row] = wire.get(NEW).json()["result"]
    assert set(FIELDS) <= set(row)
    assert set(FIELDS) - set(made) == {"metadata", "public_endpoint_params", "token_id"}, "null, as lists have it"
    wanted = {
        "reranking": False,
        "reranking_model": None,
        "index_method": {"vector": True, "keyword": True},
        "fusion_method": "convex",
        "fusion_method_origin": "default",
        "fusion_weight": 0.5,
        "indexing_options": {"keyword_tokenizer": "porter", "keyword_language": None, "use_ocr": False},
        "retrieval_options": {"keyword_match_mode": "or", "boost_by": [], "boost_after_reranking": False},
        "reranking_budget_ms": None,
        "reranking_on_failure": "fall_back",
        "reranking_weight": 1.0,
        "reranking_stages": [],
        "chunk_size": 256,
        "chunk_overlap": 10,
        "max_num_results": 10,
        "score_threshold": 0.4,
        "cache": True,
        "cache_threshold": "close_enough",
        "cache_ttl": 172800,
        "sync_interval": 21600,
        "namespace": "default",
    }
    assert {name: made[name] for name in wanted} == wanted
    assert wire.get(f"{NEW}/handbook").json()["result"] == made
    assert row == {**made, "metadata": None, "public_endpoint_params": None, "token_id": None}


def test_a_full_request_is_echoed(wire: Wire) -> None:
    body = {
        "index_method": {"vector": True, "keyword": True},
        "fusion_method": "max",
        "fusion_weight": 0.3,
        "indexing_options": {"keyword_tokenizer": "trigram", "keyword_language": "cjk", "use_ocr": True},
        "retrieval_options": {
            "keyword_match_mode": "or",
            "boost_after_reranking": True,
            "boost_by": [{"field": "timestamp", "direction": "desc"}, {"field": "severity"}, {"field": "language"}],
        },
        "chunk_size": 384,
        "chunk_overlap": 15,
        "max_num_results": 8,
        "score_threshold": 0.3,
        "reranking": True,
        "reranking_model": BGE,
        "reranking_budget_ms": 250,
        "reranking_on_failure": "error",
        "reranking_weight": 0.5,
        "reranking_stages": [{"model": BGE, "window": 200, "keep": 40}, {"model": "", "window": 50, "keep": None}],
        "embedding_model": "@cf/qwen/qwen3-embedding-0.6b",
        "custom_metadata": [
            {"field_name": "language", "data_type": "text"},
            {"field_name": "severity", "data_type": "number"},
        ],
        "cache": False,
        "cache_threshold": "anything_goes",
        "cache_ttl": 3600,
        "sync_interval": 3600,
        "summarization": True,
        "summarization_model": "@cf/meta/llama-3.3-70b-instruct-fp8-fast",
        "system_prompt_index_summarization": "Sum it up.",
        "ai_gateway_id": "gateway",
        "metadata": {"created_from_aisearch_wizard": True},
    }
    made = wire.make("harbour-site", **body)
    boosts = made["retrieval_options"].pop("boost_by")
    assert [(one["field"], one["direction"]) for one in boosts] == [
        ("timestamp", "desc"),
        ("severity", "asc"),
        ("language", "exists"),
    ]
    del body["retrieval_options"]["boost_by"]  # type: ignore[attr-defined]  # a dict
    assert {name: made[name] for name in body} == body


def test_a_chosen_fusion_is_told_from_the_default(wire: Wire) -> None:
    made = wire.make()
    assert (made["fusion_method"], made["fusion_method_origin"]) == ("convex", "default")
    after = wire.ask("PUT", f"{NEW}/handbook", json={"fusion_weight": 0.7}).json()["result"]
    assert (after["fusion_method_origin"], after["fusion_weight"]) == ("default", 0.7)
    after = wire.ask("PUT", f"{NEW}/handbook", json={"fusion_method": "convex"}).json()["result"]
    assert (after["fusion_method"], after["fusion_method_origin"]) == ("convex", "chosen")
    for wrong in ({"fusion_method": "sum"}, {"fusion_weight": -0.1}, {"fusion_weight": "half"}):
        assert wire.ask("PUT", f"{NEW}/handbook", json=wrong).status_code == 400


def test_put_changes_only_what_is_sent(wire: Wire) -> None:
    before = wire.make(reranking=True, reranking_model=BGE, max_num_results=8, cache=False)

    def put(**body: Any) -> dict[str, Any]:
        answer = wire.ask("PUT", f"{NEW}/handbook", json=body)
        assert answer.status_code == 200, answer.text
        changed: dict[str, Any] = answer.json()["result"]
        return changed

    times = ("modified_at", "last_activity")
    after = put(reranking=False, colour="red", max_num_results=None)
    assert {k: v for k, v in after.items() if before[k] != v and k not in times} == {"reranking": False}
    after = put(retrieval_options={"keyword_match_mode": "or"}, cache_ttl=600)
    kept = {"keyword_match_mode": "or", "boost_by": [], "boost_after_reranking": False}
    assert after["retrieval_options"] == kept
    assert (after["cache"], after["cache_ttl"], after["reranking"]) == (False, 600, False)
    after = put(retrieval_options={"boost_by": [{"field": "timestamp"}]})
    assert after["retrieval_options"]["keyword_match_mode"] == "or"
    assert put(retrieval_options={"boost_by": []})["retrieval_options"]["boost_by"] == []
    assert put(reranking_model="")["reranking_model"] is None
    after = put(reranking_budget_ms=100, reranking_stages=[{"model": BGE}])
    assert (after["reranking_budget_ms"], after["reranking_stages"][0]["window"]) == (100, 200)
    after = put(reranking_budget_ms=None, reranking_stages=None, reranking_weight=None, reranking_on_failure=None)
    assert (after["reranking_budget_ms"], len(after["reranking_stages"])) == (100, 1)
    assert put(reranking_budget_ms=0, reranking_stages=[])["reranking_budget_ms"] is None
    assert put(index_method={"keyword": False})["index_method"] == {"vector": True, "keyword": False}
    assert put(hybrid_search_enabled=True)["index_method"] == {"vector": True, "keyword": True}


def test_put_that_is_refused(filled: Wire) -> None:
    for body, code in (
        ({"max_num_results": 0}, 7400),
        ({"reranking_model": "no/such"}, 7010),
        ({"chunk_size": 5000}, 7036),
        ({"index_method": {"vector": False, "keyword": False}}, 7400),
        ({"embedding_model": "@cf/qwen/qwen3-embedding-0.6b"}, 7400),
        ({"summarization": 1}, 7400),
        ({"reranking_budget_ms": -1}, 7400),
        ({"reranking_budget_ms": 600_001}, 7400),
        ({"reranking_on_failure": "panic"}, 7400),
        ({"reranking_weight": 1.5}, 7400),
        ({"reranking_stages": [{}] * 5}, 7400),
        ({"reranking_stages": [{"window": 201}]}, 7400),
        ({"reranking_stages": [{"keep": "all"}]}, 7400),
        ({"reranking_stages": [{"model": "no/such"}]}, 7010),
        ({"reranking_model": "no/such>no/other"}, 7010),
        ({"retrieval_options": {"boost_after_reranking": 1}}, 7400),
    ):
        assert error_of(filled.ask("PUT", f"{NEW}/handbook", json=body))[:2] == (400, code)
    assert error_of(filled.ask("PUT", f"{NEW}/nope", json={}))[:2] == (404, 7002)


def test_what_was_read_can_be_put_back(filled: Wire) -> None:
    filled.ask("PUT", f"{NEW}/handbook", json={"source_params": {"prefix": "docs/"}, "metadata": {"a": None}})
    before = filled.get(f"{NEW}/handbook").json()["result"]
    after = filled.ask("PUT", f"{NEW}/handbook", json=before).json()["result"]
    times = ("modified_at", "last_activity")
    assert {k: v for k, v in after.items() if k not in times} == {k: v for k, v in before.items() if k not in times}


@pytest.mark.parametrize(
    ("change", "word", "found"),
    [
        ({"indexing_options": {"keyword_tokenizer": "trigram"}}, "eezin", ["winter/oil.md"]),
        ({"hybrid_search_enabled": False}, "freezing", []),
        ({"index_method": {"vector": True, "keyword": False}}, "freezing", []),
        ({"index_method": {"vector": False, "keyword": True}}, "freezes", ["winter/oil.md"]),
    ],
)
def test_the_index_takes_on_what_is_set(filled: Wire, change: dict[str, Any], word: str, found: list[str]) -> None:
    filled.upload("winter/oil.md", "The oil is freezing.")
    answer = filled.ask("PUT", f"{NEW}/handbook", json=change)
    assert answer.status_code == 200
    filled.run(filled.indexing.drain())
    options = {"retrieval_type": "keyword" if found else "vector", "match_threshold": 0.0, "max_num_results": 1}
    body: dict[str, Any] = {"query": word, "ai_search_options": {"retrieval": options}}
    chunks = filled.post(f"{NEW}/handbook/search", body).json()["result"]["chunks"]
    assert [chunk["item"]["key"] for chunk in chunks if chunk["scoring_details"].get("keyword_score")] == found
    keyword = filled.post(
        f"{NEW}/handbook/search", {**body, "ai_search_options": {"retrieval": {"retrieval_type": "keyword"}}}
    )
    assert keyword.is_success is bool(found)


def test_a_new_schema_is_applied_to_what_is_there(filled: Wire) -> None:
    filled.upload("ranked.md", "lamp oil", metadata={"severity": "2"})
    where = {"severity": {"$gte": 2}}
    body = {"query": "lamp oil", "ai_search_options": {"retrieval": {"filters": where}}}
    assert error_of(filled.post(f"{NEW}/handbook/search", body))[1] == 7058
    fields = [{"field_name": "severity", "data_type": "number"}]
    assert filled.ask("PUT", f"{NEW}/handbook", json={"custom_metadata": fields}).status_code == 200
    filled.run(filled.indexing.drain())
    found = filled.post(f"{NEW}/handbook/search", body).json()["result"]["chunks"]
    assert [chunk["item"]["metadata"]["severity"] for chunk in found] == [2]
    listed = filled.get(f"{NEW}/handbook/items", metadata_filter='{"severity": 2}').json()["result"]
    assert [item["key"] for item in listed] == ["ranked.md"]


def test_new_chunk_sizes_are_applied_to_what_is_there(wire: Wire) -> None:
    wire.fill()
    item = wire.upload("long.md", "\n\n".join(f"Lamp {n}. " + "word " * 40 for n in range(5))).json()["result"]
    path = f"{NEW}/handbook/items/{item['id']}"
    wire.run(wire.indexing.stop())  # nobody indexes for a while: what was there is still found
    shown = wire.ask("PUT", f"{NEW}/handbook", json={"chunk_size": 64, "chunk_overlap": 0}).json()["result"]
    assert (shown["chunk_size"], shown["status"]) == (64, "indexing")
    assert wire.get(path).json()["result"]["status"] in ("outdated", "queued")
    found = wire.post(f"{NEW}/handbook/search", {"query": "lamp"}).json()["result"]["chunks"]
    assert "long.md" in {chunk["item"]["key"] for chunk in found}
    wire.run(wire.indexing.start())
    wire.run(wire.indexing.drain())
    assert wire.get(path).json()["result"]["chunks_count"] > item["chunks_count"]
    rows = wire.get(f"{NEW}/handbook/items").json()["result"]
    assert {row["status"] for row in rows} == {"completed"}
    before = wire.get(path).json()["result"]
    wire.ask("PUT", f"{NEW}/handbook", json={"max_num_results": 3})
    wire.run(wire.indexing.drain())
    assert wire.get(path).json()["result"] == before


def test_the_status_follows_the_items(wire: Wire) -> None:
    assert wire.make()["status"] == "waiting"
    wire.run(wire.indexing.stop())
    wire.upload("a.md", "lamp oil", wait="false")
    assert wire.get(f"{NEW}/handbook").json()["result"]["status"] == "indexing"
    wire.run(wire.indexing.start())
    wire.run(wire.indexing.drain())
    [row] = wire.get(NEW).json()["result"]
    assert row["status"] == "active"
    assert row["last_activity"] >= row["modified_at"]
    assert wire.get("/client/v4/accounts/acc/autorag/rags").json()["result"][0]["status"] == "active"


def test_a_schema_without_the_fields_of_the_boosts_is_refused(wire: Wire) -> None:
    wire.make(
        custom_metadata=[{"field_name": "severity", "data_type": "number"}],
        retrieval_options={"boost_by": [{"field": "severity", "direction": "desc"}]},
    )
    answer = wire.ask("PUT", f"{NEW}/handbook", json={"custom_metadata": []})
    assert error_of(answer)[:2] == (400, 7400)
    both = {"custom_metadata": [], "retrieval_options": {"boost_by": []}}
    assert wire.ask("PUT", f"{NEW}/handbook", json=both).json()["result"]["custom_metadata"] == []


def test_the_type_of_a_website_is_inferred(wire: Wire) -> None:
    made = wire.make("site", source="https://harbour.example", source_params={"web_crawler": {"parse_type": "sitemap"}})
    assert (made["type"], made["source"]) == ("web-crawler", "https://harbour.example")
    assert made["source_params"] == {"web_crawler": {"parse_type": "sitemap"}}
    assert wire.make("plain", type=None, source=None)["type"] is None
    assert wire.make("odd", use_ocr="x")["indexing_options"]["use_ocr"] is False


def test_a_name_is_taken_once_a_namespace(wire: Wire) -> None:
    wire.make()
    answer = wire.post(NEW, {"id": "handbook"})
    assert error_of(answer) == (400, 7022, "ai_search_with_this_name_already_exist")
    wire.post("/accounts/acc/ai-search/namespaces", {"name": "harbour"})
    made = wire.post("/accounts/acc/ai-search/namespaces/harbour/instances", {"id": "handbook"})
    assert made.json()["result"]["namespace"] == "harbour"


def test_lists(wire: Wire) -> None:
    for name in ("harbour-site", "handbook", "lighthouse"):
        wire.make(name)

    def listed(**query: Any) -> list[str]:
        return [row["id"] for row in wire.get(NEW, **query).json()["result"]]

    assert set(listed()) == {"harbour-site", "handbook", "lighthouse"}
    assert listed(order_by="created_at", order_by_direction="asc") == listed()[::-1]
    assert set(listed(search="HA")) == {"harbour-site", "handbook"}
    assert listed(search="%") == []
    assert len(listed(per_page=2)) == 2
    info = wire.get(NEW, page=2, per_page=2).json()["result_info"]
    assert info == {"count": 1, "page": 2, "per_page": 2, "total_count": 3}
    for bad in ({"page": 0}, {"per_page": 101}, {"order_by": "name"}, {"order_by_direction": "up"}):
        assert error_of(wire.get(NEW, **bad))[:2] == (400, 7400)


def test_delete_gives_the_instance_back(filled: Wire) -> None:
    assert filled.ask("DELETE", f"{NEW}/handbook").json()["result"]["id"] == "handbook"
    assert error_of(filled.get(f"{NEW}/handbook"))[:2] == (404, 7002)
    filled.make()
    assert filled.get(f"{NEW}/handbook/items").json()["result"] == []


def test_stats(filled: Wire) -> None:
    filled.upload("empty.md", b"")
    stats = filled.get(f"{NEW}/handbook/stats").json()["result"]
    assert {name: stats[name] for name in ("queued", "running", "completed", "error", "skipped", "outdated")} == {
        "queued": 0, "running": 0, "completed": 3, "error": 1, "skipped": 0, "outdated": 0,
    }  # fmt: skip
    assert stats["engine"]["vectorize"] == {"vectorsCount": 3, "dimensions": 64}
    assert stats["engine"]["r2"]["objectCount"] == 4
    assert stats["engine"]["r2"]["payloadSizeBytes"] == sum(len(text) for text in PAGES.values())
    assert (stats["file_embed_errors"], stats["index_source_errors"]) == ({"file_content_empty": 1}, {})
    assert stats["degraded"] is False
    assert stats["last_activity"] == filled.get(f"{NEW}/handbook").json()["result"]["last_activity"]


def test_stats_without_vectors(wire: Wire) -> None:
    wire.fill(index_method={"vector": False, "keyword": True})
    stats = wire.get(f"{NEW}/handbook/stats").json()["result"]
    assert stats["completed"] == 3
    assert stats["engine"]["vectorize"] == {"vectorsCount": 0, "dimensions": 0}


def test_purge_cache_and_tokens(filled: Wire) -> None:
    assert filled.post(f"{NEW}/handbook/purge_cache").json() == {
        "success": True, "errors": [], "messages": [], "result": {},
    }  # fmt: skip
    tokens = filled.get("/accounts/acc/ai-search/tokens").json()
    assert len(tokens["result"]) == tokens["result_info"]["total_count"] == 1
    assert not any("key" in name for name in tokens["result"][0])


def test_legacy_list(filled: Wire) -> None:
    rows = filled.get("/client/v4/accounts/acc/autorag/rags").json()["result"]
    assert set(rows[0]) == {"id", "enable", "type", "source", "vectorize_name", "paused", "status"}


NAMESPACES = "/client/v4/accounts/acc/ai-search/namespaces"


def test_namespaces(wire: Wire) -> None:
    made = wire.post(NAMESPACES, {"name": "harbour", "description": "Everything ashore"}).json()["result"]
    assert (made["name"], made["description"]) == ("harbour", "Everything ashore")
    assert wire.get(f"{NAMESPACES}/harbour").json()["result"] == made
    assert wire.get(f"{NAMESPACES}/default").json()["result"]["name"] == "default"
    assert wire.get(NAMESPACES).json()["result"] == [made]
    assert wire.get(NAMESPACES, search="ASHORE").json()["result_info"]["total_count"] == 1
    assert error_of(wire.post(NAMESPACES, {"name": "harbour"})) == (409, 7064, "namespace_already_exists")
    wire.post(f"{NAMESPACES}/harbour/instances", {"id": "a"})
    assert error_of(wire.ask("DELETE", f"{NAMESPACES}/harbour")) == (400, 7066, "namespace_not_empty")
    wire.ask("DELETE", f"{NAMESPACES}/harbour/instances/a")
    assert wire.ask("DELETE", f"{NAMESPACES}/harbour").status_code == 200
    assert error_of(wire.get(f"{NAMESPACES}/harbour")) == (404, 7063, "namespace_not_found")
    assert error_of(wire.ask("DELETE", f"{NAMESPACES}/default")) == (400, 7065, "cannot_modify_default_namespace")


def test_a_namespace_is_changed(wire: Wire) -> None:
    made = wire.post(NAMESPACES, {"name": "harbour", "description": "Ashore"}).json()["result"]

    def put(name: str = "harbour", **body: Any) -> Any:
        return wire.ask("PUT", f"{NAMESPACES}/{name}", json=body)

    assert put(description="Afloat").json()["result"] == {**made, "description": "Afloat"}
    assert wire.get(f"{NAMESPACES}/harbour").json()["result"]["description"] == "Afloat"
    assert put(description=None).json()["result"]["description"] == "Afloat"
    assert put(description="").json()["result"]["description"] is None
    assert put("default", description=None).status_code == 200
    assert error_of(put("default", description="x")) == (400, 7065, "cannot_modify_default_namespace")
    assert error_of(put("nope", description="x")) == (404, 7063, "namespace_not_found")
    for bad in ({"description": "x" * 257}, {"description": 5}, {"public_endpoint_params": "x"}):
        assert error_of(put(**bad))[:2] == (400, 7400)
    assert error_of(wire.post(NAMESPACES, {"name": "b", "description": "x" * 257}))[:2] == (400, 7400)


@pytest.mark.parametrize("name", [None, "", "Upper", "-a", "a-", "a_b", "a\n", "ü", "a" * 29, 5])
def test_namespace_names_that_are_refused(wire: Wire, name: object) -> None:
    assert error_of(wire.post(NAMESPACES, {"name": name}))[:2] == (400, 7400)


SPACES = NEW.removesuffix("/instances") + "/namespaces"


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
@pytest.mark.parametrize("path", [f"{NEW}/nope", f"{SPACES}/nope", f"{SPACES}/nope/instances/docs"])
def test_what_is_missing_is_not_to_be_created_first(wire: Wire, method: str, path: str) -> None:
    answer = wire.ask(method, path, json={"description": "x"})
    status, detail = answer.status_code, answer.json()["errors"][0]["detail"]
    assert (status, "check the name" in detail, "create" in detail) == (404, True, False)


def test_an_instance_needs_its_namespace_first(wire: Wire) -> None:
    answer = wire.post(f"{SPACES}/nope/instances", {"id": "docs"})
    assert answer.status_code == 404
    assert answer.json()["errors"][0]["detail"] == "there is no namespace 'nope': create it first"


ABSENT = ("metadata", "public_endpoint_params", "token_id")


def test_what_types_let_be_absent_is_absent_by_itself_and_null_in_lists(wire: Wire) -> None:
    made = wire.make()
    shown = [made, wire.get(f"{NEW}/handbook").json()["result"]]
    shown.append(wire.ask("PUT", f"{NEW}/handbook", json={"max_num_results": 5}).json()["result"])
    [row] = wire.get(NEW).json()["result"]
    shown.append(wire.ask("DELETE", f"{NEW}/handbook").json()["result"])
    for one in shown:
        assert not set(ABSENT) & set(one)
    assert [row[name] for name in ABSENT] == [None, None, None]
    kept = {"public_endpoint_params": {"enabled": True}, "metadata": {"worker_domain": "a.example"}}
    full = wire.make("blog", **kept)
    assert full["public_endpoint_params"]["enabled"] is True
    assert full["metadata"] == kept["metadata"]
    assert wire.ask("PUT", f"{NEW}/blog", json=full).json()["result"]["metadata"] == kept["metadata"]


def ids_of(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [one["id"] for one in answer.json()["result"]]


def test_a_list_is_filtered_by_namespace(wire: Wire) -> None:
    wire.make("handbook")
    wire.post(NAMESPACES, {"name": "harbour"})
    wire.post(f"{NAMESPACES}/harbour/instances", {"id": "quay"})
    for base in (NEW, NEW.removeprefix("/client/v4")):
        assert ids_of(wire.get(base)) == ids_of(wire.get(base, namespace="default")) == ["handbook"]
        assert ids_of(wire.get(base, namespace="harbour")) == ["quay"]
        for unknown in ("nowhere", "Harbour", "harbour2"):
            answer = wire.get(base, namespace=unknown)
            assert ids_of(answer) == []
            assert answer.json()["result_info"]["total_count"] == 0
    inner = f"{NAMESPACES}/harbour/instances"
    assert ids_of(wire.get(inner)) == ids_of(wire.get(inner, namespace="harbour")) == ["quay"]
    assert ids_of(wire.get(inner, namespace="default")) == []
    assert error_of(wire.get(f"{NAMESPACES}/nowhere/instances")) == (404, 7063, "namespace_not_found")
    assert error_of(wire.get(f"{NAMESPACES}/nowhere/instances", namespace="default"))[1] == 7063


def test_a_list_is_filtered_by_hostname(wire: Wire) -> None:
    wire.make("plain")
    params = {"enabled": True, "custom_domains": ["search.example.com"]}
    named = wire.make("named", public_endpoint_params=params)
    off = wire.make("off", public_endpoint_params={"enabled": True})
    wire.ask("PUT", f"{NEW}/off", json={"public_endpoint_params": {"enabled": False}})
    assert ids_of(wire.get(NEW, hostname="search.example.com")) == ["named"]
    assert ids_of(wire.get(NEW, hostname="SEARCH.Example.com.")) == ["named"]
    assert ids_of(wire.get(NEW, hostname=f"{named['public_endpoint_id']}.search.example.net")) == ["named"]
    assert ids_of(wire.get(NEW, hostname=f"{off['public_endpoint_id']}.search.example.net")) == []
    for other in ("example.com", "x.search.example.com", "search.example.co"):
        assert ids_of(wire.get(NEW, hostname=other)) == []
    assert ids_of(wire.get(NEW, hostname="search.example.com", search="pla")) == []


ACCOUNT = "/client/v4/accounts/acc"
LISTS = (NEW, NAMESPACES, f"{ACCOUNT}/ai-search/tokens", f"{NEW}/handbook/items", f"{NEW}/handbook/jobs",
         f"{ACCOUNT}/autorag/rags", f"{ACCOUNT}/autorag/rags/handbook/files", f"{ACCOUNT}/autorag/rags/handbook/jobs",
         "/autorag/rags", "/client/v4/accounts")  # fmt: skip


def test_a_page_of_no_rows_counts_them_all(filled: Wire) -> None:
    for path in LISTS:
        whole = filled.get(path).json()
        none = filled.get(path, per_page=0).json()
        assert (none["result"], none["result_info"]["count"], none["result_info"]["per_page"]) == ([], 0, 0), path
        assert none["result_info"]["total_count"] == whole["result_info"]["total_count"]
        for wrong in ("-1", "x", "1000"):
            assert filled.get(path, per_page=wrong).status_code == 400


def test_legacy_list_has_pages(wire: Wire) -> None:
    for number in range(23):
        wire.make(f"one-{number:02}")
    for path in (f"{ACCOUNT}/autorag/rags", f"{ACCOUNT}/ai-search/rags"):
        first = wire.get(path).json()
        assert len(first["result"]) == 20
        assert first["result_info"] == {"count": 20, "page": 1, "per_page": 20, "total_count": 23}
        second = wire.get(path, page=2).json()
        assert [one["id"] for one in second["result"]] == ["one-02", "one-01", "one-00"]
        third = wire.get(path, page=3, per_page=10).json()
        assert third["result_info"] == {"count": 3, "page": 3, "per_page": 10, "total_count": 23}
        assert wire.get(path, page=9).json()["result"] == []
        for wrong in ({"page": 0}, {"per_page": 101}, {"page": "x"}):
            assert wire.get(path, **wrong).status_code == 400


def test_the_list_of_the_binding_is_whole(wire: Wire) -> None:
    for number in range(23):
        answer = wire.post("/accounts/default/ai-search/instances", {"id": f"one-{number:02}"})
        assert answer.status_code == 200
    found = wire.get("/autorag/rags").json()
    assert len(found["result"]) == found["result_info"]["total_count"] == found["result_info"]["count"] == 23
    assert len(wire.get("/autorag/rags", per_page=5, page=2).json()["result"]) == 5


@pytest.mark.parametrize("strict", [False, True])
def test_the_name_of_the_default_embedding_model(tmp_path: Path, strict: bool) -> None:
    wire = Wire(tmp_path, strict=strict)
    try:
        wire.fill()
        named = wire.make("named", embedding_model="@cf/qwen/qwen3-embedding-0.6b")
        expected = "@cf/qwen/qwen3-embedding-0.6b" if strict else "secondlook/all-minilm-l6-v2"
        row = next(one for one in wire.get(NEW).json()["result"] if one["id"] == "handbook")
        shown = wire.get(f"{NEW}/handbook").json()["result"]
        assert row["embedding_model"] == shown["embedding_model"] == expected
        assert named["embedding_model"] == "@cf/qwen/qwen3-embedding-0.6b"
        back = wire.ask("PUT", f"{NEW}/handbook", json=shown)
        assert back.json()["result"]["embedding_model"] == expected, "what is shown can be sent back"
    finally:
        wire.close()
