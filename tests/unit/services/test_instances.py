"""Instances: catalogue, index and blobs stay in step."""

from dataclasses import replace
from typing import Any

import pytest

from secondlook.domain.instance import Instance, InstanceSettings
from secondlook.errors import (
    ChunkSizeError,
    InstanceExistsError,
    InstanceNotFoundError,
    InvalidModelError,
    InvalidOptionError,
    NamespaceFixedError,
    NamespaceNotFoundError,
    SecondlookError,
)
from secondlook.services.indexing import Upload
from tests.unit.services.conftest import House


async def retake(house: House, instance: Instance) -> None:
    house.indexing.retake(instance)
    await house.indexing.drain()


def index_files(house: House) -> set[str]:
    return {path.stem for path in (house.folder / "indexes").glob("*.sqlite")}


def test_made_read_listed_and_deleted(house: House) -> None:
    made = house.make()
    assert house.run(house.instances.get("acc", "default", "docs")) == made
    assert house.run(house.instances.list("acc", None)) == [made]
    house.run(house.indexing.upload(made, Upload("a.md", b"lamp oil"), wait=20))
    assert index_files(house) == {made.uid}
    house.run(house.instances.delete(made))
    assert index_files(house) == set()
    assert house.stored() == []
    with pytest.raises(InstanceNotFoundError):
        house.run(house.instances.get("acc", "default", "docs"))


@pytest.mark.parametrize(("namespace", "error"), [("default", InstanceExistsError), ("none", NamespaceNotFoundError)])
def test_what_the_catalogue_refuses_leaves_no_index(house: House, namespace: str, error: type[Exception]) -> None:
    made = house.make()
    with pytest.raises(error):
        house.run(house.instances.create("acc", namespace, "docs", settings=InstanceSettings()))
    assert index_files(house) == {made.uid}


@pytest.mark.parametrize("name", ["", "Docs", "a b", "../a", "a--b", "a" * 65, "a\n"])
def test_names_that_no_route_could_reach(house: House, name: str) -> None:
    with pytest.raises(InvalidOptionError, match="for example my-docs"):
        house.make(name)
    assert index_files(house) == set()


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        (InstanceSettings(embedding_model="no/such"), InvalidModelError, "embedding model 'no/such'"),
        (InstanceSettings(reranking_model="no/such"), InvalidModelError, "no/such is not known"),
        (InstanceSettings(vector_index=False, keyword_index=False), InvalidOptionError, "at least one"),
        (
            InstanceSettings(tokenizer="trigram", analyser="german"),
            InvalidOptionError,
            "keyword language 'german'",
        ),
        (InstanceSettings(chunk_size=63), ChunkSizeError, "chunk_size is 63.* 64 to 512"),
        (InstanceSettings(chunk_size=513), ChunkSizeError, "chunk_size is 513"),
    ],
)
def test_settings_that_are_refused(
    house: House, settings: InstanceSettings, error: type[SecondlookError], words: str
) -> None:
    with pytest.raises(error, match=words):
        house.run(house.instances.create("acc", "default", "docs", settings=settings))
    assert index_files(house) == set()
    made = house.make()
    with pytest.raises(error, match=words):
        house.run(house.instances.update(made, settings))
    assert house.run(house.instances.get("acc", "default", "docs")) == made


@pytest.mark.parametrize(
    "settings",
    [
        InstanceSettings(embedding_model="known"),
        InstanceSettings(reranking_model="missing"),
        InstanceSettings(chunk_size=64),
        InstanceSettings(chunk_size=512),
        InstanceSettings(vector_index=False),
        InstanceSettings(keyword_index=False, tokenizer="trigram"),
        InstanceSettings(tokenizer="trigram", analyser="cjk"),
        InstanceSettings(keyword_index=False, analyser="german"),
    ],
)
def test_settings_that_are_taken(house: House, settings: InstanceSettings) -> None:
    made = house.run(house.instances.create("acc", "default", "docs", settings=settings))
    assert house.run(house.instances.get("acc", "default", "docs")).settings == settings
    assert index_files(house) == {made.uid}


def test_an_empty_index_is_made_anew(house: House) -> None:
    made = house.make()
    changed = house.run(house.instances.update(made, replace(made.settings, tokenizer="trigram")))
    assert changed.settings.tokenizer == "trigram"
    assert changed.modified_at >= made.modified_at
    house.run(house.indexing.upload(changed, Upload("a.md", b"lamp oil"), wait=20))
    found = house.run(house.engine.search_keywords(made.uid, "amp", 5, match_mode="and", where=None))
    assert len(found.hits) == 1, "the index was made again with trigrams"


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"tokenizer": "trigram"}, {"amp": 1, "Haus": 0}),
        ({"analyser": "german"}, {"amp": 0, "Haus": 1}),
        ({"keyword_index": False}, {"lamp": 0}),
        ({"vector_index": False}, {"lamp": 1}),
    ],
)
def test_a_filled_index_takes_on_what_is_set(house: House, change: dict[str, Any], found: dict[str, int]) -> None:
    made = house.make()
    house.run(house.indexing.upload(made, Upload("a.md", "lamp oil, die Häuser".encode()), wait=20))
    changed = house.run(house.instances.update(made, replace(made.settings, **change)))
    house.run(retake(house, changed))
    for word, number in found.items():
        hits = house.run(house.engine.search_keywords(made.uid, word, 5, match_mode="and", where=None)).hits
        assert len(hits) == number, word
    vectors = house.run(house.instances.stats(changed)).vectors
    assert vectors == (0 if change == {"vector_index": False} else 1)


def test_vectors_that_are_wanted_again_are_made_again(house: House, caplog: pytest.LogCaptureFixture) -> None:
    made = house.make()
    house.run(house.indexing.upload(made, Upload("a.md", b"lamp oil"), wait=20))
    vector = house.run(house.embedder.embed_query("lamp"))
    without = house.run(house.instances.update(made, replace(made.settings, vector_index=False)))
    house.run(retake(house, without))
    assert not house.run(house.engine.search_vectors(made.uid, vector, 5, None)).hits
    again = house.run(house.instances.update(without, made.settings))
    assert [item.status for item in house.run(house.indexing.list(again))] == ["outdated"]
    house.run(retake(house, again))
    assert caplog.messages == [f"{again.account}/{again.name}: re-indexing outdated items: 1"]
    assert len(house.run(house.engine.search_vectors(made.uid, vector, 5, None)).hits) == 1


def test_of_two_changes_the_later_holds(house: House) -> None:
    made = house.make()
    house.run(house.indexing.upload(made, Upload("a.md", "lamp oil, die Häuser".encode()), wait=20))

    async def change() -> None:
        changed = made
        for number in range(6):
            analyser = "german" if number % 2 else None
            changed = await house.instances.update(changed, replace(made.settings, analyser=analyser))
            house.indexing.retake(changed)
        await house.indexing.drain()

    house.run(change())
    assert len(house.run(house.engine.search_keywords(made.uid, "Haus", 5, match_mode="and", where=None)).hits) == 1


def test_a_restart_gives_the_index_its_shape(house: House) -> None:
    made = house.make()
    house.run(house.indexing.upload(made, Upload("a.md", "die Häuser".encode()), wait=20))
    house.run(house.instances.update(made, replace(made.settings, analyser="german")))
    house.run(house.indexing.stop())  # before the index was told
    house.run(house.indexing.start())
    house.run(house.indexing.drain())
    assert len(house.run(house.engine.search_keywords(made.uid, "Haus", 5, match_mode="and", where=None)).hits) == 1


def test_stats_count_items_and_chunks(house: House) -> None:
    made = house.make()
    for key, content in (("a.md", b"lamp oil"), ("b.md", b"fog horn"), ("empty.md", b"")):
        house.run(house.indexing.upload(made, Upload(key, content), wait=20))
    found = house.run(house.instances.stats(made))
    assert dict(found.items.statuses) == {"completed": 2, "error": 1}
    assert (found.file_errors, found.source_errors) == ({"file_content_empty": 1}, {})
    assert (found.vectors, found.dimensions, found.objects, found.payload_bytes) == (2, 64, 3, 16)


def test_an_index_that_was_lost_counts_nothing(house: House) -> None:
    made = house.make()
    house.run(house.engine.drop_index(made.uid))
    assert house.run(house.instances.stats(made)).vectors == 0


def test_namespaces(house: House) -> None:
    made = house.run(house.instances.add_namespace("acc", "team", "Ours"))
    assert house.run(house.instances.list_namespaces("acc")) == [made]
    house.run(house.instances.remove_namespace("acc", "team"))
    assert house.run(house.instances.list_namespaces("acc")) == []
    with pytest.raises(NamespaceFixedError):
        house.run(house.instances.add_namespace("acc", "default", ""))
    with pytest.raises(NamespaceFixedError):
        house.run(house.instances.remove_namespace("acc", "default"))
