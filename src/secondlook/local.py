"""The API over a data folder, in this process and without a server."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx

from secondlook.api.app import ApiOptions, create_app
from secondlook.api.binding.in_process import InProcess
from secondlook.bootstrap import Queue, open_runtime
from secondlook.errors import FolderInUseError
from secondlook.settings import load_settings


@asynccontextmanager
async def open_folder(
    data_dir: Path, *, beside: bool = True, queue: Queue | None = None
) -> AsyncIterator[httpx.AsyncBaseTransport]:
    """What takes the requests; everybody who can reach this object may ask everything.

    Whoever comes first works the folder's queue, as a server does. Beside one, only what is uploaded here is
    indexed here, and all else is left to it.

    Args:
        beside: whether it may be opened beside a server.
        queue: what of the queue is worked, if that is not to depend on a server.

    Raises:
        SetupError: the folder or the model cannot be used.
        FolderInUseError: a server works it, and ``beside`` is false.
    """
    settings = load_settings(data_dir=data_dir)
    async with AsyncExitStack() as opened:
        try:
            runtime = await opened.enter_async_context(open_runtime(settings, queue=queue or "all"))
        except FolderInUseError:
            if queue or not beside:
                raise
            runtime = await opened.enter_async_context(open_runtime(settings, queue="own"))
        yield InProcess(create_app(runtime.services, options=ApiOptions(open=True)))
