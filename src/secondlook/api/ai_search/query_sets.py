"""Query sets on the wire: named sets of queries whose results people judge; all ours."""

import csv
import io
import json
from collections.abc import Sequence
from typing import Annotated, Literal

from fastapi import APIRouter, Request
from fastapi import Query as Param
from fastapi.responses import JSONResponse, Response
from pydantic import Field, model_validator

from secondlook.api.body import LARGEST_SETTINGS, Body, read_json, validate
from secondlook.api.errors import success
from secondlook.api.jobs import Page, PerPage, page_of
from secondlook.api.times import iso_time
from secondlook.domain.instance import DEFAULT_NAMESPACE, Instance
from secondlook.domain.judged_sets import HIGHEST_GRADE, JudgedSet, SetJudgment
from secondlook.domain.queries import LONGEST_QUERY
from secondlook.errors import InvalidOptionError
from secondlook.services.bundle import Services
from secondlook.services.judged_sets import SetQuery, lab_row

COLUMNS = ("query", "item", "grade", "start", "end", "hash")
Row = dict[str, object]


class SetBody(Body):
    """The name of the query set. An existing set of that name is returned unchanged."""

    name: str = Field(max_length=200)


class JudgmentBody(Body):
    """How relevant a result is to a query. 0 means not relevant."""

    query: str = Field(min_length=1, max_length=LONGEST_QUERY)
    chunk_id: str | None = Field(None, min_length=1, max_length=128)
    item_key: str | None = Field(None, min_length=1)
    grade: int = Field(ge=0, le=HIGHEST_GRADE)

    @model_validator(mode="after")
    def _whole(self) -> "JudgmentBody":
        if not (self.chunk_id or self.item_key):
            raise ValueError("name the result by chunk_id or by item_key")
        return self


def make_router(services: Services) -> APIRouter:
    """Routes relative to ``…/instances/{name}/query-sets``."""
    router = APIRouter()
    _add_sets(router, services)
    _add_judgments(router, services)
    return router


async def _find(services: Services, request: Request) -> Instance:
    params = request.path_params
    return await services.instances.get(params["account"], params.get("namespace", DEFAULT_NAMESPACE), params["name"])


def _add_sets(router: APIRouter, services: Services) -> None:
    """List, create, read, delete, export."""

    @router.get("", name="list")
    async def list_sets(request: Request) -> JSONResponse:
        return JSONResponse(
            success([set_of(one) for one in await services.judged_sets.list(await _find(services, request))])
        )

    @router.post("", name="create")
    async def create(request: Request) -> JSONResponse:
        instance = await _find(services, request)
        body = validate(SetBody, await read_json(request, LARGEST_SETTINGS))
        return JSONResponse(success(set_of(await services.judged_sets.create(instance, body.name))))

    @router.get("/{set_name}", name="get")
    async def get(
        request: Request,
        set_name: str,
        page: Page = 1,
        per_page: PerPage = 20,
        query: Annotated[
            str, Param(max_length=LONGEST_QUERY, description="Return only the query with this text.")
        ] = "",
    ) -> JSONResponse:
        found = await services.judged_sets.queries(await _find(services, request), set_name, query)
        shown = found[(page - 1) * per_page : page * per_page]
        return page_of([query_of(one) for one in shown], len(found), page, per_page)

    @router.delete("/{set_name}", name="delete")
    async def delete(request: Request, set_name: str) -> JSONResponse:
        return JSONResponse(
            success(set_of(await services.judged_sets.remove(await _find(services, request), set_name)))
        )

    @router.get("/{set_name}/export", name="export")
    async def export(request: Request, set_name: str, format: Literal["jsonl", "csv"] = "jsonl") -> Response:
        found = (await services.judged_sets.queries(await _find(services, request), set_name))[::-1]
        text = csv_of(found) if format == "csv" else "".join(f"{json.dumps(lab_row(one))}\n" for one in found)
        kind = "text/csv" if format == "csv" else "application/jsonl"
        return Response(text, media_type=f"{kind}; charset=utf-8")


def _add_judgments(router: APIRouter, services: Services) -> None:
    """Judge, take a judgment back, remove a query."""

    @router.post("/{set_name}/judgments", name="judge")
    async def judge(request: Request, set_name: str) -> JSONResponse:
        instance = await _find(services, request)
        body = validate(JudgmentBody, await read_json(request, LARGEST_SETTINGS))
        result = {"chunk_id": body.chunk_id or "", "key": body.item_key or ""}
        made = await services.judged_sets.judge(instance, set_name, body.query, grade=body.grade, **result)
        return JSONResponse(success({"query": made.query, **judgment_of(made)}))

    @router.delete("/{set_name}/judgments", name="unjudge")
    async def unjudge(
        request: Request,
        set_name: str,
        query: Annotated[str, Param(min_length=1, max_length=LONGEST_QUERY)],
        chunk_id: Annotated[str, Param(max_length=128)] = "",
        item_key: str = "",
    ) -> JSONResponse:
        if not (chunk_id or item_key):
            raise InvalidOptionError("name the result by chunk_id or by item_key")
        instance = await _find(services, request)
        result = {"chunk_id": chunk_id, "key": item_key}
        await services.judged_sets.judge(instance, set_name, query, grade=None, **result)
        return JSONResponse(success({}))

    @router.delete("/{set_name}/queries", name="drop_query")
    async def drop_query(
        request: Request, set_name: str, query: Annotated[str, Param(min_length=1, max_length=LONGEST_QUERY)]
    ) -> JSONResponse:
        removed = await services.judged_sets.drop_query(await _find(services, request), set_name, query)
        return JSONResponse(success({"removed": removed}))


def set_of(one: JudgedSet) -> Row:
    """A set without its queries."""
    return {
        "name": one.name,
        "queries": one.queries,
        "judgments": one.judgments,
        "created_at": iso_time(one.created_at),
        "modified_at": iso_time(one.modified_at),
    }


def query_of(one: SetQuery) -> Row:
    """A query with its judgments."""
    return {"query": one.query, "judgments": [judgment_of(each) for each in one.judgments]}


def judgment_of(one: SetJudgment) -> Row:
    """A judgment without its query."""
    return {
        "item_key": one.key,
        "chunk_id": one.chunk_id or None,
        "grade": one.grade,
        "start_byte": one.start,
        "end_byte": one.end,
        "hash": one.hash or None,
        "at": iso_time(one.at),
    }


def csv_of(found: Sequence[SetQuery]) -> str:
    """A line a judgment, under the columns that the Lab reads."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for one in found:
        for each in one.judgments:
            writer.writerow((one.query, each.key, each.grade, each.start, each.end, each.hash))
    return text.getvalue()
