"""What one sync has seen so far, and whether it may take from the index what the source has no longer."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from secondlook.domain.globs import skip_reason
from secondlook.domain.instance import Instance, InstanceSettings
from secondlook.domain.jobs import Severity
from secondlook.domain.source import Entry, Known
from secondlook.errors import SourceError
from secondlook.supply import Source

Tell = Callable[[str, Severity], Awaitable[None]]
"""Adds a line to the log of the job."""

LINES = 200
"""Lines of each kind that the log of a job has; the summary counts all."""
SHRANK = "source_shrank"
"""Why a sync ends that would have taken most of what is served."""
FORBIDDEN = "blocked_by_"
"""Errors by which a source asks to be left out."""
FEWEST_GONE = 10
"""Items that a sync always takes when they are gone; more than these, and more than half of all, are asked about."""


def rule_of(settings: InstanceSettings, entry: Entry) -> str:
    """Which rule of the instance leaves the entry out; nothing for none."""
    return skip_reason(entry.key, settings.source_options.include, settings.source_options.exclude)


@dataclass
class Pull:
    """The state of one sync.

    Attributes:
        known: what was had of the source before it, by key.
        may_shrink: a person began it, and so means what the source shows.
        seen: keys that the list named, those in error among them.
        excluded: keys that the source itself asks to leave out.
        dying: entries whose error ends what is served of them, until all of the list is known.
    """

    instance: Instance
    source: Source
    tell: Tell
    known: dict[str, Known]
    may_shrink: bool = False
    seen: set[str] = field(default_factory=set)
    excluded: set[str] = field(default_factory=set)
    dying: dict[str, Entry] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    indexing: set[asyncio.Task[None]] = field(default_factory=set)
    looked_at: float = field(default_factory=time.monotonic)

    async def note(self, kind: str, line: str, severity: Severity = "info") -> None:
        """Count it, and tell it if not too much of its kind was told."""
        self.counts[kind] += 1
        if self.counts[kind] <= LINES:
            await self.tell(line, severity)
        elif self.counts[kind] == LINES + 1:
            await self.tell(f"further {kind} entries are counted but not listed", severity)

    def is_wanted(self, key: str) -> bool:
        """Whether neither the rules of the instance nor the source leave it out."""
        settings = self.instance.settings
        prefix = settings.source_options.prefix if settings.source_kind == "r2" else ""  # others have no use for it
        return key not in self.excluded and key.startswith(prefix) and not rule_of(settings, Entry(key))

    def holds_back(self, entry: Entry) -> bool:
        """Whether the error has to wait for the end of the list, since something is served that it would end.

        What the source forbids does not: that is meant, however much it is.
        """
        before = self.known.get(entry.key)
        if not entry.gone or not before or not before.is_had or entry.error.startswith(FORBIDDEN):
            return False
        self.dying[entry.key] = entry
        return True

    def let_go(self, *, whole: bool) -> Sequence[Entry]:
        """The errors held back that may be told; of a list that is not whole none, if they are too many."""
        return list(self.dying.values()) if whole or not self._is_loss(len(self.dying)) else []

    def check_loss(self) -> None:
        """Raises ``SourceError`` when more is gone than anybody means to take; what rules leave out is meant.

        What an earlier source left counts where the present one has nothing at all: nobody moves to that.
        """
        mine = self._mine()
        gone = [key for key in mine if key in self.dying or self._is_missing(key)]
        if self._is_loss(len(gone)):
            self.dying.clear()
            raise SourceError(
                SHRANK,
                f"{len(gone):,} of {len(mine):,} items are no longer in the source. None was removed, because the"
                " source itself may be broken: if they were deleted on purpose, start a sync by hand",
            )

    def summary(self) -> str:
        """How many of each kind there were."""
        told = [f"{self.counts[kind]:,} {kind}" for kind in sorted(self.counts)]
        return ", ".join(told) if told else "the source is empty"

    def _mine(self) -> Sequence[str]:
        origin = self.instance.settings.source_id
        return [key for key, one in self.known.items() if one.source == origin or not self.seen]

    def _is_missing(self, key: str) -> bool:
        """Whether the list did not name it, and nothing leaves it out; rules say nothing about an earlier source."""
        if key in self.seen:
            return False
        return self.known[key].source != self.instance.settings.source_id or self.is_wanted(key)

    def _is_loss(self, gone: int) -> bool:
        return not self.may_shrink and gone > max(FEWEST_GONE, len(self._mine()) // 2)
