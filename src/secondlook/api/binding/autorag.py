"""``env.AI``, as far as it is about search: AutoRAG, and rerankers."""

from typing import Any, cast, overload
from urllib.parse import quote

from secondlook.api.binding import searches
from secondlook.api.binding.ai_search import AiSearchNamespace
from secondlook.api.binding.body import Body
from secondlook.api.binding.errors import AutoRAGNameNotSetError, autorag_error, inference_error
from secondlook.api.binding.server import Call, Server, part

MOST_LISTED = 100
"""Instances of a page at most."""


class AutoRAG:
    """``env.AI.autorag(name)``."""

    def __init__(self, server: Server, name: str) -> None:
        self._server = server
        self._name = name

    async def list(self) -> searches.AutoRagListResponse:
        """All instances of the account."""
        found: list[Any] = []
        while True:
            call = Call("GET", "/autorag/rags", query={"page": len(found) // MOST_LISTED + 1, "per_page": MOST_LISTED})
            part_of_list = (await self._server.page(call, autorag_error))["result"]
            found += part_of_list
            if len(part_of_list) < MOST_LISTED:
                return cast(searches.AutoRagListResponse, found)

    async def search(self, params: searches.AutoRagSearchRequest) -> searches.AutoRagSearchResponse:
        """The results alone."""
        found = await self._server.result(self._post("search", params), autorag_error)
        return cast(searches.AutoRagSearchResponse, found)

    @overload
    async def aiSearch(self, params: searches.AutoRagAiSearchRequestStreaming) -> Body: ...

    @overload
    async def aiSearch(self, params: searches.AutoRagAiSearchRequest) -> searches.AutoRagAiSearchResponse: ...

    async def aiSearch(
        self, params: searches.AutoRagAiSearchRequest | searches.AutoRagAiSearchRequestStreaming
    ) -> searches.AutoRagAiSearchResponse | Body:
        """An answer with its results, or with ``"stream": True`` the server-sent events of the answer alone."""
        call = self._post("ai-search", params)
        if params.get("stream"):
            return await self._server.open(call, autorag_error)
        return cast(searches.AutoRagAiSearchResponse, await self._server.result(call, autorag_error))

    def _post(self, verb: str, params: object) -> Call:
        if not self._name:
            raise AutoRAGNameNotSetError("AutoRAG name not defined")
        return Call("POST", f"/autorag/rags/{part(self._name)}/{verb}", json=params)


class Ai:
    """``env.AI``."""

    def __init__(self, server: Server, namespace: str) -> None:
        self._server = server
        self._namespace = namespace

    def autorag(self, name: str = "") -> AutoRAG:
        """One instance of the AutoRAG generation; ``list`` needs no name."""
        return AutoRAG(self._server, name)

    def aiSearch(self) -> AiSearchNamespace:
        """The namespace of the AI Search generation."""
        return AiSearchNamespace(self._server, self._namespace)

    async def run(self, model: str, inputs: searches.RerankInputs) -> searches.RerankOutput:
        """Passages in the order of a reranker, such as ``@cf/baai/bge-reranker-base``; no other models run."""
        call = Call("POST", f"/ai/run/{quote(model, safe='/@')}", json=inputs)
        return cast(searches.RerankOutput, await self._server.result(call, inference_error))
