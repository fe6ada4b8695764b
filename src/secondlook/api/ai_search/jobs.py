"""Jobs of the AI Search generation: begin, list, read, cancel, logs."""

from typing import Literal

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import Field

from secondlook.api.body import LARGEST_SETTINGS, Body, read_json, validate
from secondlook.api.errors import success
from secondlook.api.job_events import LastEvent, follow
from secondlook.api.jobs import Page, PerPage, job_of, line_of, page_of
from secondlook.api.wire import STREAM_HEADERS
from secondlook.domain.instance import DEFAULT_NAMESPACE, Instance
from secondlook.services.bundle import Services


class JobBody(Body):
    """A sync to start."""

    description: str = Field("", max_length=1000)


class ActionBody(Body):
    """An action on a sync."""

    action: Literal["cancel"]


def make_router(services: Services) -> APIRouter:
    """Routes relative to ``…/instances/{name}/jobs``."""
    router = APIRouter()

    async def find(request: Request) -> Instance:
        params = request.path_params
        return await services.instances.get(
            params["account"], params.get("namespace", DEFAULT_NAMESPACE), params["name"]
        )

    @router.post("")
    async def create(request: Request) -> JSONResponse:
        instance = await find(request)
        sent = "transfer-encoding" in request.headers or request.headers.get("content-length", "0") != "0"
        body = validate(JobBody, await read_json(request, LARGEST_SETTINGS) if sent else {})
        return JSONResponse(success(job_of(await services.syncing.begin(instance, description=body.description))))

    @router.get("", name="list")
    async def list_jobs(request: Request, page: Page = 1, per_page: PerPage = 20) -> JSONResponse:
        found, total = await services.syncing.list(await find(request), per_page, (page - 1) * per_page)
        return page_of([job_of(one) for one in found], total, page, per_page)

    @router.get("/{job_id}")
    async def get(request: Request, job_id: str) -> JSONResponse:
        return JSONResponse(success(job_of(await services.syncing.get(await find(request), job_id))))

    @router.patch("/{job_id}")
    async def change(request: Request, job_id: str) -> JSONResponse:
        instance = await find(request)
        validate(ActionBody, await read_json(request, LARGEST_SETTINGS))
        return JSONResponse(success(job_of(await services.syncing.cancel(instance, job_id))))

    @router.get("/{job_id}/logs")
    async def logs(request: Request, job_id: str, page: Page = 1, per_page: PerPage = 20) -> JSONResponse:
        instance = await find(request)
        lines, total = await services.syncing.lines(instance, job_id, per_page, (page - 1) * per_page)
        return page_of([line_of(one) for one in lines], total, page, per_page)

    @router.get("/{job_id}/events", response_class=StreamingResponse)
    async def events(request: Request, job_id: str, after: LastEvent = 0) -> StreamingResponse:
        instance = await find(request)
        await services.syncing.get(instance, job_id)  # else the refusal would come in a stream
        frames = follow(services.syncing, instance, job_id, after)
        return StreamingResponse(frames, media_type="text/event-stream", headers=STREAM_HEADERS)

    return router
