"""Rows of the index file: a chunk comes back as it went in."""

import json
import sqlite3
from pathlib import Path

import pytest

from secondlook.domain.chunk import Chunk, IndexedChunk
from secondlook.domain.instance import Analyser
from secondlook.engines.tables import (
    COLUMNS,
    SCHEMA,
    SUMS,
    connect,
    insert_chunk,
    list_outdated,
    make_tables,
    mark_current,
    read_chunk,
    read_generation,
    read_shape,
    remove_item,
)
from secondlook.ports import IndexShape

CHUNK = Chunk(
    "c", "i", "k.md", "texte en été", position=3, start=10, end=24, timestamp=5,
    metadata={"a": 1.5, "b": True, "c": "x"}, context="Titre", truncated=True,
)  # fmt: skip


def test_round_trip_and_removal(tmp_path: Path) -> None:
    connection = connect(tmp_path / "x.sqlite", make=True)
    connection.executescript(SCHEMA + SUMS)
    connection.execute("INSERT INTO meta VALUES ('generation', '7')")
    shape = IndexShape(0, None)
    row = insert_chunk(connection, shape, IndexedChunk(CHUNK, b"vector", b"kept"))
    assert json.loads(row.metadata) == CHUNK.metadata
    found = read_chunk(connection.execute(f"SELECT {COLUMNS} FROM chunks").fetchone())
    assert found == CHUNK
    assert found.metadata == CHUNK.metadata
    assert connection.execute("SELECT count(*) FROM vectors").fetchone() == (0,), "no dimensions, no vectors"
    assert read_generation(connection) == 7
    remove_item(connection, shape, "i")
    assert connection.execute("SELECT (SELECT count(*) FROM chunks) + (SELECT count(*) FROM stored)").fetchone() == (0,)
    connection.close()


@pytest.mark.parametrize(
    "shape", [IndexShape(4, None), IndexShape(0, "trigram"), IndexShape(4, "porter", "french"), IndexShape(0, "porter")]
)
def test_a_shape_comes_back_and_stays(tmp_path: Path, shape: IndexShape) -> None:
    connection = connect(tmp_path / "x.sqlite", make=True)
    for again in (shape, IndexShape(9, "porter", "german")):
        make_tables(connection, again)
        assert read_shape(connection) == shape
    connection.close()


def test_terms_leave_with_their_chunk(tmp_path: Path) -> None:
    connection = connect(tmp_path / "x.sqlite", make=True)
    shape = IndexShape(0, "porter", "french")
    make_tables(connection, shape)
    insert_chunk(connection, shape, IndexedChunk(CHUNK))
    assert connection.execute("SELECT context, text FROM fts").fetchall() == [("titr", "text en ete")]
    remove_item(connection, shape, "i")
    assert connection.execute("SELECT count(*) FROM fts WHERE fts MATCH 'text'").fetchone() == (0,)
    connection.execute("INSERT INTO fts(fts, rank) VALUES ('integrity-check', 0)")
    connection.close()


@pytest.mark.parametrize(
    ("analyser", "reading", "outdated"),
    [
        ("german", "1", ["feet"]),
        ("german", None, ["feet", "soft"]),
        (None, "1", []),
        (None, None, ["soft"]),
        ("german", "2", []),
    ],
)
def test_items_whose_terms_are_others_today(
    tmp_path: Path, analyser: Analyser | None, reading: str | None, outdated: list[str]
) -> None:
    shape = IndexShape(0, "porter", analyser)
    connection = connect(tmp_path / "x.sqlite", make=True)
    make_tables(connection, shape)
    for item, text in {"feet": "5'9 tall, in '90", "soft": "o\xadil", "plain": "l'huile of 1990"}.items():
        insert_chunk(connection, shape, IndexedChunk(Chunk(item, item, item, text)))
    connection.execute("DELETE FROM meta WHERE key = 'reading'")
    if reading:
        connection.execute("INSERT INTO meta VALUES ('reading', ?)", [reading])
    assert list_outdated(connection) == outdated
    mark_current(connection)
    assert list_outdated(connection) == []


def test_writes_are_durable(tmp_path: Path) -> None:
    connection = connect(tmp_path / "x.sqlite", make=True)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
    connection.close()


def test_a_file_that_is_gone_is_not_made_again(tmp_path: Path) -> None:
    with pytest.raises(sqlite3.OperationalError):
        connect(tmp_path / "gone?.sqlite")
    assert list(tmp_path.iterdir()) == []
