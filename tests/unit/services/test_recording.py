"""A recorded search is the same search, and its line says what happened."""

from dataclasses import replace
from pathlib import Path

import pytest

from secondlook.domain.instance import Instance
from secondlook.domain.options import Generation
from secondlook.domain.queries import LoggedQuery
from secondlook.domain.query import Query
from secondlook.errors import BackendError, RerankerError
from secondlook.models.fakes import FakeGenerator, FakeReranker
from secondlook.ports import Passage, Rerankers, Tools
from secondlook.services.caching import AnswerCache
from secondlook.services.intake import Upload
from secondlook.services.joint_searching import JointSearching, MakeAsk
from secondlook.services.recording import MOST_FOUND, RecordedJoint, RecordedSearching
from secondlook.services.searching import Ask, Searching
from secondlook.stores.answers import AnswerFile
from tests.unit.services.conftest import House

ASK = Ask(rerank=True, min_relevance=None, min_score=0.0)


def fill(house: House, name: str = "docs", *, logged: bool = True) -> Instance:
    made = house.make(name, logged=logged)
    for key, text in {"long.md": "Oil oil oil lamp lamp.", "short.md": "Oil."}.items():
        house.run(house.indexing.upload(made, Upload(key, text.encode()), wait=60))
    return made


def by_length(_query: str, passage: Passage) -> float:
    return 1 / len(passage.text)


def reading(house: House, reranker: FakeReranker | None = None) -> Tools:
    return replace(house.tools, rerankers=Rerankers(house.tools.rerankers.find, reranker or FakeReranker()))


def recorded(house: House, tools: Tools | None = None, cache: AnswerCache | None = None) -> RecordedSearching:
    return RecordedSearching(Searching(tools or house.tools, None, cache), house.queries)


def lines(house: House, instance: Instance) -> list[LoggedQuery]:
    return list(house.run(house.queries.list(instance, 100, 0, order="oldest"))[0])


def test_the_search_is_the_same_and_its_line_tells_of_it(house: House) -> None:
    made = fill(house)
    tools = reading(house, FakeReranker(scorer=by_length))
    ranking = house.run(recorded(house, tools).search(made, Query("Oil lamp"), ASK))
    assert ranking.candidates == house.run(Searching(tools).search(made, Query("Oil lamp"), ASK)).candidates
    [line] = lines(house, made)
    assert ranking.logged == line.id != ""
    assert (line.query, line.searched, line.kind, line.public, line.cached) == ("Oil lamp", "", "search", False, False)
    assert (line.results, line.status, line.top_changed, line.error) == (2, "ran", True, "")
    assert [(one.key, one.rank, one.retrieval_rank) for one in line.found] == [("short.md", 1, 2), ("long.md", 2, 1)]
    assert [one.relevance for one in line.found] == [one.evidence.relevance for one in ranking.candidates]
    assert {"retrieve", "fuse", "rerank", "total"} <= set(line.stages)
    assert line.stages["total"] == pytest.approx(line.total, abs=5) and line.total >= line.stages["rerank"]
    assert (line.options["top_k"], line.options["reranking"], line.options["filtered"]) == (10, True, False)


def test_explaining_is_not_counted(house: House) -> None:
    made = fill(house)
    ranking = house.run(recorded(house).search(made, Query("oil"), replace(ASK, explain=True)))
    [line] = lines(house, made)
    assert "explain" in {step.stage for step in ranking.trace} - set(line.stages)
    assert line.options["explained"] is True
    assert line.total == line.stages["total"] > 0


def test_an_instance_without_a_log_notes_nothing(house: House) -> None:
    made = fill(house, logged=False)
    searching = recorded(house)
    assert house.run(searching.search(made, Query("oil"), ASK)).logged == ""
    answer = house.run(searching.answer(made, Query("oil"), ASK, generation=Generation()))
    assert answer.ranking.logged == ""
    assert lines(house, made) == []


def test_an_answer_is_noted_once_with_the_time_of_its_words(house: House) -> None:
    made = fill(house)

    async def inside() -> str:
        answer = await recorded(house).answer(made, Query("oil"), replace(ASK, public=True), generation=Generation())
        assert (await house.queries.list(made, 9, 0))[1] == 0
        [_ async for _ in answer.deltas]
        return answer.ranking.logged

    name = house.run(inside())
    [line] = lines(house, made)
    assert (line.id, line.kind, line.public) == (name, "chat", True)
    assert line.stages["generate"] > 0


def test_what_failed_is_noted_and_still_fails(house: House) -> None:
    made = fill(house)
    strict = replace(ASK, raise_on_failure=True)
    with pytest.raises(RerankerError):
        house.run(recorded(house, reading(house, FakeReranker(error=MemoryError()))).search(made, Query("oil"), strict))
    house.embedder.fails = True  # type: ignore[attr-defined]  # it is the fake
    with pytest.raises(BackendError):
        house.run(recorded(house).answer(made, Query("oil"), ASK, generation=Generation()))
    house.embedder.fails = False  # type: ignore[attr-defined]  # as above

    async def inside() -> None:
        searching = recorded(house, replace(house.tools, generator=FakeGenerator(error=BackendError("no words"))))
        answer = await searching.answer(made, Query("oil"), ASK, generation=Generation())
        with pytest.raises(BackendError):
            [_ async for _ in answer.deltas]

    house.run(inside())
    first, second, third = lines(house, made)
    assert (first.error.partition(":")[0], first.cause, first.results) == ("RerankerError", "memory", 0)
    assert (second.kind, second.error.partition(":")[0]) == ("chat", "BackendError")
    assert (third.error, third.results, third.status) == ("BackendError: no words", 2, "ran")


def test_a_fallback_and_a_kept_answer_say_so(house: House, tmp_path: Path) -> None:
    made = fill(house)
    house.run(recorded(house, reading(house, FakeReranker(error=MemoryError()))).search(made, Query("oil"), ASK))
    answers = AnswerFile(tmp_path / "answers.sqlite", room=1 << 20)
    searching = recorded(house, None, AnswerCache(answers, house.tools))
    kept = [house.run(searching.search(made, Query("lamp"), replace(ASK, cached=None))) for _ in range(2)]
    answers.close()
    fell, fresh, again = lines(house, made)
    assert (fell.status, fell.cause, fell.top_changed) == ("fell_back", "memory", None)
    assert [fresh.cached, again.cached, again.top_changed] == [False, True, None]
    assert kept[0].logged != kept[1].logged == again.id


def test_a_long_list_is_cut(house: House) -> None:
    made = house.make(logged=True)
    for number in range(MOST_FOUND + 3):
        house.run(house.indexing.upload(made, Upload(f"{number}.md", b"Oil."), wait=60))
    house.run(recorded(house).search(made, Query("oil " + 3000 * "x"), replace(ASK, top_k=50)))
    [line] = lines(house, made)
    assert (line.results, len(line.found), len(line.query)) == (MOST_FOUND + 3, MOST_FOUND, 2000)


def test_each_instance_of_a_joint_search_notes_its_own(house: House) -> None:
    one, silent, other = fill(house, "one"), fill(house, "silent", logged=False), fill(house, "other")
    joint = RecordedJoint(JointSearching(house.tools, house.catalog), house.queries)
    names = ["one", "silent", "other"]
    find: dict[str, MakeAsk] = {"make_ask": lambda _: ASK}
    found = house.run(joint.search(("acc", "default"), names, Query("oil"), **find))

    async def ask() -> None:
        _, answer = await joint.answer(
            ("acc", "default"), names, Query("oil"), make_generation=lambda _: Generation(), **find
        )
        [_ async for _ in answer.deltas]

    house.run(ask())
    assert len(found.ranking.candidates) == 6
    for instance in (one, other):
        search, chat = lines(house, instance)
        assert (search.id, search.results, chat.kind) == (found.ranking.logged, 2, "chat")
        assert len({each.rank for each in search.found}) == 2
    assert lines(house, silent) == []
    alone = house.run(joint.search(("acc", "default"), ["silent"], Query("oil"), **find))
    assert alone.ranking.logged == ""


def test_forgetting_goes_through(house: House, tmp_path: Path) -> None:
    made = fill(house)
    answers = AnswerFile(tmp_path / "answers.sqlite", room=1 << 20)
    searching = recorded(house, None, AnswerCache(answers, house.tools))
    ask = replace(ASK, cached=None)
    house.run(searching.search(made, Query("oil"), ask))
    house.run(searching.forget(made))
    assert house.run(searching.search(made, Query("oil"), ask)).reuse is None
    answers.close()
