"""The seams of where items come from besides uploads."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Protocol

from secondlook.domain.instance import InstanceSettings
from secondlook.domain.source import Entry, Fetched, Known


class Source(Protocol):
    """A folder, bucket or website, opened for one instance."""

    def list(self, memos: Mapping[str, str]) -> AsyncGenerator[Entry, None]:
        """Everything that is there, in no given order; ``memos`` by key are what was given for it before.

        A memo after ``FAILED`` is that of an entry which could not be had the last time, and may be empty: the entry is
        not unchanged, but what is remembered of it still holds.
        When the generator ends, all was named: what was not, is gone.

        Raises:
            SourceError: the list is not whole, and nothing can be said of what is missing in it.
        """

    async def fetch(self, entry: Entry) -> Fetched:
        """The bytes of an entry of ``list``, or of an ``Entry`` that has its key alone.

        Raises:
            ItemSourceError: this one cannot be had. SourceError: none can.
        """

    def notes(self) -> Sequence[str]:
        """What whoever reads the log of a sync should know of this source, gathered so far."""

    async def close(self) -> None:
        """Let go of connections."""


class Sources(Protocol):
    """How the settings of an instance become a source."""

    async def open(self, settings: InstanceSettings, secret: tuple[str, str] | None) -> Source:
        """The source; ``secret`` is the pair of a service token, None for what the operator configured.

        Raises:
            SourceError: it cannot be used.
        """


class Memos(Protocol):
    """What sources want to be told again of items; a memo is kept with its item, and goes with it."""

    async def list(self, instance_uid: str) -> Sequence[Known]:
        """Of every item of the instance that an external source brought."""

    async def keep(self, item_id: str, memo: str) -> None:
        """Replace the memo of an item; nothing happens if the item is not there."""
