"""Signing in with a code, and the accounts of a token, as a browser asks for them."""

from datetime import UTC, datetime

import pytest

from secondlook.services.sign_in import TRIES
from tests.wire.conftest import NEW, Wire, error_of

SIGN_IN = "/sign-in"
ACCOUNTS = ["/client/v4/accounts", "/accounts"]


def test_a_code_gives_a_token_that_works_until_it_expires(wire: Wire) -> None:
    code = wire.services.sign_in.offer("demo")
    answer = wire.post(SIGN_IN, {"code": code}, headers={"Authorization": ""})
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    found = answer.json()["result"]
    assert found["account"] == "demo"
    assert datetime.fromisoformat(found["expires_at"]) > datetime.fromtimestamp(wire.time, UTC)
    bearer = {"Authorization": f"Bearer {found['token']}"}
    assert wire.ask("GET", NEW, headers=bearer).status_code == 200
    wire.time += 31 * 86_400
    status, code, message = error_of(wire.ask("GET", NEW, headers=bearer))
    assert (status, code, message) == (401, 10000, "Authentication error")
    assert "has expired" in wire.ask("GET", NEW, headers=bearer).json()["errors"][0]["detail"]


def test_a_code_is_refused_the_second_time_and_once_its_time_is_up(wire: Wire) -> None:
    code, late = wire.services.sign_in.offer("demo"), wire.services.sign_in.offer("demo")
    assert wire.post(SIGN_IN, {"code": code}).status_code == 200
    wire.clock += 601
    for one in (code, late, "wrong"):
        answer = wire.post(SIGN_IN, {"code": one})
        assert error_of(answer)[:2] == (401, 10000)
        assert "restart the server" in answer.json()["errors"][0]["detail"]


@pytest.mark.parametrize("body", [None, {}, {"code": ""}, {"code": 5}, {"code": ["a"]}, {"code": "x" * 257}, [], "x"])
def test_a_body_without_a_code_is_refused(wire: Wire, body: object) -> None:
    assert error_of(wire.post(SIGN_IN, body))[0] == 400


def test_a_large_body_is_refused(wire: Wire) -> None:
    answer = wire.post(SIGN_IN, {"code": "x" * 5000})
    assert error_of(answer)[0] == 400
    assert "more than 4,096 bytes" in answer.json()["errors"][0]["detail"]


def test_guesses_are_throttled(wire: Wire) -> None:
    statuses = [wire.post(SIGN_IN, {"code": "wrong"}).status_code for _ in range(TRIES.requests + 1)]
    assert statuses == [401] * TRIES.requests + [429]
    answer = wire.post(SIGN_IN, {"code": wire.services.sign_in.offer("demo")})
    assert answer.status_code == 429
    assert 1 <= int(answer.headers["retry-after"]) <= 120


def test_a_code_is_taken_from_the_body_alone(wire: Wire) -> None:
    code = wire.services.sign_in.offer("demo")
    assert wire.get(SIGN_IN, code=code).status_code == 405
    assert wire.post(f"{SIGN_IN}?code={code}", {}).status_code == 400
    assert wire.post(SIGN_IN, {"code": code}).status_code == 200


@pytest.mark.parametrize("path", ACCOUNTS)
def test_the_accounts_that_a_token_may_open(wire: Wire, path: str) -> None:
    assert wire.get(path).json()["result"] == []
    wire.make("handbook")
    wire.post("/client/v4/accounts/zoo/ai-search/instances", {"id": "animals"})
    found = wire.get(path).json()
    assert found["result"] == [{"id": one, "name": one, "type": "standard"} for one in ("acc", "zoo")]
    assert wire.get(path, name="zoo").json()["result_info"]["total_count"] == 1
    assert wire.get(path, name="zo").json()["result"] == []
    assert [one["id"] for one in wire.get(path, page=2, per_page=1).json()["result"]] == ["zoo"]
    _, limited = wire.run(wire.services.access.create("guest", account="garden"))
    answer = wire.ask("GET", path, headers={"Authorization": f"Bearer {limited}"})
    assert [one["id"] for one in answer.json()["result"]] == ["garden"]
    _, searching = wire.run(wire.services.access.create("box", permission="run"))
    assert wire.ask("GET", path, headers={"Authorization": f"Bearer {searching}"}).status_code == 403
    assert wire.ask("GET", path, headers={"Authorization": ""}).status_code == 401
