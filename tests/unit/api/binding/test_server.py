"""The way to a server, where the server is not what was expected."""

import httpx
import pytest

from secondlook.api.binding.errors import AiSearchError, AiSearchInternalError, ai_search_error
from secondlook.api.binding.server import Call, Server, part
from tests.in_loop import in_loop


def server_of(answer: httpx.Response | Exception, seen: list[httpx.Request] | None = None) -> Server:
    """A server that always says the same."""

    def handle(request: httpx.Request) -> httpx.Response:
        if seen is not None:
            seen.append(request)
        if isinstance(answer, Exception):
            raise answer
        return answer

    client = httpx.AsyncClient(transport=httpx.MockTransport(handle), base_url="http://here/below")
    return Server(client, "a/b", where="http://here/below")


@in_loop
async def test_paths_and_queries() -> None:
    seen: list[httpx.Request] = []
    server = server_of(httpx.Response(200, json={"result": [1], "result_info": {"count": 1}, "success": True}), seen)
    page = await server.page(Call("GET", f"/x/{part('ü/ ')}", query={"page": 2, "search": None}), ai_search_error)
    assert page == {"result": [1], "result_info": {"count": 1}}
    assert seen[0].url.raw_path == b"/below/client/v4/accounts/a%2Fb/x/%C3%BC%2F%20?page=2"


@in_loop
async def test_nobody_there() -> None:
    with pytest.raises(AiSearchInternalError, match="no Secondlook server at http://here/below"):
        await server_of(httpx.ConnectError("refused")).result(Call("GET", "/x"), ai_search_error)
    with pytest.raises(AiSearchInternalError, match="ReadTimeout"):
        await server_of(httpx.ReadTimeout("")).result(Call("GET", "/x"), ai_search_error)


@in_loop
async def test_somebody_else_there() -> None:
    with pytest.raises(AiSearchInternalError, match="is not a Secondlook server: it answered '<html>'"):
        await server_of(httpx.Response(200, text="<html>")).result(Call("GET", "/x"), ai_search_error)
    with pytest.raises(AiSearchInternalError, match="bad gateway") as caught:
        await server_of(httpx.Response(502, text="bad gateway")).result(Call("GET", "/x"), ai_search_error)
    assert caught.value.status == 502
    with pytest.raises(AiSearchError, match="status 403"):
        await server_of(httpx.Response(403)).result(Call("GET", "/x"), ai_search_error)
    with pytest.raises(AiSearchError, match="odd"):
        odd = httpx.Response(400, json={"errors": [{"code": 1, "message": "odd"}]})
        await server_of(odd).result(Call("GET", "/x"), ai_search_error)
