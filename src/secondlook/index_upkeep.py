"""What an index is made of, and what keeps it sound: the part of ``ports.Indexer`` that repairs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from secondlook.domain.instance import Analyser, Tokenizer


@dataclass(frozen=True, slots=True)
class IndexShape:
    """What an index is made of: ``dimensions`` is 0 without vectors, ``tokenizer`` None without keywords, ``analyser``
    None for what the tokenizer alone does, else the language that keywords are reduced by."""

    dimensions: int
    tokenizer: Tokenizer | None
    analyser: Analyser | None = None


@dataclass(frozen=True, slots=True)
class IndexReport:
    """What is wrong with the file of an index, and with which items; nothing where both are empty."""

    problems: tuple[str, ...] = ()
    damaged_items: Mapping[str, str] = field(default_factory=dict)


class Upkeep(Protocol):
    """Finds damage, and replaces an index that cannot be read."""

    def hear_damage(self, heard: Callable[[str, str], None]) -> None:
        """Have ``heard`` called with the index and a sentence whenever a call finds that an index is damaged."""

    async def count_by_item(self, index: str) -> Mapping[str, int]:
        """How many chunks of each item there are; raises ``IndexCorruptError``."""

    async def read_problem(self, index: str) -> str:
        """Why the index does not hold everything yet; empty if it does. Raises ``IndexCorruptError``."""

    async def check_index(self, index: str) -> IndexReport:
        """Read all of it, and say what is wrong; raises nothing for damage."""

    async def remake_index(self, index: str, shape: IndexShape, why: str) -> None:
        """Put aside whatever there is, and begin an empty index that is not searched until ``finish_index``."""

    async def finish_index(self, index: str, *, keep_damaged: bool) -> None:
        """Let it be searched again; what was put aside goes unless it is to be kept."""
