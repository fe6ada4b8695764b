"""What commands make of the answers of a server, or of what is not one."""

import asyncio

import httpx
import pytest

from secondlook.errors import CallerError
from secondlook.resource_client import ResourceClient


def client(answer: httpx.Response | Exception) -> ResourceClient:
    """A client of a server that always answers this."""

    def handle(request: httpx.Request) -> httpx.Response:
        if isinstance(answer, Exception):
            raise answer
        return answer

    transport = httpx.MockTransport(handle)
    return ResourceClient(httpx.AsyncClient(transport=transport, base_url="http://s"), "me", where="http://s")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (httpx.ConnectError("refused"), r"cannot reach http://s \(refused\)"),
        (httpx.Response(200, text="<html>"), r"http://s answered with status 200, not as Secondlook does"),
        (httpx.Response(200, json=[]), "not as Secondlook does"),
        (httpx.Response(502, text="bad gateway"), "status 502"),
        (httpx.Response(500, json={"errors": []}), "status 500"),
        (httpx.Response(404, json={"errors": [{"message": "not_found", "detail": "no such thing"}]}), "no such thing"),
        (httpx.Response(401, json={"errors": [{"message": "Authentication_error"}]}), "Authentication error"),
    ],
)
def test_what_is_said_of_a_bad_answer(answer: httpx.Response | Exception, words: str) -> None:
    with pytest.raises(CallerError, match=words):
        asyncio.run(client(answer).get("instances"))


def test_all_pages_are_read() -> None:
    asked: list[str] = []

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        page = int(request.url.params["page"])
        rows = [{"n": number} for number in range(50 * (page - 1), min(50 * page, 120))]
        return httpx.Response(200, json={"result": rows, "result_info": {"total_count": 120}})

    http = httpx.AsyncClient(transport=httpx.MockTransport(handle), base_url="http://s/client/v4")
    found = asyncio.run(ResourceClient(http, "a/b", where="http://s").all("instances", "x y", search="z"))
    assert [one["n"] for one in found] == list(range(120))
    assert asked[0] == "http://s/client/v4/accounts/a%2Fb/ai-search/instances/x%20y?page=1&per_page=50&search=z"
    assert len(asked) == 3
