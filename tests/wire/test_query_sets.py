"""Query sets on the wire, from the first thumb to a run of the Lab; and searches of the playground stay apart."""

from typing import Any

import httpx
import pytest

from secondlook.evaluation.queries import parse_queries
from tests.wire.conftest import NEW, Wire, error_of

SETS = f"{NEW}/handbook/query-sets"
WINTER = f"{SETS}/winter"


def result(answer: httpx.Response) -> Any:
    assert answer.status_code == 200, answer.text
    return answer.json()["result"]


def judge(wire: Wire, query: str, grade: int, **which: str) -> Any:
    return result(wire.post(f"{WINTER}/judgments", {"query": query, "grade": grade, **which}))


def test_a_set_is_filled_read_exported_and_measured(filled: Wire) -> None:
    assert result(filled.get(SETS)) == []
    assert result(filled.post(SETS, {"name": "winter"}))["queries"] == 0
    found = result(filled.post(f"{NEW}/handbook/search", {"query": "lamp oil"}))["chunks"]
    first, second = found[0], found[1]
    judge(filled, "lamp oil", 1, chunk_id=first["id"])
    judge(filled, "lamp oil", 0, chunk_id=second["id"])
    judge(filled, "fog horn", 1, item_key="signals/fog.md")
    [listed] = result(filled.get(SETS))
    assert (listed["name"], listed["queries"], listed["judgments"]) == ("winter", 2, 3)
    newest, oldest = result(filled.get(WINTER))
    assert (newest["query"], oldest["query"]) == ("fog horn", "lamp oil")
    assert [(one["chunk_id"], one["grade"]) for one in oldest["judgments"]] == [(first["id"], 1), (second["id"], 0)]
    assert [one["query"] for one in result(filled.get(WINTER, query="LAMP  oil"))] == ["lamp oil"]
    read = [
        parse_queries(filled.get(f"{WINTER}/export", format=kind).content, f"a.{kind}") for kind in ("jsonl", "csv")
    ]
    assert read[0] == read[1]
    assert [one.text for one in read[0]] == ["lamp oil", "fog horn"]
    run = result(filled.post(f"{NEW}/handbook/lab/runs", {"judged_set": "winter"}))
    assert (run["query_set"], run["queries"]) == ("set winter", 2)


def test_judgments_queries_and_sets_are_taken_back(filled: Wire) -> None:
    filled.post(SETS, {"name": "winter"})
    judge(filled, "fog", 1, item_key="signals/fog.md")
    assert judge(filled, "fog", 0, item_key="signals/fog.md")["grade"] == 0
    assert result(filled.get(SETS))[0]["judgments"] == 1
    which = {"query": "FOG", "item_key": "signals/fog.md"}
    assert result(filled.ask("DELETE", f"{WINTER}/judgments", params=which)) == {}
    assert result(filled.get(WINTER)) == []
    judge(filled, "fog", 1, item_key="signals/fog.md")
    assert result(filled.ask("DELETE", f"{WINTER}/queries", params={"query": "fog"})) == {"removed": 1}
    assert result(filled.ask("DELETE", WINTER))["name"] == "winter"
    assert error_of(filled.get(WINTER))[0] == 404


def test_what_cannot_be_is_refused(filled: Wire) -> None:
    assert error_of(filled.post(SETS, {"name": "-x"}))[0] == 400
    assert error_of(filled.post(f"{WINTER}/judgments", {"query": "a", "grade": 1, "item_key": "a"}))[0] == 404
    filled.post(SETS, {"name": "winter"})
    fog = {"item_key": "signals/fog.md"}
    assert error_of(filled.ask("DELETE", f"{WINTER}/judgments", params={"query": "a"}))[0] == 400
    for wrong in ({"query": "a", "grade": 1}, {"query": "a", **fog}, {"query": "a", "grade": 9, **fog}):
        assert error_of(filled.post(f"{WINTER}/judgments", wrong))[0] == 400
    assert error_of(filled.post(f"{WINTER}/judgments", {"query": "a", "grade": 1, "item_key": "none.md"}))[0] == 404
    assert error_of(filled.post(f"{NEW}/handbook/lab/runs", {"judged_set": "winter"}))[0] == 400
    assert error_of(filled.post(f"{NEW}/handbook/lab/runs", {"judged_set": "winter", "query_set": "log"}))[0] == 400


def test_a_deleted_instance_takes_its_sets_with_it(filled: Wire) -> None:
    filled.post(SETS, {"name": "winter"})
    result(filled.ask("DELETE", f"{NEW}/handbook"))
    result(filled.post(NEW, {"id": "handbook"}))
    assert result(filled.get(SETS)) == []


@pytest.fixture
def tried(filled: Wire) -> Wire:
    """An instance whose log has one search of a user and two of the playground."""
    filled.ask("PUT", f"{NEW}/handbook", json={"query_log": {"enabled": True}})
    for query, log in (("lamp oil", True), ("lamp oil", "playground"), ("fog horn", "playground")):
        found = result(filled.post(f"{NEW}/handbook/search", {"query": query, "query_log": log}))
        said = {"kind": "thumbs_up", "query_id": found["query_id"], "chunk_id": found["chunks"][0]["id"]}
        result(filled.post(f"{NEW}/handbook/feedback", said))
    return filled


def test_searches_of_the_playground_are_marked_and_left_out_of_measures(tried: Wire) -> None:
    base = f"{NEW}/handbook"
    lines = result(tried.get(f"{base}/queries", order="oldest"))
    marks = [(one["query"], one["playground"]) for one in lines]
    assert marks == [("lamp oil", False), ("lamp oil", True), ("fog horn", True)]
    assert len(result(tried.get(f"{base}/queries", playground="false"))) == 1
    assert result(tried.get(f"{base}/query-metrics"))["total"]["count"] == 1
    assert result(tried.get(f"{base}/query-metrics", playground="true"))["total"]["count"] == 3
    assert [one["query"] for one in result(tried.get(f"{base}/queries/top"))] == ["lamp oil"]
    top = {one["query"]: one["count"] for one in result(tried.get(f"{base}/queries/top", playground="true"))}
    assert top == {"lamp oil": 2, "fog horn": 1}


def test_the_lab_leaves_the_playground_out_unless_it_is_wanted(tried: Wire) -> None:
    runs = f"{NEW}/handbook/lab/runs"
    first = result(tried.post(runs, {"query_set": "log"}))
    assert first["queries"] == 1
    tried.run(tried.services.lab.wait(first["id"]))
    assert result(tried.post(runs, {"query_set": "log", "playground": True}))["queries"] == 2


def test_feedback_by_words_prefers_a_search_that_was_served(tried: Wire) -> None:
    result(tried.post(f"{NEW}/handbook/search", {"query": "lamp oil", "query_log": "playground"}))
    said = result(
        tried.post(f"{NEW}/handbook/feedback", {"kind": "click", "query": "lamp oil", "item_key": "signals/fog.md"})
    )
    lines = {one["id"]: one for one in result(tried.get(f"{NEW}/handbook/queries"))}
    assert lines[said["query_id"]]["playground"] is False
