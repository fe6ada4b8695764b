"""The tables hold every field of what they remember."""

from dataclasses import fields

from secondlook.domain.instance import Instance, Item, Namespace, Token
from secondlook.stores.schema import instances, items, namespaces, tokens


def test_every_field_has_its_column() -> None:
    for table, kind in ((instances, Instance), (items, Item), (namespaces, Namespace), (tokens, Token)):
        missing = {one.name for one in fields(kind)} - set(table.columns.keys())
        assert not missing, (table.name, missing)
