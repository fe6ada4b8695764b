"""Namespaces on the wire: create, list, read, change, delete."""

import re

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import Field

from secondlook.api.ai_search.endpoints import KEY, read_change, shown
from secondlook.api.body import LARGEST_SETTINGS, Body, read_json, validate
from secondlook.api.errors import success
from secondlook.api.jobs import Page, PerPage, page_of
from secondlook.api.times import iso_time
from secondlook.domain.endpoint import Endpoint, Owner
from secondlook.domain.instance import DEFAULT_NAMESPACE, Namespace
from secondlook.errors import InvalidOptionError, NamespaceNotFoundError
from secondlook.services.bundle import Services

NAMESPACE = re.compile(r"(?=.{1,28}\Z)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")


class NamespaceBody(Body):
    """A namespace to create or change."""

    read_only = frozenset({"created_at", "public_endpoint_id", KEY})
    name: str = ""
    description: str = Field("", max_length=256)


def make_router(services: Services) -> APIRouter:
    """Routes relative to ``…/ai-search/namespaces``."""
    router = APIRouter()

    @router.post("")
    async def create(request: Request) -> JSONResponse:
        raw = await read_json(request, LARGEST_SETTINGS)
        body = validate(NamespaceBody, raw)
        if not NAMESPACE.fullmatch(body.name):
            raise InvalidOptionError(f"name: {body.name!r} must be 1 to 28 characters of a-z, 0-9 and inner hyphens")
        owner = Owner(request.path_params["account"], body.name)
        change = await read_change(services.endpoints, owner, raw, host=request.url.hostname or "")
        made = await services.instances.add_namespace(owner.account, body.name, body.description)
        await services.endpoints.remove(owner)  # what a crash may have left of a namespace of that name
        return JSONResponse(success(namespace_of(made, await change.apply(owner))))

    @router.get("", name="list")
    async def list_namespaces(
        request: Request, page: Page = 1, per_page: PerPage = 20, search: str = ""
    ) -> JSONResponse:
        account, wanted = request.path_params["account"], search.lower()
        endpoints = await services.endpoints.all_of(account)
        rows = [
            namespace_of(one, endpoints.get(Owner(account, one.name)))
            for one in await services.instances.list_namespaces(account)
            if wanted in one.name.lower() or wanted in one.description.lower()
        ]
        return page_of(rows[(page - 1) * per_page : page * per_page], len(rows), page, per_page)

    @router.get("/{namespace}")
    async def read(request: Request, namespace: str) -> JSONResponse:
        found = await _find(services, request, namespace)
        endpoint = await services.endpoints.of(Owner(request.path_params["account"], namespace))
        return JSONResponse(success(namespace_of(found, endpoint)))

    @router.put("/{namespace}")
    async def update(request: Request, namespace: str) -> JSONResponse:
        raw = await read_json(request, LARGEST_SETTINGS)
        body = validate(NamespaceBody, raw)
        found = await _find(services, request, namespace)
        owner = Owner(request.path_params["account"], namespace)
        change = await read_change(services.endpoints, owner, raw, host=request.url.hostname or "")
        if body.description != found.description and "description" in body.model_fields_set:
            found = await services.instances.update_namespace(owner.account, namespace, body.description)
        return JSONResponse(success(namespace_of(found, await change.apply(owner))))

    @router.delete("/{namespace}")
    async def delete(request: Request, namespace: str) -> JSONResponse:
        await services.instances.remove_namespace(request.path_params["account"], namespace)
        await services.endpoints.remove(Owner(request.path_params["account"], namespace))
        return JSONResponse(success({"name": namespace}))

    return router


def namespace_of(namespace: Namespace, endpoint: Endpoint | None = None) -> dict[str, object]:
    """The namespace object (contract, 13)."""
    return {
        "name": namespace.name,
        "description": namespace.description or None,
        "created_at": iso_time(namespace.created_at),
        **shown(endpoint),
    }


async def _find(services: Services, request: Request, name: str) -> Namespace:
    if name == DEFAULT_NAMESPACE:
        return Namespace(DEFAULT_NAMESPACE, "", 0)
    for one in await services.instances.list_namespaces(request.path_params["account"]):
        if one.name == name:
            return one
    raise NamespaceNotFoundError(f"there is no namespace {name!r}: check the name")
