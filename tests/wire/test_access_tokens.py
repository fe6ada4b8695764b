"""Tokens of the API itself, created and revoked over the API."""

from typing import Any

import pytest

from secondlook.api.times import iso_time
from tests.wire.conftest import NEW, Wire, error_of

TOKENS = "/client/v4/accounts/acc/ai-search/access_tokens"


def as_token(wire: Wire, **scope: Any) -> dict[str, str]:
    _, secret = wire.run(wire.services.access.create("scoped", **scope))
    return {"Authorization": f"Bearer {secret}"}


def names(wire: Wire, **more: Any) -> list[str]:
    return [one["name"] for one in wire.ask("GET", TOKENS, **more).json()["result"]]


def test_a_token_is_created_used_and_revoked(wire: Wire) -> None:
    made = wire.post(TOKENS, {"name": "search box", "permission": "run"}).json()["result"]
    assert {name: made[name] for name in ("name", "permission", "account", "revoked", "current")} == {
        "name": "search box", "permission": "run", "account": "acc", "revoked": False, "current": False,
    }  # fmt: skip
    headers = {"Authorization": f"Bearer {made['value']}"}
    wire.make()
    assert wire.post(f"{NEW}/handbook/search", {"query": "oil"}, headers=headers).status_code == 200
    assert error_of(wire.ask("GET", NEW, headers=headers))[0] == 403
    gone = wire.ask("DELETE", f"{TOKENS}/{made['id']}").json()["result"]
    assert (gone["id"], gone["revoked"]) == (made["id"], True)
    assert error_of(wire.post(f"{NEW}/handbook/search", {"query": "oil"}, headers=headers))[0] == 401


def test_the_secret_is_shown_once(wire: Wire) -> None:
    made = wire.post(TOKENS, {"name": "once"}).json()["result"]
    listed = wire.get(TOKENS)
    assert made["value"].startswith("sl_")
    assert made["value"] not in listed.text
    assert "value" not in listed.json()["result"][0]
    assert made["value"] not in wire.ask("DELETE", f"{TOKENS}/{made['id']}").text
    with wire.database() as database:
        assert made["value"] not in "\n".join(database.iterdump())


def test_the_list_marks_the_callers_token_and_puts_revoked_ones_last(wire: Wire) -> None:
    first = wire.post(TOKENS, {"name": "first"}).json()["result"]
    wire.post(TOKENS, {"name": "second", "any_account": True})
    wire.ask("DELETE", f"{TOKENS}/{first['id']}")
    rows = wire.get(TOKENS).json()["result"]
    assert rows[-1]["name"] == "first"
    assert [one["name"] for one in rows if one["current"]] == ["test"]
    assert {one["name"]: one["account"] for one in rows} == {"first": "acc", "second": None, "test": None}
    page = wire.get(TOKENS, page=2, per_page=2).json()
    assert page["result_info"] == {"count": 1, "page": 2, "per_page": 2, "total_count": 3}


def test_a_token_says_when_it_expires(wire: Wire) -> None:
    soon, _ = wire.run(wire.services.access.create("soon", account="acc", days=30))
    over, _ = wire.run(wire.services.access.create("over", account="acc", days=-1))
    wire.post(TOKENS, {"name": "lasting"})
    rows = wire.get(TOKENS).json()["result"]
    assert {one["name"]: one["expires_at"] for one in rows} == {
        "lasting": None, "test": None, "soon": iso_time(soon.expires_at), "over": iso_time(over.expires_at),
    }  # fmt: skip
    assert rows[-1]["name"] == "over"


def test_a_token_of_one_account_sees_and_makes_its_own_alone(wire: Wire) -> None:
    mine = as_token(wire, account="acc")
    other = as_token(wire, account="other")
    whole = wire.get(TOKENS).json()["result"]
    assert names(wire, headers=mine) == ["scoped"]
    assert error_of(wire.ask("GET", TOKENS, headers=other))[0] == 403
    refused = wire.post(TOKENS, {"name": "wide", "any_account": True}, headers=mine)
    assert error_of(refused)[0] == 403
    assert refused.json()["errors"][0]["fields"][0]["field"] == "any_account"
    assert wire.post(TOKENS, {"name": "own"}, headers=mine).json()["result"]["account"] == "acc"
    test_token = next(one["id"] for one in whole if one["name"] == "test")
    assert error_of(wire.ask("DELETE", f"{TOKENS}/{test_token}", headers=mine))[:2] == (404, 7404)
    assert wire.get(TOKENS).status_code == 200


def test_a_token_to_run_sees_no_tokens(wire: Wire) -> None:
    headers = as_token(wire, permission="run")
    for method, path in (("GET", TOKENS), ("POST", TOKENS), ("DELETE", f"{TOKENS}/x")):
        assert error_of(wire.ask(method, path, headers=headers, json={}))[0] == 403


@pytest.mark.parametrize("body", [{}, {"name": ""}, {"name": " "}, {"name": "x", "permission": "all"}, {"name": 5}])
def test_tokens_that_are_refused(wire: Wire, body: dict[str, object]) -> None:
    answer = wire.post(TOKENS, body)
    assert error_of(answer)[:2] == (400, 7400)
    wanted = "permission" if "permission" in body else "name"
    assert [one["field"] for one in answer.json()["errors"][0]["fields"]] == [wanted]
    assert names(wire) == ["test"]
