"""An answer knows what its model was sent, and how long it took."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from secondlook.domain.candidate import Candidate, Ranking
from secondlook.domain.chunk import Chunk
from secondlook.domain.options import Generation
from secondlook.domain.query import Message, Query
from secondlook.errors import GeneratorError
from secondlook.models.fakes import FakeEmbedder, FakeGenerator, FakeReranker
from secondlook.ports import Delta, Rerankers, Tools
from secondlook.services.generating import Answer, Spent, begin_answer, timed

QUERY = Query("oil?", (Message("user", "oil?"),))
FOUND = Ranking(QUERY, (Candidate(Chunk("1", "a", "oil.md", "Warm the oil."), 0.5),))


def begin(ranking: Ranking, *, explain: bool) -> Answer:
    rerankers = Rerankers(lambda name: FakeReranker(), FakeReranker())
    tools = Tools(None, FakeEmbedder(), rerankers, FakeGenerator())  # type: ignore[arg-type]  # nothing is retrieved
    return begin_answer(ranking, QUERY, Generation("m", "Be brief."), tools, explain=explain)


def test_what_the_model_is_sent_is_told_where_it_is_explained() -> None:
    assert [dict(one) for one in begin(FOUND, explain=True).sent] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "oil?"},
    ]
    assert begin(FOUND, explain=False).sent == ()
    assert begin(Ranking(QUERY), explain=True).sent == (), "without candidates no model is called"


def test_times_are_set_as_the_pieces_are_read() -> None:
    answer = begin(FOUND, explain=True)
    assert answer.spent == Spent()

    async def work() -> list[Delta]:
        return [one async for one in answer.deltas]

    assert "".join(one.text for one in asyncio.run(work())).strip() == "See [oil.md]."
    assert answer.spent.first is not None and answer.spent.whole is not None
    assert 0 <= answer.spent.first <= answer.spent.whole


def test_an_answer_that_breaks_off_has_taken_its_time() -> None:
    async def broken() -> AsyncIterator[Delta]:
        yield Delta("")
        raise GeneratorError("gone")

    spent = Spent()

    async def work() -> None:
        async for _ in timed(broken(), spent):
            pass

    with pytest.raises(GeneratorError):
        asyncio.run(work())
    assert spent.first is None and spent.whole is not None
