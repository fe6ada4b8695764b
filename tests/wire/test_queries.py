"""The query log on the wire: off unless asked for, then every way of asking leaves a line, and feedback finds it."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from secondlook.errors import BackendError
from secondlook.models.fakes import FakeReranker
from secondlook.services.instances import Limits
from tests.wire.conftest import BGE, BROKEN, LEGACY, NEW, PAGES, Wire, error_of, frames_of
from tests.wire.test_public import publish

LOG = f"{NEW}/handbook/queries"
ON = {"query_log": {"enabled": True}}
QUESTION = {"messages": [{"role": "user", "content": "lamp oil"}]}
RERANK = {"ai_search_options": {"reranking": {"enabled": True, "model": BGE, "match_threshold": 0}}}


def result(answer: httpx.Response) -> Any:
    assert answer.status_code == 200, answer.text
    return answer.json()["result"]


def change(wire: Wire, **sent: object) -> Any:
    return result(wire.ask("PUT", f"{NEW}/handbook", json=sent))


@pytest.fixture
def logged(filled: Wire) -> Wire:
    change(filled, **ON)
    return filled


def lines(wire: Wire, **query: object) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = result(wire.get(LOG, **query))
    return found


def test_it_is_off_until_it_is_switched_on_and_keeps_what_it_had(filled: Wire) -> None:
    assert result(filled.get(f"{NEW}/handbook"))["query_log"] == {"enabled": False, "retention_days": 30}
    assert "query_id" not in result(filled.post(f"{NEW}/handbook/search", {"query": "oil"}))
    assert change(filled, query_log={"enabled": True, "retention_days": 7})["query_log"]["retention_days"] == 7
    assert result(filled.post(f"{NEW}/handbook/search", {"query": "oil"}))["query_id"]
    assert change(filled, query_log={"enabled": False})["query_log"] == {"enabled": False, "retention_days": 7}
    result(filled.post(f"{NEW}/handbook/search", {"query": "oil"}))
    assert len(lines(filled)) == 1
    for wrong in ({"enabled": "yes"}, {"retention_days": 0}, {"retention_days": 366}):
        assert error_of(filled.ask("PUT", f"{NEW}/handbook", json={"query_log": wrong}))[0] == 400


def test_every_way_of_asking_leaves_a_line(logged: Wire) -> None:
    stream = {**QUESTION, "stream": True}
    ids = [
        result(logged.post(f"{NEW}/handbook/search", QUESTION))["query_id"],
        result(logged.post(f"{LEGACY}/handbook/search", {"query": "lamp oil"}))["query_id"],
        logged.post(f"{NEW}/handbook/chat/completions", QUESTION).json()["query_id"],
        result(logged.post(f"{LEGACY}/handbook/ai-search", {"query": "lamp oil"}))["query_id"],
    ]
    *_, (_, last), (_, done) = frames_of(logged.post(f"{NEW}/handbook/chat/completions", stream))
    assert done == "[DONE]" and '"query_id": "' in last
    assert frames_of(logged.post(f"{LEGACY}/handbook/ai-search", {"query": "lamp oil", "stream": True}))
    front = publish(logged)
    ids.append(result(front.post("/search", QUESTION))["query_id"])
    assert front.post("/chat/completions", QUESTION).status_code == 200
    assert front.post("/ai-search", QUESTION).status_code == 200
    joint = {**QUESTION, "ai_search_options": {"instance_ids": ["handbook"]}}
    space = "/client/v4/accounts/acc/ai-search/namespaces/default"
    ids.append(result(logged.post(f"{space}/search", joint))["query_id"])
    assert logged.post(f"{space}/chat/completions", joint).json()["query_id"]
    found = lines(logged, order="oldest")
    assert [one["kind"] for one in found] == [
        "search", "search", "chat", "chat", "chat", "chat", "search", "chat", "chat", "search", "chat",
    ]  # fmt: skip
    assert [one["public"] for one in found] == 6 * [False] + 3 * [True] + 2 * [False]
    assert set(ids) <= {one["id"] for one in found}
    assert {one["query"] for one in found} == {"lamp oil"}
    assert all("generate" in one["stages"] for one in found if one["kind"] == "chat")


def test_a_request_may_stay_out_of_it(logged: Wire) -> None:
    out = {**QUESTION, "query_log": False}
    assert "query_id" not in result(logged.post(f"{NEW}/handbook/search", out))
    assert "query_id" not in logged.post(f"{NEW}/handbook/chat/completions", out).json()
    joint = {**out, "ai_search_options": {"instance_ids": ["handbook"]}}
    space = "/client/v4/accounts/acc/ai-search/namespaces/default"
    assert "query_id" not in result(logged.post(f"{space}/search", joint))
    assert lines(logged) == []


def test_a_line_tells_of_the_search(logged: Wire) -> None:
    answer = result(logged.post(f"{NEW}/handbook/search", {"query": "lamp oil", **RERANK}))
    [line] = lines(logged)
    assert (line["id"], line["query"], line["results"], line["cached"]) == (answer["query_id"], "lamp oil", 3, False)
    assert [one["id"] for one in line["chunks"]] == [one["id"] for one in answer["chunks"]]
    for kept, shown in zip(line["chunks"], answer["chunks"], strict=True):
        details = shown["scoring_details"]
        assert kept["item"]["key"] == shown["item"]["key"]
        assert (kept["reranking_score"], kept["retrieval_rank"]) == (
            details["reranking_score"],
            details["retrieval_rank"],
        )
        assert kept["end_byte"] == len(PAGES[kept["item"]["key"]].encode())
    assert line["reranking"] == {"status": "ran", "cause": "", "reason": ""}
    assert line["top_changed"] == (line["chunks"][0]["retrieval_rank"] != 1)
    assert line["options"]["max_num_results"] == 10 and line["options"]["reranking"] is True
    assert line["ms"] >= line["stages"]["rerank"] >= 0


def test_filters_pages_and_searches(logged: Wire) -> None:
    search = f"{NEW}/handbook/search"
    logged.post(search, {"query": "lamp oil", **RERANK})
    logged.post(search, {"query": "zebra", "max_num_results": 5, "score_threshold": 1})
    broken = {"ai_search_options": {"reranking": {"enabled": True, "model": BROKEN}}}
    logged.post(search, {"query": "fog", **broken})
    logged.embedder.fails = True
    strict = {"ai_search_options": {"retrieval": {"return_on_failure": False}}}
    assert logged.post(search, {"query": "away", **strict}).status_code == 500
    logged.embedder.fails = False
    assert [one["query"] for one in lines(logged)] == ["away", "fog", "zebra", "lamp oil"]
    assert [one["query"] for one in lines(logged, filter="fell_back")] == ["fog"]
    assert [one["query"] for one in lines(logged, filter="failed")] == ["away"]
    assert [one["query"] for one in lines(logged, filter="no_results")] == ["zebra"]
    assert lines(logged, filter="failed")[0]["error"]
    assert [one["query"] for one in lines(logged, search="LAMP")] == ["lamp oil"]
    page = logged.get(LOG, page=2, per_page=3).json()
    assert page["result_info"] == {"count": 1, "page": 2, "per_page": 3, "total_count": 4}
    for wrong in ({"filter": "x"}, {"order": "x"}, {"per_page": 101}):
        assert error_of(logged.get(LOG, **wrong))[0] == 400


def test_top_queries_and_measures(logged: Wire) -> None:
    search = f"{NEW}/handbook/search"
    for text in ("Lamp oil", "fog", "lamp  OIL"):
        logged.post(search, {"query": text, **RERANK})
    logged.post(search, {"query": "zebra", "score_threshold": 1})
    first, *_ = result(logged.get(f"{LOG}/top"))
    assert (first["query"], first["count"], first["no_results"]) == ("lamp  OIL", 2, 0)
    assert [one["query"] for one in result(logged.get(f"{LOG}/top", filter="no_results"))] == ["zebra"]
    told = result(logged.get(f"{NEW}/handbook/query-metrics", period="hour"))
    assert (len(told["buckets"]), told["bucket_seconds"], told["period"]) == (60, 60, "hour")
    total = told["total"]
    assert (total["count"], total["reranked"], total["no_results"], total["failed"]) == (4, 3, 1, 0)
    assert sum(one["count"] for one in told["buckets"]) == 4
    assert told["buckets"][-1]["count"] == 4
    assert total["ms"]["total"]["p95"] >= total["ms"]["total"]["p50"] > 0
    logged.time += 7200
    assert result(logged.get(f"{NEW}/handbook/query-metrics", period="hour"))["total"]["count"] == 0
    assert result(logged.get(f"{NEW}/handbook/query-metrics"))["total"]["count"] == 4


def test_lines_end_with_their_days_and_with_the_instance(logged: Wire) -> None:
    logged.post(f"{NEW}/handbook/search", {"query": "lamp oil"})
    logged.time += 29 * 86_400
    assert len(lines(logged)) == 1
    change(logged, query_log={"retention_days": 28})
    assert lines(logged) == []
    for text in ("one", "two"):
        logged.post(f"{NEW}/handbook/search", {"query": text})
    result(logged.ask("DELETE", LOG))
    assert lines(logged) == []
    logged.post(f"{NEW}/handbook/search", {"query": "three"})
    result(logged.ask("DELETE", f"{NEW}/handbook"))
    assert logged.run(logged.asked.list_uids()) == []
    logged.make(**ON)
    assert lines(logged) == []


def test_feedback(logged: Wire) -> None:
    answer = result(logged.post(f"{NEW}/handbook/search", {"query": "lamp oil"}))
    first = answer["chunks"][0]
    path = f"{NEW}/handbook/feedback"
    click = {"query_id": answer["query_id"], "chunk_id": first["id"], "kind": "click", "position": 1}
    kept = result(logged.post(path, click))
    assert (kept["query"], kept["item_key"], kept["chunk_id"]) == ("lamp oil", first["item"]["key"], first["id"])
    assert kept["start_byte"] == 0 and len(kept["hash"]) == 32 and kept["position"] == 1
    by_text = result(logged.post(path, {"query": "LAMP oil", "item_key": "signals/fog.md", "kind": "thumbs_down"}))
    assert by_text["query_id"] == answer["query_id"] and by_text["hash"]
    assert result(logged.post(path, {"query": "lamp oil", "kind": "thumbs_up"}))["item_key"] is None
    uid = result(logged.get(f"{NEW}/handbook"))["vectorize_name"]
    [heard] = logged.run(logged.services.queries.judged(uid))
    assert [one.kind for one in heard.feedback] == ["click", "thumbs_down", "thumbs_up"]
    _, run_token = logged.run(logged.services.access.create("visitor", permission="run"))
    visitor = {"Authorization": f"Bearer {run_token}"}
    assert logged.ask("POST", path, json=click, headers=visitor).status_code == 200
    assert logged.ask("GET", LOG, headers=visitor).status_code == 403


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"kind": "click", "query": "oil"}, 400),
        ({"kind": "click", "item_key": "a.md"}, 400),
        ({"kind": "click", "query": " ", "item_key": "a.md"}, 400),
        ({"kind": "like", "query": "oil", "item_key": "a.md"}, 400),
        ({"kind": "click", "query": "oil", "item_key": "gone.md"}, 404),
        ({"kind": "click", "query": "oil", "chunk_id": "gone"}, 400),
        ({"kind": "thumbs_up", "query_id": "gone"}, 404),
        ({"kind": "click", "query": "oil", "item_key": "signals/fog.md", "position": 0}, 400),
    ],
)
def test_feedback_that_is_refused(logged: Wire, sent: dict[str, Any], status: int) -> None:
    assert error_of(logged.post(f"{NEW}/handbook/feedback", sent))[0] == status


def test_feedback_where_no_log_is_kept(filled: Wire) -> None:
    sent = {"kind": "thumbs_up", "query": "oil"}
    answer = filled.post(f"{NEW}/handbook/feedback", sent)
    assert error_of(answer) == (400, 7400, "invalid_request")
    assert "query_log" in answer.json()["errors"][0]["detail"]


def test_a_click_in_a_search_box_is_feedback(logged: Wire) -> None:
    front = publish(logged)
    shown = result(front.post("/search", QUESTION))
    ids = [one["id"] for one in shown["chunks"]]
    told = {"inputQuery": "lamp oil", "snippetVersion": "1", "totalResult": 3}
    events = [
        told,
        {**told, "clickedResultId": ids[1], "clickPosition": 2},
        {"queryId": shown["query_id"], "clickedResultId": ids[0]},
        {**told, "inputQuery": "nobody asked", "clickedResultId": ids[0]},
    ]
    assert front.post("/stats", {"events": events}).status_code == 200
    uid = result(logged.get(f"{NEW}/handbook"))["vectorize_name"]
    [heard] = logged.run(logged.services.queries.judged(uid))
    assert [(one.chunk_id, one.position, one.public) for one in heard.feedback] == [
        (ids[1], 2, True),
        (ids[0], None, True),
    ]


def test_a_log_that_fails_harms_no_search(logged: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    async def full(*_: object, **__: object) -> None:
        raise BackendError("the disk is full")

    monkeypatch.setattr(logged.asked, "add", full)
    assert len(result(logged.post(f"{NEW}/handbook/search", {"query": "lamp oil"}))["chunks"]) == 3
    logged.run(logged.services.queries.flush())
    monkeypatch.undo()
    assert lines(logged) == []


def test_the_first_result_that_reranking_changed(logged: Wire) -> None:
    logged.rerankers[BGE] = FakeReranker("bge@1", scorer=lambda _, passage: float("fog" in passage.text))
    logged.post(f"{NEW}/handbook/search", {"query": "lamp oil", **RERANK})
    [line] = lines(logged, filter="top_changed")
    assert line["top_changed"] is True and line["chunks"][0]["item"]["key"] == "signals/fog.md"


def test_a_server_may_forbid_query_logs(tmp_path: Path) -> None:
    wire = Wire(tmp_path, limits=Limits(query_log=0))
    answer = wire.post(NEW, {"id": "handbook", **ON})
    assert error_of(answer) == (400, 7400, "invalid_request")
    assert "SECONDLOOK_QUERY_LOG_LINES" in answer.json()["errors"][0]["detail"]
    wire.make()
    assert error_of(wire.ask("PUT", f"{NEW}/handbook", json=ON))[0] == 400
    assert lines(wire) == []
    wire.close()


def test_the_lab_measures_on_what_was_clicked(logged: Wire) -> None:
    runs = f"{NEW}/handbook/lab/runs"
    sent = {"query_set": "log", "arms": [{"model": BGE}]}
    refused = logged.post(runs, sent)
    assert error_of(refused)[0] == 400 and "query log" in refused.json()["errors"][0]["detail"]
    found = result(logged.post(f"{NEW}/handbook/search", {"query": "lamp oil"}))
    chunk = found["chunks"][0]
    for kind, more in (
        ("click", {"chunk_id": chunk["id"]}),
        ("thumbs_down", {"item_key": "signals/fog.md"}),
        ("thumbs_up", {}),
    ):
        said = {"query_id": found["query_id"], "kind": kind, **more}
        result(logged.post(f"{NEW}/handbook/feedback", said))
    run = result(logged.post(runs, sent))
    logged.run(logged.services.lab.wait(run["id"]))
    done = result(logged.get(f"{runs}/{run['id']}"))
    assert (done["state"], done["queries"], done["query_set"]) == ("completed", 1, "log")
    assert done["report"]["stale_judgments"] == 0
    [query] = result(logged.get(f"{runs}/{run['id']}/queries"))
    assert query["query"] == "lamp oil" and len(query["relevant"]) == 1
