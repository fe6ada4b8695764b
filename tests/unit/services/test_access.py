"""Tokens: shown once, stored as a hash, refused once revoked."""

import hashlib

import pytest

from secondlook.errors import CallerError, InvalidOptionError, NotAllowedError, NotAuthenticatedError
from tests.unit.services.conftest import House


def test_a_token_lets_in_until_it_is_revoked(idle: House) -> None:
    token, secret = idle.run(idle.access.create(" laptop "))
    assert token.name == "laptop"
    assert idle.run(idle.access.authenticate(secret)) == token
    assert [one.id for one in idle.run(idle.access.list())] == [token.id]
    idle.run(idle.access.revoke(token.id))
    with pytest.raises(NotAuthenticatedError):
        idle.run(idle.access.authenticate(secret))
    assert [one.revoked for one in idle.run(idle.access.list())] == [True]


def test_only_the_hash_is_on_disk(idle: House) -> None:
    _, secret = idle.run(idle.access.create("laptop"))
    idle.run(idle.catalog.close())
    written = b"".join(path.read_bytes() for path in idle.folder.glob("catalog.sqlite*"))
    assert secret.startswith("sl_") and len(secret) > 40
    assert secret.encode() not in written
    assert hashlib.sha256(secret.encode()).hexdigest().encode() in written


def test_two_tokens_are_two_secrets(idle: House) -> None:
    (one, first), (two, second) = (idle.run(idle.access.create("same")) for _ in range(2))
    assert first != second
    assert idle.run(idle.access.authenticate(first)).id == one.id != two.id


def test_what_a_token_may_do(idle: House) -> None:
    run, _ = idle.run(idle.access.create("search box", permission="run"))
    idle.access.check(run, account="acc", querying=True)
    with pytest.raises(NotAllowedError, match="may only search and chat"):
        idle.access.check(run, account="acc", querying=False)
    own, secret = idle.run(idle.access.create("mine", account=" acc "))
    assert idle.run(idle.access.authenticate(secret)).account == "acc"
    for account in ("acc", ""):
        idle.access.check(own, account=account, querying=False)
    for account, words in (("other", "not for account 'other'"), (None, "not for all accounts")):
        with pytest.raises(NotAllowedError, match=words):
            idle.access.check(own, account=account, querying=True)
    with pytest.raises(InvalidOptionError, match="without a slash"):
        idle.run(idle.access.create("x", account="a/b"))


@pytest.mark.parametrize("secret", ["", "sl_guess", "é\0"])
def test_what_is_no_secret(idle: House, secret: str) -> None:
    idle.run(idle.access.create("laptop"))
    with pytest.raises(NotAuthenticatedError, match="secondlook token create"):
        idle.run(idle.access.authenticate(secret))


def test_what_is_refused(idle: House) -> None:
    with pytest.raises(InvalidOptionError, match="name is empty"):
        idle.run(idle.access.create("  "))
    with pytest.raises(CallerError, match="no token 'nope'"):
        idle.run(idle.access.revoke("nope"))


def test_a_token_expires_to_the_second(idle: House) -> None:
    lasting, forever = idle.run(idle.access.create("lasting"))
    short, secret = idle.run(idle.access.create("short", days=1))
    assert (lasting.expires_at, short.expires_at) == (0, short.created_at + 86_400_000)
    idle.time += 86_399
    assert idle.run(idle.access.authenticate(secret)) == short
    idle.time += 1
    with pytest.raises(NotAuthenticatedError, match="'short' has expired"):
        idle.run(idle.access.authenticate(secret))
    assert [idle.access.is_expired(one) for one in (lasting, short)] == [False, True]
    assert idle.run(idle.access.authenticate(forever)) == lasting
