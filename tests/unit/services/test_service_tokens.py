"""Service tokens: the key is kept apart, readable by the server's user alone, and replaced whole."""

import stat
from dataclasses import replace

import pytest

from secondlook.errors import (
    BackendError,
    InvalidOptionError,
    InvalidServiceTokenError,
    ServiceTokenInUseError,
    ServiceTokenNotFoundError,
)
from secondlook.services.service_tokens import BUILT_IN, Credentials, ServiceTokens
from secondlook.stores.service_tokens import SqlServiceTokens
from tests.random_turns import Interrupted
from tests.unit.services.conftest import House

SENT = Credentials("bucket", "id1", "key-of-the-bucket")


def keys(house: House) -> list[bytes]:
    return sorted(path.read_bytes() for path in (house.folder / "secrets").iterdir())


def test_the_key_lies_apart(idle: House) -> None:
    made = idle.run(idle.service_tokens.add("acc", SENT))
    assert idle.run(idle.service_tokens.list("acc")) == [BUILT_IN, made]
    assert idle.run(idle.service_tokens.list("other")) == [BUILT_IN]
    assert keys(idle) == [b"key-of-the-bucket"]
    folder = idle.folder / "secrets"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    idle.run(idle.catalog.close())
    assert not any(b"key-of-the-bucket" in path.read_bytes() for path in idle.folder.glob("catalog.sqlite*"))


def test_a_new_key_takes_the_place_of_the_old(idle: House) -> None:
    made = idle.run(idle.service_tokens.add("acc", SENT))
    after = idle.run(idle.service_tokens.replace("acc", made.id, Credentials("new", "id2", "second", True)))
    assert (after.id, after.name, after.api_id, after.legacy) == (made.id, "new", "id2", True)
    assert after.created_at == made.created_at
    assert keys(idle) == [b"second"]
    with pytest.raises(ServiceTokenNotFoundError):
        idle.run(idle.service_tokens.replace("other", made.id, SENT))
    assert keys(idle) == [b"second"]


def test_one_in_use_stays(idle: House) -> None:
    made = idle.run(idle.service_tokens.add("acc", SENT))
    instance = idle.make(service_token=made.id)
    with pytest.raises(ServiceTokenInUseError, match="in use by docs"):
        idle.run(idle.service_tokens.remove("acc", made.id))
    idle.run(idle.instances.update(instance, replace(instance.settings, service_token="")))
    assert idle.run(idle.service_tokens.remove("acc", made.id)) == made
    assert keys(idle) == []
    with pytest.raises(ServiceTokenNotFoundError):
        idle.run(idle.service_tokens.get("acc", made.id))


def test_an_instance_names_one_of_its_account(idle: House) -> None:
    made = idle.run(idle.service_tokens.add("other", SENT))
    for token_id in (made.id, "nope"):
        with pytest.raises(InvalidServiceTokenError, match="token_id"):
            idle.make(service_token=token_id)
    assert idle.make(service_token=BUILT_IN.id).settings.service_token == BUILT_IN.id


def test_the_built_in_one_is_fixed(idle: House) -> None:
    for work in (
        idle.service_tokens.replace("acc", BUILT_IN.id, SENT),
        idle.service_tokens.remove("acc", BUILT_IN.id),
    ):
        with pytest.raises(InvalidOptionError, match="built-in"):
            idle.run(work)
    assert keys(idle) == []


def test_a_crash_between_key_and_row_leaves_nothing_behind(idle: House) -> None:
    made = idle.run(idle.service_tokens.add("acc", SENT))
    idle.run(idle.vault.put("left", b"nobody names it"))
    assert idle.run(idle.service_tokens.sweep()) == 1
    assert keys(idle) == [b"key-of-the-bucket"]
    assert idle.run(idle.service_tokens.get("acc", made.id)) == made
    with pytest.raises(BackendError):
        idle.run(idle.vault.put("../out", b"x"))


def test_a_key_that_is_replaced_while_it_is_read_is_read_again(idle: House) -> None:
    tokens = idle.service_tokens
    made = idle.run(tokens.add("acc", Credentials("bucket", "id-1", "key-1")))

    async def rotate() -> None:
        await tokens.replace("acc", made.id, Credentials("bucket", "id-2", "key-2"))

    shelf = SqlServiceTokens(idle.catalog.database)
    reader = ServiceTokens(Interrupted(shelf, "get", rotate, call=2), idle.vault, idle.catalog)  # type: ignore[arg-type]  # the real store
    assert idle.run(reader.secret("acc", made.id)) == ("id-2", "key-2")
    for path in (idle.folder / "secrets").iterdir():
        path.unlink()
    with pytest.raises(InvalidServiceTokenError, match="enter the key again"):
        idle.run(tokens.secret("acc", made.id))
