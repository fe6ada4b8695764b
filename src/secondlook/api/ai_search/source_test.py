"""Whether a source can be read, before an instance is created with it."""

from typing import Any, Literal

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import Field

from secondlook.api.ai_search.instances import merge_settings
from secondlook.api.body import LARGEST_SETTINGS, Body, read_json, validate, while_wanted
from secondlook.api.errors import success
from secondlook.api.field_errors import sentence
from secondlook.domain.instance import InstanceSettings
from secondlook.errors import SourceError
from secondlook.services.bundle import Services

CREDENTIALS = ("bucket_unauthorized", "external_source_missing_api_token")
"""Kinds of errors of a bucket that other credentials may mend."""


class CredentialsBody(Body):
    """Credentials to test. They are not stored."""

    access_key: str = Field(min_length=1, max_length=1024)
    secret_key: str = Field(min_length=1, max_length=8192)


class SourceTestBody(Body):
    """A source, with the fields of an instance."""

    type: Literal["r2", "web-crawler", "folder"]
    source: str = Field(min_length=1, max_length=2048)
    source_params: dict[str, Any] | None = None
    token_id: str | None = None
    credentials: CredentialsBody | None = None


def make_router(services: Services) -> APIRouter:
    """Routes relative to ``…/ai-search/sources``; the contract has none for this."""
    router = APIRouter()

    @router.post("/test")
    async def test(request: Request) -> JSONResponse:
        body = validate(SourceTestBody, await read_json(request, LARGEST_SETTINGS))
        sent = {name: getattr(body, name) for name in ("type", "source", "source_params", "token_id")}
        settings = merge_settings(InstanceSettings(), {name: one for name, one in sent.items() if one})
        keys = body.credentials
        secret = (keys.access_key, keys.secret_key) if keys else None
        try:
            found = await while_wanted(
                request, services.syncing.probe(request.path_params["account"], settings, secret)
            )
        except SourceError as error:
            return JSONResponse(success(refusal_of(error, settings)))
        return JSONResponse(success({"reachable": True, "field": None, "kind": None, "message": "", "keys": found}))

    return router


def refusal_of(error: SourceError, settings: InstanceSettings) -> dict[str, object]:
    """Why the source cannot be read, and which field is to blame."""
    field = "token_id" if settings.source_kind == "r2" and error.kind in CREDENTIALS else "source"
    message = sentence(str(error).removeprefix(f"{error.kind}: "))
    return {"reachable": False, "field": field, "kind": error.kind, "message": message, "keys": []}
