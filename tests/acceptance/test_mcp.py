"""The official MCP client against the public endpoint of a live server."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import httpx
import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp.types import TextContent

from tests.acceptance.server_process import ServerProcess

pytestmark = pytest.mark.server

T = TypeVar("T")
DESCRIPTION = "Rules and notices for the harbour"


@pytest.fixture(scope="module")
def harbour(server: ServerProcess, token: str) -> str:
    """The address of an endpoint over one instance with one document."""
    base, name = f"{server.url}/accounts/mcp/ai-search/instances", f"harbour-{uuid.uuid4().hex[:8]}"
    with httpx.Client(headers={"Authorization": f"Bearer {token}"}, timeout=60) as client:
        params = {"enabled": True, "mcp": {"description": DESCRIPTION}}
        settings = {"score_threshold": 0.1, "retrieval_options": {"keyword_match_mode": "or"}}
        made = client.post(base, json={"id": name, "public_endpoint_params": params, **settings})
        made.raise_for_status()
        text = b"Two blasts of the fog horn every ninety seconds."
        sent = client.post(
            f"{base}/{name}/items",
            files={"file": ("signals/fog.md", text)},
            data={"wait_for_completion": "true"},
        )
        assert sent.json()["result"]["status"] == "completed"
    return f"{server.url}/public/{made.json()['result']['public_endpoint_id']}"


def with_client(address: str, work: Callable[[Client], Awaitable[T]]) -> T:
    async def run() -> T:
        async with Client(address) as client:
            return await work(client)

    return asyncio.run(run())


def test_the_tool_is_listed(harbour: str) -> None:
    [tool] = with_client(f"{harbour}/mcp", lambda client: client.list_tools()).tools
    assert (tool.name, tool.description) == ("search", DESCRIPTION)
    assert tool.input_schema["required"] == ["query"]


def test_an_agent_searches(harbour: str) -> None:
    found = with_client(f"{harbour}/mcp", lambda client: client.call_tool("search", {"query": "fog horn"}))
    assert not found.is_error
    [text] = found.content
    assert isinstance(text, TextContent)
    assert "[signals/fog.md]" in text.text
    assert "ninety seconds" in text.text
    [chunk] = found.structured_content["chunks"]
    assert chunk["item"]["key"] == "signals/fog.md"
    assert set(found.structured_content) == {"query_kind", "search_query", "chunks"}


@pytest.mark.parametrize("arguments", [{}, {"query": ""}, {"query": 7}])
def test_a_call_without_a_query(harbour: str, arguments: dict[str, Any]) -> None:
    found = with_client(f"{harbour}/mcp", lambda client: client.call_tool("search", arguments))
    assert found.is_error
    [text] = found.content
    assert isinstance(text, TextContent)
    assert "query" in text.text


def test_plain_json_rpc_as_the_documents_have_it(harbour: str) -> None:
    body = {"jsonrpc": "2.0", "id": 7, "method": "tools/call",
            "params": {"name": "search", "arguments": {"query": "fog horn"}}}  # fmt: skip
    headers = {"Accept": "application/json, text/event-stream", "Origin": "https://page.example"}
    answer = httpx.post(f"{harbour}/mcp", json=body, headers=headers)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.json()["id"] == 7
    assert answer.json()["result"]["structuredContent"]["chunks"]
    broken = httpx.post(f"{harbour}/mcp", content=b"no json", headers=headers | {"Content-Type": "application/json"})
    assert broken.status_code == 400
    assert httpx.get(f"{harbour}/mcp").json()["errors"][0]["code"] == 60016


@pytest.mark.parametrize("name", ["delete", "Search", "search_all"])
def test_an_unknown_tool_is_an_error_of_the_protocol(harbour: str, name: str) -> None:
    async def call(client: Client) -> int:
        with pytest.raises(MCPError) as caught:
            await client.call_tool(name, {"query": "fog"})
        return caught.value.code

    assert with_client(f"{harbour}/mcp", call) == -32602


def test_a_page_under_a_strange_name_is_refused(harbour: str) -> None:
    """The case of the conformance suite: under DNS rebinding ``Host`` and ``Origin`` agree."""
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
    accepts = {"Accept": "application/json, text/event-stream"}
    own = harbour.removeprefix("http://").partition("/")[0]
    for host, status in (("evil.example.com", 403), (own, 200)):
        headers = {**accepts, "Host": host, "Origin": f"http://{host}"}
        assert httpx.post(f"{harbour}/mcp", json=call, headers=headers, timeout=60).status_code == status
