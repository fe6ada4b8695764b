"""Memos are kept with their items, and go with them."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from secondlook.domain.source import Known
from secondlook.stores.memos import SqlMemos
from tests.unit.stores.test_catalog import ITEM
from tests.unit.stores.test_journal import Kept

SOURCED = replace(ITEM, id="i2", key="found.md", source="folder:/docs", modified_at=7)


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    made = Kept(tmp_path)
    yield made
    made.close()


def test_a_memo_from_its_item_to_its_end(kept: Kept) -> None:
    memos = SqlMemos(kept.it.database)
    item = kept(kept.it.put_item(SOURCED, memo="1"))
    assert kept(kept.it.get_item("u1", item.id)).modified_at == 7
    assert kept(memos.list("u1")) == [
        Known(item.id, "found.md", "folder:/docs", "1", "", item.status == "queued")
    ]  # not of the upload
    kept(memos.keep(item.id, "2"))
    kept(kept.it.put_item(replace(SOURCED, status="error", error="http_5xx: x")))  # the memo stays as it was
    assert kept(memos.list("u1")) == [Known(item.id, "found.md", "folder:/docs", "2", "http_5xx: x")]
    for had in ({"blob": "b"}, {"chunks_count": 1}):
        kept(kept.it.put_item(replace(SOURCED, status="error", error="http_5xx: x", **had)))  # type: ignore[arg-type]
        assert [one.is_had for one in kept(memos.list("u1"))] == [True]
    kept(kept.it.remove_item("u1", item.id))
    kept(memos.keep(item.id, "3"))
    assert kept(memos.list("u1")) == []
