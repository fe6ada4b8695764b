"""Whatever comes in is durable before it is named, and its key is one that can be kept."""

import pytest

from secondlook.domain.source import Origin
from secondlook.errors import FileMissingError, KeyTakenError, NameTooLongError
from secondlook.services.intake import LOCKS, Intake, Upload, check_found
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
