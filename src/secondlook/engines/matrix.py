"""The vectors of an index in memory: exact cosine over all chunks that may be seen."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from secondlook.domain.chunk import MetadataValue
from secondlook.domain.filters import Filter, matches

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]
Metadata = dict[str, MetadataValue]


@dataclass(frozen=True, slots=True)
class Row:
    """One chunk as the matrix needs it; ``vector`` is None in an index without vectors."""

    rowid: int
    chunk_id: str
    item_id: str
    metadata: Metadata
    vector: bytes | None


class Matrix:
    """A snapshot of an index at one generation; never changed once made.

    ``extended`` shares the buffers with its parent and writes only past the parent's
    end, so that readers of the parent see what they saw.
    """

    def __init__(self, generation: int, dimensions: int) -> None:
        self.generation = generation
        self.dimensions = dimensions
        self.size = 0
        self._alive: Bools = np.zeros(0, np.bool_)
        self._has_vector: Bools = np.zeros(0, np.bool_)
        self._buffer: Floats = np.zeros((0, dimensions), np.float32)
        self._rows: list[Row] = []
        self._masks: dict[str, Bools] = {}

    def extended(self, generation: int, gone: str, rows: Sequence[Row]) -> "Matrix":
        """The next snapshot: without the chunks of item ``gone``, with these rows at the end."""
        made = Matrix(generation, self.dimensions)
        made.size = self.size + len(rows)
        alive = self._alive.copy()
        if gone:
            alive[[at for at in range(self.size) if self._rows[at].item_id == gone]] = False
        made._alive = np.concatenate([alive, np.ones(len(rows), np.bool_)])
        made._rows = self._rows[: self.size] + [Row(r.rowid, r.chunk_id, r.item_id, r.metadata, None) for r in rows]
        has_vector = np.array([row.vector is not None for row in rows], np.bool_)
        made._has_vector = np.concatenate([self._has_vector, has_vector])
        made._buffer = self._grown(made.size)
        for at, row in enumerate(rows, self.size):
            if row.vector is not None and self.dimensions:
                made._buffer[at] = np.frombuffer(row.vector, "<f4")
        return made._compacted() if made.size > 64 and made._alive.sum() * 2 < made.size else made

    def nearest(self, vector: bytes, num: int, where: Filter | None) -> list[tuple[str, float]]:
        """Chunk ids and cosines clipped to [0, 1], best first; ties in the order of insertion."""
        seen = self._seen(where) & self._has_vector
        places = np.flatnonzero(seen)
        if not len(places) or num < 1:
            return []
        scores = self._buffer[: self.size] @ np.frombuffer(vector, "<f4")
        found = scores[places]
        if len(found) > num:
            edge = np.partition(found, len(found) - num)[len(found) - num]
            places = places[found >= edge]
            found = scores[places]
        order = np.argsort(-found, kind="stable")[:num]
        return [(self._rows[places[at]].chunk_id, _clip(found[at])) for at in order]

    def allowed(self, where: Filter) -> list[int]:
        """Row ids of the chunks that match."""
        return [self._rows[at].rowid for at in np.flatnonzero(self._seen(where))]

    def _seen(self, where: Filter | None) -> Bools:
        if where is None:
            return self._alive
        key = repr(where)  # tells true from 1 and from 1.0, which are equal as keys but not as filters
        if key not in self._masks:
            if len(self._masks) >= 16:
                self._masks.clear()
            holds = [matches(where, row.metadata) for row in self._rows]
            self._masks[key] = np.array(holds, np.bool_).reshape(self.size) & self._alive
        return self._masks[key]

    def _grown(self, size: int) -> Floats:
        """The parent's buffer if its end is free, else a copy of twice the size."""
        if size <= len(self._buffer) and not getattr(self, "_extended", False):
            self._extended = True
            return self._buffer
        grown = np.zeros((max(size, 2 * self.size), self.dimensions), np.float32)
        grown[: self.size] = self._buffer[: self.size]
        return grown

    def _compacted(self) -> "Matrix":
        kept = np.flatnonzero(self._alive)
        made = Matrix(self.generation, self.dimensions)
        made.size = len(kept)
        made._alive = np.ones(len(kept), np.bool_)
        made._has_vector = self._has_vector[kept]
        made._buffer = self._buffer[kept]
        made._rows = [self._rows[at] for at in kept]
        return made


def _clip(score: np.float32) -> float:
    return min(1.0, max(0.0, float(score)))
