"""The tool ``search`` for agents, over the Model Context Protocol."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.datastructures import Headers
from starlette.responses import JSONResponse, Response
from starlette.types import Message, Receive, Scope, Send

from secondlook import __version__

NAME = "search"
QUERY = "query"
SCHEMA = {
    "type": "object",
    "properties": {QUERY: {"type": "string", "minLength": 1, "description": "What to search for, in plain words"}},
    "required": [QUERY],
}
NO_JSON = {
    "jsonrpc": "2.0",
    "id": None,
    "error": {"code": -32600, "message": "send the message with the header Content-Type: application/json"},
}
FOREIGN = {
    "jsonrpc": "2.0",
    "id": None,
    "error": {"code": -32000, "message": "the page of this Origin may not call the tool: add it to authorized_hosts"},
}
INVALID_PARAMS = -32602
PARSE_ERROR = -32700
KEYS = ("jsonrpc", "id", "method", "params", "result", "error")
"""Of a message; the SDK would take a second to describe 10,000 others."""
MOST_VALUES = 1000
"""Values of a message, whose tool takes one."""
Search = Callable[[str], Awaitable[dict[str, Any]]]
"""From a query to the result of a search: ``search_query`` and ``chunks``. A refusal has ``errors`` instead."""


class ToolResponse(Response):
    """Answers one request of the protocol; no session is kept between requests.

    Source:
        Model Context Protocol, streamable HTTP; the official SDK speaks every revision of it.
    """

    def __init__(self, search: Search, description: str, message: object) -> None:
        super().__init__()
        self._content = json.dumps(_known(message)).encode()
        self._search = search
        self._description = description

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the SDK read the request, whose body is ``message``, and answer it under the headers of this response."""
        await asyncio.to_thread(_load)
        from mcp.server.lowlevel.server import Server
        from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

        more = [pair for pair in self.raw_headers if pair[0] != b"content-length"]

        read = False

        async def replayed() -> Message:
            nonlocal read
            if read:
                return await receive()
            read = True
            return {"type": "http.request", "body": self._content, "more_body": False}

        async def dressed(message: Any) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], *more]}
            await send(message)

        if not Headers(scope=scope).get("content-type", "").lower().startswith("application/json"):
            await JSONResponse(NO_JSON, 415)(scope, receive, dressed)  # the SDK refuses it in words that are no JSON
            return
        server = Server("secondlook", version=__version__, on_list_tools=self._list, on_call_tool=self._call)
        manager = StreamableHTTPSessionManager(server, json_response=True, stateless=True)
        async with manager.run():
            await manager.handle_request(scope, replayed, dressed)

    async def _list(self, context: Any, params: Any) -> Any:
        from mcp import types

        tool = types.Tool(name=NAME, description=self._description, input_schema=SCHEMA)
        return types.ListToolsResult(tools=[tool])

    async def _call(self, context: Any, params: Any) -> Any:
        from mcp import types
        from mcp.shared.exceptions import MCPError

        if params.name != NAME:
            raise MCPError(INVALID_PARAMS, f"Unknown tool: {params.name}")
        query = (params.arguments or {}).get(QUERY)
        if not isinstance(query, str) or not query.strip():
            text, found = f"the argument {QUERY} is missing or empty", None
        else:
            found = await self._search(query)
            text = text_of(found)
            found = None if "errors" in found and "chunks" not in found else found
        content = [types.TextContent(type="text", text=text)]
        return types.CallToolResult(content=content, structured_content=found, is_error=found is None)


def _known(message: object) -> object:
    return {key: message[key] for key in KEYS if key in message} if isinstance(message, dict) else message


def _load() -> None:
    """Import the SDK, which is heavy, where the first request for it keeps no other waiting."""
    import mcp.server.streamable_http_manager  # noqa: F401


def unreadable(reason: str) -> dict[str, Any]:
    """The error of the protocol for a body that is no JSON, or too much of it."""
    return {"jsonrpc": "2.0", "id": None, "error": {"code": PARSE_ERROR, "message": f"Parse error: {reason}"}}


def text_of(found: dict[str, Any]) -> str:
    """The result as an agent reads it: each passage under the name of its document, best first."""
    if "chunks" not in found:
        return json.dumps(found["errors"], ensure_ascii=False)
    if not found["chunks"]:
        return "Nothing was found."
    return "\n\n".join(f"[{one['item']['key']}]\n{one.get('text', '')}" for one in found["chunks"])
