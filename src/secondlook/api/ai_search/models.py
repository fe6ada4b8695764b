"""The models that an instance can name, and their downloads, on the wire."""

from typing import Literal

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import Field

from secondlook.api.body import LARGEST_SETTINGS, Body, read_json, validate
from secondlook.api.callers import token_of
from secondlook.api.errors import success
from secondlook.domain.model import KnownModel
from secondlook.errors import NotAllowedError
from secondlook.services.bundle import Services
from secondlook.services.models import ModelDownload


class DownloadBody(Body):
    """A model to download. ``revision`` is a commit of its hub repository, required if none is pinned."""

    name: str = Field(min_length=1, max_length=256)
    revision: str = Field("", max_length=64, pattern="^[0-9a-zA-Z._-]*$")


class CancelBody(Body):
    """The model whose download to cancel."""

    name: str = Field(min_length=1, max_length=256)


def make_router(services: Services) -> APIRouter:
    """Routes relative to ``…/ai-search/models``; the contract has none for this."""
    router = APIRouter()

    @router.get("", name="list")
    async def list_models(task: Literal["embedding", "reranking"] | None = None) -> JSONResponse:
        found = await services.models.all()
        downloads = services.models.downloads()
        rows = [model_of(one, downloads.get(one.name)) for one in found if task in (None, one.task)]
        return JSONResponse(success(rows))

    @router.post("/downloads")
    async def download(request: Request) -> JSONResponse:
        _check_caller(request)
        body = validate(DownloadBody, await read_json(request, LARGEST_SETTINGS))
        return JSONResponse(success(download_of(await services.models.download(body.name, body.revision))))

    @router.post("/downloads/cancel")
    async def cancel(request: Request) -> JSONResponse:
        _check_caller(request)
        body = validate(CancelBody, await read_json(request, LARGEST_SETTINGS))
        return JSONResponse(success(download_of(services.models.cancel(body.name))))

    return router


def model_of(model: KnownModel, download: ModelDownload | None = None) -> dict[str, object]:
    """A model as those who choose one want it: what it is good for, how large it is, whether it is here."""
    many = model.languages == "many"
    return {
        "name": model.name,
        "aliases": list(model.aliases),
        "task": model.task,
        "licence": model.licence,
        "languages": [] if many else model.languages.split(),
        "multilingual": many,
        "parameters": 1_000_000 * model.size or None,
        "max_tokens": model.max_tokens or None,
        "score_kind": model.score_kind or None,
        "status": model.status,
        "note": model.note,
        "purpose": model.purpose,
        "obstacle": model.obstacle,
        "needs_revision": not (model.pinned or model.cached or model.remote or model.obstacle),
        "download": download_of(download) if download else None,
    }


def download_of(download: ModelDownload) -> dict[str, object]:
    """How far a download is."""
    return {
        "name": download.name,
        "state": download.state,
        "file": download.file,
        "bytes": download.done,
        "total_bytes": download.total or None,
        "error": download.error,
    }


def _check_caller(request: Request) -> None:
    """Raises ``NotAllowedError``: models are the whole server's, and a token of one account may not fill its disk."""
    caller = token_of(request)
    if caller is not None and caller.account:
        raise NotAllowedError(
            f"token {caller.name!r} is for account {caller.account!r}: downloads need a token for all accounts"
        )
