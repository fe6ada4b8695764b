"""The Lab over the wire: a run from its queries to its verdict, in every form, and every refusal."""

import asyncio
import gc
import json
import time
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from secondlook.evaluation.queries import parse_queries
from secondlook.models.extractive import ExtractiveGenerator
from secondlook.models.fakes import FakeGenerator, FakeReranker
from secondlook.ports import Passage
from secondlook.services.lab_records import read_row
from secondlook.stages.generate import NO_EVIDENCE
from tests.wire.conftest import BGE, BROKEN, MISSING, NEW, Wire, error_of

LAB = f"{NEW}/handbook/lab"


def truth(query: str, passage: Passage) -> float:
    return 0.9 if passage.text.startswith(f"lamp oil of grade {int(query.rsplit(maxsplit=1)[-1]) % 4}.") else 0.1


def filled(wire: Wire, **settings: Any) -> None:
    wire.rerankers["oracle"] = FakeReranker("oracle@1", scorer=truth)
    wire.make(score_threshold=0, retrieval_options={"keyword_match_mode": "or"}, **settings)
    for at in range(4):
        wire.upload(f"d{at}.md", f"lamp oil of grade {at}. " + "lamp oil " * (4 - at))


def queries(number: int = 48) -> list[dict[str, Any]]:
    return [{"query": f"lamp oil grade for lantern {at}", "items": {f"d{at % 4}.md": 1}} for at in range(number)]


def begun(wire: Wire, **body: Any) -> dict[str, Any]:
    answer = wire.post(f"{LAB}/runs", {"queries": queries(), "arms": [{"model": "oracle", "window": 4}], **body})
    assert answer.status_code == 200, answer.text
    result: dict[str, Any] = answer.json()["result"]
    return result


def waited(wire: Wire, run: dict[str, Any]) -> dict[str, Any]:
    wire.run(wire.services.lab.wait(run["id"]))
    result: dict[str, Any] = wire.get(f"{LAB}/runs/{run['id']}").json()["result"]
    return result


def test_a_run_to_its_verdict_and_what_it_says_of_each_query(wire: Wire) -> None:
    filled(wire)
    assert error_of(wire.get(f"{LAB}/verdict"))[:2] == (404, 7021)
    run = begun(wire, budget_ms=60_000)
    assert (run["state"], run["query_set"], run["queries"]) == ("running", "uploaded", 48)
    done = waited(wire, run)
    assert (done["state"], done["done"]) == ("completed", 48) and done["ended_at"] >= done["created_at"]
    report = done["report"]
    assert report["verdict"]["answer"] == "on" and report["budget"] == 60_000
    assert [arm["name"] for arm in report["arms"]] == ["as created", "off", "oracle, 4 candidates"]
    assert report["arms"][2]["ndcg@10"] == 1.0 and report["arms"][2]["model"] == "oracle@1"
    [listed] = wire.get(f"{LAB}/runs").json()["result"]
    assert listed["id"] == run["id"] and "report" not in listed
    told = wire.get(f"{LAB}/verdict").json()["result"]
    assert told["run"]["id"] == run["id"] and told["settings"]["reranking_model"] == "oracle"

    page = wire.get(f"{LAB}/runs/{run['id']}/queries", order="gain", per_page=2).json()
    assert page["result_info"] == {"count": 2, "page": 1, "per_page": 2, "total_count": 48}
    best = page["result"][0]
    assert best["difference"] == max(
        one["difference"] for one in wire.get(f"{LAB}/runs/{run['id']}/queries", per_page=100).json()["result"]
    )
    assert set(best["arms"]) == {"off", "oracle, 4 candidates"}
    asked = wire.get(f"{LAB}/runs/{run['id']}/queries", order="asked", per_page=1).json()["result"]
    assert asked[0]["query"] == queries()[0]["query"]
    assert error_of(wire.get(f"{LAB}/runs/{run['id']}/queries", arm="none"))[:2] == (400, 7400)

    html = wire.get(f"{LAB}/runs/{run['id']}/page")
    assert html.headers["content-type"].startswith("text/html") and "Reranking on handbook" in html.text

    applied = wire.post(f"{LAB}/runs/{run['id']}/apply").json()["result"]
    assert applied["applied"] is True
    instance = wire.get(f"{NEW}/handbook").json()["result"]
    assert instance["reranking"] is True and instance["reranking_model"] == "oracle"
    assert instance["reranking_stages"] == [{"model": "oracle", "window": 4, "keep": None}]

    assert wire.ask("DELETE", f"{LAB}/runs/{run['id']}").status_code == 200
    assert error_of(wire.get(f"{LAB}/runs/{run['id']}"))[:2] == (404, 7021)


def test_auto_follows_the_last_verdict(wire: Wire) -> None:
    filled(wire, reranking="auto")
    made = wire.get(f"{NEW}/handbook").json()["result"]
    assert (made["reranking"], made["reranking_mode"]) == (False, "auto"), "off until there is a verdict"
    waited(wire, begun(wire))
    after = wire.get(f"{NEW}/handbook").json()["result"]
    assert (after["reranking"], after["reranking_mode"], after["reranking_model"]) == (True, "auto", "oracle")
    again = wire.ask("PUT", f"{NEW}/handbook", json=after).json()["result"]
    assert (again["reranking"], again["reranking_mode"]) == (True, "auto"), "what was read can be written"
    fixed = wire.ask("PUT", f"{NEW}/handbook", json={"reranking": False}).json()["result"]
    assert (fixed["reranking"], fixed["reranking_mode"]) == (False, "fixed")
    back = wire.ask("PUT", f"{NEW}/handbook", json={"reranking": "auto"}).json()["result"]
    assert (back["reranking"], back["reranking_mode"]) == (True, "auto"), "the verdict is known already"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("q.csv", "query,item,grade\n" + "\n".join(f"lamp oil lantern {at},d{at % 4}.md,1" for at in range(40))),
        ("q.jsonl", "\n".join(f'{{"query": "oil lantern {at}", "items": ["d1.md"]}}' for at in range(40))),
    ],
)
def test_a_file_of_queries(wire: Wire, name: str, content: str) -> None:
    filled(wire)
    run = begun(wire, queries=None, file={"name": name, "content": content}, limit=10)
    assert (run["query_set"], run["queries"]) == (name, 10)
    assert waited(wire, run)["report"]["verdict"]["answer"] == "not enough evidence"


def test_queries_from_the_documents_are_labelled(wire: Wire) -> None:
    filled(wire)
    wire.upload("long.md", "# How to trim the wick of a lamp\n\nTrim it.\n")
    done = waited(wire, begun(wire, queries=None, query_set="headings", arms=[{"model": BGE}]))
    assert done["report"]["synthetic"] == done["report"]["queries"] == 1


@pytest.fixture
def judging(tmp_path: Path) -> Iterator[Wire]:
    """A wire whose language model grades with 2 whatever it is asked."""
    made = Wire(tmp_path, FakeGenerator(answer="Grade: 2"))
    yield made
    made.close()


def test_a_judge_grades_what_nobody_judged(judging: Wire) -> None:
    filled(judging)
    bare = [{"query": f"lamp oil {at}"} for at in range(6)]
    run = begun(judging, queries=[*queries(6), *bare], judge={})
    report = waited(judging, run)["report"]
    assert report["queries"] == 12
    assert report["judge"] == {"graded": 6 * 3 + 6 * 4, "agreed": 6, "agreement": 1.0, "kappa": None}
    assert [arm["holes"] for arm in report["arms"]] == [0.0, 0.0, 0.0]


def test_questions_that_a_language_model_asks(judging: Wire) -> None:
    filled(judging)
    run = begun(judging, queries=None, query_set="generated", limit=3)
    done = waited(judging, run)
    assert done["query_set"] == "generated" and done["report"]["synthetic"] == done["report"]["queries"] == 1, (
        "the model asks the same each time"
    )
    told = judging.get(f"{LAB}/runs/{run['id']}/queries").json()["result"]
    assert "#0-" in next(iter(told[0]["relevant"]))


def test_a_judge_that_cannot_is_told_before_anything_runs(tmp_path: Path) -> None:
    made = Wire(tmp_path, ExtractiveGenerator())
    filled(made)
    for body in ({"queries": queries(2), "judge": {}}, {"query_set": "generated"}):
        answer = made.post(f"{LAB}/runs", {"arms": [{"window": 4}], **body})
        assert error_of(answer)[:2] == (502, 7033) and "SECONDLOOK_LLM_URL" in answer.text
    made.close()


def test_cancel(wire: Wire) -> None:
    filled(wire)
    wire.rerankers["slow"] = slow = FakeReranker("slow@1")
    score = slow.score

    async def late(query: str, passages: Any) -> Any:
        await asyncio.sleep(0.2)
        return await score(query, passages)

    slow.score = late  # type: ignore[method-assign]  # a slow model
    run = begun(wire, arms=[{"model": "slow"}])
    refused = wire.post(f"{LAB}/runs", {"queries": queries()})
    assert error_of(refused)[:2] == (429, 7020) and int(refused.headers["retry-after"]) > 0
    ended = wire.ask("PATCH", f"{LAB}/runs/{run['id']}", json={"action": "cancel"}).json()["result"]
    assert ended["state"] == "cancelled"
    assert error_of(wire.ask("PATCH", f"{LAB}/runs/{run['id']}", json={"action": "cancel"}))[:2] == (400, 7046)
    assert error_of(wire.get(f"{LAB}/runs/{run['id']}/page"))[:2] == (400, 7400)


def test_a_reranker_that_fails_is_flagged(wire: Wire) -> None:
    filled(wire)
    report = waited(wire, begun(wire, arms=[{"model": BROKEN}]))["report"]
    assert report["arms"][2]["fell_back"] == 48 and "failed on 48 of 48" in report["arms"][2]["flags"][-1]


@pytest.mark.parametrize(
    ("body", "status", "code", "told"),
    [
        ({}, 400, 7400, "one of queries, file, query_set and judged_set"),
        ({"queries": queries(2), "query_set": "headings"}, 400, 7400, "this request has queries, query_set"),
        ({"queries": [{"query": "a"}]}, 400, 7400, "queries, line 1"),
        ({"queries": queries(2), "arms": [{"window": 0}]}, 400, 7400, "window"),
        ({"queries": queries(2), "arms": [{}, {}]}, 400, 7400, "different configurations"),
        ({"queries": queries(2), "arms": [{"model": "nobody/knows"}]}, 400, 7010, "nobody/knows"),
        ({"queries": queries(2), "concurrency": 99}, 400, 7400, "concurrency"),
        ({"query_set": "headings"}, 400, 7400, "provide a query file"),
        ({"file": {"name": "q.txt", "content": "a"}}, 400, 7400, ".csv or .jsonl"),
        ({"queries": queries(2), "arms": [{"retrieval_type": "keyword"}]}, 400, 7070, "keyword"),
    ],
)
def test_refusals(wire: Wire, body: dict[str, Any], status: int, code: int, told: str) -> None:
    wire.make(index_method={"vector": True, "keyword": False})
    answer: httpx.Response = wire.post(f"{LAB}/runs", body)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (status, code)
    assert told in answer.text
    assert wire.get(f"{LAB}/runs").json()["result"] == []


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"file": {"name": "q.csv", "content": "query,item\na\ud800,x\n"}}, "surrogates not allowed"),
        ({"file": {"name": "q.csv", "content": "query,item\na," + "x" * 140_000}}, "q.csv, line 2"),
        ({"queries": [{"query": "a\ud800", "items": ["x"]}]}, "surrogates not allowed"),
        ({"queries": [{"query": "a", "items": {"x": 10**400}}]}, "too large"),
    ],
)
def test_texts_that_are_none_are_refused(wire: Wire, body: dict[str, Any], told: str) -> None:
    wire.make()
    answer = wire.ask("POST", f"{LAB}/runs", content=json.dumps(body))
    assert error_of(answer)[:2] == (400, 7400) and told in answer.text


def test_weights_that_are_not_here_are_told_before_anything_runs(wire: Wire) -> None:
    filled(wire)
    answer = wire.post(f"{LAB}/runs", {"queries": queries(2), "arms": [{"model": MISSING}]})
    assert error_of(answer)[:2] == (400, 7010) and "weights" in answer.text


def test_runs_go_with_their_instance(wire: Wire) -> None:
    filled(wire)
    run = begun(wire)
    wire.ask("DELETE", f"{NEW}/handbook")
    wire.make()
    assert error_of(wire.get(f"{LAB}/runs/{run['id']}"))[:2] == (404, 7021)
    assert error_of(wire.post(f"{NEW}/lost/lab/runs", {}))[:2] == (404, 7002)


def learned(wire: Wire) -> None:
    """A run over a reranker whose scores of .9 are right nine times in ten, and those of .1 never."""
    filled(wire)
    turn = iter(range(10_000))

    def scorer(query: str, passage: Passage) -> float:
        return 0.9 if truth(query, passage) > 0.5 or next(turn) % 27 == 0 else 0.1

    wire.rerankers["oracle"] = FakeReranker("oracle@1", scorer=scorer)
    waited(wire, begun(wire))
    wire.rerankers["oracle"] = FakeReranker("oracle@1", scorer=truth)


def searched(wire: Wire, **reranking: Any) -> dict[str, Any]:
    options = {"reranking": {"enabled": True, "model": "oracle", **reranking}}
    body = {"query": "lamp oil grade for lantern 2", "ai_search_options": options}
    result: dict[str, Any] = wire.post(f"{NEW}/handbook/search", body).json()["result"]
    return result


def test_a_threshold_is_a_probability_once_the_lab_has_measured(wire: Wire) -> None:
    learned(wire)
    found = searched(wire, match_probability=0.5)
    assert [one["item"]["key"] for one in found["chunks"]] == ["d2.md"]
    assert 0.1 < found["reranking"]["threshold"] < 0.9 and found["reranking"]["below_threshold"] == 3
    assert searched(wire, match_probability=0.5)["reranking"]["threshold"] != 0.5
    nothing = searched(wire, match_probability=1.0)
    assert nothing["chunks"] == [] and nothing["reranking"]["below_threshold"] == 4
    score = searched(wire, match_threshold=0.05)
    assert score["reranking"]["threshold"] == 0.05 and len(score["chunks"]) == 4
    unmeasured = searched(wire, model=BGE, match_probability=0.3)["reranking"]
    assert unmeasured["threshold"] == 0.3, "the scores of a model that was not measured are taken as they are"


def test_the_instance_keeps_a_probability_and_a_request_overrules_it(wire: Wire) -> None:
    learned(wire)
    changed = wire.ask("PUT", f"{NEW}/handbook", json={"reranking_match_probability": 0.5}).json()["result"]
    assert changed["reranking_match_probability"] == 0.5
    assert searched(wire)["reranking"]["below_threshold"] == 3
    assert searched(wire, match_threshold=0.05)["reranking"]["below_threshold"] == 0
    why = wire.post(f"{NEW}/handbook/why", {
        "query": "lamp oil grade for lantern 2", "item_key": "d1.md",
        "ai_search_options": {"reranking": {"enabled": True, "model": "oracle"}},
    }).json()["result"]  # fmt: skip
    assert why["verdict"] == "below_reranking_threshold"


def test_an_answer_without_good_evidence_says_so(wire: Wire) -> None:
    learned(wire)
    options = {"reranking": {"enabled": True, "model": "oracle", "match_probability": 1.0}}
    body = {"messages": [{"role": "user", "content": "lamp oil grade for lantern 2"}], "ai_search_options": options}
    told = wire.post(f"{NEW}/handbook/chat/completions", body).json()
    assert told["choices"][0]["message"]["content"] == NO_EVIDENCE
    assert told["chunks"] == [] and told["reranking"]["below_threshold"] == 4


def test_two_orders_in_one_list_and_what_clicks_say(wire: Wire) -> None:
    filled(wire, reranking_mode="interleave", reranking_model="oracle", query_log={"enabled": True})
    wire.time = time.time()  # the trial has begun by the clock of the machine
    for at in range(4):
        options = {"reranking": {"match_threshold": 0}}
        asked = {"query": f"lamp oil grade for lantern {at}", "ai_search_options": options}
        found = wire.post(f"{NEW}/handbook/search", asked).json()["result"]
        teams = {one["id"]: one["scoring_details"]["team"] for one in found["chunks"]}
        liked = next(chunk for chunk, team in teams.items() if team == "reranked")
        body = {"query_id": found["query_id"], "chunk_id": liked, "kind": "click"}
        assert wire.post(f"{NEW}/handbook/feedback", body).status_code == 200
    told = wire.get(f"{LAB}/online").json()["result"]
    assert told["mode"] == "interleave" and told["interleaving"]["answer"] == "not enough evidence"
    assert (told["interleaving"]["queries"], told["interleaving"]["wins"]) == (4, 4)


def test_the_shadow_is_told(wire: Wire) -> None:
    filled(wire, reranking_mode="shadow", reranking_model="oracle", query_log={"enabled": True})
    wire.time = time.time()  # the trial has begun by the clock of the machine
    found = wire.post(f"{NEW}/handbook/search", {"query": "lamp oil grade for lantern 2"}).json()["result"]
    assert found["reranking"]["status"] == "skipped"
    wire.run(wire.services.trying.settle())
    told = wire.get(f"{LAB}/online").json()["result"]
    assert told["mode"] == "shadow" and told["shadow"]["queries"] == 1


async def longest_rest(work: Coroutine[Any, Any, httpx.Response]) -> tuple[float, httpx.Response]:
    """Seconds that the loop came to nothing else at a time while the work went on, and its answer."""
    task, last, longest = asyncio.create_task(work), time.perf_counter(), 0.0
    gc.disable()  # a collection holds up everything, wherever it is run
    try:
        while not task.done():
            await asyncio.sleep(0.001)
            now = time.perf_counter()
            longest, last = max(longest, now - last), now
    finally:
        gc.enable()
    return longest, task.result()


def seconds_of(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def test_long_files_and_many_rows_hold_up_no_other_request(wire: Wire) -> None:
    filled(wire)
    content = "query,item,grade\n" + "\n".join(f"lamp oil lantern {at},d{at % 4}.md,1" for at in range(60_000))
    body = {"file": {"name": "q.csv", "content": content}, "limit": 8, "arms": [{"window": 4}]}
    rest, answer = wire.run(longest_rest(wire.client.post(f"{LAB}/runs", json=body)))
    assert answer.status_code == 200
    assert rest < seconds_of(lambda: parse_queries(content.encode(), "q.csv")) / 2
    run = waited(wire, answer.json()["result"])
    mine = "WHERE run_id = ?"
    with wire.database() as database:  # as those of many arms and wide windows are
        [(told,)] = database.execute(f"SELECT told FROM lab_rows {mine} AND number = 0", (run["id"],)).fetchall()
        row = json.loads(told)
        arm = next(one for one in row["arms"].values() if one["pairs"])
        arm["pairs"] = [[0.5, 0] for _ in range(2_000)]
        heavy = json.dumps(row)
        database.execute(f"DELETE FROM lab_rows {mine}", (run["id"],))
        database.executemany("INSERT INTO lab_rows VALUES (?, ?, ?)", [(run["id"], at, heavy) for at in range(600)])
    for path in ("queries", "page"):
        rest, answer = wire.run(longest_rest(wire.client.get(f"{LAB}/runs/{run['id']}/{path}")))
        assert answer.status_code == 200
        assert rest < seconds_of(lambda: [read_row(heavy) for _ in range(600)]) / 2, path
    part = wire.get(f"{LAB}/runs/{run['id']}/queries", order="asked", page=30, per_page=20).json()
    assert (len(part["result"]), part["result_info"]["total_count"]) == (20, 600)
