"""The similarity cache on the wire: header, receipt, switches, life, purge, and streams that are told again."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from secondlook.errors import BackendError
from secondlook.models.fakes import FakeGenerator, FakeReranker
from secondlook.stores.answers import AnswerFile
from tests.wire.conftest import BGE, BROKEN, LEGACY, MISSING, NEW, Wire, error_of, frames_of, keys_of

HEADER = "cf-aig-cache-status"
QUERY = "how do I warm the frozen oil of the lamp before lighting it in a cold winter night"
OTHER = QUERY.replace("warm", "heat")
SEARCH, CHAT, PURGE = (f"{NEW}/handbook/{one}" for one in ("search", "chat/completions", "purge_cache"))


class Clock:
    now = 1e9

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def caching(tmp_path: Path, clock: Clock) -> Iterator[Wire]:
    """An API that keeps answers, with the instance ``handbook``."""
    answers = AnswerFile(tmp_path / "answers.sqlite", room=1 << 20, clock=clock)
    found = Wire(tmp_path, answers=answers)
    found.fill()
    yield found
    found.close()
    answers.close()


def search(wire: Wire, query: str = QUERY, **options: Any) -> httpx.Response:
    return wire.post(SEARCH, {"query": query, "ai_search_options": options})


def status(wire: Wire, query: str = QUERY, **options: Any) -> str:
    return search(wire, query, **options).headers[HEADER]


def test_a_hit_says_so_and_holds_the_same_chunks(caching: Wire, clock: Clock) -> None:
    first = search(caching)
    clock.now += 30
    again = search(caching, QUERY.upper())
    assert (first.headers[HEADER], again.headers[HEADER]) == ("MISS", "HIT")
    assert again.json()["result"]["chunks"] == first.json()["result"]["chunks"]
    assert again.json()["result"]["search_query"] == QUERY.upper()
    assert again.json()["result"]["reranking"]["from_cache"] == {"similarity": 1.0, "age_s": 30.0}
    assert "from_cache" not in first.json()["result"]["reranking"]


@pytest.mark.parametrize("path", ["/search", "/ai-search"])
def test_the_legacy_generation(caching: Wire, path: str) -> None:
    answers = [caching.post(f"{LEGACY}/handbook{path}", {"query": QUERY}) for _ in range(2)]
    assert [one.headers[HEADER] for one in answers] == ["MISS", "HIT"]
    first, again = (one.json()["result"] for one in answers)
    assert again["data"] == first["data"]
    assert again.get("response") == first.get("response")


def test_a_chat_is_told_again_whole_and_in_pieces(tmp_path: Path) -> None:
    answers = AnswerFile(tmp_path / "answers.sqlite", room=1 << 20)
    wire = Wire(tmp_path, FakeGenerator(answer="Warm the oil [winter/oil.md]."), answers=answers)
    wire.fill()
    body = {"messages": [{"role": "user", "content": QUERY}], "stream": True}
    first, again = wire.post(CHAT, body), wire.post(CHAT, body)
    assert (first.headers[HEADER], again.headers[HEADER]) == ("MISS", "HIT")
    told = []
    for answer in (first, again):
        frames = frames_of(answer)
        assert (frames[0][0], frames[-1][1]) == ("chunks", "[DONE]")
        parts = [json.loads(data) for _, data in frames[1:-1]]
        told.append((json.loads(frames[0][1]), [(one["choices"], one.get("usage")) for one in parts]))
    assert told[0] == told[1]
    whole = wire.post(CHAT, {**body, "stream": False})
    assert whole.headers[HEADER] == "HIT"
    assert whole.json()["choices"][0]["message"]["content"].strip() == "Warm the oil [winter/oil.md]."
    assert whole.json()["usage"]["total_tokens"] == 2
    wire.close()
    answers.close()


def test_a_request_may_do_without_or_ask_for_it(caching: Wire) -> None:
    off = {"cache": {"enabled": False}}
    assert [status(caching, **off) for _ in range(2)] == ["MISS", "MISS"]
    assert [status(caching) for _ in range(2)] == ["MISS", "HIT"]
    assert status(caching, **off) == "MISS"
    caching.ask("PUT", f"{NEW}/handbook", json={"cache": False})
    assert [status(caching) for _ in range(2)] == ["MISS", "MISS"]
    assert [status(caching, cache={"enabled": True}) for _ in range(2)] == ["MISS", "HIT"]


LEVELS = ("super_strict_match", "close_enough", "flexible_friend", "anything_goes")


@pytest.mark.parametrize(("changed", "hits"), [(0, LEVELS), (1, LEVELS[1:]), (3, LEVELS[2:]), (5, LEVELS[3:]), (7, ())])
def test_the_four_levels(caching: Wire, changed: int, hits: tuple[str, ...]) -> None:
    """Of 16 words the last ``changed`` are others; that leaves (31 - 2n) / (31 + 2n) of the shingles."""
    words = "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi".split()
    other = " ".join([*words[: 16 - changed], *("xyzuvwq"[:changed])])
    found = []
    for level in LEVELS:
        caching.post(PURGE)
        search(caching, " ".join(words))
        if status(caching, other, cache={"cache_threshold": level}) == "HIT":
            found.append(level)
    assert tuple(found) == hits


APART = [("install a C++ compiler", "install a C# compiler"), ("lamp at -15 degrees", "lamp at 15 degrees"),
         ("what is oil + fog", "what is oil & fog")]  # fmt: skip


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize(("one", "other"), APART)
def test_a_sign_makes_another_question(caching: Wire, one: str, other: str, level: str) -> None:
    options = {"cache": {"cache_threshold": level}}
    asked = [status(caching, text, **options) for text in (one, other, f" “{one.upper()}” ?!")]
    assert asked == ["MISS", "MISS", "HIT"]


@pytest.mark.parametrize(("one", "other"), APART)
def test_a_sign_makes_another_question_in_a_chat(caching: Wire, one: str, other: str) -> None:
    asked = [
        caching.post(CHAT, {"messages": [{"role": "user", "content": text}]}).headers[HEADER]
        for text in (one, other, f"{one}?")
    ]
    legacy = [
        caching.post(f"{LEGACY}/handbook/ai-search", {"query": text}).headers[HEADER]
        for text in (one, other, f"{one}?")
    ]
    assert (asked, legacy) == (["MISS", "MISS", "HIT"],) * 2


def test_the_level_of_the_instance(caching: Wire) -> None:
    assert caching.get(f"{NEW}/handbook").json()["result"]["cache_threshold"] == "close_enough"
    caching.ask("PUT", f"{NEW}/handbook", json={"cache_threshold": "super_strict_match"})
    assert caching.get(f"{NEW}/handbook").json()["result"]["cache_threshold"] == "super_strict_match"
    search(caching)
    assert status(caching, OTHER) == "MISS"
    assert status(caching, OTHER, cache={"enabled": False}) == "MISS"
    caching.post(PURGE)
    search(caching)
    assert status(caching, OTHER, cache={"cache_threshold": "close_enough"}) == "HIT"


def test_the_life_of_the_instance(caching: Wire, clock: Clock) -> None:
    assert caching.get(f"{NEW}/handbook").json()["result"]["cache_ttl"] == 172_800
    caching.ask("PUT", f"{NEW}/handbook", json={"cache_ttl": 600})
    search(caching)
    clock.now += 599
    assert status(caching) == "HIT"
    clock.now += 1
    assert status(caching) == "MISS"


@pytest.mark.parametrize("form", ["", "/namespaces/default"])
def test_purge_cache(caching: Wire, form: str) -> None:
    caching.fill("other")
    other = NEW + "/other/search"
    for path in (SEARCH, other):
        caching.post(path, {"query": QUERY})
    answer = caching.post(PURGE.replace("/ai-search", f"/ai-search{form}"))
    assert answer.json() == {"success": True, "errors": [], "messages": [], "result": {}}
    assert status(caching) == "MISS"
    assert caching.post(other, {"query": QUERY}).headers[HEADER] == "HIT", "of another instance"


@pytest.mark.parametrize("change", ["upload", "delete", "reindex"])
def test_a_changed_index_never_serves_what_was(caching: Wire, change: str) -> None:
    first = keys_of(search(caching))
    assert status(caching) == "HIT"
    items = caching.get(f"{NEW}/handbook/items", key=first[0]).json()["result"]
    if change == "upload":
        caching.upload("new.md", QUERY)
    elif change == "delete":
        caching.ask("DELETE", f"{NEW}/handbook/items/{items[0]['id']}")
    else:
        body = {"next_action": "INDEX", "wait_for_completion": True}
        caching.ask("PATCH", f"{NEW}/handbook/items/{items[0]['id']}", json=body)
    again = search(caching)
    assert again.headers[HEADER] == "MISS"
    assert (keys_of(again) == first) is (change == "reindex")


@pytest.mark.parametrize(
    ("reranking", "seen"),
    [
        ({"model": BGE}, ["MISS", "HIT"]),
        ({"model": MISSING}, ["MISS", "HIT"]),
        ({"model": f"{BGE}>built-in"}, ["MISS", "HIT"]),
        ({"model": BROKEN}, ["MISS", "MISS"]),
        ({"model": f"{BGE}>{BROKEN}"}, ["MISS", "MISS"]),
    ],
)
def test_a_reranked_list_is_kept_unless_the_rerank_fell_back(
    caching: Wire, reranking: dict[str, Any], seen: list[str]
) -> None:
    caching.rerankers["built-in"] = FakeReranker("other@1")
    options = {"reranking": {"enabled": True, "match_threshold": 0, **reranking}}
    answers = [search(caching, **options) for _ in range(2)]
    assert [one.headers[HEADER] for one in answers] == seen
    first, again = (one.json()["result"] for one in answers)
    assert again["chunks"] == first["chunks"]
    assert again["reranking"]["status"] == first["reranking"]["status"]


def test_another_revision_of_a_reranker_answers_anew(caching: Wire) -> None:
    options = {"reranking": {"enabled": True, "model": BGE, "match_threshold": 0}}
    assert [status(caching, **options) for _ in range(2)] == ["MISS", "HIT"]
    caching.rerankers[BGE] = FakeReranker("bge@2")
    assert status(caching, **options) == "MISS"
    caching.rerankers[MISSING] = FakeReranker("here@1")
    assert status(caching, **options) == "HIT"


def test_what_one_sees_another_may_not(caching: Wire) -> None:
    search(caching)
    stranger = SEARCH.replace("/acc/", "/stranger/")
    caching.post(stranger.removesuffix("/handbook/search"), {"id": "handbook", "score_threshold": 0})
    answer = caching.post(stranger, {"query": QUERY})
    assert answer.headers[HEADER] == "MISS"
    assert keys_of(answer) == []


def test_a_deleted_instance_leaves_nothing_to_one_of_its_name(caching: Wire) -> None:
    search(caching)
    caching.ask("DELETE", f"{NEW}/handbook")
    caching.make()
    answer = search(caching)
    assert (answer.headers[HEADER], keys_of(answer)) == ("MISS", [])


def test_an_explained_search_is_run(caching: Wire) -> None:
    search(caching)
    answer = caching.post(SEARCH, {"query": QUERY, "explain": True})
    assert answer.headers[HEADER] == "MISS"
    assert "retrieve" in [step["stage"] for step in answer.json()["result"]["trace"]]


def test_metadata_only_is_decided_anew(caching: Wire) -> None:
    search(caching)
    answer = search(caching, retrieval={"metadata_only": True})
    assert answer.headers[HEADER] == "HIT"
    assert answer.json()["result"]["chunks"][0]["text"] == ""


def test_a_part_is_not_kept(caching: Wire) -> None:
    caching.embedder.fails = True
    assert "errors" in search(caching).json()["result"]
    caching.embedder.fails = False
    answer = search(caching)
    assert answer.headers[HEADER] == "MISS"
    assert "errors" not in answer.json()["result"]


def test_a_cache_that_is_gone_fails_at_nothing_but_the_purge(tmp_path: Path) -> None:
    answers = AnswerFile(tmp_path / "absent" / "answers.sqlite", room=1 << 20)
    wire = Wire(tmp_path, answers=answers)
    wire.fill()
    assert [status(wire) for _ in range(2)] == ["MISS", "MISS"]
    assert error_of(wire.post(PURGE)) == (503, 7017, "unable_to_connect_to_ai_search")
    assert wire.ask("DELETE", f"{NEW}/handbook").status_code == 200
    with pytest.raises(BackendError):
        wire.run(answers.forget("x"))
    wire.close()


def test_a_kept_answer_says_what_the_thresholds_dropped(caching: Wire) -> None:
    body = {"query": "lamp oil", "ai_search_options": {"retrieval": {"match_threshold": 1}, "cache": {"enabled": True}}}
    first, again = caching.post(SEARCH, body), caching.post(SEARCH, body)
    assert [one.headers[HEADER] for one in (first, again)] == ["MISS", "HIT"]
    thresholds = [one.json()["result"]["thresholds"] for one in (first, again)]
    assert thresholds == [[{"name": "match_threshold", "value": 1, "dropped": 1}]] * 2
