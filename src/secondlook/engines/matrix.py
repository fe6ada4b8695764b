"""The vectors of an index in memory: exact cosine over all chunks that may be seen."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import cast

import numpy as np
from numpy.typing import NDArray

from secondlook.blas import one_blas_thread
from secondlook.domain.chunk import MetadataValue
from secondlook.domain.filters import Filter, matches
from secondlook.threads import check_wanted

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]
Metadata = dict[str, MetadataValue]

BATCH = 1024
"""Rows that are taken over at once: only so many exist as objects while an index is read."""
FILTERS = 16
"""Filters of which the verdict on every metadata is remembered."""


@dataclass(frozen=True, slots=True)
class Row:
    """One chunk as it is given to the matrix; ``vector`` is None in an index without vectors.

    ``metadata`` is the JSON text that the index stores, the same for most chunks of an item.
    """

    rowid: int
    chunk_id: str
    item_id: str
    metadata: str
    vector: bytes | None


class _Columns:
    """What is known of every row, in arrays that only grow: no object a row for the garbage collector to visit.

    Snapshots share them: each reads the rows up to its own size, which are never changed again.
    """

    def __init__(self, dimensions: int) -> None:
        self.used = 0
        self.vectors: Floats = np.zeros((0, dimensions), np.float32)
        self.has_vector: Bools = np.zeros(0, np.bool_)
        self.rowids: NDArray[np.int64] = np.zeros(0, np.int64)
        self.chunk_ids: NDArray[np.bytes_] = np.zeros(0, "S1")
        self.items: NDArray[np.int32] = np.zeros(0, np.int32)
        self.metadata: NDArray[np.int32] = np.zeros(0, np.int32)
        self.item_numbers: dict[str, int] = {}
        self.metadata_numbers: dict[str, int] = {}
        self.read: list[Metadata] = []
        """The metadata by number; chunks with the same share one."""
        self.verdicts: dict[str, Bools] = {}
        """Of each filter, whether it holds for the metadata of each number, of those known when it was asked."""

    def append(self, rows: Sequence[Row]) -> None:
        """Take the rows over."""
        ids = [row.chunk_id.encode() for row in rows]
        self._make_room(len(rows), max(map(len, ids), default=1))
        for at, row in enumerate(rows, self.used):
            self.rowids[at] = row.rowid
            self.chunk_ids[at] = ids[at - self.used]
            self.items[at] = self.item_numbers.setdefault(row.item_id, len(self.item_numbers))
            self.metadata[at] = self._number(row.metadata)
            self.has_vector[at] = row.vector is not None
            if row.vector is not None and self.vectors.shape[1]:
                self.vectors[at] = np.frombuffer(row.vector, "<f4")
        self.used += len(rows)

    def select(self, places: NDArray[np.intp]) -> "_Columns":
        """A copy of these rows alone."""
        made = _Columns(self.vectors.shape[1])
        made.used = len(places)
        for name in ("vectors", "has_vector", "rowids", "chunk_ids"):
            setattr(made, name, getattr(self, name)[places])
        kept_items, made.items = _renumber(self.items[places])
        kept, made.metadata = _renumber(self.metadata[places])
        names, texts = list(self.item_numbers), list(self.metadata_numbers)
        made.item_numbers = {names[old]: number for number, old in enumerate(kept_items)}
        made.metadata_numbers = {texts[old]: number for number, old in enumerate(kept)}
        made.read = [self.read[old] for old in kept]
        return made

    def verdict(self, where: Filter) -> Bools:
        """Whether the filter holds, by number of the metadata; only those that are new are asked about."""
        key = repr(where)  # tells true from 1 and from 1.0, which are equal as keys but not as filters
        found = self.verdicts.get(key, np.zeros(0, np.bool_))
        if len(found) < len(self.read):
            new: list[bool] = []
            for one in islice(self.read, len(found), None):
                if len(new) % BATCH == 0:
                    check_wanted()
                new.append(matches(where, one))
            found = np.concatenate([found, np.array(new, np.bool_)])
            if len(self.verdicts) >= FILTERS:
                self.verdicts = {}
            self.verdicts[key] = found
        return found

    def _number(self, metadata: str) -> int:
        number = self.metadata_numbers.get(metadata)
        if number is None:
            number = self.metadata_numbers[metadata] = len(self.read)
            self.read.append(cast(Metadata, json.loads(metadata)))  # written by ``tables.insert_chunk``
        return number

    def _make_room(self, rows: int, width: int) -> None:
        """Whoever reads meanwhile has the old arrays or the new ones, which begin with the same rows."""
        if width > self.chunk_ids.itemsize:
            self.chunk_ids = self.chunk_ids.astype(f"S{width}")
        if self.used + rows > len(self.rowids):
            size = max(self.used + rows, 2 * self.used)
            for name in ("vectors", "has_vector", "rowids", "chunk_ids", "items", "metadata"):
                before = getattr(self, name)
                grown = np.zeros((size, *before.shape[1:]), before.dtype)
                grown[: self.used] = before[: self.used]
                setattr(self, name, grown)


class Matrix:
    """A snapshot of an index at one generation; never changed once made."""

    def __init__(self, generation: int, dimensions: int) -> None:
        self.generation = generation
        self.size = 0
        self._columns = _Columns(dimensions)
        self._alive: Bools = np.zeros(0, np.bool_)
        self._masks: dict[str, Bools] = {}

    def extended(self, generation: int, gone: str, rows: Iterable[Row]) -> "Matrix":
        """The next snapshot: without the chunks of item ``gone``, with these rows at the end."""
        made = Matrix(generation, 0)
        last = self._columns.used == self.size
        made._columns = columns = self._columns if last else self._columns.select(np.arange(self.size))
        alive = self._alive.copy()
        if gone in columns.item_numbers:
            alive[columns.items[: self.size] == columns.item_numbers[gone]] = False
        coming = iter(rows)
        while batch := list(islice(coming, BATCH)):
            check_wanted()
            columns.append(batch)
        made.size = columns.used
        made._alive = np.concatenate([alive, np.ones(made.size - self.size, np.bool_)])
        return made._compacted() if made.size > 64 and made._alive.sum() * 2 < made.size else made

    def nearest(self, vector: bytes, num: int, where: Filter | None) -> list[tuple[str, float]]:
        """Chunk ids and cosines clipped to [0, 1], best first; ties in the order of insertion."""
        columns = self._columns
        places = np.flatnonzero(self._seen(where) & columns.has_vector[: self.size])
        if not len(places) or num < 1:
            return []
        with one_blas_thread():
            scores = columns.vectors[: self.size] @ np.frombuffer(vector, "<f4")
        found = scores[places]
        if len(found) > num:
            edge = np.partition(found, len(found) - num)[len(found) - num]
            places = places[found >= edge]
            found = scores[places]
        order = np.argsort(-found, kind="stable")[:num]
        ids = columns.chunk_ids[places[order]]
        return [(one.decode(), _clip(score)) for one, score in zip(ids, found[order], strict=True)]

    def allowed(self, where: Filter) -> list[int]:
        """Row ids of the chunks that match."""
        return cast(list[int], self._columns.rowids[: self.size][self._seen(where)].tolist())

    def _seen(self, where: Filter | None) -> Bools:
        if where is None:
            return self._alive
        key = repr(where)
        if key not in self._masks:
            if len(self._masks) >= FILTERS:
                self._masks.clear()
            verdict = self._columns.verdict(where)
            self._masks[key] = verdict[self._columns.metadata[: self.size]] & self._alive
        return self._masks[key]

    def _compacted(self) -> "Matrix":
        made = Matrix(self.generation, 0)
        made._columns = self._columns.select(np.flatnonzero(self._alive))
        made.size = made._columns.used
        made._alive = np.ones(made.size, np.bool_)
        return made


def _renumber(numbers: NDArray[np.int32]) -> tuple[list[int], NDArray[np.int32]]:
    """The numbers that occur, in order, and each one's place among them."""
    kept, places = np.unique(numbers, return_inverse=True)
    return cast(list[int], kept.tolist()), places.astype(np.int32)


def _clip(score: np.float32) -> float:
    return min(1.0, max(0.0, float(score)))
