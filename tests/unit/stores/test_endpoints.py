"""Endpoints and events in the database, as they come back after it was closed."""

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import pytest

from secondlook.domain.endpoint import Endpoint, EndpointParams, Owner, RateLimit, UsageEvent
from secondlook.errors import DomainTakenError
from secondlook.stores.database import Database
from secondlook.stores.endpoints import SqlEndpoints

T = TypeVar("T")
OWNER = Owner("acc", "default", "uid1")
PARAMS = EndpointParams(
    True,
    search=False,
    description="d",
    limit=RateLimit(3, 61.5, "sliding"),
    origins=("a.example",),
    domains=("b.example",),
    instances=("x", "y"),
)


def with_store(folder: Path, work: Any) -> Any:
    """What the work returns over a store that is opened for it and closed after it."""

    async def run() -> Any:
        database = Database(f"sqlite+aiosqlite:///{folder / 'catalog.sqlite'}")
        store = SqlEndpoints(database)
        await store.open()
        try:
            return await work(store)
        finally:
            await database.close()

    return asyncio.run(run())


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    put: Coroutine[Any, Any, Endpoint] = with_store(tmp_path, lambda one: one.put(Endpoint(OWNER, PARAMS, "id1")))
    assert put == Endpoint(OWNER, PARAMS, "id1")
    assert with_store(tmp_path, lambda one: one.of(OWNER)) == put
    assert with_store(tmp_path, lambda one: one.find("id1")) == put
    assert with_store(tmp_path, lambda one: one.all_of("acc")) == [put]
    assert with_store(tmp_path, lambda one: one.all_of("other")) == []
    assert with_store(tmp_path, lambda one: one.list_domains()) == {"b.example": OWNER}
    assert with_store(tmp_path, lambda one: one.of(replace(OWNER, uid=""))) is None


def test_an_id_stays_and_an_empty_one_does_not_erase_it(tmp_path: Path) -> None:
    plain = EndpointParams()
    assert with_store(tmp_path, lambda one: one.put(Endpoint(OWNER, plain))).id == ""
    assert with_store(tmp_path, lambda one: one.put(Endpoint(replace(OWNER, uid="2"), plain))).id == ""
    for given in ("id1", "id2", ""):
        assert with_store(tmp_path, lambda one, given=given: one.put(Endpoint(OWNER, plain, given))).id == "id1"


def test_a_domain_belongs_to_one_and_a_refusal_changes_nothing(tmp_path: Path) -> None:
    mine = with_store(tmp_path, lambda one: one.put(Endpoint(OWNER, PARAMS, "id1")))
    other = Endpoint(replace(OWNER, uid="2"), replace(PARAMS, domains=("c.example",)), "id2")
    with_store(tmp_path, lambda one: one.put(other))
    with pytest.raises(DomainTakenError, match=r"b\.example"):
        with_store(tmp_path, lambda one: one.put(replace(other, params=PARAMS)))
    assert with_store(tmp_path, lambda one: one.of(other.owner)) == other
    assert with_store(tmp_path, lambda one: one.list_domains()) == {"b.example": OWNER, "c.example": other.owner}
    with_store(tmp_path, lambda one: one.remove(OWNER))
    with_store(tmp_path, lambda one: one.put(replace(other, params=PARAMS)))
    assert with_store(tmp_path, lambda one: one.find(mine.id)) is None


def test_events_are_kept_newest_first_and_bounded_for_each(tmp_path: Path) -> None:
    told = [UsageEvent(at, {"inputQuery": str(at), "clickPosition": at}) for at in range(5)]
    with_store(tmp_path, lambda one: one.add_events("id2", told[:1], most=3))
    with_store(tmp_path, lambda one: one.add_events("id1", told[:2], most=3))
    with_store(tmp_path, lambda one: one.add_events("id1", told[2:], most=3))
    assert with_store(tmp_path, lambda one: one.list_events("id1", 10)) == [told[4], told[3], told[2]]
    assert with_store(tmp_path, lambda one: one.list_events("id1", 1)) == [told[4]]
    assert with_store(tmp_path, lambda one: one.list_events("id2", 10)) == [told[0]]
    with_store(tmp_path, lambda one: one.put(Endpoint(OWNER, PARAMS, "id1")))
    with_store(tmp_path, lambda one: one.remove(OWNER))
    assert with_store(tmp_path, lambda one: one.list_events("id1", 10)) == []
