"""The match threshold over HTTP: what keywords carry past it, what each threshold dropped, and who asks for neither."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from secondlook import Connection
from secondlook.api.binding.in_process import InProcess
from tests.wire.conftest import BGE, LEGACY, NEW, PAGES, Wire, frames_of, keys_of

JOINT = "/client/v4/accounts/acc/ai-search/namespaces/default/search"
OIL = {"winter/oil.md", "stores/oil-grades.md"}
"""Both hold every term of the query "lamp oil"; the third page holds none."""
HIGH = {"retrieval": {"match_threshold": 1}}
"""Above every vector score of a query that is not itself a passage."""
MATCH = {"name": "match_threshold", "value": 1, "dropped": 1}
CHAT = {"messages": [{"role": "user", "content": "lamp oil"}], "ai_search_options": HIGH}


def asked(query: str = "lamp oil", **options: Any) -> dict[str, Any]:
    return {"query": query, "ai_search_options": {**HIGH, **options}}


def test_hits_that_hold_every_term_pass_and_show_their_vector_score(filled: Wire) -> None:
    answer = filled.post(f"{NEW}/handbook/search", asked())
    assert set(keys_of(answer)) == OIL
    for chunk in answer.json()["result"]["chunks"]:
        assert chunk["scoring_details"]["vector_score"] < 1
        assert chunk["scoring_details"]["keyword_match"] is True
        assert 0 < chunk["scoring_details"]["keyword_share"] <= 1
    assert answer.json()["result"]["thresholds"] == [MATCH]


def test_a_question_passes_by_its_share_of_the_attainable_bm25(filled: Wire) -> None:
    assert keys_of(filled.post(f"{NEW}/handbook/search", asked("which fog horn gives blasts in spring"))) == [
        "signals/fog.md"
    ]
    assert keys_of(filled.post(f"{NEW}/handbook/search", asked("who repairs the horn of a rhinoceros in spring"))) == []


def test_the_legacy_generation_applies_the_threshold_to_all(filled: Wire) -> None:
    body = {"query": "lamp oil", "ranking_options": {"score_threshold": 1}}
    answer = filled.post(f"{LEGACY}/handbook/search", body)
    assert keys_of(answer) == []
    assert answer.json()["result"]["thresholds"] == [{**MATCH, "dropped": 3}]
    chat = filled.post(f"{LEGACY}/handbook/ai-search", body).json()["result"]
    assert chat["data"] == [] and chat["thresholds"] == [{**MATCH, "dropped": 3}]


def test_strict_mode_applies_it_to_all_and_asks_for_all_words(tmp_path: Path) -> None:
    wire = Wire(tmp_path, strict=True)
    try:
        wire.fill(retrieval_options={})
        assert wire.get(f"{NEW}/handbook").json()["result"]["retrieval_options"]["keyword_match_mode"] == "and"
        assert wire.get(NEW).json()["result"][0]["retrieval_options"]["keyword_match_mode"] == "and"
        assert keys_of(wire.post(f"{NEW}/handbook/search", asked())) == []
        chunks = wire.post(f"{NEW}/handbook/search", {"query": "lamp xylophone"}).json()["result"]["chunks"]
        assert not any("keyword_rank" in one["scoring_details"] for one in chunks)
    finally:
        wire.close()


def test_each_threshold_is_named_with_what_it_dropped(filled: Wire) -> None:
    rerank = {"reranking": {"enabled": True, "model": BGE, "match_threshold": 1}}
    result = filled.post(f"{NEW}/handbook/search", asked(**rerank)).json()["result"]
    assert result["thresholds"] == [MATCH, {"name": "reranking.match_threshold", "value": 1, "dropped": 2}]
    none = filled.post(f"{NEW}/handbook/search", {"query": "lamp oil"}).json()["result"]
    assert none["thresholds"] == []  # the instance's threshold is 0, and nothing was reranked


def test_chat_searches_the_same_and_says_the_same(filled: Wire) -> None:
    whole = filled.post(f"{NEW}/handbook/chat/completions", CHAT).json()
    assert {one["item"]["key"] for one in whole["chunks"]} == OIL and whole["thresholds"] == [MATCH]
    frames = frames_of(filled.post(f"{NEW}/handbook/chat/completions", {**CHAT, "stream": True}))
    assert {one["item"]["key"] for one in json.loads(dict(frames)["chunks"])} == OIL
    assert json.loads(frames[-2][1])["thresholds"] == [MATCH]


def test_several_instances_are_searched_the_same(filled: Wire) -> None:
    filled.make("blog", score_threshold=0.0)
    filled.upload("posts/bell.md", "The bell of the harbour.", name="blog")
    options = {"instance_ids": ["handbook", "blog"], **HIGH}
    answer = filled.post(JOINT, {"query": "lamp oil", "ai_search_options": options})
    assert set(keys_of(answer)) == OIL
    assert answer.json()["result"]["thresholds"] == [{**MATCH, "dropped": 2}]
    filled.ask("PUT", f"{NEW}/blog", json={"score_threshold": 1})
    named = {"instance_ids": ["handbook", "blog"]}
    answer = filled.post(JOINT, {"query": "lamp oil", "ai_search_options": named})
    assert set(keys_of(answer)) == set(PAGES)
    assert answer.json()["result"]["thresholds"] == [{**MATCH, "value": None}]


def test_the_share_is_that_of_the_hits_own_index(filled: Wire) -> None:
    filled.make("noise", score_threshold=0.0)
    for at in range(12):
        filled.upload(f"{at}.md", f"lamp number {at}", name="noise")
    options = {"instance_ids": ["handbook", "noise"], "retrieval": {"match_threshold": 0}}
    joint = filled.post(JOINT, {"query": "fog lamp", "ai_search_options": options})
    alone = filled.post(f"{NEW}/handbook/search", {"query": "fog lamp"})

    def share(answer: Any) -> float:
        chunks = {one["item"]["key"]: one["scoring_details"] for one in answer.json()["result"]["chunks"]}
        return float(chunks["signals/fog.md"]["keyword_share"])

    assert share(joint) == pytest.approx(share(alone))


def test_a_public_endpoint_finds_the_same_and_tells_nothing_of_thresholds(filled: Wire) -> None:
    made = filled.ask("PUT", f"{NEW}/handbook", json={"public_endpoint_params": {"enabled": True}}).json()["result"]
    answer = filled.post(f"/public/{made['public_endpoint_id']}/search", asked(), headers={"Authorization": ""})
    assert set(keys_of(answer)) == OIL
    assert "thresholds" not in answer.json()["result"]


def test_the_tool_for_agents_finds_the_same(filled: Wire) -> None:
    settings = {"score_threshold": 1, "public_endpoint_params": {"enabled": True}}
    made = filled.ask("PUT", f"{NEW}/handbook", json=settings).json()["result"]
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call",
            "params": {"name": "search", "arguments": {"query": "lamp oil"}}}  # fmt: skip
    headers = {"Authorization": "", "Accept": "application/json, text/event-stream"}
    result = filled.post(f"/public/{made['public_endpoint_id']}/mcp", call, headers=headers).json()["result"]
    assert {one["item"]["key"] for one in result["structuredContent"]["chunks"]} == OIL


def test_the_bindings_find_the_same(filled: Wire) -> None:
    async def work() -> Any:
        client = httpx.AsyncClient(transport=InProcess(filled.app), base_url="http://wire", headers=filled.headers)
        async with Connection(client, account="acc", namespace="default", where="here") as env:
            return await env.AI_SEARCH.get("handbook").search(asked())

    found = filled.run(work())
    assert {one["item"]["key"] for one in found["chunks"]} == OIL and found["thresholds"] == [MATCH]


def test_why_says_which_threshold_and_what_the_keywords_lacked(filled: Wire) -> None:
    body = {**asked("who repairs the horn of a rhinoceros in spring"), "item_key": "signals/fog.md"}
    why = filled.post(f"{NEW}/handbook/why", body).json()["result"]
    assert why["verdict"] == "below_threshold"
    assert "is below 1, its share of the attainable BM25 0." in why["reason"]
    assert why["thresholds"][0]["name"] == "match_threshold"


@pytest.mark.parametrize("query", ["lamp oil", "frozen reservoir in winter", "horn", "what grade of oil stays liquid"])
def test_a_result_passes_its_own_shown_scores(filled: Wire, query: str) -> None:
    """Each score of the answer, taken for the threshold that it is compared with, keeps the result."""

    def chunks(**options: Any) -> dict[str, dict[str, Any]]:
        body = {"query": query, "ai_search_options": {"cache": {"enabled": False}, **options}}
        found = filled.post(f"{NEW}/handbook/search", body).json()["result"]["chunks"]
        return {one["id"]: one for one in found}

    vector = {"retrieval_type": "vector", "max_num_results": 50}
    rerank = {"enabled": True, "match_threshold": 0}
    for name, one in chunks(retrieval={**vector, "match_threshold": 0}).items():
        least = one["scoring_details"]["vector_score"]
        assert name in chunks(retrieval={**vector, "match_threshold": least})
    wide = {"max_num_results": 50, "match_threshold": 0}
    for name, one in chunks(retrieval=wide, reranking=rerank).items():
        least = one["scoring_details"]["reranking_score"]
        assert name in chunks(retrieval=wide, reranking={**rerank, "match_threshold": least})
