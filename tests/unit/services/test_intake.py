"""Whatever comes in is durable before it is named, and its key is one that can be kept."""

import asyncio
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from secondlook.domain.instance import FieldType, Instance, MetadataField, Schema
from secondlook.domain.source import Origin
from secondlook.errors import FileMissingError, InvalidMetadataError, KeyTakenError, NameTooLongError
from secondlook.ingest.metadata import ENVELOPE
from secondlook.services.intake import LOCKS, Intake, Upload, check_found
from tests.random_turns import Interrupted, RandomTurns
from tests.unit.services.conftest import House

ORIGIN = Origin("folder:/docs", "1", 5)


def intake(house: House) -> Intake:
    return Intake(house.catalog, house.blobs)


def test_what_a_source_brings_replaces_itself_and_no_upload(idle: House) -> None:
    made, taking = idle.make(), intake(idle)
    first = idle.run(taking.take_found(made, Upload("a.md", b"one"), ORIGIN))
    assert first and (first.source, first.modified_at, first.status) == ("folder:/docs", 5, "queued")
    assert idle.run(taking.take_found(made, Upload("a.md", b"one"), ORIGIN)) is None
    second = idle.run(taking.take_found(made, Upload("a.md", b"two"), ORIGIN))
    assert second and (second.id, second.version) == (first.id, 2)
    assert idle.stored() == [b"two"]
    upload = idle.run(taking.take_upload(made, Upload("a.md", b"mine")))
    assert (upload.id, upload.source) == (first.id, "")
    with pytest.raises(KeyTakenError):
        idle.run(taking.take_found(made, Upload("a.md", b"three"), ORIGIN))
    with pytest.raises(KeyTakenError):
        idle.run(taking.note_refusal(made, "a.md", ORIGIN, error="http_5xx: x"))
    assert idle.stored() == [b"mine"]


def test_a_refusal_is_noted_once(idle: House) -> None:
    made, taking = idle.make(), intake(idle)
    first = idle.run(taking.note_refusal(made, "a.md", ORIGIN, error="http_5xx: x"))
    assert first and (first.status, first.blob, first.error) == ("error", "", "http_5xx: x")
    assert idle.run(taking.note_refusal(made, "a.md", ORIGIN, error="http_5xx: x")) is None
    assert idle.run(taking.note_refusal(made, "a.md", ORIGIN, error="http_4xx: y")) is not None


@pytest.mark.parametrize(
    ("key", "error"), [("", FileMissingError), ("\0", FileMissingError), ("\udc80", FileMissingError)]
)
def test_keys_that_nothing_can_have(key: str, error: type[Exception]) -> None:
    with pytest.raises(error, match=r"^invalid_url: "):
        check_found(key)
    with pytest.raises(NameTooLongError, match=r"^invalid_url: "):
        check_found("x" * 2049)
    check_found("/x/../y" * 100)


def test_the_same_key_has_the_same_lock(idle: House) -> None:
    taking = intake(idle)
    assert taking.lock("u", "a") is taking.lock("u", "a")
    assert len({id(taking.lock("u", str(number))) for number in range(1000)}) == LOCKS


def schema(kind: FieldType) -> Schema:
    return (MetadataField("severity", kind),)


def changed_meanwhile(house: House, made: Instance, method: str, kind: FieldType, call: int = 1) -> Any:
    """The catalogue of the house; after that call the instance's field is of another type."""

    async def change() -> None:
        await house.instances.update(made, replace(made.settings, fields=schema(kind)))

    return Interrupted(house.catalog, method, change, call=call)


SEVEN = Upload("a.md", b"one", metadata={"severity": "seven"})
"""A text: left out where the field is a number."""


@pytest.mark.parametrize(
    ("before", "after", "kept"), [("number", "text", {"severity": "seven"}), ("text", "number", {})]
)
@pytest.mark.parametrize("source", [True, False])
def test_metadata_follows_the_fields_of_the_moment_it_is_stored(
    idle: House, source: bool, before: FieldType, after: FieldType, kept: dict[str, str]
) -> None:
    made = idle.make(fields=schema(before))
    taking = Intake(changed_meanwhile(idle, made, "find_item", after), idle.blobs)
    item = idle.run(taking.take_found(made, SEVEN, ORIGIN) if source else taking.take_upload(made, SEVEN))
    assert item and item.metadata == kept
    assert idle.run(idle.catalog.get_item(made.uid, item.id)).metadata == kept
    assert idle.stored() == [b"one"]


def test_what_no_longer_fits_is_refused_and_nothing_stays(idle: House) -> None:
    made = idle.make(fields=schema("number"))
    taking = Intake(changed_meanwhile(idle, made, "find_item", "text"), idle.blobs)
    with pytest.raises(InvalidMetadataError):
        idle.run(taking.take_upload(made, replace(SEVEN, metadata={"severity": "x" * ENVELOPE})))
    assert (idle.stored(), idle.run(idle.catalog.list_items(made.uid))) == ([], [])


def test_a_refusal_keeps_metadata_under_the_new_fields(idle: House) -> None:
    made = idle.make(fields=schema("text"))
    idle.run(intake(idle).take_found(made, replace(SEVEN, metadata={"severity": "7"}), ORIGIN))
    taking = Intake(changed_meanwhile(idle, made, "find_item", "number"), idle.blobs)
    item = idle.run(taking.note_refusal(made, "a.md", ORIGIN, error="http_5xx: x"))
    assert item and (item.status, item.metadata) == ("error", {"severity": 7.0})


@pytest.mark.parametrize("seed", range(5))
def test_uploads_and_changes_of_fields_at_the_same_time(house: House, seed: int) -> None:
    """Whatever comes first, what is indexed in the end has the type of the last change."""
    made, turns = house.make(fields=schema("text")), Random(seed)
    slow: Any = RandomTurns(house.catalog, turns)
    house.indexing._intake._catalog = slow  # the same house, its catalogue slowed down

    async def change() -> None:
        current = made
        for fields in ((*schema("text"), MetadataField("ready", "boolean")), schema("number")):
            current = await house.instances.update(current, replace(current.settings, fields=fields))
            house.indexing.retake(current)

    async def work() -> None:
        uploads = (
            house.indexing.upload(made, Upload(f"{at}.md", b"oil", metadata={"severity": "7"})) for at in range(6)
        )
        await asyncio.gather(change(), *uploads)
        await house.indexing.drain()

    house.run(work())
    for at in range(6):
        item = house.run(house.indexing.find(made, f"{at}.md"))
        found, _ = house.run(house.indexing.chunks(made, item.id, 5, 0))
        assert (item.status, [one.metadata["severity"] for one in found]) == ("completed", [7.0])


def test_an_item_that_is_indexed_again_follows_fields_that_change_meanwhile(idle: House) -> None:
    made = idle.make(fields=schema("text"))
    item = idle.run(idle.indexing.upload(made, replace(SEVEN, metadata={"severity": "7"})))
    idle.indexing._catalog = changed_meanwhile(idle, made, "get_item", "number", call=2)
    again = idle.run(idle.indexing.reindex(made, item.id))
    assert (again.status, again.metadata) == ("queued", {"severity": 7.0})
