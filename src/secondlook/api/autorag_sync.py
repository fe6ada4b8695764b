"""Syncs, files and jobs of the AutoRAG generation."""

from collections.abc import Callable, Coroutine, Mapping
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute

from secondlook.api.errors import code_of, failure, success
from secondlook.api.jobs import Page, PerPage, job_of, line_of, page_of
from secondlook.api.wire import NO_ACCOUNT
from secondlook.domain.instance import DEFAULT_NAMESPACE, Instance
from secondlook.errors import BackendError, InstanceNotFoundError, PausedError, SecondlookError
from secondlook.services.bundle import Services

WORDS: Mapping[type[SecondlookError], str] = {
    InstanceNotFoundError: "autorag_not_found",
    PausedError: "autorag_is_paused",
    BackendError: "unable_to_connect_to_autorag",
}
"""Messages that this generation has of its own (contract, 2)."""


class LegacyRoute(APIRoute):
    """A route whose errors have the messages of this generation, under the same codes."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, with a second look at its errors."""
        inner = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                return await inner(request)
            except tuple(WORDS) as error:
                status, code = code_of(error)
                message = next(word for kind, word in WORDS.items() if isinstance(error, kind))
                return JSONResponse(failure(code, message, str(error)), status)

        return handle


def make_router(services: Services) -> APIRouter:
    """Routes relative to ``/autorag/rags/{name}`` and its aliases; the account may be absent."""
    router = APIRouter(route_class=LegacyRoute)

    async def find(request: Request) -> Instance:
        account = request.path_params.get("account", NO_ACCOUNT)
        return await services.instances.get(account, DEFAULT_NAMESPACE, request.path_params["name"])

    @router.patch("/sync")
    async def sync(request: Request) -> JSONResponse:
        return JSONResponse(success({"job_id": (await services.syncing.begin(await find(request))).id}))

    @router.get("/files")
    async def files(
        request: Request,
        page: Page = 1,
        per_page: PerPage = 20,
        search: Annotated[str, Query(max_length=256)] = "",
        status: Literal["completed", "queued", "running", "error"] | None = None,
    ) -> JSONResponse:
        found = await services.indexing.list(await find(request), (status,) if status else ())
        rows: list[dict[str, object]] = [
            {"key": one.key, "error": one.error} for one in found if search.lower() in one.key.lower()
        ]
        return page_of(rows[(page - 1) * per_page : page * per_page], len(rows), page, per_page)

    @router.get("/jobs")
    async def jobs(request: Request, page: Page = 1, per_page: PerPage = 20) -> JSONResponse:
        found, total = await services.syncing.list(await find(request), per_page, (page - 1) * per_page)
        return page_of([job_of(one) for one in found], total, page, per_page)

    @router.get("/jobs/{job_id}")
    async def job(request: Request, job_id: str) -> JSONResponse:
        return JSONResponse(success(job_of(await services.syncing.get(await find(request), job_id))))

    @router.get("/jobs/{job_id}/logs")
    async def logs(request: Request, job_id: str, page: Page = 1, per_page: PerPage = 20) -> JSONResponse:
        instance = await find(request)
        lines, total = await services.syncing.lines(instance, job_id, per_page, (page - 1) * per_page)
        return page_of([line_of(one) for one in lines], total, page, per_page)

    return router
