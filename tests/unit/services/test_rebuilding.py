"""A damaged or missing index is rebuilt from the stored files, and nothing else suffers."""

import asyncio
import random
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from secondlook.domain.instance import Instance
from secondlook.errors import IndexCorruptError, IndexRebuildingError, ItemNotFoundError, StoredFileError
from secondlook.services.indexing import Upload
from secondlook.services.shapes import shape_of
from tests.unit.services.conftest import House

KEYS = [f"{number}.md" for number in range(5)]


def remove(path: Path) -> None:
    path.unlink()


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def garble(path: Path) -> None:
    path.write_bytes(random.Random(4).randbytes(path.stat().st_size))


def empty(path: Path) -> None:
    path.write_bytes(b"")


def make_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()
    (path / "inner").write_text("x")


def break_link(path: Path) -> None:
    path.unlink()
    path.symlink_to("nowhere")


def drop_table(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP TABLE vectors")


def drop_meta(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("DELETE FROM meta")


def replace_by_text(path: Path) -> None:
    path.write_text("Not an index at all. " * 100)


def delete_all(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("DELETE FROM chunks")


DAMAGE = [remove, truncate, garble, empty, make_folder, break_link, drop_table, drop_meta, replace_by_text, delete_all]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    yield made
    made.close()


def fill(house: House, name: str = "docs") -> Instance:
    made = house.make(name)
    for key in KEYS:
        house.run(house.indexing.upload(made, Upload(key, f"lamp oil {key} of {name}".encode()), wait=20))
    return made


def stop(house: House) -> None:
    house.run(house.indexing.stop())
    house.engine.close()


def start(house: House) -> None:
    house.indexing = house.make_indexing()
    house.run(house.indexing.start())


def find(house: House, made: Instance) -> list[str]:
    hits = house.run(house.engine.search_keywords(made.uid, "lamp oil", 50, match_mode="or", where=None)).hits
    chunks = house.run(house.engine.fetch_chunks(made.uid, [hit.chunk_id for hit in hits]))
    return sorted(chunk.item_key for chunk in chunks.values())


def path_of(house: House, made: Instance) -> Path:
    return house.folder / "indexes" / f"{made.uid}.sqlite"


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_at_rest_is_rebuilt_after_a_start(house: House, damage: Callable[[Path], None]) -> None:
    house.run(house.indexing.start())
    hurt, other = fill(house), fill(house, "other")
    stop(house)
    damage(path_of(house, hurt))
    start(house)
    house.run(house.indexing.drain())
    assert find(house, hurt) == KEYS == find(house, other)
    assert house.run(house.engine.check_index(hurt.uid)).problems == ()
    assert house.indexing.rebuilding.problem_of(hurt.uid) is None
    assert [path.name for path in (house.folder / "indexes").iterdir() if ".damaged" in path.name] == []


@pytest.mark.parametrize("damage", [one for one in DAMAGE if one is not delete_all])
def test_damage_while_running_is_rebuilt(house: House, damage: Callable[[Path], None]) -> None:
    house.run(house.indexing.start())
    made = fill(house)
    house.run(house.indexing.drain())
    house.engine.close()
    damage(path_of(house, made))
    with pytest.raises(IndexCorruptError):
        find(house, made)
    house.run(house.indexing.drain())
    assert find(house, made) == KEYS


def test_an_index_is_not_searched_until_it_holds_everything(house: House) -> None:
    made = fill_and_damage(house)
    shape = shape_of(made.settings, house.embedder)
    house.run(house.engine.remake_index(made.uid, shape, "its file is missing"))
    with pytest.raises(IndexRebuildingError, match="its file is missing"):
        find(house, made)
    start(house)  # a restart goes on with it
    house.run(house.indexing.drain())
    assert find(house, made) == KEYS


def fill_and_damage(house: House) -> Instance:
    house.run(house.indexing.start())
    made = fill(house)
    stop(house)
    path_of(house, made).unlink()
    return made


def test_items_that_the_index_lacks_are_indexed_again(house: House) -> None:
    house.run(house.indexing.start())
    made = fill(house)
    stop(house)
    lost = house.run(house.indexing.find(made, KEYS[2]))
    house.run(house.engine.delete_item(made.uid, lost.id))
    start(house)
    house.run(house.indexing.drain())
    assert find(house, made) == KEYS
    versions = {item.key: item.version for item in house.run(house.indexing.list(made))}
    assert [key for key, version in versions.items() if version > 1] == [KEYS[2]]


def test_a_lost_file_fails_its_item_alone_and_the_damaged_index_is_kept(house: House) -> None:
    made = fill_and_damage(house)
    path_of(house, made).write_bytes(b"rest of an index")
    lost = house.run(house.indexing.find(made, KEYS[0]))
    house.run(house.blobs.delete(lost.blob))
    start(house)
    house.run(house.indexing.drain())
    assert find(house, made) == KEYS[1:]
    now = house.run(house.indexing.get(made, lost.id))
    assert (now.status, now.error.partition(":")[0]) == ("error", "file_not_found")
    assert path_of(house, made).with_name(f"{made.uid}.sqlite.damaged").read_bytes() == b"rest of an index"
    house.run(house.instances.delete(made))
    assert list((house.folder / "indexes").iterdir()) == []


def test_an_item_is_deleted_from_a_damaged_index(house: House) -> None:
    made = fill_and_damage(house)
    item = house.run(house.indexing.find(made, KEYS[0]))
    house.run(house.indexing.delete(made, item.id))
    with pytest.raises(ItemNotFoundError):
        house.run(house.indexing.get(made, item.id))
    assert len(house.stored()) == len(KEYS) - 1


def test_an_index_that_cannot_be_replaced_is_tried_again(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    made = fill_and_damage(house)
    shutil.rmtree(house.folder / "indexes")
    house.indexing = house.make_indexing()
    monkeypatch.setattr(house.indexing.rebuilding, "_retry", 0.05)

    async def work() -> None:
        await house.indexing.start()
        while not house.indexing.rebuilding.problem_of(made.uid):
            await asyncio.sleep(0)
        (house.folder / "indexes").mkdir()
        await house.indexing.drain()

    house.run(work())
    assert find(house, made) == KEYS


def test_a_damaged_stored_file_is_never_handed_out(house: House) -> None:
    house.run(house.indexing.start())
    made = fill(house)
    item = house.run(house.indexing.find(made, KEYS[0]))
    path = house.folder / "files" / item.blob
    content = bytearray(path.read_bytes())
    content[3] ^= 1
    path.write_bytes(content)
    with pytest.raises(StoredFileError, match=r"0\.md is damaged: upload it again"):
        house.run(house.indexing.download(made, item.id))
    again = house.run(house.indexing.reindex(made, item.id, wait=20))
    assert (again.status, again.error.partition(":")[0]) == ("error", "file_is_corrupt")
    path.unlink()
    with pytest.raises(StoredFileError, match=r"0\.md is missing: upload it again"):
        house.run(house.indexing.download(made, item.id))
