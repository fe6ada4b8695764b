"""A folder that changes is synced soon, and one that does not is left alone."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from secondlook.domain.instance import Instance
from secondlook.services.watching import Watching
from tests.unit.services.conftest import House


@pytest.fixture
def docs(house: House) -> Path:
    path = house.folder / "source" / "docs"
    path.mkdir(parents=True)
    (path / "a.md").write_text("lamp oil")
    (path / "image.xyz").write_bytes(b"no text")
    return path


def watching(house: House) -> Watching:
    return Watching(house.catalog, house.syncing, every=0.01)


def looked(house: House, eye: Watching) -> int:
    begun = house.run(eye.look())
    house.run(house.syncing.wait())
    return begun


def keys(house: House, made: Instance) -> set[str]:
    return {one.key for one in house.run(house.indexing.list(made))}


def test_what_changes_is_synced(house: House, docs: Path) -> None:
    made, eye = house.make(source_kind="folder", source=str(docs)), watching(house)
    assert looked(house, eye) == 1  # nobody knows what happened before
    assert looked(house, eye) == 0
    (docs / "b.md").write_text("new")
    assert looked(house, eye) == 1 and "b.md" in keys(house, made)
    (docs / "a.md").unlink()
    assert looked(house, eye) == 1 and "a.md" not in keys(house, made)
    assert looked(house, eye) == 0


def test_what_is_paused_gone_or_no_folder_is_left_alone(house: House, docs: Path) -> None:
    made, eye = house.make(source_kind="folder", source=str(docs)), watching(house)
    house.make("plain")
    house.make("site", source_kind="web-crawler", source="https://harbour.example")
    paused = house.run(house.instances.update(made, replace(made.settings, paused=True)))
    assert looked(house, eye) == 0
    house.run(house.instances.update(paused, made.settings))
    docs.rename(docs.parent / "away")
    assert looked(house, eye) == 0


def test_a_change_while_a_sync_runs_is_not_forgotten(house: House, docs: Path) -> None:
    made, eye = house.make(source_kind="folder", source=str(docs)), watching(house)

    async def both() -> int:
        await house.syncing.begin(made, trigger="schedule")
        return await eye.look()

    assert house.run(both()) == 0
    house.run(house.syncing.wait())
    assert looked(house, eye) == 1


def test_watching_goes_on_until_it_is_stopped(house: House, docs: Path) -> None:
    made, eye = house.make(source_kind="folder", source=str(docs)), watching(house)

    async def run() -> None:
        task = asyncio.create_task(eye.watch())
        while "a.md" not in {one.key for one in await house.indexing.list(made)}:
            await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await house.syncing.wait()

    house.run(run())
