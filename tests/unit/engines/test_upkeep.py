"""What a check of an index file finds, and what replacing it leaves behind."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from secondlook.domain.chunk import Chunk, IndexedChunk
from secondlook.engines.embedded import EmbeddedEngine
from secondlook.engines.upkeep import check_file, find_missing, find_obstacle
from secondlook.errors import IndexRebuildingError
from secondlook.ports import IndexReport, IndexShape

SHAPES = [IndexShape(4, "porter"), IndexShape(4, "trigram"), IndexShape(4, "porter", "german"), IndexShape(4, None)]


def chunk(item: str, position: int) -> IndexedChunk:
    text = f"lamp oil {item} {position}"
    made = Chunk(id=f"{item}-{position}", item_id=item, item_key=f"{item}.md", text=text, position=position)
    return IndexedChunk(made, np.array([1, 0, 0, 0], "<f4").tobytes(), b"token vectors")


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[EmbeddedEngine]:
    made = EmbeddedEngine(tmp_path)
    yield made
    made.close()


def fill(engine: EmbeddedEngine, shape: IndexShape = SHAPES[0]) -> None:
    asyncio.run(engine.create_index("i", shape))
    for item in ("a", "b"):
        asyncio.run(engine.put_item("i", item, [chunk(item, position) for position in range(3)]))
    engine.close()


def change(path: Path, sql: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(sql)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_sound_index_has_no_problem(engine: EmbeddedEngine, shape: IndexShape) -> None:
    fill(engine, shape)
    assert asyncio.run(engine.check_index("i")) == IndexReport()
    asyncio.run(engine.delete_item("i", "a"))
    assert asyncio.run(engine.check_index("i")) == IndexReport()
    assert asyncio.run(engine.count_by_item("i")) == {"b": 3}


def test_vectors_that_are_dropped_are_no_damage(engine: EmbeddedEngine) -> None:
    fill(engine)
    asyncio.run(engine.reshape_index("i", IndexShape(0, "porter")))
    assert asyncio.run(engine.check_index("i")) == IndexReport()


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("UPDATE chunks SET metadata = '{\"a\": 1}' WHERE id = 'b-1'", "chunk 1: its text changed on the disk"),
        ("UPDATE chunks SET start = 7 WHERE id = 'b-0'", "chunk 0: its text changed on the disk"),
        ("UPDATE vectors SET vector = zeroblob(16) WHERE rowid = 6", "chunk 2: its vector changed on the disk"),
        ("UPDATE vectors SET vector = zeroblob(12) WHERE rowid = 6", "chunk 2: its vector changed on the disk"),
        ("UPDATE stored SET data = x'00' WHERE rowid = 4", "chunk 0: its token vectors changed on the disk"),
    ],
)
def test_what_was_not_written_is_found_by_item(engine: EmbeddedEngine, tmp_path: Path, sql: str, said: str) -> None:
    fill(engine)
    change(tmp_path / "i.sqlite", sql)
    assert asyncio.run(engine.check_index("i")) == IndexReport((), {"b": said})


def test_rows_without_checksums_are_sound(engine: EmbeddedEngine, tmp_path: Path) -> None:
    fill(engine)
    change(tmp_path / "i.sqlite", "DROP TABLE sums")
    assert asyncio.run(engine.check_index("i")) == IndexReport()
    asyncio.run(engine.put_item("i", "c", [chunk("c", 0)]))  # it has checksums from now on
    assert asyncio.run(engine.check_index("i")) == IndexReport()


@pytest.mark.parametrize("shape", SHAPES[:3])
def test_keywords_that_do_not_fit_the_texts_are_found(
    engine: EmbeddedEngine, tmp_path: Path, shape: IndexShape
) -> None:
    fill(engine, shape)
    if shape.analyser:
        change(tmp_path / "i.sqlite", "UPDATE fts_content SET c1 = 'something else' WHERE id = 2")
    else:
        change(tmp_path / "i.sqlite", "UPDATE chunks SET text = 'something else' WHERE rowid = 2")
    assert asyncio.run(engine.check_index("i")).problems


@pytest.mark.parametrize("flipped", range(0, 36, 5))
def test_flipped_pages_are_found(engine: EmbeddedEngine, tmp_path: Path, flipped: int) -> None:
    fill(engine)
    path = tmp_path / "i.sqlite"
    content = bytearray(path.read_bytes())
    page = flipped % (len(content) // 4096)
    content[page * 4096 : page * 4096 + 200] = b"\xa5" * 200
    path.write_bytes(content)
    report = asyncio.run(engine.check_index("i"))
    assert report.problems or report.damaged_items


def test_obstacles(tmp_path: Path) -> None:
    path = tmp_path / "i.sqlite"
    assert find_obstacle(path) == "its file is missing"
    path.mkdir()
    assert find_obstacle(path) == "a folder is in the place of its file"
    path.rmdir()
    path.touch()
    assert find_obstacle(path) == "its file is empty"
    assert check_file(path) == IndexReport(("its file is empty",))
    path.write_text("text")
    assert find_obstacle(path) == ""
    assert check_file(path).problems == ("file is not a database",)


def test_a_replaced_index_says_why_until_it_is_finished(engine: EmbeddedEngine, tmp_path: Path) -> None:
    fill(engine)
    heard: list[tuple[str, str]] = []
    engine.hear_damage(lambda index, why: heard.append((index, why)))
    (tmp_path / "i.sqlite").write_text("rest")
    asyncio.run(engine.remake_index("i", SHAPES[0], "file is not a database"))
    assert asyncio.run(engine.read_problem("i")) == "file is not a database"
    with pytest.raises(IndexRebuildingError):
        asyncio.run(engine.read_generation("i"))
    asyncio.run(engine.put_item("i", "a", [chunk("a", 0)]))
    assert (tmp_path / "i.sqlite.damaged").read_text() == "rest"
    asyncio.run(engine.finish_index("i", keep_damaged=False))
    assert not (tmp_path / "i.sqlite.damaged").exists()
    assert asyncio.run(engine.read_problem("i")) == ""
    assert asyncio.run(engine.read_generation("i")) > 0
    assert heard == []


def test_a_file_that_was_dropped_is_missing_whatever_sqlite_says(tmp_path: Path) -> None:
    path = tmp_path / "i.sqlite"
    assert str(find_missing(path)) == "its file is missing"
    path.write_bytes(b"")
    assert find_missing(path) is None
