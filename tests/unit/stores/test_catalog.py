"""The catalogue remembers what it was told, once told."""

import asyncio
import subprocess
import sys
from collections.abc import Coroutine, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import pytest
from sqlalchemy import create_engine, event, text

from secondlook.domain.instance import Instance, InstanceSettings, Item, MetadataField, Namespace, Token
from secondlook.domain.options import Boost
from secondlook.errors import (
    BackendError,
    CallerError,
    InstanceExistsError,
    InstanceNotFoundError,
    ItemNotFoundError,
    NamespaceExistsError,
    NamespaceNotEmptyError,
    NamespaceNotFoundError,
    SetupError,
)
from secondlook.stores.catalog import SqlCatalog

T = TypeVar("T")
SETTINGS = InstanceSettings(
    reranking=True, boosts=(Boost("colour", "exists"),), fields=(MetadataField("colour", "text"),), extra='{"x": 1}'
)
ONE = Instance("u1", "acc", "default", "docs", SETTINGS, 1, 1)
ITEM = Item("i1", "u1", "a.md", "queued", "md5", 3, metadata={"colour": "red", "n": 2.0}, created_at=5, last_seen_at=5)


class Store:
    """A catalogue asked without ``await``."""

    def __init__(self, folder: Path) -> None:
        self._runner = asyncio.Runner()
        self.it = SqlCatalog(f"sqlite+aiosqlite:///{folder / 'catalog.sqlite'}")
        self(self.it.open())

    def __call__(self, work: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(work)

    def close(self) -> None:
        self(self.it.close())
        self._runner.close()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(tmp_path)
    yield made
    made.close()


def test_instances(store: Store) -> None:
    store(store.it.add_instance(ONE))
    assert store(store.it.get_instance("acc", "default", "docs")) == ONE
    assert store(store.it.get_instance_by_uid("u1")).settings == SETTINGS
    with pytest.raises(InstanceExistsError):
        store(store.it.add_instance(replace(ONE, uid="u2")))
    with pytest.raises(InstanceNotFoundError):
        store(store.it.get_instance("another", "default", "docs"))
    changed = store(store.it.update_instance("u1", replace(SETTINGS, reranking=False), 9, before=SETTINGS))
    assert (changed.settings.reranking, changed.modified_at, changed.created_at) == (False, 9, 1)
    store(store.it.remove_instance("u1"))
    with pytest.raises(InstanceNotFoundError):
        store(store.it.get_instance_by_uid("u1"))


def test_accounts_and_namespaces_are_apart(store: Store) -> None:
    store(store.it.add_namespace("acc", Namespace("team", "", 1)))
    with pytest.raises(NamespaceExistsError):
        store(store.it.add_namespace("acc", Namespace("team", "", 2)))
    store(store.it.add_instance(ONE))
    store(store.it.add_instance(replace(ONE, uid="u2", namespace="team", created_at=2)))
    store(store.it.add_instance(replace(ONE, uid="u3", account="other")))
    assert [one.uid for one in store(store.it.list_instances("acc", None))] == ["u2", "u1"]
    assert [one.uid for one in store(store.it.list_instances("acc", "team"))] == ["u2"]
    assert len(store(store.it.list_instances("", None))) == 3
    with pytest.raises(NamespaceNotEmptyError):
        store(store.it.remove_namespace("acc", "team"))
    with pytest.raises(NamespaceNotFoundError):
        store(store.it.get_instance("other", "team", "docs"))
    store(store.it.remove_instance("u2"))
    store(store.it.remove_namespace("acc", "team"))
    assert store(store.it.list_namespaces("acc")) == []


def test_items_keep_their_id_and_count_versions(store: Store) -> None:
    store(store.it.add_instance(ONE))
    assert store(store.it.put_item(ITEM)) == ITEM
    again = store(store.it.put_item(replace(ITEM, id="i2", checksum="new")))
    assert (again.id, again.version, again.checksum) == ("i1", 2, "new")
    found = store(store.it.find_item("u1", "a.md"))
    assert found == again
    assert found is not None and found.metadata == ITEM.metadata
    assert store(store.it.find_item("u1", "b.md")) is None
    with pytest.raises(ItemNotFoundError):
        store(store.it.get_item("u2", "i1"))
    store(store.it.remove_item("u1", "i1"))
    with pytest.raises(ItemNotFoundError):
        store(store.it.get_item("u1", "i1"))


def test_a_status_of_an_older_version_is_not_taken(store: Store) -> None:
    store(store.it.add_instance(ONE))
    first = store(store.it.put_item(ITEM))
    second = store(store.it.put_item(ITEM))
    assert not store(store.it.set_item_status(first, "completed", chunks_count=4))
    assert store(store.it.set_item_status(second, "completed", chunks_count=4))
    assert store(store.it.get_item("u1", "i1")).chunks_count == 4
    assert [one.id for one in store(store.it.list_items("u1", ("completed",)))] == ["i1"]
    assert store(store.it.list_items("u1", ("queued",))) == []
    assert store(store.it.list_items("")) == store(store.it.list_items("u1"))
    assert store(store.it.list_items("u2")) == store(store.it.list_items("", ("queued",))) == []


def test_tokens(store: Store) -> None:
    token = Token("t1", "mine", 1, False)
    store(store.it.add_token(token, "digest"))
    assert store(store.it.find_token("digest")) == token
    assert store(store.it.find_token("other")) is None
    store(store.it.revoke_token("t1"))
    assert store(store.it.find_token("digest")) is None
    assert [one.revoked for one in store(store.it.list_tokens())] == [True]
    with pytest.raises(CallerError, match="token list"):
        store(store.it.revoke_token("t9"))


def test_what_is_told_outlives_the_process(tmp_path: Path) -> None:
    first = Store(tmp_path)
    first(first.it.add_instance(ONE))
    first.close()
    second = Store(tmp_path)
    assert second(second.it.get_instance_by_uid("u1")) == ONE
    second.close()


def test_settings_of_before_there_were_languages(tmp_path: Path) -> None:
    first = Store(tmp_path)
    first(first.it.add_instance(ONE))
    first.close()
    engine = create_engine(f"sqlite:///{tmp_path / 'catalog.sqlite'}")
    with engine.begin() as connection:
        connection.execute(text("UPDATE instances SET settings = json_remove(settings, '$.analyser')"))
    engine.dispose()
    second = Store(tmp_path)
    assert second(second.it.get_instance_by_uid("u1")) == ONE
    second.close()


@pytest.mark.parametrize(
    ("name", "flag", "stored", "expected"),
    [
        ("match_mode", "match_mode_inherited", '"and"', ("and", True)),
        ("match_mode", "match_mode_inherited", '"or"', ("or", False)),
        ("match_mode", "match_mode_inherited", None, ("and", True)),
        ("fusion_method", "fusion_inherited", '"rrf"', ("rrf", True)),
        ("fusion_method", "fusion_inherited", '"max"', ("max", False)),
        ("fusion_method", "fusion_inherited", None, ("rrf", True)),
    ],
)
def test_a_setting_of_before_its_default_changed(
    tmp_path: Path, name: str, flag: str, stored: str | None, expected: tuple[str, bool]
) -> None:
    first = Store(tmp_path)
    first(first.it.add_instance(ONE))
    first.close()
    engine = create_engine(f"sqlite:///{tmp_path / 'catalog.sqlite'}")
    with engine.begin() as connection:
        older = f"json_remove(settings, '$.{flag}', '$.{name}')"
        older = f"json_set({older}, '$.{name}', json('{stored}'))" if stored else older
        connection.execute(text(f"UPDATE instances SET settings = {older}"))
    engine.dispose()
    for _ in range(2):  # what is written again says the same
        second = Store(tmp_path)
        settings = second(second.it.get_instance_by_uid("u1")).settings
        assert (getattr(settings, name), getattr(settings, flag)) == expected
        second(second.it.update_instance("u1", settings, 2, before=settings))
        second.close()


def test_the_wish_for_ocr_of_before_it_was_heard(tmp_path: Path) -> None:
    first = Store(tmp_path)
    first(first.it.add_instance(replace(ONE, settings=replace(ONE.settings, extra='{"use_ocr": true, "a": 1}'))))
    first.close()
    second = Store(tmp_path)
    settings = second(second.it.get_instance_by_uid("u1")).settings
    assert (settings.ocr, settings.extra) == (True, '{"a": 1}')
    second.close()


def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    Store(tmp_path).close()
    engine = create_engine(f"sqlite:///{tmp_path / 'catalog.sqlite'}")
    with engine.begin() as connection:
        connection.execute(text("UPDATE schema_version SET version = 999"))
    engine.dispose()
    with pytest.raises(SetupError, match="upgrade Secondlook"):
        Store(tmp_path)


def test_a_namespace_is_changed(store: Store) -> None:
    store(store.it.add_namespace("acc", Namespace("team", "", 1)))
    assert store(store.it.update_namespace("acc", "team", "all of us")) == Namespace("team", "all of us", 1)
    assert store(store.it.list_namespaces("acc")) == [Namespace("team", "all of us", 1)]
    with pytest.raises(NamespaceNotFoundError):
        store(store.it.update_namespace("another", "team", "x"))


def test_an_item_of_an_instance_that_is_gone(store: Store) -> None:
    with pytest.raises(InstanceNotFoundError):
        store(store.it.put_item(ITEM))


def test_a_file_that_is_no_catalogue(tmp_path: Path) -> None:
    path = tmp_path / "catalog.sqlite"
    path.write_bytes(b"not a database at all" * 100)

    async def work() -> None:
        catalog = SqlCatalog(f"sqlite+aiosqlite:///{path}")
        try:
            await catalog.open()
        finally:
            await catalog.close()

    with pytest.raises(SetupError, match=r"could not open the catalogue .*catalog\.sqlite \(file is not a database\)"):
        asyncio.run(work())


def test_a_database_that_fails_later(tmp_path: Path) -> None:
    store = Store(tmp_path)
    engine = create_engine(f"sqlite:///{tmp_path / 'catalog.sqlite'}")
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE tokens"))
    engine.dispose()
    for work in (store.it.list_tokens(), store.it.add_token(Token("t", "laptop", 1), "digest")):
        with pytest.raises(BackendError, match="could not use the catalogue: no such table"):
            store(work)
    store.close()


def test_no_instance_stays_in_a_namespace_that_is_removed_at_the_same_time(store: Store) -> None:
    """Of the two one is refused, whichever comes first."""

    async def meet(at: int) -> None:
        name = f"team-{at}"
        await store.it.add_namespace("acc", Namespace(name, "", 1))
        made = replace(ONE, uid=f"n{at}", account="acc", namespace=name)
        ends = [store.it.add_instance(made), store.it.remove_namespace("acc", name)]
        found = await asyncio.gather(*(ends if at % 2 else ends[::-1]), return_exceptions=True)
        there = {one.name for one in await store.it.list_namespaces("acc")}
        held = [one for one in await store.it.list_instances("acc", None) if one.namespace == name]
        assert (name in there) == bool(held), found
        assert all(one is None or isinstance(one, CallerError) for one in found), found

    for at in range(12):
        store(meet(at))


def test_several_processes_may_open_a_new_folder_at_once(tmp_path: Path) -> None:
    async def work() -> None:
        catalogs = [SqlCatalog(f"sqlite+aiosqlite:///{tmp_path / 'catalog.sqlite'}") for _ in range(6)]
        await asyncio.gather(*(one.open() for one in catalogs))
        await asyncio.gather(*(one.close() for one in catalogs))

    asyncio.run(work())


def count_statements(store: Store) -> list[str]:
    """Filled with every statement from now on."""
    told: list[str] = []
    event.listen(
        store.it.database._engine.sync_engine,
        "before_cursor_execute",
        lambda connection, cursor, statement, *rest: told.append(statement),
    )
    return told


def test_tokens_and_instances_are_read_once_until_something_is_committed(store: Store) -> None:
    store(store.it.add_instance(ONE))
    store(store.it.add_token(Token("t1", "first", 1), "digest"))
    told = count_statements(store)
    for _ in range(3):
        token = store(store.it.find_token("digest"))
        assert (token, store(store.it.get_instance("acc", "default", "docs"))) == (Token("t1", "first", 1), ONE)
        assert store(store.it.find_token("another")) is None
    assert len(told) == 2 + 3


def test_what_another_connection_commits_is_seen_by_the_next_look_up(store: Store, tmp_path: Path) -> None:
    other = Store(tmp_path)
    store(store.it.add_instance(ONE))
    store(store.it.add_token(Token("t1", "first", 1), "digest"))
    assert store(store.it.find_token("digest"))
    for name in ("blue", "green"):
        settings = replace(SETTINGS, fields=(MetadataField(name, "text"),))
        before = store(store.it.get_instance("acc", "default", "docs")).settings
        other(other.it.update_instance("u1", settings, 9, before=before))
        assert store(store.it.get_instance("acc", "default", "docs")).settings == settings
    other(other.it.revoke_token("t1"))
    assert store(store.it.find_token("digest")) is None
    other(other.it.remove_instance("u1"))
    with pytest.raises(InstanceNotFoundError):
        store(store.it.get_instance("acc", "default", "docs"))
    other.close()


@pytest.mark.process
def test_a_token_revoked_by_another_process_is_refused_at_once(store: Store, tmp_path: Path) -> None:
    store(store.it.add_token(Token("t1", "first", 1), "digest"))
    assert store(store.it.find_token("digest")) and store(store.it.find_token("digest"))
    subprocess.run(
        [sys.executable, "-m", "secondlook", "token", "revoke", "t1", "--data-dir", str(tmp_path)],
        check=True,
        capture_output=True,
    )
    assert store(store.it.find_token("digest")) is None


def test_a_catalogue_that_is_opened_again_keeps_nothing(store: Store, tmp_path: Path) -> None:
    store(store.it.add_token(Token("t1", "first", 1), "digest"))
    assert store(store.it.find_token("digest"))
    store(store.it.close())
    other = Store(tmp_path)
    other(other.it.revoke_token("t1"))
    other.close()
    store(store.it.open())
    assert store(store.it.find_token("digest")) is None
