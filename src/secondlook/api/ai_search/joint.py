"""Search and chat of several instances of a namespace at once (contract, 4.6 and 11)."""

from collections.abc import Sequence
from typing import Any, cast

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from secondlook.api.ai_search.routes import CLOUDFLARE, Manner, no_user_message, place_of
from secondlook.api.ai_search.wire import SearchBody, result_of, to_ask
from secondlook.api.body import read_json, read_query, validated, while_wanted
from secondlook.api.callers import caller_of
from secondlook.api.errors import success, to_wire
from secondlook.api.wire import Dress, Row, undressed
from secondlook.domain.options import Generation
from secondlook.errors import InvalidOptionError, MissingQueryError
from secondlook.services.bundle import Services
from secondlook.services.joint_searching import MOST_INSTANCES, Joint
from secondlook.services.overrides import Caller

FAILED = "search_failed"


def make_router(services: Services) -> APIRouter:
    """Routes relative to ``…/ai-search/namespaces/{namespace}``; the account may be absent."""
    router = APIRouter()

    @router.post("/search")
    async def search(request: Request) -> JSONResponse:
        raw = await read_json(request, parts=True)
        caller = caller_of(services, request)
        place, names = place_of(request), await names_of(raw)
        return await answer_search(services, request, raw, caller=caller, place=place, names=names)

    @router.post("/chat/completions")
    async def chat(request: Request) -> Response:
        raw = await read_json(request, parts=True)
        caller = caller_of(services, request)
        place, names = place_of(request), await names_of(raw)
        return await answer_chat(services, request, raw, caller=caller, place=place, names=names)

    return router


async def names_of(raw: dict[str, Any]) -> Sequence[str]:
    """The instances that the request names; raises ``InvalidOptionError`` if it names none."""
    names = (await validated(SearchBody, raw)).ai_search_options.instance_ids
    if not names:
        raise InvalidOptionError(
            f"ai_search_options.instance_ids: name 1 to {MOST_INSTANCES} instances of the namespace, for example"
            ' {"ai_search_options": {"instance_ids": ["handbook", "blog"]}}'
        )
    return names


async def answer_search(
    services: Services,
    request: Request,
    raw: dict[str, Any],
    *,
    caller: Caller,
    place: tuple[str, str],
    names: Sequence[str],
    dress: Dress = undressed,
) -> JSONResponse:
    """The answer to a search of these instances."""
    body = await validated(SearchBody, raw)
    query = read_query(body.query, body.messages)
    work = services.joint.search(
        place,
        names,
        query,
        make_ask=lambda instance: to_ask(body, instance, caller),
        partial=body.ai_search_options.retrieval.return_on_failure,
    )
    joint = await while_wanted(request, work)
    return JSONResponse(success(dress(told(joint, result_of(joint.ranking, body)))))


async def answer_chat(
    services: Services,
    request: Request,
    raw: dict[str, Any],
    *,
    caller: Caller,
    place: tuple[str, str],
    names: Sequence[str],
    dress: Dress = undressed,
    manner: Manner = CLOUDFLARE,
) -> Response:
    """The answer to a chat with these instances."""
    body = await validated(manner.body, raw)
    try:
        query = caller.fit_query(read_query(None, body.messages))
    except MissingQueryError as error:
        return no_user_message(error)
    wanted = Generation(body.writer(), "", body.forwarded())
    work = services.joint.answer(
        place,
        names,
        query,
        make_ask=lambda instance: to_ask(body, instance, caller),
        make_generation=lambda settings: caller.fit_generation(wanted, settings),
        partial=body.ai_search_options.retrieval.return_on_failure,
    )
    joint, answer = await while_wanted(request, work)
    return await manner.say(request, answer, body, lambda shown: dress(told(joint, shown)))


def told(joint: Joint, shown: Row) -> Row:
    """The same object; chunks name their instance, the receipt tells of each, and what failed is listed."""
    made = dict(shown)
    if "chunks" in shown:
        rows = cast(list[Row], shown["chunks"])
        made["chunks"] = [
            {**row, "instance_id": joint.names[one.chunk.index]}
            for row, one in zip(rows, joint.ranking.candidates, strict=True)
        ]
    if "reranking" in shown:
        made["reranking"] = {**cast(Row, shown["reranking"]), "instances": parts_of(joint)}
        if failed := [{"instance_id": one.name, "message": FAILED} for one in joint.parts if one.error]:
            made["errors"] = [*cast(list[Row], shown.get("errors", [])), *failed]
    return made


def parts_of(joint: Joint) -> list[Row]:
    """What each instance gave, in the order of the request."""
    return [
        {
            "instance_id": one.name,
            "found": one.found,
            "in": one.entered,
            "out": one.returned,
            "ms": round(one.milliseconds, 3),
            **({"error": cast(list[Row], to_wire(one.error)[1]["errors"])[0]} if one.error else {}),
        }
        for one in joint.parts
    ]
