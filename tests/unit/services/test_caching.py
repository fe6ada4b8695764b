"""What an answer depends on, when it may be kept, and that a cache that fails is a miss."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secondlook.domain.answer import Question, Recalled
from secondlook.domain.candidate import Candidate, Evidence, Failure, Look, Ranking, Receipt, StageReceipt, Step
from secondlook.domain.chunk import Chunk
from secondlook.domain.filters import Comparison
from secondlook.domain.instance import Instance
from secondlook.domain.options import Generation
from secondlook.domain.query import Message, Query
from secondlook.errors import BackendError, GeneratorError
from secondlook.models.fakes import FakeGenerator
from secondlook.ports import Delta, Prompt
from secondlook.services.caching import AnswerCache, Kept, decode, encode, is_whole
from secondlook.services.indexing import Upload
from secondlook.services.query_limits import QueryLimits
from secondlook.services.searching import Ask, SearchDefaults, Searching
from secondlook.stores.answers import AnswerFile
from tests.unit.services.conftest import House

ASK = Ask(cached=None)
OIL = Query("how do I warm frozen lamp oil")
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
VALUES = st.dictionaries(TEXT, TEXT | st.booleans() | st.integers(-9, 9) | st.floats(-9, 9), max_size=3)
SCORE = st.none() | st.floats(0, 1)


class Counting(FakeGenerator):
    """Counts its answers, and ends as it is told."""

    def __init__(self, reason: str = "stop", error: Exception | None = None) -> None:
        super().__init__()
        self.asked = 0
        self.reason = reason
        self.error = error

    async def stream(self, prompt: Prompt) -> AsyncIterator[Delta]:
        """Pieces of the answer."""
        self.asked += 1
        yield Delta(f"answer {self.asked} ")
        if self.error:
            raise self.error
        yield Delta("", self.reason, 3, 2)


class Broken:
    """A store that always fails."""

    async def find(self, question: Question, *, least: float, life: float) -> Recalled | None:
        """Fails."""
        raise BackendError("the disk is gone")

    async def keep(self, question: Question, content: bytes) -> None:
        """Fails."""
        raise BackendError("the disk is gone")

    async def forget(self, index: str) -> None:
        """Fails."""
        raise BackendError("the disk is gone")


class Cached:
    """A house with one item, whose searches are cached."""

    def __init__(self, house: House, folder: Path) -> None:
        self.house = house
        self.answers = AnswerFile(folder / "answers.sqlite", room=1 << 20)
        self.generator = Counting()
        self.tools = replace(house.tools, generator=self.generator)
        self.searching = Searching(self.tools, None, AnswerCache(self.answers, self.tools))
        self.instance = house.make()
        self.upload("oil.md", "Warm the frozen lamp oil before lighting.")

    def upload(self, key: str, text: str) -> None:
        self.house.run(self.house.indexing.upload(self.instance, Upload(key, text.encode()), wait=30))

    def hit(self, query: Query = OIL, ask: Ask = ASK, instance: Instance | None = None) -> bool:
        """Whether the search was answered by the cache."""
        found = self.house.run(self.searching.search(instance or self.instance, query, ask))
        return found.reuse is not None

    def say(self, query: Query = OIL, generation: Generation | None = None) -> tuple[str, bool]:
        """The answer, and whether it was a kept one."""

        async def work() -> tuple[str, bool]:
            found = await self.searching.answer(self.instance, query, ASK, generation=generation or Generation())
            text = "".join([delta.text async for delta in found.deltas])
            return text.strip(), found.ranking.reuse is not None

        return self.house.run(work())


@pytest.fixture
def cached(house: House, tmp_path: Path) -> Iterator[Cached]:
    made = Cached(house, tmp_path)
    yield made
    made.answers.close()


def test_the_same_search_again_is_a_kept_one(cached: Cached) -> None:
    first = cached.house.run(cached.searching.search(cached.instance, OIL, ASK))
    again = cached.house.run(cached.searching.search(cached.instance, Query("How do I warm frozen lamp-oil?"), ASK))
    assert again.candidates == first.candidates
    assert again.receipt == first.receipt
    assert again.query.text == "How do I warm frozen lamp-oil?", "nobody sees how another has put it"
    assert again.reuse is not None and again.reuse.likeness == 1
    assert [step.stage for step in again.trace] == ["cache"]
    assert "100 % similarity" in again.trace[0].note


@pytest.mark.parametrize(
    "changes",
    [
        {"cached": False},
        {"explain": True},
        {"top_k": 3},
        {"min_score": 0.1},
        {"where": Comparison("filename", "eq", "oil.md")},
        {"rerank": True},
        {"expand_by": 1},
        {"match_mode": "and"},
        {"retrieval_type": "vector"},
    ],
)
def test_another_option_is_another_answer(cached: Cached, changes: dict[str, Any]) -> None:
    assert not cached.hit()
    assert cached.hit()
    assert not cached.hit(ask=replace(ASK, **changes))


def test_another_index_settings_or_content_is_another_answer(cached: Cached) -> None:
    cached.hit()
    assert not cached.hit(instance=cached.house.make("other"))
    assert cached.hit()
    cached.upload("new.md", "Frozen lamp oil is warmed by hand.")
    assert not cached.hit(), "the index has changed"
    assert cached.hit()
    settings = replace(cached.instance.settings, min_score=0.05)
    changed = cached.house.run(cached.house.instances.update(cached.instance, settings))
    assert not cached.hit(instance=replace(changed, modified_at=cached.instance.modified_at + 1))


def test_the_instance_decides_when_the_request_is_silent(cached: Cached) -> None:
    off = replace(cached.instance, settings=replace(cached.instance.settings, cached=False))
    assert not cached.hit(instance=off) and not cached.hit(instance=off)
    asked = replace(ASK, cached=True)
    assert not cached.hit(ask=asked, instance=off)
    assert cached.hit(ask=asked, instance=off)


def test_the_level_decides_how_alike(cached: Cached) -> None:
    cached.hit()
    other = Query("how do I heat frozen lamp oil")
    assert not cached.hit(other, replace(ASK, likeness="strong"))
    cached.house.run(cached.searching.forget(cached.instance))
    cached.hit()
    assert cached.hit(other, replace(ASK, likeness="loose"))


def test_an_answer_is_told_again_with_all_its_pieces(cached: Cached) -> None:
    assert cached.say() == ("answer 1", False)
    assert cached.say() == ("answer 1", True)
    assert cached.say(generation=Generation(forwarded=(("temperature", 0.1),))) == ("answer 2", False)
    assert cached.say(generation=Generation("other/model")) == ("answer 3", False)
    assert cached.say(generation=Generation(system_prompt="be brief")) == ("answer 4", False)


def test_what_was_said_before_makes_another_answer(cached: Cached) -> None:
    def talk(*before: Message) -> Query:
        return Query("and then?", (*before, Message("user", "and then?")))

    assert cached.say(talk(Message("user", "frozen oil"))) == ("answer 1", False)
    assert cached.say(talk(Message("user", "fog horn"))) == ("answer 2", False)
    assert cached.say(talk(Message("user", "frozen oil"))) == ("answer 1", True)
    assert cached.say(talk(Message("system", "be brief"))) == ("answer 3", False)
    assert not cached.hit(talk(Message("user", "frozen oil")))
    assert cached.hit(talk(Message("user", "fog horn"))), "a search that is not rewritten hears none of it"


@pytest.mark.parametrize("reason", ["length", "tool_calls", "content_filter"])
def test_an_answer_that_did_not_come_to_its_end_is_not_kept(cached: Cached, reason: str) -> None:
    cached.generator.reason = reason
    assert [cached.say()[0] for _ in range(2)] == ["answer 1", "answer 2"]


def test_an_answer_that_broke_is_not_kept(cached: Cached) -> None:
    cached.generator.error = GeneratorError("it broke")
    with pytest.raises(GeneratorError):
        cached.say()
    cached.generator.error = None
    assert cached.say() == ("answer 2", False)


def test_a_store_that_fails_is_a_miss(house: House) -> None:
    instance = house.make()
    searching = Searching(house.tools, None, AnswerCache(Broken(), house.tools))
    for _ in range(2):
        assert house.run(searching.search(instance, OIL, ASK)).reuse is None
    with pytest.raises(BackendError, match="disk"):
        house.run(searching.forget(instance))
    house.run(searching.forget(instance, quietly=True))


def test_a_document_is_no_question(cached: Cached) -> None:
    wide = SearchDefaults(query_limits=QueryLimits(characters=10_000, terms=10_000))
    cached.searching = Searching(cached.tools, wide, AnswerCache(cached.answers, cached.tools))
    essay = Query("how do I warm frozen lamp oil " * 200)
    assert not cached.hit(essay) and not cached.hit(essay)


def test_long_messages_that_end_differently_get_their_own_answers(cached: Cached) -> None:
    story = "The lamp oil is frozen. " * 300
    for end, said in [("How do I warm it?", "answer 1"), ("May I burn it?", "answer 2")]:
        text = story + end
        query = Query(text, (Message("user", text),))
        assert cached.say(query) == (said, False)


def test_bytes_of_another_release_are_a_miss(cached: Cached) -> None:
    class Old(Broken):
        async def find(self, question: Question, *, least: float, life: float) -> Recalled | None:
            return Recalled(b"of another release", 1.0, 1.0)

    searching = Searching(cached.tools, None, AnswerCache(Old(), cached.tools))
    assert cached.house.run(searching.search(cached.instance, OIL, ASK)).reuse is None


def test_a_write_during_the_search_keeps_nothing(cached: Cached) -> None:
    async def work() -> None:
        assert cached.searching._cache is not None
        plan_slot = await cached.searching._slot(cached.instance, plan, OIL, ASK)
        assert plan_slot is not None
        await cached.house.engine.put_item(cached.instance.uid, "x", [])
        await cached.searching._cache.keep(plan_slot, Ranking(OIL))

    from secondlook.services.searching import SearchDefaults, make_plan

    plan = make_plan(cached.instance, ASK, SearchDefaults())
    cached.house.run(work())
    assert not cached.hit()


RAN = StageReceipt("ran", candidates_in=3, scored=3)


@pytest.mark.parametrize(
    ("ranking", "whole"),
    [
        (Ranking(OIL), True),
        (Ranking(OIL, receipt=Receipt("ran", stages=(RAN,))), True),
        (Ranking(OIL, receipt=Receipt("substituted", "not here", stages=(replace(RAN, status="substituted"),))), True),
        (Ranking(OIL, receipt=Receipt("fell_back", "down")), False),
        (Ranking(OIL, receipt=Receipt("ran", stages=(RAN, replace(RAN, status="fell_back")))), False),
        (Ranking(OIL, receipt=Receipt("ran", stages=(replace(RAN, scored=2),))), False),
        (Ranking(OIL, trace=(Step("rewrite", 1, 0, "fell back to the query as given: down"),)), False),
        (Ranking(OIL, failures=(Failure("vector", "down"),)), False),
    ],
)
def test_what_is_less_than_whole_is_not_kept(ranking: Ranking, whole: bool) -> None:
    assert is_whole(ranking) is whole


@given(TEXT, VALUES, SCORE, st.lists(st.tuples(TEXT, TEXT), max_size=3))
def test_what_is_kept_comes_back_as_it_was(text: str, metadata: Any, score: float | None, said: Any) -> None:
    evidence = Evidence(vector_score=score, relevance=score, looks=(Look(1, text, 0.5, 1, 0.25),), sentence=text)
    chunk = Chunk("c", "i", "k", text, metadata=metadata)
    ranking = Ranking(Query(text), (Candidate(chunk, 0.5, evidence),), receipt=Receipt("ran", text, stages=(RAN,)))
    deltas = tuple(Delta(one, other, 1, 2) for one, other in said)
    kept = Kept(ranking, deltas)
    found = decode(encode(kept))
    assert found == kept
    assert [(type(v), v) for v in found.ranking.candidates[0].chunk.metadata.values()] == [
        (type(v), v) for v in metadata.values()
    ]


def test_no_conversation_and_nothing_dropped_is_written_down() -> None:
    query = Query("q", (Message("user", "secret"),))
    content = decode(encode(Kept(Ranking(query, trace=(Step("fuse", 1, 1),)))))
    assert content.ranking.query == Query("q")
    assert content.ranking.trace == ()
    with pytest.raises(BackendError, match="could not read a cached answer"):
        decode(b"x")
