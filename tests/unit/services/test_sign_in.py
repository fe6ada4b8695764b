"""Sign-in codes: each works once, for a while, and never for somebody who guesses."""

import asyncio

import pytest

from secondlook.domain.instance import InstanceSettings
from secondlook.errors import NotAuthenticatedError, OverloadedError
from secondlook.services.access import DAY
from secondlook.services.sign_in import CODE_SECONDS, MOST_CODES, TOKEN_DAYS, TOKEN_NAME, TRIES
from tests.unit.services.conftest import House

HERE = "127.0.0.1"


def test_a_code_becomes_a_token_of_its_own(idle: House) -> None:
    session = idle.run(idle.sign_in.exchange(idle.sign_in.offer("demo"), HERE))
    assert session.account == "demo"
    assert idle.run(idle.access.authenticate(session.secret)) == session.token
    assert session.token.name == TOKEN_NAME
    assert session.token.expires_at - session.token.created_at == TOKEN_DAYS * DAY


def test_a_code_works_once(idle: House) -> None:
    code = idle.sign_in.offer("demo")
    idle.run(idle.sign_in.exchange(code, HERE))
    with pytest.raises(NotAuthenticatedError, match="already used or has expired"):
        idle.run(idle.sign_in.exchange(code, HERE))
    assert len(idle.run(idle.access.list())) == 1


def test_of_many_exchanges_at_once_one_succeeds(idle: House) -> None:
    code = idle.sign_in.offer("demo")

    async def race() -> list[object]:
        return await asyncio.gather(
            *(idle.sign_in.exchange(code, f"10.0.0.{at}") for at in range(8)), return_exceptions=True
        )

    found = idle.run(race())
    assert sum(isinstance(one, NotAuthenticatedError) for one in found) == 7
    assert len(idle.run(idle.access.list())) == 1


@pytest.mark.parametrize("late", [0.0, 1.0, 86_400.0])
def test_a_code_expires(idle: House, late: float) -> None:
    code = idle.sign_in.offer("demo")
    idle.time += CODE_SECONDS + late
    with pytest.raises(NotAuthenticatedError):
        idle.run(idle.sign_in.exchange(code, HERE))


def test_a_code_works_until_it_expires(idle: House) -> None:
    code = idle.sign_in.offer("demo")
    idle.time += CODE_SECONDS - 1
    assert idle.run(idle.sign_in.exchange(code, HERE)).account == "demo"


@pytest.mark.parametrize("wrong", ["", "nonsense", "ü", "\ud800", "x" * 256])
def test_a_wrong_code_gives_nothing_and_spoils_no_other(idle: House, wrong: str) -> None:
    code = idle.sign_in.offer("demo")
    for guess in (wrong, code[:-1], code + "A", code.swapcase()):
        with pytest.raises(NotAuthenticatedError):
            idle.run(idle.sign_in.exchange(guess, HERE))
    assert idle.run(idle.access.list()) == []
    assert idle.run(idle.sign_in.exchange(code, HERE)).account == "demo"


def test_an_address_that_tries_too_often_waits_and_others_do_not(idle: House) -> None:
    code = idle.sign_in.offer("demo")
    for _ in range(TRIES.requests):
        with pytest.raises(NotAuthenticatedError):
            idle.run(idle.sign_in.exchange("wrong", HERE))
    with pytest.raises(OverloadedError) as refused:
        idle.run(idle.sign_in.exchange(code, HERE))
    assert 0 < refused.value.retry_after <= 2 * TRIES.period
    assert idle.run(idle.sign_in.exchange(code, "10.0.0.9")).account == "demo"
    idle.time += 2 * TRIES.period
    assert idle.run(idle.sign_in.exchange(idle.sign_in.offer("demo"), HERE)).account == "demo"


def test_the_oldest_code_makes_room(idle: House) -> None:
    codes = [idle.sign_in.offer(str(at)) for at in range(MOST_CODES + 1)]
    assert len(set(codes)) == len(codes)
    with pytest.raises(NotAuthenticatedError):
        idle.run(idle.sign_in.exchange(codes[0], "10.0.0.1"))
    for at, code in enumerate(codes[1:], 1):
        assert idle.run(idle.sign_in.exchange(code, f"10.0.1.{at}")).account == str(at)


def test_the_accounts_that_a_token_may_open(idle: House) -> None:
    everywhere, _ = idle.run(idle.access.create("operator"))
    assert idle.run(idle.sign_in.accounts(everywhere)) == []
    limited, _ = idle.run(idle.access.create("guest", account="zoo"))
    idle.run(idle.instances.create("acc", "default", "docs", settings=InstanceSettings()))
    idle.run(idle.instances.add_namespace("bare", "team", ""))
    assert idle.run(idle.sign_in.accounts(everywhere)) == ["acc", "bare", "zoo"]
    assert idle.run(idle.sign_in.accounts(None)) == ["acc", "bare", "zoo"]
    assert idle.run(idle.sign_in.accounts(limited)) == ["zoo"]
    idle.run(idle.access.revoke(limited.id))
    assert idle.run(idle.sign_in.accounts(everywhere)) == ["acc", "bare"]


def test_the_account_that_a_link_opens(idle: House) -> None:
    assert idle.run(idle.sign_in.first_account()) == "default"
    idle.run(idle.instances.create("acc", "default", "docs", settings=InstanceSettings()))
    assert idle.run(idle.sign_in.first_account()) == "acc"
    idle.run(idle.instances.create("default", "default", "docs", settings=InstanceSettings()))
    assert idle.run(idle.sign_in.first_account()) == "default"
