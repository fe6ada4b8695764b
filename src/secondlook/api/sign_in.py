"""Signing in on the wire: exchange a one-time code for a token, and list the accounts that a token may open."""

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import Field

from secondlook.api.body import Body, read_json, validate
from secondlook.api.errors import success
from secondlook.api.jobs import Page, PerPage, page_of
from secondlook.api.times import iso_time
from secondlook.services.bundle import Services

LARGEST = 4096
"""Bytes of a body that holds a code alone."""


class SignInBody(Body):
    """The code from a sign-in link."""

    code: str = Field(min_length=1, max_length=256)


def make_sign_in_router(services: Services) -> APIRouter:
    """The exchange, which needs no token."""
    router = APIRouter()

    @router.post("/sign-in", operation_id="sign_in")
    async def sign_in(request: Request) -> JSONResponse:
        body = validate(SignInBody, await read_json(request, LARGEST))
        caller = request.client.host if request.client else ""
        session = await services.sign_in.exchange(body.code, caller)
        found = {"token": session.secret, "account": session.account, "expires_at": iso_time(session.token.expires_at)}
        return JSONResponse(success(found), headers={"Cache-Control": "no-store"})

    return router


def make_accounts_router(services: Services) -> APIRouter:
    """Routes relative to ``…/accounts``."""
    router = APIRouter()

    @router.get("", name="list")
    async def list_accounts(request: Request, page: Page = 1, per_page: PerPage = 20, name: str = "") -> JSONResponse:
        token = getattr(request.state, "token", None)
        found = [one for one in await services.sign_in.accounts(token) if name in ("", one)]
        rows: list[dict[str, object]] = [
            {"id": one, "name": one, "type": "standard"} for one in found[(page - 1) * per_page : page * per_page]
        ]
        return page_of(rows, len(found), page, per_page)

    return router
