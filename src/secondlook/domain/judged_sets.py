"""Sets of queries that people judge result by result, by name, for the Lab."""

import re
from dataclasses import dataclass

NAME = re.compile(r"[^\W_](?:[\w .-]{0,62}[\w-])?")
HIGHEST_GRADE = 3
"""The grade of a perfect answer; 0 is not relevant."""


@dataclass(frozen=True, slots=True)
class JudgedSet:
    """A set of an index, and how much is in it; times are milliseconds since 1970."""

    name: str
    created_at: int
    modified_at: int
    queries: int = 0
    judgments: int = 0


@dataclass(frozen=True, slots=True)
class SetJudgment:
    """How well a chunk, or a whole item, answers a query.

    Attributes:
        query: as it was asked first; those that differ in case and spaces are one.
        key: of the item.
        chunk_id: empty when the item as a whole is judged, and so are ``start``, ``end`` (None) and ``hash``, which
            are those of ``FoundChunk``.
    """

    query: str
    key: str
    grade: int
    at: int
    chunk_id: str = ""
    start: int | None = None
    end: int | None = None
    hash: str = ""

    @property
    def unit(self) -> str:
        """What is judged: another judgment of it for the same query takes its place."""
        return self.key if self.start is None else f"{self.key}#{self.start}-{self.end}"


def is_set_name(name: str) -> bool:
    """Whether a set may be called so: 1 to 64 letters, digits, spaces, dots, hyphens and underscores."""
    return NAME.fullmatch(name) is not None
