"""Which items a list wants."""

from secondlook.domain.instance import Item
from secondlook.domain.listing import PRIORITY, ItemQuery

ITEM = Item("7", "u", "docs/Oil.md", "error", "0", 1, source="folder:/x")


def test_each_condition_alone() -> None:
    for wanted in (
        ItemQuery(),
        ItemQuery(text="OIL"),
        ItemQuery(item_id="7"),
        ItemQuery(key="docs/Oil.md"),
        ItemQuery(status="error"),
        ItemQuery(source="folder:/x"),
    ):
        assert wanted.fits(ITEM), wanted
    for unwanted in (
        ItemQuery(text="lamp"),
        ItemQuery(item_id="8"),
        ItemQuery(key="oil.md"),
        ItemQuery(status="queued"),
        ItemQuery(source=""),
    ):
        assert not unwanted.fits(ITEM), unwanted


def test_every_status_has_its_place() -> None:
    assert len(set(PRIORITY)) == len(PRIORITY) == 6
