"""The HTTP server: the API over an open runtime."""

from collections.abc import Callable

import uvicorn

from secondlook.api.app import ApiOptions, create_app
from secondlook.bootstrap import Runtime
from secondlook.settings import Settings


async def serve(runtime: Runtime, settings: Settings, *, on_ready: Callable[[int], None] | None = None) -> None:
    """Serve until interrupted; ``on_ready`` hears the port once requests are taken."""
    app = create_app(runtime.services, options=ApiOptions(metrics_open=settings.metrics_open))
    config = uvicorn.Config(app, host=settings.host, port=settings.port, log_level="warning", access_log=False)
    server = _Server(config, on_ready)
    await server.serve()


class _Server(uvicorn.Server):
    """Tells when it listens."""

    def __init__(self, config: uvicorn.Config, on_ready: Callable[[int], None] | None) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    async def startup(self, sockets: list[object] | None = None) -> None:  # type: ignore[override]  # as uvicorn calls it
        await super().startup()
        if self.started and self._on_ready:
            self._on_ready(self.servers[0].sockets[0].getsockname()[1])
