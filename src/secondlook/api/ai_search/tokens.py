"""Service tokens on the wire; a key comes in and never goes out."""

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import Field

from secondlook.api.body import LARGEST_SETTINGS, Body, read_json, validate
from secondlook.api.errors import success
from secondlook.api.jobs import Page, PerPage, page_of
from secondlook.api.times import iso_time
from secondlook.domain.instance import ServiceToken
from secondlook.services.bundle import Services
from secondlook.services.service_tokens import Credentials


class TokenBody(Body):
    """Source credentials to store."""

    name: str = Field(min_length=1, max_length=256)
    cf_api_id: str = Field(min_length=1, max_length=1024)
    cf_api_key: str = Field(min_length=1, max_length=8192)
    legacy: bool = False


def make_router(services: Services) -> APIRouter:
    """Routes relative to ``…/ai-search/tokens`` (contract, 16)."""
    router = APIRouter()

    def account(request: Request) -> str:
        return str(request.path_params["account"])

    @router.post("")
    async def create(request: Request) -> JSONResponse:
        made = await services.service_tokens.add(account(request), await _read(request))
        return JSONResponse(success(token_of(made)))

    @router.get("", name="list")
    async def list_tokens(request: Request, page: Page = 1, per_page: PerPage = 20, search: str = "") -> JSONResponse:
        found = await services.service_tokens.list(account(request))
        rows = [token_of(one) for one in found if search.lower() in one.name.lower()]
        return page_of(rows[(page - 1) * per_page : page * per_page], len(rows), page, per_page)

    @router.get("/{token_id}")
    async def get(request: Request, token_id: str) -> JSONResponse:
        return JSONResponse(success(token_of(await services.service_tokens.get(account(request), token_id))))

    @router.put("/{token_id}")
    async def replace(request: Request, token_id: str) -> JSONResponse:
        changed = await services.service_tokens.replace(account(request), token_id, await _read(request))
        return JSONResponse(success(token_of(changed)))

    @router.delete("/{token_id}")
    async def delete(request: Request, token_id: str) -> JSONResponse:
        return JSONResponse(success(token_of(await services.service_tokens.remove(account(request), token_id))))

    return router


def token_of(token: ServiceToken) -> dict[str, object]:
    """The token object, without its key."""
    return {
        "id": token.id,
        "name": token.name,
        "cf_api_id": token.api_id,
        "created_at": iso_time(token.created_at),
        "modified_at": iso_time(token.modified_at),
        "enabled": True,
        "legacy": token.legacy,
        "created_by": None,
        "modified_by": None,
    }


async def _read(request: Request) -> Credentials:
    body = validate(TokenBody, await read_json(request, LARGEST_SETTINGS))
    return Credentials(body.name, body.cf_api_id, body.cf_api_key, body.legacy)
