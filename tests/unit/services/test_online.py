"""Clicks are credited to the order that a result was drafted from, and a lost trial ends."""

from dataclasses import replace
from typing import Any

import pytest

from secondlook.domain.instance import Instance
from secondlook.domain.query import Query
from secondlook.services.online import Online, OnlineTrials
from secondlook.services.queries import Said
from secondlook.services.recording import RecordedSearching
from tests.unit.services.conftest import House
from tests.unit.services.test_trying import ASK, fill, trying


def searched(house: House, instance: Instance, liked: str, number: int) -> None:
    """So many searches, after each of which somebody clicks the first result of that team."""
    searching = RecordedSearching(trying(house), house.queries)

    async def work() -> None:
        for at in range(number):
            found = await searching.search(instance, Query(f"lamp oil {at}"), ASK)
            best = next(one for one in found.candidates if one.evidence.team == liked)
            await house.queries.tell(instance, said(found.logged, best.chunk.id))

    house.run(work())


def said(query_id: str, chunk_id: str, **more: Any) -> Said:
    return Said(kind="click", query_id=query_id, chunk_id=chunk_id, **more)


@pytest.mark.parametrize(("liked", "answer", "ended"), [("reranked", "on", 0), ("retrieval", "off", 1)])
def test_a_trial_to_its_end(house: House, liked: str, answer: str, ended: int) -> None:
    instance = fill(house, "interleave")
    online = OnlineTrials(house.queries, house.catalog)
    searched(house, instance, liked, 12)
    assert house.run(online.result(instance)).outcome.answer == "not enough evidence"
    assert house.run(online.look()) == 0
    searched(house, instance, liked, 24)
    found = house.run(online.result(instance))
    assert (found.outcome.answer, found.interleaved) == (answer, 36)
    assert {found.outcome.wins, found.outcome.losses} == {0, 36}
    assert house.run(online.look()) == ended
    settings = house.run(house.catalog.get_instance_by_uid(instance.uid)).settings
    assert (settings.reranking_mode, settings.reranking) == (("fixed", False) if ended else ("interleave", True))


def test_another_trial_begins_without_the_clicks_of_the_last(house: House) -> None:
    instance = fill(house, "interleave")
    online = OnlineTrials(house.queries, house.catalog)
    searched(house, instance, "retrieval", 30)
    house.time += 1
    assert house.run(online.look()) == 1
    ended = house.run(house.catalog.get_instance_by_uid(instance.uid))
    assert house.run(online.result(ended)).outcome.losses == 30, "what it came to is still told"
    house.time += 1
    begun = house.run(house.instances.update(ended, replace(ended.settings, reranking_mode="interleave")))
    assert house.run(online.result(begun)).interleaved == house.run(online.look()) == 0
    searched(house, begun, "reranked", 2)
    same = house.run(house.instances.update(begun, replace(begun.settings, top_k=3)))
    assert house.run(online.result(same)).outcome.wins == 2, "another setting leaves the trial as it is"
    house.time += 1
    other = house.run(house.instances.update(same, replace(same.settings, reranking_weight=0.5)))
    assert house.run(online.result(other)).outcome.wins == 0


def test_settings_that_change_while_a_trial_is_looked_at_stay(house: House) -> None:
    instance = fill(house, "interleave")
    searched(house, instance, "retrieval", 30)

    class Meanwhile(OnlineTrials):
        async def result(self, instance: Instance) -> Online:
            found = await super().result(instance)
            await house.instances.update(instance, replace(instance.settings, reranking_weight=0.25))
            return found

    assert house.run(Meanwhile(house.queries, house.catalog).look()) == 0
    settings = house.run(house.catalog.get_instance_by_uid(instance.uid)).settings
    assert (settings.reranking_mode, settings.reranking_weight) == ("interleave", 0.25)


def test_the_shadow_is_summed_up(house: House) -> None:
    instance = fill(house, "shadow")
    inner = trying(house)
    searching = RecordedSearching(inner, house.queries)

    async def work() -> None:
        for at in range(3):
            await searching.search(instance, Query(f"lamp oil {at}"), ASK)
            await inner.settle()

    house.run(work())
    found = house.run(OnlineTrials(house.queries, house.catalog).result(instance))
    assert (found.shadow.queries, found.shadow.top_changed, found.shadow.fell_back) == (3, 3, 0)
    assert found.shadow.p95 >= found.shadow.p50 >= 0
    assert found.interleaved == 0 and found.outcome.p == 1.0


def test_a_trial_that_cannot_be_looked_at_stops_no_other(house: House) -> None:
    searched(house, fill(house, "interleave"), "retrieval", 30)
    broken = house.make("broken", reranking_mode="interleave")

    class Failing(OnlineTrials):
        async def result(self, instance: Instance) -> Online:
            if instance.uid == broken.uid:
                raise ValueError("no error of ours")
            return await super().result(instance)

    assert house.run(Failing(house.queries, house.catalog).look()) == 1
