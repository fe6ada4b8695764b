"""Tokens of this server's API on the wire; the secret of one goes out once, with the answer that creates it."""

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import Field

from secondlook.api.body import LARGEST_SETTINGS, Body, read_json, validate
from secondlook.api.callers import token_of
from secondlook.api.errors import success
from secondlook.api.jobs import Page, PerPage, page_of
from secondlook.api.times import iso_time
from secondlook.domain.instance import Permission, Token
from secondlook.services.bundle import Services


class AccessTokenBody(Body):
    """An API token to create, for the account in the path unless ``any_account`` is true.

    ``allow_overrides`` lets requests with the permission run choose models, prompts, tools, longer answers and remote
    rerankers in place of the instance's; the permission edit includes it.
    """

    name: str = Field(min_length=1, max_length=256)
    permission: Permission = "edit"
    any_account: bool = False
    allow_overrides: bool = False


def make_router(services: Services) -> APIRouter:
    """Routes relative to ``…/ai-search/access_tokens``; the contract has none for this."""
    router = APIRouter()

    @router.get("", name="list")
    async def list_tokens(request: Request, page: Page = 1, per_page: PerPage = 20) -> JSONResponse:
        caller = token_of(request)
        found = await services.access.list_for(request.path_params["account"], caller)
        expired = services.access.is_expired
        found = sorted(found, key=lambda one: (one.revoked or expired(one), -one.created_at))
        rows = [shown_token(one, caller) for one in found]
        return page_of(rows[(page - 1) * per_page : page * per_page], len(rows), page, per_page)

    @router.post("")
    async def create(request: Request) -> JSONResponse:
        body = validate(AccessTokenBody, await read_json(request, LARGEST_SETTINGS))
        caller = token_of(request)
        made, secret = await services.access.create_for(
            request.path_params["account"],
            caller,
            body.name,
            any_account=body.any_account,
            permission=body.permission,
            overrides=body.allow_overrides,
        )
        return JSONResponse(success({**shown_token(made, caller), "value": secret}))

    @router.delete("/{token_id}")
    async def revoke(request: Request, token_id: str) -> JSONResponse:
        caller = token_of(request)
        gone = await services.access.revoke_for(request.path_params["account"], caller, token_id)
        return JSONResponse(success(shown_token(gone, caller)))

    return router


def shown_token(token: Token, caller: Token | None) -> dict[str, object]:
    """The token object, without its secret; ``current`` is that of the caller."""
    return {
        "id": token.id,
        "name": token.name,
        "permission": token.permission,
        "allow_overrides": token.overrides,
        "account": token.account or None,
        "created_at": iso_time(token.created_at),
        "expires_at": iso_time(token.expires_at) if token.expires_at else None,
        "revoked": token.revoked,
        "current": caller is not None and caller.id == token.id,
    }
