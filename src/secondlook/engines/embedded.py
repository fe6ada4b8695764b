"""The embedded engine: one SQLite file an index, FTS5 for BM25, exact vectors in memory."""

import asyncio
import json
import logging
import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TypeVar, cast

import numpy as np

from secondlook.domain.chunk import Chunk, IndexedChunk
from secondlook.domain.filters import Filter
from secondlook.domain.options import MatchMode
from secondlook.engines.connections import IdleConnections, OpenIndex, most_idle
from secondlook.engines.keywords import attain_bm25, find_phrases, make_match
from secondlook.engines.matrix import Matrix, Row
from secondlook.engines.tables import (
    COLUMNS,
    complete_tables,
    connect,
    find_best,
    find_grams,
    insert_chunk,
    list_outdated,
    make_tables,
    mark_current,
    read_chunk,
    read_generation,
    read_shape,
    remove_item,
    reshape,
    trouble_of,
)
from secondlook.errors import BackendError, SetupError
from secondlook.ports import Hit, Hits, IndexShape, Vector

log = logging.getLogger(__name__)
T = TypeVar("T")

SUFFIXES = ("", "-wal", "-shm")
"""Of the files of an index: the database, its write-ahead log, and the memory shared by its readers."""
MATRICES = 32
"""Indexes whose vectors stay in memory; the one unused for longest goes."""


class EmbeddedEngine:
    """Retriever and Indexer over ``folder``; each write is one transaction, seen by the next search.

    Raises:
        BackendError: there is no such index. IndexCorruptError: its file cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._folder.mkdir(parents=True, exist_ok=True)
        self._open: dict[str, OpenIndex] = {}
        self._matrices: OrderedDict[str, Matrix] = OrderedDict()
        self._idle = IdleConnections(most_idle())
        self._guard = threading.Lock()

    # Retriever

    async def search_vectors(self, index: str, vector: Vector, num: int, where: Filter | None) -> Hits:
        """The nearest chunks by exact cosine among those that match."""

        def run(connection: sqlite3.Connection) -> Hits:
            found = self._matrix(index, connection).nearest(vector, num, where)
            return Hits(tuple(Hit(chunk_id, score) for chunk_id, score in found))

        return await self._read(index, run)

    async def search_keywords(
        self, index: str, text: str, num: int, *, match_mode: MatchMode, where: Filter | None
    ) -> Hits:
        """The best chunks by BM25; function words are not searched for unless there are no others."""

        def run(connection: sqlite3.Connection) -> Hits:
            allowed = None if where is None else json.dumps(self._matrix(index, connection).allowed(where))
            connection.execute("BEGIN")  # the shape holds until the end
            try:
                shape = read_shape(connection)
                phrases = find_phrases(text, shape, lambda term: find_grams(connection, term))
                return search(connection, phrases, allowed) if phrases else Hits()
            finally:
                connection.execute("COMMIT")

        def search(connection: sqlite3.Connection, phrases: Sequence[str], allowed: str | None) -> Hits:
            rows = find_best(connection, make_match(phrases, match_mode), allowed, num)
            if not rows:
                return Hits()
            ceiling, attainable = self._ceilings(index, connection, phrases)
            found = [int(rowid) for _, _, rowid in rows]
            complete = set(found) if match_mode == "and" else _find_complete(connection, phrases, found)
            hits = []
            for chunk_id, raw, rowid in rows:
                score = max(0.0, float(raw))
                hits.append(Hit(str(chunk_id), score, min(1.0, score / attainable), int(rowid) in complete))
            return Hits(tuple(hits), ceiling)

        return await self._read(index, run)

    async def score_vectors(self, index: str, vector: Vector, chunk_ids: Sequence[str]) -> Mapping[str, float]:
        """Cosine clipped to [0, 1] of each of these chunks that has a vector."""
        if not chunk_ids:
            return {}
        asked = np.frombuffer(vector, "<f4")

        def run(connection: sqlite3.Connection) -> Mapping[str, float]:
            rows = connection.execute(
                "SELECT id, vector FROM chunks JOIN vectors USING (rowid) WHERE id IN (SELECT value FROM json_each(?))",
                [json.dumps(list(chunk_ids))],
            )
            return {name: min(1.0, max(0.0, float(np.frombuffer(blob, "<f4") @ asked))) for name, blob in rows}

        return await self._read(index, run)

    async def fetch_chunks(self, index: str, chunk_ids: Sequence[str]) -> Mapping[str, Chunk]:
        """The chunks that exist, by id."""
        sql = f"SELECT {COLUMNS} FROM chunks WHERE id IN (SELECT value FROM json_each(?))"
        rows = await self._query(index, sql, json.dumps(list(chunk_ids)))
        return {str(row[0]): read_chunk(row) for row in rows}

    async def fetch_stored(self, index: str, chunk_ids: Sequence[str]) -> Mapping[str, bytes]:
        """What is kept of each chunk for the late-interaction reranker."""
        sql = "SELECT id, data FROM chunks JOIN stored USING (rowid) WHERE id IN (SELECT value FROM json_each(?))"
        rows = await self._query(index, sql, json.dumps(list(chunk_ids)))
        return {str(name): cast(bytes, data) for name, data in rows}  # the column holds blobs only

    async def read_generation(self, index: str) -> int:
        """A number that every write changes."""
        return await self._read(index, read_generation)

    async def fetch_neighbours(self, index: str, chunk: Chunk, by: int) -> Sequence[Chunk]:
        """The chunks around it, itself included, in order."""
        sql = f"SELECT {COLUMNS} FROM chunks WHERE item_id = ? AND position BETWEEN ? AND ? ORDER BY position"
        rows = await self._query(index, sql, chunk.item_id, chunk.position - by, chunk.position + by)
        return [read_chunk(row) for row in rows]

    # Indexer

    async def create_index(self, index: str, shape: IndexShape) -> None:
        """Make it; raises ``SetupError`` if it exists with another shape."""

        def run() -> None:
            with closing(connect(self._path(index), make=True)) as connection, connection:
                make_tables(connection, shape)
                if read_shape(connection) != shape:
                    raise SetupError(
                        f"index {index} already exists with another shape ({read_shape(connection)}): drop it first"
                    )

        await self._guarded(index, run)

    async def reshape_index(self, index: str, shape: IndexShape) -> None:
        """Give it that shape in one transaction; searches see the old one until it is whole."""

        def run(connection: sqlite3.Connection) -> None:
            with self._at(index).lock:
                if (before := read_shape(connection)) != shape:
                    if shape.tokenizer and (before.tokenizer, before.analyser) != (shape.tokenizer, shape.analyser):
                        log.warning("Rebuilding the keyword index of %s from its chunks", index)
                    with self._writing(connection):
                        reshape(connection, shape)

        await self._read(index, run)

    async def drop_index(self, index: str) -> None:
        """Remove it and all it holds."""
        path = self._path(index)
        found = self._open.pop(index, None)
        self._matrices.pop(index, None)

        def run() -> None:
            if found:
                with found.lock:
                    self._idle.close(found)
            for suffix in SUFFIXES:
                path.with_name(path.name + suffix).unlink(missing_ok=True)

        await asyncio.to_thread(run)

    async def list_indexes(self) -> Sequence[str]:
        """The names that files of indexes have, also where the main file is gone and its log is not."""

        def run() -> Sequence[str]:
            ends = tuple(f".sqlite{suffix}" for suffix in SUFFIXES)
            return sorted(
                {path.name.split(".sqlite")[0] for path in self._folder.iterdir() if path.name.endswith(ends)}
            )

        return await asyncio.to_thread(run)

    async def put_item(self, index: str, item_id: str, chunks: Sequence[IndexedChunk]) -> None:
        """Replace all chunks of the item at once."""
        await self._write(index, item_id, chunks)

    async def delete_item(self, index: str, item_id: str) -> None:
        """Remove all chunks of the item at once."""
        await self._write(index, item_id, ())

    async def list_chunks(self, index: str, item_id: str, limit: int, offset: int) -> tuple[Sequence[Chunk], int]:
        """A page of the item's chunks in order, and how many there are."""
        sql = f"SELECT {COLUMNS} FROM chunks WHERE item_id = ? ORDER BY position LIMIT ? OFFSET ?"
        rows = await self._query(index, sql, item_id, limit, offset)
        [(total,)] = await self._query(index, "SELECT count(*) FROM chunks WHERE item_id = ?", item_id)
        return [read_chunk(row) for row in rows], int(str(total))

    async def list_items(self, index: str) -> Sequence[str]:
        """The ids of the items that have chunks."""
        return [str(name) for (name,) in await self._query(index, "SELECT DISTINCT item_id FROM chunks")]

    async def count_chunks(self, index: str) -> int:
        """How many chunks the index holds."""
        [(total,)] = await self._query(index, "SELECT count(*) FROM chunks")
        return int(str(total))

    async def list_outdated(self, index: str) -> Sequence[str]:
        """The ids of the items whose text an earlier release read by other rules, until ``mark_current``."""
        return await self._read(index, list_outdated)

    async def mark_current(self, index: str) -> None:
        """Note that nothing is to be read again for its text."""

        def run(connection: sqlite3.Connection) -> None:
            with self._at(index).lock:
                mark_current(connection)

        await self._read(index, run)

    def close(self) -> None:
        """Close every connection."""
        for found in self._open.values():
            self._idle.close(found)
        self._open.clear()
        self._matrices.clear()

    # How

    async def _write(self, index: str, item_id: str, chunks: Sequence[IndexedChunk]) -> None:
        def run(connection: sqlite3.Connection) -> None:
            with self._at(index).lock:
                with self._writing(connection) as before:
                    shape = read_shape(connection)
                    remove_item(connection, shape, item_id)
                    rows = [insert_chunk(connection, shape, one) for one in chunks]
                with self._guard:
                    cached = self._matrices.get(index)
                    if cached and cached.generation == before:
                        self._matrices[index] = cached.extended(before + 1, item_id, rows)

        await self._read(index, run)

    @contextmanager
    def _writing(self, connection: sqlite3.Connection) -> Iterator[int]:
        """A transaction that gives the index its next generation; the number of the one before."""
        try:
            connection.execute("BEGIN IMMEDIATE")
            yield read_generation(connection)
            connection.execute("UPDATE meta SET value = value + 1 WHERE key = 'generation'")
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    async def _query(self, index: str, sql: str, *values: object) -> list[tuple[object, ...]]:
        def run(connection: sqlite3.Connection) -> list[tuple[object, ...]]:
            return connection.execute(sql, values).fetchall()

        return await self._read(index, run)

    async def _read(self, index: str, run: Callable[[sqlite3.Connection], T]) -> T:
        found = self._at(index)

        def borrow() -> T:
            connection = self._idle.take(found) or connect(found.path)
            try:
                return run(connection)
            finally:
                self._idle.give(found, connection)

        return await self._guarded(index, borrow)

    async def _guarded(self, index: str, run: Callable[[], T]) -> T:
        try:
            return await asyncio.to_thread(run)
        except sqlite3.DatabaseError as error:
            raise trouble_of(index, error) from error

    def _matrix(self, index: str, connection: sqlite3.Connection) -> Matrix:
        generation = read_generation(connection)
        with self._guard:
            cached = self._matrices.get(index)
            if cached and cached.generation == generation:
                self._matrices.move_to_end(index)
                return cached
        connection.execute("BEGIN")
        try:
            generation, dimensions = read_generation(connection), read_shape(connection).dimensions
            rows = connection.execute(
                "SELECT rowid, id, item_id, metadata, vector FROM chunks LEFT JOIN vectors USING (rowid) ORDER BY rowid"
            )
            matrix = Matrix(generation, dimensions).extended(generation, "", (Row(*row) for row in rows))
        finally:
            connection.execute("COMMIT")
        with self._guard:
            self._matrices[index] = matrix
            self._matrices.move_to_end(index)
            while len(self._matrices) > MATRICES:
                self._matrices.popitem(last=False)
        return matrix

    def _ceilings(self, index: str, connection: sqlite3.Connection, phrases: Sequence[str]) -> tuple[float, float]:
        """The BM25 no chunk can exceed: sum of idf(p) * (k1 + 1) over the phrases; and the same for a chunk that holds
        them all, which is why a phrase that no chunk holds counts there as if one did."""
        found, generation = self._at(index), read_generation(connection)
        counted_at, counts = found.counted
        if counted_at != generation:
            counts = {}
            found.counted = generation, counts  # both at once: another thread may read them
        if "" not in counts:
            counts[""] = connection.execute("SELECT count(*) FROM chunks").fetchone()[0]
        for phrase in phrases:
            if phrase not in counts:
                sql = "SELECT count(*) FROM fts WHERE fts MATCH ?"
                counts[phrase] = connection.execute(sql, [phrase]).fetchone()[0]
        held = [counts[phrase] for phrase in phrases]
        return attain_bm25(counts[""], held), attain_bm25(counts[""], [max(num, 1) for num in held])

    def _at(self, index: str) -> OpenIndex:
        found = self._open.get(index)
        if found:
            return found
        self._forget_dropped()
        path = self._path(index)
        gone = f"index {index} does not exist: it was dropped, or the data folder is incomplete"
        if not path.is_file():
            raise BackendError(gone)
        try:
            with closing(connect(path)) as connection:
                read_shape(connection)
                complete_tables(connection)
        except sqlite3.DatabaseError as error:
            raise (trouble_of(index, error) if path.is_file() else BackendError(gone)) from error
        return self._open.setdefault(index, OpenIndex(path))

    def _forget_dropped(self) -> None:
        """Close the indexes that another process has dropped: their files take room on the disk until then."""
        for name, found in list(self._open.items()):
            if not found.path.is_file():
                self._open.pop(name, None)
                self._matrices.pop(name, None)
                self._idle.close(found)

    def _path(self, index: str) -> Path:
        if not index.replace("-", "").isalnum():
            raise BackendError(f"{index!r} cannot name an index: letters, digits and hyphens only")
        return self._folder / f"{index}.sqlite"


def _find_complete(connection: sqlite3.Connection, phrases: Sequence[str], rowids: Sequence[int]) -> set[int]:
    """Those of the rows that hold every phrase; the ``+`` keeps FTS5 from matching anew for each of them."""
    if len(phrases) == 1:
        return set(rowids)
    rows = connection.execute(
        "SELECT rowid FROM fts WHERE fts MATCH ? AND +rowid IN (SELECT value FROM json_each(?))",
        [make_match(phrases, "and"), json.dumps(list(rowids))],
    )
    return {int(rowid) for (rowid,) in rows}
