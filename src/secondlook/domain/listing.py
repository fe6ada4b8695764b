"""Which items of an instance are wanted in a list, and in which order."""

from dataclasses import dataclass

from secondlook.domain.filters import Filter
from secondlook.domain.instance import Item, ItemStatus

PRIORITY: tuple[ItemStatus, ...] = ("running", "queued", "error", "outdated", "skipped", "completed")
"""What somebody who looks at a list wants to see first."""


@dataclass(frozen=True, slots=True)
class ItemQuery:
    """What must hold of an item; an empty text is no condition.

    Attributes:
        text: a part of its key, whatever the case.
        source: its ``source``, empty for what was uploaded; None for any.
        where: holds of its metadata and its place.
        by_status: in the order of ``PRIORITY``; the newest first in either case.
    """

    status: ItemStatus | None = None
    text: str = ""
    item_id: str = ""
    key: str = ""
    source: str | None = None
    where: Filter | None = None
    by_status: bool = False

    def fits(self, item: Item) -> bool:
        """Whether all but ``where`` holds."""
        return (
            (self.status is None or item.status == self.status)
            and self.text.lower() in item.key.lower()
            and (not self.item_id or item.id == self.item_id)
            and (not self.key or item.key == self.key)
            and (self.source is None or item.source == self.source)
        )
