"""Both ways to a page of items give the same pages."""

import itertools
import random

import pytest

from secondlook.domain.filters import AllOf, Comparison
from secondlook.domain.instance import Instance, Item
from secondlook.domain.listing import PRIORITY, ItemQuery
from secondlook.services.listing import Listing
from tests.unit.services.conftest import House

KEYS = ("A.md", "a%b.md", "docs/Oil_1.md", "docs/oilx1.md", "ÄRGER.md", "notes/b.txt", "notes/c.txt", "z.md")
QUERIES = (
    ItemQuery(),
    ItemQuery(by_status=True),
    ItemQuery(status="error"),
    ItemQuery(text="OIL_"),
    ItemQuery(text="%"),
    ItemQuery(text=".MD", by_status=True),
    ItemQuery(key="A.md"),
    ItemQuery(item_id="3"),
    ItemQuery(source=""),
    ItemQuery(source="folder:/x", by_status=True),
)


@pytest.fixture
def filled(idle: House) -> Instance:
    made, other, chance = idle.make(), idle.make("other"), random.Random(5)
    for number, key in enumerate(KEYS):
        item = Item(
            str(number), made.uid, key, PRIORITY[number % 6], "0", 1, last_seen_at=chance.randrange(4),
            source="folder:/x" if number % 3 == 0 else "",
        )  # fmt: skip
        idle.run(idle.catalog.put_item(item))
    idle.run(idle.catalog.put_item(Item("x", other.uid, "A.md", "completed", "0", 1)))
    return made


def every(idle: House, instance: Instance, wanted: ItemQuery, size: int) -> tuple[list[str], set[int]]:
    """The keys of all pages, and the totals that they told."""
    listing = Listing(idle.catalog, idle.catalog)
    keys: list[str] = []
    totals: set[int] = set()
    for at in itertools.count(0, size):
        found, total = idle.run(listing.page(instance, wanted, size, at))
        keys += [one.key for one in found]
        totals.add(total)
        if not found:
            return keys, totals
    raise AssertionError("the pages do not end")


@pytest.mark.parametrize("wanted", QUERIES, ids=str)
def test_the_store_and_the_long_way_agree(idle: House, filled: Instance, wanted: ItemQuery) -> None:
    always = ItemQuery(
        **{name: getattr(wanted, name) for name in wanted.__slots__ if name != "where"}, where=EVERYTHING
    )
    keys, totals = every(idle, filled, wanted, 3)
    assert (keys, totals) == every(idle, filled, always, 3)
    assert totals == {len(keys)}
    items = idle.run(idle.catalog.list_items(filled.uid))
    assert sorted(keys) == sorted(one.key for one in items if wanted.fits(one))


EVERYTHING = AllOf(())


def test_letters_that_the_store_does_not_know(idle: House, filled: Instance) -> None:
    assert every(idle, filled, ItemQuery(text="ärger"), 2) == (["ÄRGER.md"], {1})


def test_a_filter_of_the_place(idle: House, filled: Instance) -> None:
    keys, _ = every(idle, filled, ItemQuery(where=Comparison("folder", "eq", "notes/")), 5)
    assert sorted(keys) == ["notes/b.txt", "notes/c.txt"]
