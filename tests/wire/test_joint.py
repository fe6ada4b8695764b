"""Search and chat of several instances at once: merged, reranked together, and what happens when one fails."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from secondlook.engines.embedded import EmbeddedEngine
from secondlook.models.fakes import FakeReranker
from secondlook.ports import Hits, Passage
from tests.wire.conftest import BGE, BROKEN, NEW, PAGES, Wire, error_of, frames_of

NAMESPACE = "/client/v4/accounts/acc/ai-search/namespaces"
SEARCH = f"{NAMESPACE}/default/search"
CHAT = f"{NAMESPACE}/default/chat/completions"
BLOG = {
    "posts/lamp.md": "Lamp.",
    "posts/oil.md": "A long story of oil and of lamps, and of how the oil froze in the lamp that winter of storms.",
}
ALL = ("handbook", "blog")


def ask(*names: str, query: str = "lamp oil", **options: Any) -> dict[str, Any]:
    retrieval = {"match_threshold": 0, **options.pop("retrieval", {})}
    return {"query": query, "ai_search_options": {"instance_ids": list(names), "retrieval": retrieval, **options}}


def rerank(**more: Any) -> dict[str, Any]:
    return {"enabled": True, "model": BGE, "match_threshold": 0, **more}


def chat(*names: str, **options: Any) -> dict[str, Any]:
    body = ask(*names, **options)
    return {"messages": [{"role": "user", "content": body.pop("query")}], **body}


@pytest.fixture
def both(filled: Wire) -> Wire:
    filled.make("blog", score_threshold=0.0, retrieval_options={"keyword_match_mode": "or"})
    for key, text in BLOG.items():
        assert filled.upload(key, text, name="blog").json()["result"]["status"] == "completed"
    return filled


def shown(answer: Any) -> list[tuple[str, str]]:
    assert answer.status_code == 200, answer.text
    return [(one["instance_id"], one["item"]["key"]) for one in answer.json()["result"]["chunks"]]


def damage(both: Wire, tmp_path: Path) -> None:
    """The index of ``blog`` is a file that is no database."""
    uid = both.get(f"{NEW}/blog").json()["result"]["vectorize_name"]
    both._engine.close()
    for path in (tmp_path / "indexes").glob(f"{uid}*"):
        path.write_bytes(b"no database" * 500)


def test_the_merged_list_is_reranked_as_one(both: Wire) -> None:
    found = shown(both.post(SEARCH, ask(*ALL, reranking=rerank())))
    length = {**PAGES, **BLOG}
    assert {name for name, _ in found} == set(ALL)
    assert [len(length[key]) for _, key in found] == sorted(len(length[key]) for _, key in found)


def test_one_reranker_reads_all_of_them_at_once(both: Wire) -> None:
    read: list[list[str]] = []

    class Reading(FakeReranker):
        async def score(self, query: str, passages: Sequence[Passage]) -> Any:
            read.append([one.text for one in passages])
            return await super().score(query, passages)

    both.rerankers[BGE] = Reading("bge@1")
    both.post(SEARCH, ask(*ALL, reranking=rerank()))
    [texts] = read
    assert set(texts) >= {PAGES["winter/oil.md"], *BLOG.values()}


def test_the_limit_is_held_after_reranking(both: Wire) -> None:
    whole = shown(both.post(SEARCH, ask(*ALL, reranking=rerank())))
    cut = shown(both.post(SEARCH, ask(*ALL, reranking=rerank(), retrieval={"max_num_results": 2})))
    assert cut == whole[:2]
    assert both.post(SEARCH, ask(*ALL, reranking=rerank(match_threshold=1))).json()["result"]["chunks"] == []


def test_the_receipt_tells_of_each_instance(both: Wire) -> None:
    answer = both.post(SEARCH, ask(*ALL, reranking=rerank(), retrieval={"max_num_results": 1})).json()["result"]
    receipt = answer["reranking"]
    assert (receipt["status"], receipt["model"], receipt["candidates_out"]) == ("ran", "bge@1", 1)
    told = {one["instance_id"]: one for one in receipt["instances"]}
    assert list(told) == list(ALL)
    assert told["blog"]["found"] == told["blog"]["in"] == 2
    assert sum(one["in"] for one in told.values()) == receipt["candidates_in"]
    assert (told["blog"]["out"], told["handbook"]["out"]) == (1, 0)
    assert "errors" not in answer


def test_reranking_is_on_if_one_instance_has_it_on(both: Wire) -> None:
    assert both.post(SEARCH, ask(*ALL)).json()["result"]["reranking"]["status"] == "skipped"
    both.ask("PUT", f"{NEW}/blog", json={"reranking": True, "reranking_model": BGE})
    assert both.post(SEARCH, ask(*ALL)).json()["result"]["reranking"]["model"] == "bge@1"
    off = both.post(SEARCH, ask(*ALL, reranking={"enabled": False})).json()["result"]
    assert off["reranking"]["status"] == "skipped"


def test_a_reranker_that_fails_leaves_the_merged_order(both: Wire) -> None:
    plain = shown(both.post(SEARCH, ask(*ALL)))
    answer = both.post(SEARCH, ask(*ALL, reranking=rerank(model=BROKEN)))
    assert shown(answer) == plain
    assert answer.json()["result"]["reranking"]["status"] == "fell_back"


def test_each_instance_keeps_its_own_threshold_and_filter_fields(both: Wire) -> None:
    both.ask("PUT", f"{NEW}/blog", json={"score_threshold": 1.0})
    body = ask(*ALL, retrieval={"retrieval_type": "vector"})  # keyword hits would pass
    del body["ai_search_options"]["retrieval"]["match_threshold"]
    assert {name for name, _ in shown(both.post(SEARCH, body))} == {"handbook"}
    folder = ask(*ALL, retrieval={"filters": {"folder": "posts/"}})
    assert {name for name, _ in shown(both.post(SEARCH, folder))} == {"blog"}


def test_boosts_count_over_the_merged_list(both: Wire) -> None:
    newest = shown(both.post(SEARCH, ask(*ALL, retrieval={"boost_by": [{"field": "timestamp", "direction": "desc"}]})))
    oldest = shown(both.post(SEARCH, ask(*ALL, retrieval={"boost_by": [{"field": "timestamp", "direction": "asc"}]})))
    place = ("blog", "posts/oil.md")
    assert newest.index(place) < oldest.index(place)


def test_neighbours_come_from_the_chunks_own_instance(both: Wire) -> None:
    found = both.post(SEARCH, ask(*ALL, retrieval={"context_expansion": 1})).json()["result"]["chunks"]
    texts = {**PAGES, **BLOG}
    assert {one["text"] for one in found} == {texts[one["item"]["key"]] for one in found}


def test_ten_instances_and_no_more(both: Wire) -> None:
    names = [f"i{at}" for at in range(9)]
    for name in names:
        both.make(name)
    assert both.post(SEARCH, ask("handbook", *names)).status_code == 200
    assert error_of(both.post(SEARCH, ask(*ALL, *names))) == (400, 7074, "too_many_multi_search_instances")
    assert len(shown(both.post(SEARCH, ask(*["handbook"] * 11)))) == 3  # one name, however often


@pytest.mark.parametrize("named", [None, [], {}, {"instance_ids": []}, {"instance_ids": "handbook"}])
def test_no_instance_is_named(both: Wire, named: Any) -> None:
    answer = both.post(SEARCH, {"query": "oil", "ai_search_options": named} if named is not None else {"query": "oil"})
    assert error_of(answer) == (400, 7400, "invalid_request")
    assert "ai_search_options" in answer.json()["errors"][0]["detail"]


@pytest.mark.parametrize("broken", ["index", "unknown", "filter"])
def test_one_that_fails_does_not_fail_the_others(both: Wire, tmp_path: Path, broken: str) -> None:
    other, retrieval = "blog", {}
    if broken == "index":
        damage(both, tmp_path)
    elif broken == "unknown":
        other = "gone"
    else:
        both.ask("PUT", f"{NEW}/handbook", json={"custom_metadata": [{"field_name": "kind", "data_type": "text"}]})
        both.upload("kinds.md", "lamp oil of a kind", metadata={"kind": "a"})
        retrieval = {"filters": {"kind": "a"}}
    answer = both.post(SEARCH, ask("handbook", other, retrieval=retrieval, reranking=rerank()))
    assert {name for name, _ in shown(answer)} == {"handbook"}
    result = answer.json()["result"]
    assert result["errors"] == [{"instance_id": other, "message": "search_failed"}]
    [_, told] = result["reranking"]["instances"]
    assert told["instance_id"] == other
    assert told["error"]["code"] == {"index": 7017, "unknown": 7002, "filter": 7058}[broken]
    strict = ask("handbook", other, retrieval={**retrieval, "return_on_failure": False})
    assert error_of(both.post(SEARCH, strict)) == (500, 7049, "one_or_more_instance_searches_failed")


def test_a_method_that_fails_is_told_beside_an_instance_that_does(both: Wire) -> None:
    both.embedder.fails = True
    answer = both.post(SEARCH, ask(*ALL, "gone"))
    assert {name for name, _ in shown(answer)} == set(ALL)  # by keywords
    method, instance = answer.json()["result"]["errors"]
    assert (method["method"], instance["instance_id"]) == ("vector", "gone")


def test_all_fail(both: Wire, tmp_path: Path) -> None:
    assert error_of(both.post(SEARCH, ask("gone", "lost"))) == (404, 7002, "ai_search_not_found")
    assert error_of(both.post(SEARCH, ask(*ALL, retrieval={"filters": {"nothing": 1}}))) == (
        400, 7058, "invalid_metadata_filter",
    )  # fmt: skip
    damage(both, tmp_path)
    result = both.post(SEARCH, ask("blog", "gone")).json()["result"]
    assert (result["chunks"], [one["instance_id"] for one in result["errors"]]) == ([], ["blog", "gone"])
    assert error_of(both.post(f"{NAMESPACE}/nowhere/search", ask(*ALL))) == (404, 7063, "namespace_not_found")


def test_instances_of_another_namespace_are_not_found(both: Wire) -> None:
    both.post(NAMESPACE, {"name": "other"})
    assert error_of(both.post(f"{NAMESPACE}/other/search", ask(*ALL))) == (404, 7002, "ai_search_not_found")


def test_instances_are_searched_at_the_same_time(both: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    inside, most, real = 0, 0, EmbeddedEngine.search_keywords

    async def counted(self: EmbeddedEngine, *arguments: Any, **more: Any) -> Hits:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        try:
            while most < 2:
                await asyncio.sleep(0)
            return await real(self, *arguments, **more)
        finally:
            inside -= 1

    monkeypatch.setattr(EmbeddedEngine, "search_keywords", counted)
    assert shown(both.post(SEARCH, ask(*ALL)))
    assert most == 2


def test_different_methods_join(both: Wire) -> None:
    both.make("words", index_method={"vector": False, "keyword": True}, score_threshold=0.0)
    both.upload("words.md", "lamp oil in words alone", name="words")
    answer = both.post(SEARCH, ask("handbook", "words"))
    assert {name for name, _ in shown(answer)} == {"handbook", "words"}
    [row] = [one for one in answer.json()["result"]["chunks"] if one["instance_id"] == "words"]
    assert "vector_score" not in row["scoring_details"]
    vector = ask("handbook", "words", retrieval={"retrieval_type": "vector"})
    told = both.post(SEARCH, vector).json()["result"]["reranking"]["instances"][1]
    assert told["error"]["code"] == 7070


def test_a_chat(both: Wire) -> None:
    answer = both.post(CHAT, chat(*ALL, reranking=rerank()))
    body = answer.json()
    assert (answer.status_code, "success" in body) == (200, False)
    assert body["choices"][0]["message"]["content"]
    assert {one["instance_id"] for one in body["chunks"]} == set(ALL)
    partly = both.post(CHAT, chat("handbook", "gone")).json()
    assert partly["errors"] == [{"instance_id": "gone", "message": "search_failed"}]
    strict = chat("handbook", "gone", retrieval={"return_on_failure": False})
    assert error_of(both.post(CHAT, strict)) == (500, 7049, "one_or_more_instance_searches_failed")
    silent = {**chat(*ALL), "messages": [{"role": "system", "content": "be kind"}]}
    assert error_of(both.post(CHAT, silent)) == (400, 7038, "missing_user_query")


def test_a_stream(both: Wire) -> None:
    frames = frames_of(both.post(CHAT, {**chat("handbook", "blog", "gone"), "stream": True}))
    assert [name for name, _ in frames] == ["chunks", *[""] * (len(frames) - 1)]
    assert '"instance_id": "blog"' in frames[0][1]
    assert '"search_failed"' in frames[-2][1]
    assert frames[-1] == ("", "[DONE]")


def test_the_paths_of_a_binding_name_no_account(both: Wire) -> None:
    both.post("/accounts/default/ai-search/instances", {"id": "own"})
    for path in ("/ai-search/namespaces/default/search", "/client/v4/ai-search/namespaces/default/search"):
        assert both.post(path, ask("own")).json()["result"]["chunks"] == []
        assert both.ask("POST", path, json=ask("own"), headers={"Authorization": "Bearer no"}).status_code == 401
    chatted = both.post("/ai-search/namespaces/default/chat/completions", chat("own"))
    assert chatted.json()["object"] == "chat.completion"


def test_a_removed_instance_leaves_the_others(both: Wire) -> None:
    both.ask("DELETE", f"{NEW}/blog")
    assert {name for name, _ in shown(both.post(SEARCH, ask(*ALL)))} == {"handbook"}
