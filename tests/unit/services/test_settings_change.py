"""Changes of one instance at the same time: each is made, and none is lost."""

import asyncio
from dataclasses import replace
from random import Random

import pytest

from secondlook.domain.instance import InstanceSettings
from secondlook.errors import InstanceChangedError
from secondlook.services.settings_change import change_settings
from tests.random_turns import RandomTurns
from tests.unit.services.conftest import House


@pytest.mark.parametrize("seed", range(3))
def test_changes_at_the_same_time_all_count(idle: House, seed: int) -> None:
    made = idle.make(paused=False, top_k=5)
    catalog = RandomTurns(idle.catalog, Random(seed))

    async def add_one() -> None:
        def change(current: InstanceSettings) -> InstanceSettings:
            return replace(current, top_k=current.top_k + 1)

        await change_settings(catalog, made.uid, change, now=1)  # type: ignore[arg-type]  # the real catalogue behind it

    async def pause() -> None:
        await change_settings(catalog, made.uid, lambda now: replace(now, paused=True), now=1)  # type: ignore[arg-type]  # as above

    async def work() -> InstanceSettings:
        await asyncio.gather(*(add_one() for _ in range(10)), pause())
        return (await idle.catalog.get_instance_by_uid(made.uid)).settings

    found = idle.run(work())
    assert (found.top_k, found.paused) == (15, True)


def test_settings_that_are_not_what_they_were_stay(idle: House) -> None:
    made = idle.make()
    idle.run(idle.catalog.update_instance(made.uid, replace(made.settings, top_k=7), 1, before=made.settings))
    with pytest.raises(InstanceChangedError):
        idle.run(idle.instances.update(made, replace(made.settings, min_score=0.5)))
    assert idle.run(idle.catalog.get_instance_by_uid(made.uid)).settings == replace(made.settings, top_k=7)
    assert idle.run(change_settings(idle.catalog, made.uid, lambda _: None, now=2)) is None
