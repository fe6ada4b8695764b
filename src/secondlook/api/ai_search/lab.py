"""The Lab on the wire: runs, their reports, and what they say of each query."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse
from pydantic import Field

from secondlook.api.body import LARGEST_SETTINGS, Body, read_json, validate, validated
from secondlook.api.errors import success
from secondlook.api.headers import REPORT_POLICY
from secondlook.api.jobs import Page, PerPage, page_of
from secondlook.api.lab_page import render_page
from secondlook.api.times import iso_time
from secondlook.domain.candidate import FusionMethod
from secondlook.domain.instance import DEFAULT_NAMESPACE, Instance
from secondlook.domain.lab import ArmSpec, LabRun
from secondlook.domain.options import DEFAULT_NUM_CANDIDATES, MAX_WINDOW
from secondlook.errors import CallerError, JobNotFoundError
from secondlook.evaluation.queries import JudgedQuery, drawn, parse_queries, read_rows
from secondlook.evaluation.report import QueryRow
from secondlook.services.arms import MOST_ARMS
from secondlook.services.bundle import Services
from secondlook.services.lab_records import LabRequest, baseline_of, best_arm, query_of
from secondlook.services.lab_runs import MOST_CONCURRENT, MOST_QUERIES
from secondlook.services.online import Online
from secondlook.services.queries import row_of

LARGEST_QUERIES = 8 << 20
"""Bytes of a body with queries, or with a file of them."""
MOST_VALUES = 100_000
"""Values of such a body: 5000 queries with a few judgments each."""
SOME = 300
"""Queries that are drawn unless the request says how many."""


class FileBody(Body):
    """The contents of a query file."""

    name: str = Field(min_length=1, max_length=200)
    content: str = Field(min_length=1)


class ArmBody(Body):
    """One way to search with reranking. Omitted fields default to the instance's settings."""

    model: str = Field("", max_length=300)
    window: int | None = Field(None, ge=1, le=MAX_WINDOW)
    weight: float | None = Field(None, gt=0, le=1)
    retrieval_type: Literal["vector", "keyword", "hybrid"] | None = None
    keyword_match_mode: Literal["and", "or"] | None = None
    fusion_method: FusionMethod | None = None
    fusion_weight: float | None = Field(None, ge=0, le=1)
    match_threshold: float | None = Field(None, ge=0, le=1)


class JudgeBody(Body):
    """A language model that grades unjudged results. Default: the configured one."""

    model: str = Field("", max_length=300)


class RunBody(Body):
    """A Lab run to start, over queries, a query file, a query set, or queries made from the documents.

    ``playground`` includes playground searches in the query set ``log``.
    """

    queries: list[dict[str, Any]] | None = Field(None, max_length=MOST_QUERIES)
    file: FileBody | None = None
    query_set: Literal["headings", "generated", "log"] | None = None
    judged_set: str | None = Field(None, min_length=1, max_length=64)
    playground: bool = False
    judge: JudgeBody | None = None
    limit: int | None = Field(None, ge=1, le=MOST_QUERIES)
    arms: list[ArmBody] | None = Field(None, max_length=MOST_ARMS)
    budget_ms: float | None = Field(None, gt=0, le=600_000)
    concurrency: int | None = Field(None, ge=1, le=MOST_CONCURRENT)


class ActionBody(Body):
    """An action on a Lab run."""

    action: Literal["cancel"]


def make_router(services: Services) -> APIRouter:
    """Routes relative to ``…/instances/{name}/lab``; the contract has none for this."""
    router = APIRouter()

    _add_runs(router, services)
    _add_reports(router, services)
    return router


async def _find(services: Services, request: Request) -> Instance:
    params = request.path_params
    return await services.instances.get(params["account"], params.get("namespace", DEFAULT_NAMESPACE), params["name"])


async def _finished(services: Services, request: Request, run_id: str) -> tuple[Instance, LabRun, Mapping[str, Any]]:
    """The instance, a run over it, and its report; raises ``CallerError`` if there is none."""
    instance = await _find(services, request)
    run = await services.lab.get(instance, run_id)
    if not run.report:
        raise CallerError(
            f"Lab run {run_id!r} has no report: its state is {run.state} ({run.reason or 'not done yet'})"
        )
    return instance, run, json.loads(run.report)


def _add_runs(router: APIRouter, services: Services) -> None:
    """Begin, list, read, cancel, forget."""

    @router.post("/runs", name="begin")
    async def begin(request: Request) -> JSONResponse:
        instance = await _find(services, request)
        body = await validated(RunBody, await read_json(request, LARGEST_QUERIES, most_values=MOST_VALUES))
        queries, origin = await _queries(services, instance, body)
        arms = tuple(to_arm(one) for one in body.arms or ())
        judge = None if body.judge is None else body.judge.model
        asked = LabRequest(queries, arms, body.budget_ms, body.concurrency or 1, origin, judge=judge)
        return JSONResponse(success(run_of(await services.lab.begin(instance, asked))))

    @router.get("/runs", name="list")
    async def list_runs(request: Request, page: Page = 1, per_page: PerPage = 20) -> JSONResponse:
        found, total = await services.lab.page(await _find(services, request), per_page, (page - 1) * per_page)
        return page_of([run_of(one) for one in found], total, page, per_page)

    @router.get("/runs/{run_id}", name="get")
    async def get(request: Request, run_id: str) -> JSONResponse:
        run = await services.lab.get(await _find(services, request), run_id)
        return JSONResponse(success(run_of(run) | {"report": json.loads(run.report) if run.report else None}))

    @router.patch("/runs/{run_id}", name="change")
    async def change(request: Request, run_id: str) -> JSONResponse:
        instance = await _find(services, request)
        validate(ActionBody, await read_json(request, LARGEST_SETTINGS))
        return JSONResponse(success(run_of(await services.lab.cancel(instance, run_id))))

    @router.delete("/runs/{run_id}", name="delete")
    async def delete(request: Request, run_id: str) -> JSONResponse:
        instance = await _find(services, request)
        run = await services.lab.get(instance, run_id)
        await services.lab.remove(instance, run_id)
        return JSONResponse(success(run_of(run)))


def _add_reports(router: APIRouter, services: Services) -> None:
    """The last verdict, and what a run came to."""

    @router.get("/verdict", name="verdict")
    async def verdict(request: Request) -> JSONResponse:
        found = await services.lab.last(await _find(services, request))
        if found is None:
            raise JobNotFoundError("this instance has no verdict yet: start a Lab run")
        return JSONResponse(success({"run": run_of(found), **json.loads(found.report)["verdict"]}))

    @router.get("/online", name="online")
    async def online(request: Request) -> JSONResponse:
        instance = await _find(services, request)
        return JSONResponse(success(online_of(instance, await services.online.result(instance))))

    @router.get("/runs/{run_id}/queries", name="queries")
    async def queries_of(
        request: Request,
        run_id: str,
        arm: Annotated[str, Query(description="The arm. Default: the arm of the verdict, else the best one.")] = "",
        order: Literal["loss", "gain", "asked"] = "loss",
        page: Page = 1,
        per_page: PerPage = 20,
    ) -> JSONResponse:
        _, run, report = await _finished(services, request, run_id)
        name, first = chosen_arm(report, arm), (page - 1) * per_page
        if order == "asked":
            told = _told(await services.lab.rows(run, per_page, first), report, name)
            return page_of(told, run.done, page, per_page)
        rows = await services.lab.rows(run)
        told = await asyncio.to_thread(lambda: _ordered(_told(rows, report, name), order))
        return page_of(told[first : first + per_page], len(told), page, per_page)

    @router.get("/runs/{run_id}/page", name="page", response_class=HTMLResponse)
    async def page_of_run(request: Request, run_id: str) -> HTMLResponse:
        instance, run, report = await _finished(services, request, run_id)
        rows, title = await services.lab.rows(run), f"Reranking on {instance.name}"
        name = chosen_arm(report, "")
        html = await asyncio.to_thread(lambda: render_page(report, _told(rows, report, name), title=title))
        return HTMLResponse(html, headers={"Content-Security-Policy": REPORT_POLICY})

    @router.post("/runs/{run_id}/apply", name="apply")
    async def apply(request: Request, run_id: str) -> JSONResponse:
        instance, _, report = await _finished(services, request, run_id)
        changed = await services.lab.apply(instance, report)
        return JSONResponse(success({"applied": changed is not None, "settings": report["verdict"]["settings"]}))


def online_of(instance: Instance, found: Online) -> dict[str, object]:
    """What is known of trials on those who search."""
    outcome, shadow, since = found.outcome, found.shadow, instance.settings.tried_since
    return {
        "mode": instance.settings.reranking_mode,
        "since": iso_time(since) if since else None,
        "interleaving": {
            "answer": outcome.answer,
            "queries": found.interleaved,
            "clicked": outcome.wins + outcome.ties + outcome.losses,
            "wins": outcome.wins,
            "ties": outcome.ties,
            "losses": outcome.losses,
            "share": outcome.share,
            "p": outcome.p,
        },
        "shadow": {
            "queries": shadow.queries,
            "top_changed": shadow.top_changed,
            "fell_back": shadow.fell_back,
            "p50_ms": shadow.p50,
            "p95_ms": shadow.p95,
        },
    }


def run_of(run: LabRun) -> dict[str, object]:
    """A run without its report."""
    return {
        "id": run.id,
        "state": run.state,
        "reason": run.reason,
        "query_set": run.origin,
        "queries": run.queries,
        "done": run.done,
        "created_at": iso_time(run.created_at),
        "ended_at": None if run.ended_at is None else iso_time(run.ended_at),
    }


def to_arm(body: ArmBody) -> ArmSpec:
    """The arm; a chain has windows of its own, any other model the usual one."""
    window = body.window
    if window is None and ">" not in body.model:
        window = DEFAULT_NUM_CANDIDATES
    return ArmSpec(
        body.model,
        window,
        1.0 if body.weight is None else body.weight,
        body.retrieval_type,
        body.keyword_match_mode,
        body.fusion_method,
        body.match_threshold,
        fusion_weight=body.fusion_weight,
    )


def chosen_arm(report: Mapping[str, Any], asked: str) -> str:
    """The asked arm, that of the verdict, or the one of the highest nDCG; raises ``CallerError`` for an unknown one."""
    names = [str(one["name"]) for one in report["arms"] if one["comparison"]]
    if asked:
        if asked not in names:
            raise CallerError(f"this run has no configuration {asked!r}; it has {'; '.join(names)}")
        return asked
    return best_arm(report)


def _told(rows: Sequence[QueryRow], report: Mapping[str, Any], arm: str) -> list[dict[str, object]]:
    baseline = baseline_of(report, arm)
    return [query_of(row, arm, baseline) for row in rows]


def _ordered(told: list[dict[str, object]], order: str) -> list[dict[str, object]]:
    if order == "asked":
        return told
    sign = 1 if order == "loss" else -1
    return sorted(told, key=lambda one: sign * float(str(one["difference"])))


async def _queries(services: Services, instance: Instance, body: RunBody) -> tuple[tuple[JudgedQuery, ...], str]:
    """What the request asks to be measured, and in a word where it comes from."""
    given = [name for name in ("queries", "file", "query_set", "judged_set") if getattr(body, name)]
    if len(given) != 1:
        listed = ", ".join(given) or "none"
        raise CallerError(f"give one of queries, file, query_set and judged_set; this request has {listed}")
    most = body.limit or SOME
    if body.judged_set:
        judged = await services.judged_sets.judged(instance, body.judged_set)
        return tuple(drawn(judged, body.limit or len(judged))), f"set {body.judged_set}"
    if body.query_set == "log":
        return await _logged(services, instance, most, playground=body.playground), body.query_set
    if body.query_set == "generated":
        return tuple(await services.lab.generated(instance, limit=most)), body.query_set
    if body.query_set:
        return tuple(await services.lab.sets.from_headings(instance, limit=most)), body.query_set
    if body.file:  # of many megabytes, which take seconds
        file = body.file
        found, origin = await asyncio.to_thread(lambda: parse_queries(file.content.encode(), file.name)), file.name
    else:
        rows, bare = body.queries or [], body.judge is not None
        found, origin = await asyncio.to_thread(lambda: read_rows(rows, "queries", bare=bare)), "uploaded"
    return tuple(drawn(found, body.limit or len(found))), origin


async def _logged(services: Services, instance: Instance, most: int, *, playground: bool) -> tuple[JudgedQuery, ...]:
    """Queries of the log with what people made of the results, the newest of them; raises ``CallerError`` for none."""
    told = await services.queries.judged(instance.uid, playground=playground)
    heard = read_rows([row_of(one) for one in told], "query log")
    found = [one for one in heard if one.judgments]
    if not found:
        raise CallerError(
            f"the query log of {instance.name!r} has no clicks or thumbs yet: switch it on with query_log, and send"
            " feedback"
        )
    return tuple(found[-most:])
