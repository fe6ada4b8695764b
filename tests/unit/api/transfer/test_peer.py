"""One end of a transfer, against a server that misbehaves."""

import json
from asyncio import run
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from secondlook.api.transfer.peer import TRIES, Document, Peer, PeerAccessError, PeerError, Place

ROOT = "/client/v4/accounts/a%2Fb/ai-search/namespaces/n/instances/docs"
Answer = Callable[[httpx.Request], httpx.Response]


def peer(answer: Answer) -> Peer:
    client = httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="https://peer/client/v4")
    return Peer(client, Place("a/b", "n", "docs"), where="https://peer", pause=0.001)


def ok(result: Any) -> httpx.Response:
    return httpx.Response(200, json={"success": True, "errors": [], "messages": [], "result": result})


def refused(status: int, code: int = 7000, message: str = "no", **headers: str) -> httpx.Response:
    return httpx.Response(status, json={"errors": [{"code": code, "message": message}]}, headers=headers)


def test_what_may_pass_is_asked_again() -> None:
    answers = [refused(429, **{"Retry-After": "0.01"}), refused(503), httpx.Response(502, text="<html>")]
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.raw_path.decode())
        return answers.pop(0) if answers else ok({"id": "docs"})

    assert run(peer(answer).read()) == {"id": "docs"}
    assert asked == [ROOT] * 4


@pytest.mark.parametrize("status", [429, 500])
def test_what_does_not_pass_is_told(status: int) -> None:
    asked = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return refused(status, 7777, "later", **{"Retry-After": "Thu, 01 Jan 2026 00:00:00 GMT"})

    with pytest.raises(PeerError, match=f"https://peer answered {status}: later") as caught:
        run(peer(answer).stats())
    assert (caught.value.status, caught.value.code, len(asked)) == (status, 7777, TRIES)


def test_nobody_answers() -> None:
    asked = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        raise httpx.ConnectError("connection refused")

    with pytest.raises(PeerError, match="no answer from https://peer \\(connection refused\\)"):
        run(peer(answer).read())
    assert len(asked) == TRIES


def test_a_refusal_is_not_asked_again() -> None:
    asked = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return refused(400, 7036, "too small")

    with pytest.raises(PeerError, match="too small"):
        run(peer(answer).create({"chunk_size": 1}))
    assert len(asked) == 1
    assert json.loads(asked[0].content) == {"id": "docs", "chunk_size": 1}


@pytest.mark.parametrize("status", [401, 403])
def test_a_token_that_is_not_good(status: int) -> None:
    with pytest.raises(PeerAccessError, match="use one that may edit AI Search in account 'a/b'"):
        run(peer(lambda _: refused(status, 10000, "Authentication error")).read())


@pytest.mark.parametrize("text", ["<html>", "[]", '{"answer": 1}'])
def test_another_kind_of_server(text: str) -> None:
    with pytest.raises(PeerError, match="does not serve the AI Search API"):
        run(peer(lambda _: httpx.Response(200, text=text)).read())


def test_an_instance_that_is_not_there() -> None:
    assert run(peer(lambda _: refused(404, 7002, "ai_search_not_found")).read()) is None


def test_pages_until_one_is_not_full() -> None:
    rows = [{"id": f"i{number}"} for number in range(120)]

    def answer(request: httpx.Request) -> httpx.Response:
        page = int(request.url.params["page"])
        assert request.url.params["status"] == "error"
        start = max(0, (page - 1) * 50 - page)  # what was removed meanwhile shifts the pages
        return ok(rows[start : start + 50])

    async def collect() -> list[str]:
        return [item["id"] async for item in peer(answer).items("error")]

    assert run(collect()) == [row["id"] for row in rows]


def test_a_file_with_and_without_metadata() -> None:
    bodies = []

    def answer(request: httpx.Request) -> httpx.Response:
        bodies.append(request.content)
        return ok({})

    run(peer(answer).upload(Document("deep/ä.md", b"\x00text", {"station": "north"})))
    run(peer(answer).upload(Document("b.md", b"text", {})))
    assert b'filename="deep/\xc3\xa4.md"' in bodies[0]
    assert b"\x00text" in bodies[0]
    assert b'{"station": "north"}' in bodies[0]
    assert b'name="metadata"' not in bodies[1]
