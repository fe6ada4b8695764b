"""What every catalogue keeps to: durable once told, accounts apart, versions that only grow."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from secondlook.domain.chunk import MetadataValue
from secondlook.domain.instance import Instance, InstanceSettings, Item, MetadataField, Namespace, Token
from secondlook.domain.options import Boost
from secondlook.errors import (
    CallerError,
    InstanceExistsError,
    InstanceNotFoundError,
    ItemNotFoundError,
    NamespaceExistsError,
    NamespaceNotEmptyError,
    NamespaceNotFoundError,
)
from secondlook.stores.catalog import SqlCatalog

T = TypeVar("T")
ADAPTERS: dict[str, Callable[[Path], SqlCatalog]] = {
    "sqlite": lambda folder: SqlCatalog(f"sqlite+aiosqlite:///{folder / 'catalog.sqlite'}")
}
ONE = Instance("u1", "acc", "default", "docs", InstanceSettings(), 1, 1)
ITEM = Item("i1", "u1", "a.md", "queued", "md5", 3, created_at=5, last_seen_at=5)
WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=10)
SETTINGS = st.builds(
    InstanceSettings,
    reranking=st.booleans(),
    reranking_model=WORDS,
    tokenizer=st.sampled_from(["porter", "trigram"]),
    analyser=st.sampled_from([None, "german", "cjk"]),
    min_score=st.floats(0, 1),
    top_k=st.integers(1, 50),
    boosts=st.lists(st.builds(Boost, WORDS, st.sampled_from(["asc", "exists"])), max_size=3).map(tuple),
    fields=st.lists(st.builds(MetadataField, WORDS, st.sampled_from(["text", "datetime"])), max_size=3).map(tuple),
    answer_prompt=WORDS,
)
METADATA: st.SearchStrategy[dict[str, MetadataValue]] = st.dictionaries(
    WORDS, WORDS | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.booleans(), max_size=4
)


class Told:
    """A catalogue asked without ``await``; ``again`` is what a new process would see."""

    def __init__(self, make: Callable[[Path], SqlCatalog], folder: Path) -> None:
        self._runner = asyncio.Runner()
        self._make, self._folder = make, folder
        self.it = make(folder)
        self(self.it.open())

    def __call__(self, work: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(work)

    def again(self) -> "Told":
        self(self.it.close())
        self.it = self._make(self._folder)
        self(self.it.open())
        return self

    def close(self) -> None:
        self(self.it.close())
        self._runner.close()


@pytest.fixture(params=ADAPTERS)
def told(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Told]:
    made = Told(ADAPTERS[request.param], tmp_path)
    yield made
    made.close()


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(SETTINGS, METADATA)
def test_what_is_told_is_what_one_gets(told: Told, kept: InstanceSettings, metadata: dict[str, MetadataValue]) -> None:
    told(told.it.remove_instance("u1"))
    told(told.it.add_instance(replace(ONE, settings=kept)))
    assert told(told.it.get_instance_by_uid("u1")) == replace(ONE, settings=kept)
    item = told(told.it.put_item(replace(ITEM, metadata=metadata)))
    assert told(told.it.get_item("u1", "i1")) == item == replace(ITEM, metadata=metadata)


def test_it_outlives_the_process(told: Told) -> None:
    token = Token("t", "mine", 1)
    told(told.it.add_namespace("acc", Namespace("team", "Ours", 1)))
    told(told.it.add_instance(ONE))
    told(told.it.put_item(ITEM))
    told(told.it.add_token(token, "digest"))
    told.again()
    assert told(told.it.list_namespaces("acc")) == [Namespace("team", "Ours", 1)]
    assert told(told.it.get_instance("acc", "default", "docs")) == ONE
    assert told(told.it.find_item("u1", "a.md")) == ITEM
    assert told(told.it.list_accounts()) == ["acc"]
    assert told(told.it.find_token("digest")) == token


def test_names_are_taken_once_an_account_and_namespace(told: Told) -> None:
    told(told.it.add_namespace("acc", Namespace("team", "", 1)))
    told(told.it.add_namespace("other", Namespace("team", "", 1)))
    told(told.it.add_instance(ONE))
    told(told.it.add_instance(replace(ONE, uid="u2", namespace="team", created_at=2)))
    told(told.it.add_instance(replace(ONE, uid="u3", account="other", created_at=3)))
    with pytest.raises(NamespaceExistsError):
        told(told.it.add_namespace("acc", Namespace("team", "", 2)))
    with pytest.raises(InstanceExistsError):
        told(told.it.add_instance(replace(ONE, uid="u4")))
    with pytest.raises(NamespaceNotFoundError):
        told(told.it.add_instance(replace(ONE, uid="u5", namespace="none")))
    assert [one.uid for one in told(told.it.list_instances("acc", None))] == ["u2", "u1"]
    assert [one.uid for one in told(told.it.list_instances("", None))] == ["u3", "u2", "u1"]
    with pytest.raises(NamespaceNotEmptyError):
        told(told.it.remove_namespace("acc", "team"))
    with pytest.raises(NamespaceNotFoundError):
        told(told.it.remove_namespace("acc", "none"))


def test_absence_is_an_error_with_its_name(told: Told) -> None:
    told(told.it.add_instance(ONE))
    for work in (
        told.it.get_instance("acc", "default", "nope"),
        told.it.get_instance_by_uid("nope"),
        told.it.update_instance("nope", InstanceSettings(), 2, before=InstanceSettings()),
    ):
        with pytest.raises(InstanceNotFoundError, match="nope"):
            told(work)
    with pytest.raises(ItemNotFoundError, match="nope"):
        told(told.it.get_item("u1", "nope"))
    with pytest.raises(CallerError, match="nope"):
        told(told.it.revoke_token("nope"))
    told(told.it.remove_item("u1", "nope"))
    assert told(told.it.find_item("u1", "nope")) is None
    assert told(told.it.find_token("nope")) is None


def test_versions_grow_and_only_the_newest_takes_a_status(told: Told) -> None:
    told(told.it.add_instance(ONE))
    versions = [told(told.it.put_item(replace(ITEM, id=f"i{at}", checksum=str(at)))) for at in range(1, 4)]
    assert [(one.id, one.version, one.checksum) for one in versions] == [("i1", 1, "1"), ("i1", 2, "2"), ("i1", 3, "3")]
    assert [told(told.it.set_item_status(one, "completed", chunks_count=2)) for one in versions] == [False, False, True]
    assert told(told.it.list_items("u1", ("queued",))) == []
    assert [one.chunks_count for one in told(told.it.list_items("u1"))] == [2]
    assert told(told.it.put_item(ITEM)).chunks_count == 2, "the old chunks are served until the new are there"
    told(told.it.remove_item("u1", "i1"))
    assert not told(told.it.set_item_status(versions[-1], "error", error="late"))


def test_writers_at_once_lose_nothing(told: Told) -> None:
    told(told.it.add_instance(ONE))

    async def work() -> None:
        same = (told.it.put_item(replace(ITEM, id=f"x{at}")) for at in range(8))
        others = (told.it.put_item(replace(ITEM, id=f"o{at}", key=f"{at}.md")) for at in range(8))
        await asyncio.gather(*same, *others)

    told(work())
    found = told(told.it.list_items("u1"))
    assert len(found) == 9
    assert next(one for one in found if one.key == "a.md").version == 8


def test_with_the_instance_go_its_items(told: Told) -> None:
    told(told.it.add_instance(ONE))
    told(told.it.put_item(ITEM))
    told(told.it.remove_instance("u1"))
    told(told.it.remove_instance("u1"))
    assert told(told.it.list_items("u1")) == []
