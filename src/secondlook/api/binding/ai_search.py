"""``env.AI_SEARCH`` and what it gives out, method by method as Workers have them."""

import asyncio
import json
import mimetypes
from collections.abc import AsyncIterable, Mapping
from typing import IO, Any, cast, overload
from urllib.parse import unquote

from secondlook.api.binding import resources, searches
from secondlook.api.binding.body import Body
from secondlook.api.binding.errors import ai_search_error
from secondlook.api.binding.server import Call, Method, Server, part

FINAL = ("completed", "error", "skipped")
"""Statuses that an item keeps until somebody acts."""
POLL_MS, PATIENCE_MS = 1000, 30_000

Content = bytes | str | IO[bytes] | AsyncIterable[bytes]


class Below:
    """Everything below one path of a server."""

    def __init__(self, server: Server, path: str) -> None:
        self._server = server
        self._path = path

    async def _result(self, method: Method, more: str = "", *, json: object = None) -> Any:
        return await self._server.result(Call(method, self._path + more, json=json), ai_search_error)

    async def _page(self, more: str, query: object) -> Any:
        found = cast(Mapping[str, Any], query or {})
        return await self._server.page(Call("GET", self._path + more, query=found), ai_search_error)

    async def _complete(self, params: Mapping[str, Any]) -> Any:
        call = Call("POST", f"{self._path}/chat/completions", json=params)
        if params.get("stream"):
            return await self._server.open(call, ai_search_error)
        return await self._server.read(call, ai_search_error)


class AiSearchNamespace(Below):
    """``env.AI_SEARCH``: one namespace."""

    def __init__(self, server: Server, namespace: str) -> None:
        super().__init__(server, f"/ai-search/namespaces/{part(namespace)}")

    def get(self, name: str) -> "AiSearchInstance":
        """An instance, which is not asked yet whether it is there."""
        return AiSearchInstance(self._server, f"{self._path}/instances/{part(name)}")

    async def list(self, params: resources.AiSearchListInstancesParams | None = None) -> resources.AiSearchListResponse:
        """A page of instances."""
        return cast(resources.AiSearchListResponse, await self._page("/instances", params))

    async def create(self, config: resources.AiSearchConfig) -> "AiSearchInstance":
        """A new instance; only ``id`` is required."""
        made = await self._result("POST", "/instances", json=config)
        return self.get(made["id"])

    async def delete(self, name: str) -> None:
        """Remove an instance and all that is indexed in it."""
        await self._result("DELETE", f"/instances/{part(name)}")

    async def search(self, params: searches.AiSearchMultiSearchRequest) -> searches.AiSearchMultiSearchResponse:
        """Search several instances, which ``instance_ids`` names."""
        return cast(searches.AiSearchMultiSearchResponse, await self._result("POST", "/search", json=params))

    @overload
    async def chatCompletions(self, params: searches.AiSearchMultiChatRequestStreaming) -> Body: ...

    @overload
    async def chatCompletions(
        self, params: searches.AiSearchMultiChatRequest
    ) -> searches.AiSearchMultiChatResponse: ...

    async def chatCompletions(
        self, params: searches.AiSearchMultiChatRequest | searches.AiSearchMultiChatRequestStreaming
    ) -> searches.AiSearchMultiChatResponse | Body:
        """An answer from several instances, or with ``"stream": True`` its server-sent events."""
        return cast(searches.AiSearchMultiChatResponse | Body, await self._complete(params))


class AiSearchInstance(Below):
    """One instance."""

    @property
    def items(self) -> "AiSearchItems":
        """What is indexed in it."""
        return AiSearchItems(self._server, f"{self._path}/items")

    @property
    def jobs(self) -> "AiSearchJobs":
        """Its syncs with an external source."""
        return AiSearchJobs(self._server, f"{self._path}/jobs")

    async def info(self) -> resources.AiSearchInstanceInfo:
        """Its settings and state."""
        return cast(resources.AiSearchInstanceInfo, await self._result("GET"))

    async def stats(self) -> resources.AiSearchStatsResponse:
        """How many items are in which state."""
        return cast(resources.AiSearchStatsResponse, await self._result("GET", "/stats"))

    async def update(self, config: resources.AiSearchUpdate) -> resources.AiSearchInstanceInfo:
        """Change the settings that are named, and no others."""
        return cast(resources.AiSearchInstanceInfo, await self._result("PUT", json=config))

    async def search(self, params: searches.AiSearchSearchRequest) -> searches.AiSearchSearchResponse:
        """The chunks that fit a query, or the last user message."""
        return cast(searches.AiSearchSearchResponse, await self._result("POST", "/search", json=params))

    @overload
    async def chatCompletions(self, params: searches.AiSearchChatRequestStreaming) -> Body: ...

    @overload
    async def chatCompletions(self, params: searches.AiSearchChatRequest) -> searches.AiSearchChatResponse: ...

    async def chatCompletions(
        self, params: searches.AiSearchChatRequest | searches.AiSearchChatRequestStreaming
    ) -> searches.AiSearchChatResponse | Body:
        """An answer with its chunks, or with ``"stream": True`` its server-sent events."""
        return cast(searches.AiSearchChatResponse | Body, await self._complete(params))


class AiSearchItems(Below):
    """The items of an instance."""

    async def list(
        self, params: resources.AiSearchListItemsParams | None = None
    ) -> resources.AiSearchListItemsResponse:
        """A page of items."""
        return cast(resources.AiSearchListItemsResponse, await self._page("", params))

    async def upload(
        self, name: str, content: Content, options: resources.AiSearchUploadItemOptions | None = None
    ) -> resources.AiSearchItemInfo:
        """The item, queued; one of that name is replaced. The content is held in memory: 10 MiB at most."""
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        metadata = (options or {}).get("metadata")
        call = Call(
            "POST",
            self._path,
            files={"file": (name, await _bytes_of(content), kind)},
            form={"metadata": json.dumps(metadata)} if metadata else None,
        )
        return cast(resources.AiSearchItemInfo, await self._server.result(call, ai_search_error))

    async def uploadAndPoll(
        self, name: str, content: Content, options: resources.AiSearchPollOptions | None = None
    ) -> resources.AiSearchItemInfo:
        """The item once it is done, or as it is when ``timeoutMs`` are over."""
        given: resources.AiSearchPollOptions = options or {}
        loop = asyncio.get_running_loop()
        until = loop.time() + given.get("timeoutMs", PATIENCE_MS) / 1000
        item = await self.upload(name, content, given)
        while item["status"] not in FINAL and (left := until - loop.time()) > 0:
            await asyncio.sleep(min(given.get("pollIntervalMs", POLL_MS) / 1000, left))
            item = await self.get(item["id"]).info()
        return item

    def get(self, itemId: str) -> "AiSearchItem":
        """An item, which is not asked yet whether it is there."""
        return AiSearchItem(self._server, f"{self._path}/{part(itemId)}")

    async def delete(self, itemId: str) -> None:
        """Remove an item and its chunks."""
        await self._result("DELETE", f"/{part(itemId)}")


class AiSearchItem(Below):
    """One item."""

    async def info(self) -> resources.AiSearchItemInfo:
        """Its state and metadata."""
        return cast(resources.AiSearchItemInfo, await self._result("GET"))

    async def sync(self) -> resources.AiSearchItemInfo:
        """Index it again."""
        return cast(resources.AiSearchItemInfo, await self._result("PATCH", json={"next_action": "INDEX"}))

    async def download(self) -> resources.AiSearchItemContentResult:
        """Its bytes, which must be read or closed."""
        body = await self._server.open(Call("GET", f"{self._path}/download"), ai_search_error)
        _, _, name = body.headers.get("content-disposition", "").partition("filename*=UTF-8''")
        return {
            "body": body,
            "contentType": body.headers.get("content-type", "application/octet-stream"),
            "filename": unquote(name),
            "size": int(body.headers.get("content-length", 0)),
        }

    async def logs(self, params: resources.AiSearchItemLogsParams | None = None) -> resources.AiSearchItemLogsResponse:
        """What was done with it."""
        return cast(resources.AiSearchItemLogsResponse, await self._page("/logs", params))

    async def chunks(
        self, params: resources.AiSearchItemChunksParams | None = None
    ) -> resources.AiSearchItemChunksResponse:
        """What of it is searched."""
        return cast(resources.AiSearchItemChunksResponse, await self._page("/chunks", params))


class AiSearchJobs(Below):
    """The jobs of an instance."""

    async def list(self, params: resources.AiSearchPageParams | None = None) -> resources.AiSearchListJobsResponse:
        """A page of jobs."""
        return cast(resources.AiSearchListJobsResponse, await self._page("", params))

    async def create(self, params: resources.AiSearchCreateJobParams | None = None) -> resources.AiSearchJobInfo:
        """Begin a sync."""
        return cast(resources.AiSearchJobInfo, await self._result("POST", json=params or {}))

    def get(self, jobId: str) -> "AiSearchJob":
        """A job, which is not asked yet whether it is there."""
        return AiSearchJob(self._server, f"{self._path}/{part(jobId)}")


class AiSearchJob(Below):
    """One job."""

    async def info(self) -> resources.AiSearchJobInfo:
        """Its state."""
        return cast(resources.AiSearchJobInfo, await self._result("GET"))

    async def logs(self, params: resources.AiSearchPageParams | None = None) -> resources.AiSearchJobLogsResponse:
        """A page of what it did."""
        return cast(resources.AiSearchJobLogsResponse, await self._page("/logs", params))

    async def cancel(self) -> resources.AiSearchJobInfo:
        """End it."""
        return cast(resources.AiSearchJobInfo, await self._result("PATCH", json={"action": "cancel"}))


async def _bytes_of(content: Content) -> bytes:
    if isinstance(content, bytes):
        return content
    if isinstance(content, str):
        return content.encode()
    if isinstance(content, AsyncIterable):
        return b"".join([piece async for piece in content])
    return await asyncio.to_thread(content.read)
