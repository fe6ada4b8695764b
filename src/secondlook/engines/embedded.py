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
from secondlook.engines import upkeep
from secondlook.engines.connections import (
    IdleConnections,
    IndexThreads,
    OpenIndex,
    find_ceilings,
    interruptible,
    most_idle,
)
from secondlook.engines.keywords import find_phrases, make_match
from secondlook.engines.matrix import Matrix
from secondlook.engines.tables import (
    COLUMNS,
    DamagedError,
    complete_tables,
    connect,
    find_best,
    find_complete,
    find_grams,
    insert_chunk,
    list_outdated,
    make_tables,
    mark_current,
    read_chunk,
    read_generation,
    read_matrix,
    read_shape,
    remove_item,
    reshape,
    size_of,
    trouble_of,
)
from secondlook.errors import BackendError, IndexCorruptError, IndexRebuildingError, SetupError
from secondlook.ports import Hit, Hits, IndexReport, IndexShape, Vector
from secondlook.threads import BoundedThreads

log = logging.getLogger(__name__)
T = TypeVar("T")

MATRICES = 32
"""Indexes whose vectors stay in memory; the one unused for longest goes."""


class EmbeddedEngine:
    """Retriever and Indexer over ``folder``; each write is one transaction, seen by the next search.

    Raises:
        IndexCorruptError: the file of the index is missing or damaged.
        IndexRebuildingError: it does not hold everything yet, and is not searched.
        StorageFullError: the disk has no room, as ``check_room`` says of a number of bytes.
    """

    def __init__(self, folder: Path, *, check_room: Callable[[int], None] = lambda size: None) -> None:
        self._folder = folder
        self._check_room = check_room
        self._on_damage: Callable[[str, str], None] | None = None
        self._folder.mkdir(parents=True, exist_ok=True)
        self._open: dict[str, OpenIndex] = {}
        self._matrices: OrderedDict[str, Matrix] = OrderedDict()
        self._idle = IdleConnections(most_idle())
        self._guard = threading.Lock()
        self._threads = IndexThreads()

    # Retriever

    async def search_vectors(self, index: str, vector: Vector, num: int, where: Filter | None) -> Hits:
        """The nearest chunks by exact cosine among those that match."""

        def run(connection: sqlite3.Connection) -> Hits:
            found = self._matrix(index, connection).nearest(vector, num, where)
            return Hits(tuple(Hit(chunk_id, score) for chunk_id, score in found))

        return await self._search(index, run, self._threads.for_search(where))

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
            ceiling, attainable = find_ceilings(connection, self._at(index), phrases)
            found = [int(rowid) for _, _, rowid in rows]
            complete = set(found) if match_mode == "and" else find_complete(connection, phrases, found)
            hits = []
            for chunk_id, raw, rowid in rows:
                score = max(0.0, float(raw))
                hits.append(Hit(str(chunk_id), score, min(1.0, score / attainable), int(rowid) in complete))
            return Hits(tuple(hits), ceiling)

        return await self._search(index, run, self._threads.for_search(where))

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
        return await self._search(index, read_generation, self._threads.searches)

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

        await self._read(index, run, within=self._threads.writes)

    async def drop_index(self, index: str) -> None:
        """Remove it and all it holds."""
        path = self._path(index)
        found = self._open.pop(index, None)
        self._matrices.pop(index, None)

        def run() -> None:
            if found:
                with found.lock:
                    self._idle.close(found)
            for suffix in upkeep.SUFFIXES:
                upkeep.remove(upkeep.beside(path, suffix))

        await asyncio.to_thread(run)

    async def list_indexes(self) -> Sequence[str]:
        """The names that files of indexes have, also where the main file is gone and its log is not."""
        return await asyncio.to_thread(upkeep.list_files, self._folder)

    async def put_item(self, index: str, item_id: str, chunks: Sequence[IndexedChunk]) -> None:
        """Replace all chunks of the item at once."""
        self._check_room(size_of(chunks))
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
        await self._read(index, mark_current, within=self._threads.writes)

    def hear_damage(self, heard: Callable[[str, str], None]) -> None:
        """Have ``heard`` called with the index and a sentence whenever a call finds that an index is damaged."""
        self._on_damage = heard

    async def count_by_item(self, index: str) -> Mapping[str, int]:
        """How many chunks of each item there are."""
        return await self._read(index, upkeep.count_by_item)

    async def read_problem(self, index: str) -> str:
        """Why the index does not hold everything yet; empty if it does."""
        return await self._read(index, upkeep.read_problem)

    async def check_index(self, index: str) -> IndexReport:
        """What is wrong with its file; reads all of it."""
        return await asyncio.to_thread(upkeep.check_file, self._path(index))

    async def remake_index(self, index: str, shape: IndexShape, why: str) -> None:
        """Put its file aside, whatever it is, and begin an empty index that is not searched until ``finish_index``."""
        path = self._path(index)

        def run() -> None:
            if found := self._open.pop(index, None):
                with found.lock:
                    self._idle.close(found)
            self._matrices.pop(index, None)
            try:
                upkeep.replace_file(path, shape, why)
            except OSError as error:
                raise BackendError(f"could not make index {index} anew: {error}") from error

        await self._guarded(index, run)

    async def finish_index(self, index: str, *, keep_damaged: bool) -> None:
        """Let it be searched; the damaged file goes unless it may hold what the index does not."""
        await self._read(index, lambda one: upkeep.note_problem(one, ""), self._threads.writes)
        if not keep_damaged:
            await asyncio.to_thread(upkeep.remove_damaged, self._path(index))

    def close(self) -> None:
        """Close every connection."""
        for found in self._open.values():
            self._idle.close(found)
        self._open.clear()
        self._matrices.clear()
        self._threads.close()

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

        await self._read(index, run, within=self._threads.writes)

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

    async def _search(self, index: str, run: Callable[[sqlite3.Connection], T], within: BoundedThreads) -> T:
        """As ``_read``, of an index that holds everything."""

        def whole(connection: sqlite3.Connection) -> T:
            if why := upkeep.read_problem(connection):
                raise IndexRebuildingError(f"index {index} is being rebuilt from the stored files ({why})")
            return run(connection)

        return await self._read(index, whole, within)

    async def _read(
        self, index: str, run: Callable[[sqlite3.Connection], T], within: BoundedThreads | None = None
    ) -> T:
        threads = within or self._threads.searches

        def borrow() -> T:
            found = self._at(index)
            connection = self._idle.take(found) or connect(found.path)
            try:
                with interruptible(connection, always=threads is not self._threads.writes):
                    return run(connection)
            finally:
                self._idle.give(found, connection)

        return await self._guarded(index, borrow, threads)

    async def _guarded(self, index: str, run: Callable[[], T], within: BoundedThreads | None = None) -> T:
        try:
            return await (within or self._threads.writes).run(run)
        except sqlite3.DatabaseError as error:
            trouble = trouble_of(index, upkeep.find_missing(self._path(index)) or error)
            if isinstance(trouble, IndexCorruptError) and self._on_damage:
                self._on_damage(index, str(error))
            raise trouble from error

    def _matrix(self, index: str, connection: sqlite3.Connection) -> Matrix:
        generation = read_generation(connection)
        with self._guard:
            cached = self._matrices.get(index)
            if cached and cached.generation == generation:
                self._matrices.move_to_end(index)
                return cached
        matrix = read_matrix(connection)
        with self._guard:
            self._matrices[index] = matrix
            self._matrices.move_to_end(index)
            while len(self._matrices) > MATRICES:
                self._matrices.popitem(last=False)
        return matrix

    def _at(self, index: str) -> OpenIndex:
        """The index, opened; raises ``DamagedError`` if what has its name is no index."""
        found = self._open.get(index)
        if found and found.is_in_place():
            return found
        self._forget_dropped()
        path = self._path(index)
        if obstacle := upkeep.find_obstacle(path):
            raise DamagedError(obstacle)
        with closing(connect(path)) as connection:
            complete_tables(connection)
            read_shape(connection)
            read_generation(connection)
        return self._open.setdefault(index, OpenIndex.at(path))

    def _forget_dropped(self) -> None:
        """Close the indexes that another process has dropped: their files take room on the disk until then."""
        for name, found in list(self._open.items()):
            if not found.is_in_place():
                self._open.pop(name, None)
                self._matrices.pop(name, None)
                self._idle.close(found)

    def _path(self, index: str) -> Path:
        if not index.replace("-", "").isalnum():
            raise BackendError(f"{index!r} cannot name an index: letters, digits and hyphens only")
        return self._folder / f"{index}.sqlite"
