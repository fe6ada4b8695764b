"""Service tokens: one account's are not another's."""

from dataclasses import replace

import pytest

from secondlook.domain.instance import ServiceToken
from secondlook.errors import ServiceTokenNotFoundError
from secondlook.stores.service_tokens import SqlServiceTokens
from tests.unit.stores.test_catalog import Store, store

__all__ = ["store"]

ONE = ServiceToken("t1", "acc", "bucket", "id1", False, 5, 5, "blob1")


def test_what_is_told_is_kept(store: Store) -> None:
    shelf = SqlServiceTokens(store.it.database)
    store(shelf.add(ONE))
    store(shelf.add(replace(ONE, id="t2", account="other", created_at=6)))
    assert store(shelf.list("acc")) == [ONE]
    assert [one.id for one in store(shelf.list(""))] == ["t1", "t2"]
    assert store(shelf.get("acc", "t1")) == ONE
    changed = replace(ONE, name="new", api_id="id2", legacy=True, modified_at=9, blob="blob2")
    store(shelf.replace(changed))
    assert store(shelf.get("acc", "t1")) == changed
    for work in (shelf.get("other", "t1"), shelf.get("acc", "nope"), shelf.replace(replace(ONE, account="other"))):
        with pytest.raises(ServiceTokenNotFoundError):
            store(work)
    store(shelf.remove("t1"))
    store(shelf.remove("t1"))
    assert store(shelf.list("acc")) == []
