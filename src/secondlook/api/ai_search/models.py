"""The models that an instance can name, on the wire."""

from typing import Literal

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from secondlook.api.errors import success
from secondlook.domain.model import KnownModel
from secondlook.services.bundle import Services


def make_router(services: Services) -> APIRouter:
    """Routes relative to ``…/ai-search/models``; the contract has none for this."""
    router = APIRouter()

    @router.get("", name="list")
    async def list_models(task: Literal["embedding", "reranking"] | None = None) -> JSONResponse:
        found = await services.models.all()
        return JSONResponse(success([model_of(one) for one in found if task in (None, one.task)]))

    return router


def model_of(model: KnownModel) -> dict[str, object]:
    """A model as those who choose one want it: what it reads, how large it is, whether it is here."""
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
        "status": "remote"
        if model.remote
        else "built_in"
        if model.built_in
        else "cached"
        if model.cached
        else "absent",
        "note": model.note,
    }
