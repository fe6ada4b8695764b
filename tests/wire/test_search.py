"""Search of both generations: shapes, reranking switches, thresholds, filters."""

from typing import Any

import pytest

from tests.wire.conftest import BGE, BROKEN, LEGACY, MISSING, NEW, PAGES, Wire, error_of, keys_of

QUERY = "what to do when the lamp oil freezes"
NAMESPACED = "/client/v4/accounts/acc/ai-search/namespaces/default/instances"
BY_LENGTH = sorted(PAGES, key=lambda key: len(PAGES[key]))
RERANK = {"reranking": {"enabled": True, "model": BGE, "match_threshold": 0}}


@pytest.mark.parametrize("base", ["/client/v4", ""])
@pytest.mark.parametrize("inner", ["instances", "namespaces/default/instances"])
def test_every_path_of_the_new_search(filled: Wire, base: str, inner: str) -> None:
    answer = filled.post(f"{base}/accounts/acc/ai-search/{inner}/handbook/search", {"query": QUERY})
    assert set(keys_of(answer)) == set(PAGES)


@pytest.mark.parametrize("base", ["/client/v4", ""])
@pytest.mark.parametrize("prefix", ["/accounts/acc/autorag/rags", "/accounts/acc/ai-search/rags"])
def test_every_path_of_the_legacy_search(filled: Wire, base: str, prefix: str) -> None:
    answer = filled.post(f"{base}{prefix}/handbook/search", {"query": QUERY})
    assert set(keys_of(answer)) == set(PAGES)


def test_the_workers_binding_names_no_account(wire: Wire) -> None:
    wire.ask("POST", "/accounts/default/ai-search/instances", json={"id": "handbook"})
    assert [row["id"] for row in wire.get("/autorag/rags").json()["result"]] == ["handbook"]
    assert keys_of(wire.post("/autorag/rags/handbook/search", {"query": QUERY})) == []
    assert wire.post("/autorag/rags/handbook/ai-search", {"query": QUERY}).status_code == 200


def test_shape_of_a_new_result(filled: Wire) -> None:
    body = filled.post(f"{NEW}/handbook/search", {"query": QUERY, "ai_search_options": RERANK}).json()
    assert {key: body[key] for key in ("success", "errors", "messages")} == {
        "success": True,
        "errors": [],
        "messages": [],
    }
    result = body["result"]
    assert (result["query_kind"], result["search_query"]) == ("text", QUERY)
    chunk = result["chunks"][0]
    assert chunk["type"] == "text" and chunk["text"] == PAGES[chunk["item"]["key"]]
    assert chunk["item"]["timestamp"] > 10**12
    assert chunk["item"]["metadata"]["folder"] == chunk["item"]["key"].rpartition("/")[0] + "/"
    scores = chunk["scoring_details"]
    assert scores["fusion_method"] == "convex"
    assert chunk["score"] == scores["reranking_score"]
    assert 0 <= scores["retrieval_score"] <= 1
    assert 0 <= scores["vector_score"] <= 1
    assert scores["vector_rank"] >= 1
    receipt = result["reranking"]
    assert receipt["fusion"] == "convex, 0.5"
    assert set(receipt) == {
        "status", "reason", "model", "asked_model", "candidates_in", "candidates_out", "scored", "truncated",
        "windowed", "query_truncated", "threshold", "below_threshold", "cached", "ms", "stages", "fusion",
    }  # fmt: skip
    assert (receipt["status"], receipt["model"], receipt["asked_model"]) == ("ran", "bge@1", BGE)
    assert (receipt["candidates_in"], receipt["candidates_out"], receipt["scored"]) == (3, 3, 3)
    [line] = receipt["stages"]
    assert {"status", "reason", "model", "asked_model", "in", "out", "scored", "ms"} == set(line)
    assert (line["status"], line["model"], line["in"], line["out"]) == ("ran", "bge@1", 3, 3)


def test_reranking_is_off_by_default(filled: Wire) -> None:
    result = filled.post(f"{NEW}/handbook/search", {"query": QUERY}).json()["result"]
    assert result["reranking"]["status"] == "skipped"
    assert (result["reranking"]["candidates_in"], result["reranking"]["candidates_out"]) == (3, 3)
    assert all("reranking_score" not in chunk["scoring_details"] for chunk in result["chunks"])


def test_reranking_per_request_changes_the_order(filled: Wire) -> None:
    plain = keys_of(filled.post(f"{NEW}/handbook/search", {"query": QUERY}))
    reranked = keys_of(filled.post(f"{NEW}/handbook/search", {"query": QUERY, "ai_search_options": RERANK}))
    assert reranked == BY_LENGTH != plain


def test_reranking_per_instance_and_off_per_request(wire: Wire) -> None:
    wire.fill(reranking=True, reranking_model=BGE)
    options = {"reranking": {"match_threshold": 0}}
    asked = wire.post(f"{NEW}/handbook/search", {"query": QUERY, "ai_search_options": options})
    assert keys_of(asked) == BY_LENGTH
    off = wire.post(f"{NEW}/handbook/search", {"query": QUERY, "ai_search_options": {"reranking": {"enabled": False}}})
    assert off.json()["result"]["reranking"]["status"] == "skipped"
    legacy = wire.post(f"{LEGACY}/handbook/search", {"query": QUERY})
    assert keys_of(legacy) == BY_LENGTH
    off = wire.post(f"{LEGACY}/handbook/search", {"query": QUERY, "reranking": {"enabled": False}})
    assert off.json()["result"]["reranking"]["status"] == "skipped"


def test_a_model_alone_does_not_switch_reranking_on(filled: Wire) -> None:
    answer = filled.post(f"{NEW}/handbook/search", {"query": QUERY, "ai_search_options": {"reranking": {"model": BGE}}})
    assert answer.json()["result"]["reranking"]["status"] == "skipped"


def test_an_empty_model_is_the_default_reranker(filled: Wire) -> None:
    for path, body in (
        (NEW, {"ai_search_options": {"reranking": {"enabled": True, "model": ""}}}),
        (LEGACY, {"reranking": {"enabled": True, "model": ""}}),
    ):
        answer = filled.post(f"{path}/handbook/search", {"query": QUERY, **body})
        assert answer.json()["result"]["reranking"]["model"] == "built-in@1"


def test_the_example_of_october_2025_as_written(filled: Wire) -> None:
    body = {
        "query": QUERY,
        "max_num_results": 3,
        "ranking_options": {"score_threshold": 0.0},
        "rewrite_query": False,
        "reranking": {"enabled": True, "model": BGE},
    }
    answer = filled.post(f"{LEGACY}/handbook/search", body)
    assert keys_of(answer) == BY_LENGTH
    result = answer.json()["result"]
    assert result["object"] == "vector_store.search_results.page"
    assert (result["search_query"], result["has_more"], result["next_page"]) == (QUERY, False, None)
    assert result["reranking"]["status"] == "ran"
    row = result["data"][0]
    assert row["content"] == [{"id": row["file_id"], "type": "text", "text": PAGES[row["filename"]]}]
    assert row["attributes"]["filename"] == row["filename"]
    assert row["attributes"]["modified_date"] == row["attributes"]["timestamp"] > 10**12


@pytest.mark.parametrize("name", ["max_num_results", "max_num_of_results"])
def test_both_names_of_the_result_limit(filled: Wire, name: str) -> None:
    assert len(keys_of(filled.post(f"{LEGACY}/handbook/search", {"query": QUERY, name: 2}))) == 2


def test_legacy_reranking_cuts_nothing(filled: Wire) -> None:
    low = {"reranking": {"enabled": True}, "query": "horn zebra quagga okapi lamp oil freezes reservoir"}
    assert len(keys_of(filled.post(f"{LEGACY}/handbook/search", low))) == 3


def test_reranking_threshold(filled: Wire) -> None:
    def found(threshold: float) -> Any:
        options = {"reranking": {"enabled": True, "model": BGE, "match_threshold": threshold}}
        return filled.post(f"{NEW}/handbook/search", {"query": QUERY, "ai_search_options": options}).json()["result"]

    scores = [chunk["scoring_details"]["reranking_score"] for chunk in found(0)["chunks"]]
    for threshold, count in ((0, 3), ((scores[1] + scores[2]) / 2, 2), ((scores[0] + scores[1]) / 2, 1), (1, 0)):
        result = found(threshold)
        assert len(result["chunks"]) == count
        assert result["reranking"]["candidates_out"] == count


def test_reranking_threshold_where_wrangler_puts_its_keys(filled: Wire) -> None:
    body = {"query": QUERY, "reranking": {"enabled": True, "model": BGE, "match_threshold": 1}}
    assert keys_of(filled.post(f"{NEW}/handbook/search", body)) == []
    options = {"reranking": {"match_threshold": 0}}
    assert len(keys_of(filled.post(f"{NEW}/handbook/search", {**body, "ai_search_options": options}))) == 3


def test_match_threshold_holds_against_the_vector_score(filled: Wire) -> None:
    options = {"retrieval": {"match_threshold": 1, "retrieval_type": "vector"}}
    assert keys_of(filled.post(f"{NEW}/handbook/search", {"query": QUERY, "ai_search_options": options})) == []


def test_unknown_reranker(filled: Wire) -> None:
    body: dict[str, Any]
    for path, body in (
        (NEW, {"ai_search_options": {"reranking": {"enabled": True, "model": "no/such"}}}),
        (LEGACY, {"reranking": {"enabled": True, "model": "no/such"}}),
    ):
        answer = filled.post(f"{path}/handbook/search", {"query": QUERY, **body})
        assert error_of(answer) == (400, 7010, "invalid_model")


@pytest.mark.parametrize(("model", "status"), [(MISSING, "substituted"), (BROKEN, "fell_back")])
def test_a_reranker_that_cannot_serve_fails_no_search(filled: Wire, model: str, status: str) -> None:
    plain = keys_of(filled.post(f"{NEW}/handbook/search", {"query": QUERY}))
    options = {"reranking": {"enabled": True, "model": model, "match_threshold": 0}}
    answer = filled.post(f"{NEW}/handbook/search", {"query": QUERY, "ai_search_options": options})
    receipt = answer.json()["result"]["reranking"]
    assert receipt["status"] == status
    assert receipt["reason"]
    if status == "fell_back":
        assert keys_of(answer) == plain


def test_messages_instead_of_a_query(filled: Wire) -> None:
    messages = [
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": "hello"},
        {"role": "assistant", "content": None},
        {"role": "user", "content": [{"type": "text", "text": "fog horn"}], "extra": 1},
    ]
    result = filled.post(f"{NEW}/handbook/search", {"messages": messages}).json()["result"]
    assert result["search_query"] == "fog horn"
    assert result["chunks"][0]["item"]["key"] == "signals/fog.md"


def test_unknown_keys_and_nulls_are_ignored(filled: Wire) -> None:
    body = {
        "query": QUERY,
        "messages": None,
        "colour": "red",
        "ai_search_options": {
            "retrieval": {"filters": None, "max_num_results": None, "boost_by": None, "x": []},
            "reranking": None,
            "query_rewrite": {"enabled": None},
            "cache": {"enabled": True},
        },
    }
    assert len(keys_of(filled.post(f"{NEW}/handbook/search", body))) == 3


def test_what_wrangler_sends(filled: Wire) -> None:
    body = {
        "query": QUERY,
        "max_num_results": 1,
        "score_threshold": 0,
        "reranking": True,
        "filters": {"folder": "stores/"},
        "ai_search_options": {"reranking": {"match_threshold": 0}},
    }
    answer = filled.post(f"{NEW}/handbook/search", body)
    assert keys_of(answer) == ["stores/oil-grades.md"]
    assert answer.json()["result"]["reranking"]["status"] == "ran"


def test_metadata_only_and_explain(filled: Wire) -> None:
    options = {"retrieval": {"metadata_only": True}}
    body = {"query": QUERY, "ai_search_options": options, "explain": True}
    result = filled.post(f"{NEW}/handbook/search", body).json()["result"]
    assert result["chunks"] and all("metadata" in chunk["item"] for chunk in result["chunks"])
    assert [chunk["text"] for chunk in result["chunks"]] == [""] * len(result["chunks"]), "clients rely on the key"
    assert {"stage", "ms", "candidates", "note"} == set(result["trace"][0])
    assert filled.post(f"{LEGACY}/handbook/search", {"query": QUERY, "explain": True}).json()["result"]["trace"]


@pytest.mark.parametrize("kind", ["vector", "keyword", "hybrid"])
def test_retrieval_types(filled: Wire, kind: str) -> None:
    options = {"retrieval": {"retrieval_type": kind, "keyword_match_mode": "or", "fusion_method": "max"}}
    result = filled.post(f"{NEW}/handbook/search", {"query": QUERY, "ai_search_options": options}).json()["result"]
    scores = result["chunks"][0]["scoring_details"]
    assert ("vector_score" in scores) == (kind != "keyword")
    assert ("keyword_score" in scores) == (kind != "vector")
    assert ("fusion_method" in scores) == (kind == "hybrid")


def scores_of(answer: Any) -> dict[str, float]:
    result = answer.json()["result"]
    rows = result["chunks"] if "chunks" in result else result["data"]
    return {row["item"]["key"] if "item" in row else row["filename"]: row["score"] for row in rows}


@pytest.mark.parametrize("generation", ["new", "legacy"])
def test_convex_fusion_takes_a_weight_in_both_generations(filled: Wire, generation: str) -> None:
    def search(**fusion: Any) -> Any:
        if generation == "legacy":
            body = {"query": QUERY, "ranking_options": fusion}
            return filled.post(f"{LEGACY}/handbook/search", body)
        options = {"retrieval": {"match_threshold": 0, **fusion}}
        return filled.post(f"{NEW}/handbook/search", {"query": QUERY, "ai_search_options": options})

    told = search(fusion_method="convex", fusion_weight=0.25).json()["result"]["reranking"]["fusion"]
    assert told == "convex, 0.25"
    ends = [scores_of(search(fusion_weight=weight)) for weight in (0.0, 0.5, 1.0)]
    for key, score in ends[1].items():
        assert score == pytest.approx((ends[0][key] + ends[2][key]) / 2, abs=2e-6)
    assert ends[0] != ends[2]
    assert search(fusion_method="rrf").json()["result"]["reranking"]["fusion"] == "rrf"
    for wrong in ({"fusion_weight": 1.5}, {"fusion_method": "sum"}):
        assert search(**wrong).status_code == 400


def test_the_score_of_a_keyword_search_is_its_share_of_the_attainable_bm25(filled: Wire) -> None:
    options = {"retrieval": {"retrieval_type": "keyword", "keyword_match_mode": "or"}}
    rows = filled.post(f"{NEW}/handbook/search", {"query": QUERY, "ai_search_options": options}).json()["result"]
    for row in rows["chunks"]:
        assert row["score"] == row["scoring_details"]["keyword_share"]
    assert rows["chunks"] and "fusion" not in rows["reranking"]


def test_a_retrieval_type_without_its_index(wire: Wire) -> None:
    wire.make("vectors", index_method={"vector": True, "keyword": False})
    for kind in ("keyword", "hybrid"):
        body = {"query": QUERY, "ai_search_options": {"retrieval": {"retrieval_type": kind}}}
        assert error_of(wire.post(f"{NEW}/vectors/search", body)) == (400, 7070, "invalid_retrieval_type")


FOLDER = {"type": "eq", "key": "folder", "value": "winter/"}


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ({"folder": "winter/"}, {"winter/oil.md"}),
        ({"folder": {"$gte": "s", "$lt": "t"}}, {"stores/oil-grades.md", "signals/fog.md"}),
        ({"filename": {"$in": ["fog.md", "winter/oil.md"]}}, {"signals/fog.md", "winter/oil.md"}),
        ({"severity": {"$gt": 1}}, {"ranked.md"}),
        ({"Severity": {"$nin": [2]}}, set(PAGES)),
        ({"timestamp": {"$gt": "2020-01-01T00:00:00Z"}}, {*PAGES, "ranked.md"}),
        (FOLDER, {"winter/oil.md"}),
        ({"type": "and", "filters": [FOLDER, {"type": "ne", "key": "filename", "value": "x"}]}, {"winter/oil.md"}),
        (
            {"type": "or", "filters": [FOLDER, {"type": "eq", "key": "folder", "value": "signals/"}]},
            {"winter/oil.md", "signals/fog.md"},
        ),
    ],
)
def test_filters_of_both_formats_on_both_generations(wire: Wire, where: object, found: set[str]) -> None:
    wire.fill(custom_metadata=[{"field_name": "Severity", "data_type": "number"}])
    wire.upload("ranked.md", "lamp oil", metadata={"severity": 2, "note": "kept"})
    new = {"query": QUERY, "ai_search_options": {"retrieval": {"filters": where, "retrieval_type": "vector"}}}
    assert set(keys_of(wire.post(f"{NEW}/handbook/search", new))) == found
    assert set(keys_of(wire.post(f"{LEGACY}/handbook/search", {"query": QUERY, "filters": where}))) == found


@pytest.mark.parametrize(
    ("where", "code"),
    [
        ({"colour": "red"}, 7058),
        ({"folder": {"$regex": "x"}}, 7058),
        ({"timestamp": {"$gt": "soon"}}, 7057),
        ({"type": "or", "filters": [{"type": "gt", "key": "folder", "value": "a"}]}, 7015),
        ({"type": "or", "filters": [FOLDER, {"type": "eq", "key": "filename", "value": "a"}]}, 7016),
    ],
)
def test_filters_that_are_refused(filled: Wire, where: object, code: int) -> None:
    new = {"query": QUERY, "ai_search_options": {"retrieval": {"filters": where}}}
    assert error_of(filled.post(f"{NEW}/handbook/search", new))[:2] == (400, code)
    assert error_of(filled.post(f"{LEGACY}/handbook/search", {"query": QUERY, "filters": where}))[:2] == (400, code)


def test_boosts(filled: Wire) -> None:
    def boosted(boosts: object) -> Any:
        body = {"query": QUERY, "ai_search_options": {"retrieval": {"boost_by": boosts}}}
        return filled.post(f"{NEW}/handbook/search", body)

    assert len(keys_of(boosted([{"field": "timestamp", "direction": "desc"}]))) == 3
    assert len(keys_of(boosted([]))) == 3
    for bad in ([{"field": "colour"}], [{"field": "timestamp"}] * 2, [{"field": "timestamp"}] * 4, "timestamp"):
        assert error_of(boosted(bad))[:2] == (400, 7400)


@pytest.mark.parametrize(("forgiving", "status"), [(True, 200), (False, 500)])
def test_return_on_failure_of_the_reranker(filled: Wire, forgiving: bool, status: int) -> None:
    options = {"retrieval": {"return_on_failure": forgiving}, "reranking": {"enabled": True, "model": BROKEN}}
    answer = filled.post(f"{NEW}/handbook/search", {"query": QUERY, "ai_search_options": options})
    assert answer.status_code == status
    if forgiving:
        assert answer.json()["result"]["reranking"]["status"] == "fell_back"
    else:
        assert error_of(answer)[1] == 7073


def test_retrieval_score_holds_the_boost(filled: Wire) -> None:
    plain = {"retrieval": {}, "reranking": {"enabled": False}}
    boosted = {"retrieval": {"boost_by": [{"field": "timestamp", "direction": "desc"}]}, "reranking": {"enabled": True}}
    shown = {}
    for name, options in (("plain", plain), ("boosted", boosted)):
        found = filled.post(f"{NEW}/handbook/search", {"query": QUERY, "ai_search_options": options}).json()["result"]
        shown[name] = {chunk["item"]["key"]: chunk["scoring_details"] for chunk in found["chunks"]}
    best = max(shown["boosted"].values(), key=lambda one: one["boost"])
    assert any(
        one["retrieval_score"] != shown["plain"][key]["retrieval_score"] for key, one in shown["boosted"].items()
    )
    assert best["reranking_score"] is not None


CASCADE = [{"model": BGE, "window": 3, "keep": 2}, {"model": "", "window": 2}]


@pytest.mark.parametrize("generation", [NEW, LEGACY])
@pytest.mark.parametrize("keys", [{"model": f"{BGE}>{BGE}"}, {"stages": CASCADE}])
def test_a_cascade(filled: Wire, generation: str, keys: dict[str, Any]) -> None:
    options = {"enabled": True, "match_threshold": 0, **keys}
    body = {"ai_search_options": {"reranking": options}} if generation == NEW else {"reranking": options}
    receipt = filled.post(f"{generation}/handbook/search", {"query": QUERY, **body}).json()["result"]["reranking"]
    assert [line["asked_model"] for line in receipt["stages"]] == [BGE, "" if "stages" in keys else BGE]
    assert [line["status"] for line in receipt["stages"]] == ["ran", "ran"]
    assert receipt["status"] == "ran"


def test_a_cascade_of_the_instance_and_what_wins_over_it(wire: Wire) -> None:
    wire.fill(reranking=True, reranking_stages=CASCADE, max_num_results=1)
    assert len(_receipt(wire, {})["stages"]) == 2
    assert [line["in"] for line in _receipt(wire, {})["stages"]] == [3, 2]
    assert len(_receipt(wire, {"model": BGE})["stages"]) == 1
    assert len(_receipt(wire, {"stages": CASCADE[:1]})["stages"]) == 1
    assert len(_receipt(wire, {"stages": []})["stages"]) == 2
    wire.ask("PUT", f"{NEW}/handbook", json={"reranking_stages": []})
    assert len(_receipt(wire, {})["stages"]) == 1


def _receipt(wire: Wire, reranking: dict[str, Any]) -> dict[str, Any]:
    body = {"query": QUERY, "ai_search_options": {"reranking": reranking}}
    found: dict[str, Any] = wire.post(f"{NEW}/handbook/search", body).json()["result"]["reranking"]
    return found


def test_an_unknown_model_of_a_cascade(filled: Wire) -> None:
    for options in ({"model": f"{BGE}>no/such"}, {"stages": [{"model": "no/such"}]}):
        body = {"query": QUERY, "ai_search_options": {"reranking": {"enabled": True, **options}}}
        assert error_of(filled.post(f"{NEW}/handbook/search", body)) == (400, 7010, "invalid_model")
    assert error_of(filled.post(NEW, {"id": "x", "reranking_stages": [{"model": "no/such"}]}))[1] == 7010


@pytest.mark.parametrize("model", [f"{BGE}>", ">", ">".join([BGE] * 5)])
def test_a_chain_that_is_none(filled: Wire, model: str) -> None:
    for path in (NEW, LEGACY):
        options = {"enabled": True, "model": model}
        body = {"query": QUERY, "ai_search_options": {"reranking": options}, "reranking": options}
        assert error_of(filled.post(f"{path}/handbook/search", body))[:2] == (400, 7400)
    assert error_of(filled.post(NEW, {"id": "x", "reranking_model": model}))[:2] == (400, 7400)


def test_on_failure_of_request_and_instance(wire: Wire) -> None:
    wire.fill(reranking=True, reranking_model=BROKEN, reranking_on_failure="error")
    path = f"{NEW}/handbook/search"
    assert error_of(wire.post(path, {"query": QUERY}))[:2] == (500, 7073)
    assert error_of(wire.post(f"{LEGACY}/handbook/search", {"query": QUERY}))[:2] == (500, 7073)
    for body in (
        {"ai_search_options": {"reranking": {"on_failure": "fall_back"}}},
        {"reranking": {"on_failure": "fall_back"}},
    ):
        assert wire.post(path, {"query": QUERY, **body}).json()["result"]["reranking"]["status"] == "fell_back"
    wire.ask("PUT", f"{NEW}/handbook", json={"reranking_on_failure": "fall_back"})
    assert wire.post(path, {"query": QUERY}).status_code == 200
    strict = {"ai_search_options": {"reranking": {"on_failure": "error"}}}
    assert error_of(wire.post(path, {"query": QUERY, **strict}))[1] == 7073
    strict = {"ai_search_options": {"retrieval": {"return_on_failure": False}}}
    assert error_of(wire.post(path, {"query": QUERY, **strict}))[1] == 7073


@pytest.mark.parametrize("generation", [NEW, LEGACY])
def test_the_weight_blends_relevance_and_retrieval(filled: Wire, generation: str) -> None:
    plain = keys_of(filled.post(f"{generation}/handbook/search", {"query": QUERY}))
    for weight, order in ((0, plain), (1, BY_LENGTH)):
        options = {"enabled": True, "model": BGE, "match_threshold": 0, "weight": weight}
        body = {"ai_search_options": {"reranking": options}} if generation == NEW else {"reranking": options}
        assert keys_of(filled.post(f"{generation}/handbook/search", {"query": QUERY, **body})) == order
    body = {"reranking": {"enabled": True, "model": BGE, "match_threshold": 0, "weight": 0.25}}
    for chunk in filled.post(f"{NEW}/handbook/search", {"query": QUERY, **body}).json()["result"]["chunks"]:
        scores = chunk["scoring_details"]
        blend = 0.25 * scores["reranking_score"] + 0.75 * scores["retrieval_score"]
        assert chunk["score"] == pytest.approx(blend, abs=2e-6)


def test_boosts_before_or_after_reranking(wire: Wire) -> None:
    wire.fill(custom_metadata=[{"field_name": "lead", "data_type": "text"}])
    wire.upload("long.md", "lamp oil freezes " * 20, metadata={"lead": "yes"})
    boosts = {"boost_by": [{"field": "lead", "direction": "exists"}]}

    def score(retrieval: dict[str, Any]) -> float:
        body = {"query": QUERY, "ai_search_options": {**RERANK, "retrieval": {**boosts, **retrieval}}}
        chunks = wire.post(f"{NEW}/handbook/search", body).json()["result"]["chunks"]
        return float(next(one["score"] for one in chunks if one["item"]["key"] == "long.md"))

    before, after = score({}), score({"boost_after_reranking": True})
    assert after == pytest.approx((before + 0.1) / 1.1, abs=2e-6)
    wire.ask("PUT", f"{NEW}/handbook", json={"retrieval_options": {"boost_after_reranking": True}})
    assert score({}) == after
    assert score({"boost_after_reranking": False}) == before


@pytest.mark.parametrize("generation", [NEW, LEGACY])
def test_explain_tells_ranks_sentence_and_what_was_dropped(filled: Wire, generation: str) -> None:
    options = {"enabled": True, "model": BGE, "stages": [{"model": BGE, "keep": 2}]}
    body = {"query": QUERY, "explain": True, "max_num_results": 2, "reranking": options}
    result = filled.post(f"{generation}/handbook/search", body).json()["result"]
    rows = result["chunks" if generation == NEW else "data"]
    told = rows[0]["explain"]
    assert told["sentence"]["text"] and 0 <= told["sentence"]["score"] <= 1
    by_stage = {one["stage"]: one for one in told["stages"]}
    assert {"vector", "fuse", "retrieval", "rerank", "final"} <= set(by_stage)
    assert (by_stage["rerank"]["rank"], by_stage["rerank"]["model"], by_stage["final"]["rank"]) == (1, "bge@1", 1)
    assert [step["stage"] for step in result["trace"]][-2:] == ["rerank", "explain"]
    assert len(rows) + len(result["dropped"]) == 3
    assert set(result["dropped"][0]) == {"item", "id", "stage", "rank", "reason"}
    assert result["dropped"][-1]["item"]["key"] in PAGES
    plain = filled.post(f"{generation}/handbook/search", {**body, "explain": False}).json()["result"]
    assert not {"trace", "dropped"} & set(plain)


def test_explain_shows_no_text_when_only_metadata_is_wanted(filled: Wire) -> None:
    options = {**RERANK, "retrieval": {"metadata_only": True}}
    body = {"query": QUERY, "explain": True, "ai_search_options": options}
    for chunk in filled.post(f"{NEW}/handbook/search", body).json()["result"]["chunks"]:
        assert chunk["explain"]["stages"] and "sentence" not in chunk["explain"]


def test_why_an_item_is_there_or_not(filled: Wire) -> None:
    def why(**body: Any) -> dict[str, Any]:
        answer = filled.post(f"{NEW}/handbook/why", {"query": QUERY, **body})
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()["result"]
        return found

    there = why(item_key="winter/oil.md")
    assert (there["verdict"], there["rank"], there["item"]) == ("returned", 1, {"key": "winter/oil.md"})
    assert there["chunk"]["item"]["key"] == "winter/oil.md"
    assert there["explain"]["stages"][-1]["rank"] == 1
    assert there["reranking"]["status"] == "skipped" and there["trace"] and there["search_query"] == QUERY
    assert why(item_key="no.md") == {
        "item": {"key": "no.md"}, "verdict": "not_indexed", "reason": "there is no item 'no.md'",
    }  # fmt: skip
    gone = why(query="oil", item_key="signals/fog.md", ai_search_options={"retrieval": {"retrieval_type": "keyword"}})
    assert (gone["verdict"], gone["ranks"]) == ("not_retrieved", {"vector": None, "keyword": None})
    hidden = why(item_key="signals/fog.md", filters={"folder": "winter/"})
    assert hidden["verdict"] == "filtered_out"
    messages = [{"role": "user", "content": "fog horn"}]
    assert why(item_key="signals/fog.md", query=None, messages=messages)["verdict"] == "returned"


@pytest.mark.parametrize("body", [{}, {"item_key": ""}, {"item_key": 3}, {"item_key": None}])
def test_why_without_an_item(filled: Wire, body: dict[str, Any]) -> None:
    assert error_of(filled.post(f"{NEW}/handbook/why", {"query": QUERY, **body}))[:2] == (400, 7400)
    assert error_of(filled.post(f"{NEW}/handbook/why", {"item_key": "a"}))[:2] == (400, 7039)
    assert error_of(filled.post(f"{NEW}/nope/why", {"item_key": "a", "query": QUERY}))[:2] == (404, 7002)
