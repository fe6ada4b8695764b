"""What is tried is served as said, and never to those who asked for something else."""

from dataclasses import replace
from random import Random

import pytest

from secondlook.domain.instance import Instance
from secondlook.domain.options import Generation
from secondlook.domain.query import Query
from secondlook.models.fakes import FakeReranker
from secondlook.ports import Passage, Rerankers
from secondlook.services.intake import Upload
from secondlook.services.searching import Ask, Searching
from secondlook.services.trying import TryingSearching, mixed
from tests.unit.services.conftest import House


def backwards(query: str, passage: Passage) -> float:
    return int(passage.text.split()[-1]) / 10


def fill(house: House, mode: str) -> Instance:
    instance = house.make(reranking_mode=mode, logged=True, reranking=True)
    for at in range(6):
        text = "lamp oil " * (6 - at) + f"grade {at}"
        house.run(house.indexing.upload(instance, Upload(f"d{at}.md", text.encode()), wait=60))
    return instance


def trying(house: House, reranker: FakeReranker | None = None) -> TryingSearching:
    tools = replace(house.tools, rerankers=Rerankers(house.find, reranker or FakeReranker(scorer=backwards)))
    return TryingSearching(Searching(tools), house.queries, random=Random(3))


ASK = Ask(min_relevance=None, top_k=4)


def keys(found: object) -> list[str]:
    return [one.chunk.item_key for one in found.candidates]  # type: ignore[attr-defined]  # a ranking


def test_two_orders_in_one_list(house: House) -> None:
    instance, searching = fill(house, "interleave"), trying(house)
    found = house.run(searching.search(instance, Query("lamp oil"), ASK))
    plain = house.run(searching.search(instance, Query("lamp oil"), replace(ASK, rerank=False)))
    reranked = house.run(searching.search(instance, Query("lamp oil"), replace(ASK, rerank=True)))
    assert all(not one.evidence.team for ranking in (plain, reranked) for one in ranking.candidates)
    teams = {one.chunk.item_key: one.evidence.team for one in found.candidates}
    assert sorted(teams.values()) == ["reranked", "reranked", "retrieval", "retrieval"]
    assert keys(found)[0] in (keys(plain)[0], keys(reranked)[0])
    for key, team in teams.items():
        assert key in keys(plain if team == "retrieval" else reranked)
    assert found.receipt.status == "ran" and "interleaved" in found.receipt.reason
    assert not {one.candidate.chunk.item_key for one in found.dropped} & set(keys(found))


def test_a_reranker_that_fails_leaves_the_order_of_retrieval(house: House) -> None:
    instance = fill(house, "interleave")
    found = house.run(trying(house, FakeReranker(error=RuntimeError("down"))).search(instance, Query("lamp oil"), ASK))
    assert found.receipt.status == "fell_back" and not any(one.evidence.team for one in found.candidates)
    assert mixed(replace(found, candidates=()), Random(1)).candidates == ()


def test_the_shadow_changes_nothing_and_is_noted(house: House) -> None:
    instance, searching = fill(house, "shadow"), trying(house)

    async def work() -> None:
        served = await searching.search(instance, Query("lamp oil"), ASK)
        assert served.receipt.status == "skipped" and served.candidates[0].evidence.relevance is None
        await searching.settle()
        answer = await searching.answer(instance, Query("lamp oil"), ASK, generation=Generation())
        assert "".join([delta.text async for delta in answer.deltas])
        await searching.settle()
        asked = await searching.search(instance, Query("lamp oil"), replace(ASK, rerank=True))
        assert asked.receipt.status == "ran"
        await searching.settle()
        lines, total = await house.queries.list(instance, 10, 0)
        assert total == 2 and {line.kind for line in lines} == {"shadow"}
        line = lines[0]
        assert line.top_changed is True and line.found[0].key == "d5.md" and line.status == "ran"
        assert line.stages["rerank"] >= 0 and line.total > 0
        assert await house.queries.sample(instance.uid, 10) == [], "nobody was served it"
        await searching.stop()

    house.run(work())


@pytest.mark.parametrize("changed", [{"logged": False}, {}])
def test_no_log_no_shadow(house: House, changed: dict[str, bool]) -> None:
    instance, searching = fill(house, "shadow"), trying(house)
    other = replace(instance, settings=replace(instance.settings, **changed))  # type: ignore[arg-type]  # words of the class

    async def work() -> int:
        await searching.search(other, Query("lamp oil"), replace(ASK, unlogged=not changed))
        await searching.settle()
        return (await house.queries.list(instance, 10, 0))[1]

    assert house.run(work()) == 0
