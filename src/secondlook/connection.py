"""``connect``: the bindings of Workers in Python, over a server or over a data folder in this process."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from urllib.parse import urlsplit

import httpx

from secondlook.api.binding.ai_search import AiSearchNamespace
from secondlook.api.binding.autorag import Ai
from secondlook.api.binding.server import Server
from secondlook.errors import SetupError

PATIENCE = 60.0
"""Seconds between two pieces of an answer; an upload that waits may take 40."""


class Connection:
    """What a Worker calls ``env``.

    Attributes:
        AI: ``autorag(name)``, ``aiSearch()`` and ``run(model, inputs)``.
        AI_SEARCH: the namespace: ``get(name)``, ``list``, ``create``, ``delete``, ``search``, ``chatCompletions``.
    """

    def __init__(self, client: httpx.AsyncClient, *, account: str, namespace: str, where: str) -> None:
        self._client = client
        server = Server(client, account, where=where)
        self.AI = Ai(server, namespace)
        self.AI_SEARCH = AiSearchNamespace(server, namespace)

    async def close(self) -> None:
        """Let go of the connections, or of the data folder; answers that still come end."""
        await self._client.aclose()

    async def __aenter__(self) -> "Connection":
        await self._client.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


def connect(
    url: str = "",
    token: str = "",
    *,
    data_dir: Path | str | None = None,
    account: str = "default",
    namespace: str = "default",
    timeout: float = PATIENCE,
) -> Connection:
    """The bindings over the server at ``url``, or over the data folder ``data_dir`` without any server.

    A server is not asked until the first call; a data folder is opened, and its model loaded, at the first
    call or at ``async with``. A connection belongs to one event loop.

    Args:
        token: of the server; a data folder needs none.
        account: whose instances are meant.
        namespace: the one of ``AI_SEARCH``.
        timeout: seconds without any news from the server.

    Raises:
        SetupError: neither or both of ``url`` and ``data_dir`` are given, or the address is none.
    """
    if bool(url) == (data_dir is not None):
        raise SetupError("connect needs either the address of a server, as url, or a folder, as data_dir")
    if data_dir is not None:
        where = f"{data_dir}"
        client = httpx.AsyncClient(transport=_Folder(Path(data_dir)), base_url="http://secondlook", timeout=None)
        return Connection(client, account=account, namespace=namespace, where=where)
    if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
        raise SetupError(f"the url is {url!r}: give an address such as http://127.0.0.1:8787")
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return Connection(
        httpx.AsyncClient(base_url=url, headers=headers, timeout=timeout),
        account=account, namespace=namespace, where=url,
    )  # fmt: skip


class _Folder(httpx.AsyncBaseTransport):
    """The API over a data folder, opened when it is needed and closed with the client."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._opening = asyncio.Lock()
        self._opened = AsyncExitStack()
        self._inner: httpx.AsyncBaseTransport | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await (await self._ready()).handle_async_request(request)

    async def __aenter__(self) -> "_Folder":
        await self._ready()
        return self

    async def aclose(self) -> None:
        self._inner = None
        await self._opened.aclose()

    async def _ready(self) -> httpx.AsyncBaseTransport:
        # Models, engines and the API take a second to import, which a client of a server should not pay.
        from secondlook.local import open_folder

        async with self._opening:
            if self._inner is None:
                self._inner = await self._opened.enter_async_context(open_folder(self._data_dir))
            return self._inner
