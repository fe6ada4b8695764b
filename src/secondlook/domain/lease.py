"""The right to index an item, for a while."""

from dataclasses import dataclass

from secondlook.domain.instance import Item


@dataclass(frozen=True, slots=True)
class Lease:
    """Nobody else indexes the item while this holds.

    Attributes:
        item: as it was when the lease was had; the lease holds for later versions of it too.
        owner: another name for each lease that is had.
        attempt: which one at this version of the item, from 1.
    """

    item: Item
    owner: str
    attempt: int
