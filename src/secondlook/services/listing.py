"""Pages of an instance's items: by the store where it can tell, else by looking at each."""

from collections.abc import Sequence

from secondlook.domain.filters import matches
from secondlook.domain.instance import Instance, Item
from secondlook.domain.listing import PRIORITY, ItemQuery
from secondlook.ingest.metadata import place_metadata
from secondlook.ledgers import ItemPages
from secondlook.ports import Catalog


class Listing:
    """Lists items."""

    def __init__(self, pages: ItemPages, catalog: Catalog) -> None:
        self._pages = pages
        self._catalog = catalog

    async def page(self, instance: Instance, wanted: ItemQuery, limit: int, offset: int) -> tuple[Sequence[Item], int]:
        """The wanted items from ``offset`` on, and how many there are.

        The store knows case of ASCII letters alone, and no metadata: lists that need more are made here.
        """
        if wanted.where is None and wanted.text.isascii():
            return await self._pages.page_items(instance.uid, wanted, limit, offset)
        statuses = (wanted.status,) if wanted.status else ()
        items = await self._catalog.list_items(instance.uid, statuses)
        found = [one for one in items if wanted.fits(one) and _holds(wanted, one)]
        if wanted.by_status:
            found.sort(key=lambda one: PRIORITY.index(one.status))
        return found[offset : offset + limit], len(found)


def _holds(wanted: ItemQuery, item: Item) -> bool:
    told = {**item.metadata, **place_metadata(item.key, item.timestamp)}
    return wanted.where is None or matches(wanted.where, told)
