"""The routes that clients of OpenAI call: an instance is a model, its chunks are an extra key of a normal frame."""

import json
import logging
import time
import uuid
from collections.abc import AsyncIterator, Mapping
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from pydantic import Field

from secondlook.api.ai_search.routes import Manner, answer_chat, chunks_of, generation_of
from secondlook.api.ai_search.wire import ChatBody
from secondlook.api.body import Body, read_json, while_wanted
from secondlook.api.callers import caller_of
from secondlook.api.errors import to_wire
from secondlook.api.wire import (
    DONE,
    NO_ACCOUNT,
    STREAM_HEADERS,
    Dress,
    Row,
    Written,
    cache_headers,
    collect,
    event,
    failures_of,
    notices_of,
    primed,
    query_id_of,
    receipt_of,
    thresholds_of,
    undressed,
)
from secondlook.domain.instance import DEFAULT_NAMESPACE, Instance
from secondlook.errors import BackendError, InstanceNotFoundError, InvalidOptionError, SecondlookError
from secondlook.ports import Delta
from secondlook.services.bundle import Services
from secondlook.services.generating import Answer
from secondlook.telemetry import tenant

log = logging.getLogger(__name__)

ROOT = "/v1"
CHAT = f"{ROOT}/chat/completions"
MODELS = f"{ROOT}/models"
NO_MODEL = "model_not_found"
REASONS = ("stop", "length", "tool_calls", "content_filter", "function_call")
"""How an answer may end; strict clients accept no other word."""
WORDS: Mapping[int, tuple[str, str]] = {
    401: ("invalid_request_error", "invalid_api_key"),
    403: ("permission_error", ""),
    429: ("rate_limit_error", "rate_limit_exceeded"),
}
"""Status -> type and code of an error; an empty code is ours."""
QUOTA = 7069
MODEL_CODES = (7002, 7063)
"""Codes of an instance or namespace that does not exist: here both are the model."""


class StreamOptions(Body):
    """``stream_options``. Other keys are ignored."""

    free = True
    include_usage: bool = False


class OpenAIBody(ChatBody):
    """A chat as clients of OpenAI send it; ``model`` is the instance."""

    model: str = Field("", description="`instance`, `namespace/instance` or `account/namespace/instance`.")
    stream_options: StreamOptions = StreamOptions()

    def writer(self) -> str:
        """The instance's language model: ``model`` names the instance."""
        return ""


def make_router(services: Services) -> APIRouter:
    """``/v1/chat/completions`` and ``/v1/models``, at root; the account is that of the token."""
    router = APIRouter()

    @router.post("/chat/completions", name="chat")
    async def chat(request: Request) -> Response:
        raw = await read_json(request, parts=True)
        model = raw.get("model")
        if not isinstance(model, str) or not model.strip():
            raise InvalidOptionError(f"model: give the id of an instance, or namespace/id; GET {MODELS} lists them")
        place = place_of(request, model)
        _check(services, request, place[0])
        async with services.quota.query(place[0]):
            instance = await services.instances.get(*place)
            caller = caller_of(services, request)
            try:
                answer = await answer_chat(services, request, instance, raw, caller=caller, manner=OPENAI)
            except BackendError:
                await services.instances.get(*place)  # if it was deleted meanwhile, nothing else was wrong
                raise
            return in_words_of_openai(answer)

    @router.get("/models", name="models")
    async def models(request: Request) -> JSONResponse:
        rows = [model_of(request, one) for one in await _instances(services, request)]
        return JSONResponse({"object": "list", "data": rows})

    @router.get("/models/{model:path}", name="model")
    async def model(request: Request, model: str) -> JSONResponse:
        place = place_of(request, model)
        _check(services, request, place[0])
        return JSONResponse(model_of(request, await services.instances.get(*place)))

    return router


def account_of(request: Request) -> str:
    """The account of the token; that of the bindings where the token is for all accounts, or none is needed."""
    token = getattr(request.state, "token", None)
    return (token.account if token else "") or NO_ACCOUNT


def place_of(request: Request, model: str) -> tuple[str, str, str]:
    """Account, namespace and instance of a model's name.

    Raises:
        InstanceNotFoundError: it is not the name of an instance.
    """
    account, namespace, name = account_of(request), DEFAULT_NAMESPACE, model.strip()
    parts = name.split("/")
    if len(parts) == 3:
        account, namespace, name = parts
    elif len(parts) == 2:
        namespace, name = parts
    if len(parts) > 3 or not (account and namespace and name):
        raise InstanceNotFoundError(
            f"model {model[:200]!r} is not the name of an instance: give its id, or namespace/id;"
            f" GET {MODELS} lists them"
        )
    return account, namespace, name


def model_of(request: Request, instance: Instance) -> Row:
    """An instance as a model, under the shortest name that ``place_of`` reads."""
    parts = [instance.name]
    if instance.namespace != DEFAULT_NAMESPACE or instance.account != account_of(request):
        parts.insert(0, instance.namespace)
    if instance.account != account_of(request):
        parts.insert(0, instance.account)
    created = instance.created_at // 1000
    return {"id": "/".join(parts), "object": "model", "created": created, "owned_by": instance.account}


async def _instances(services: Services, request: Request) -> list[Instance]:
    """Every instance that the token may ask, the token's own account first."""
    mine = account_of(request)
    accounts = await services.sign_in.accounts(getattr(request.state, "token", None))
    found: list[Instance] = []
    for account in sorted(accounts, key=lambda one: (one != mine, one)):
        found.extend(await services.instances.list(account, None))
    return found


def _check(services: Services, request: Request, account: str) -> None:
    """Do the work in the account's name; raises ``NotAllowedError`` if the token is for another one."""
    tenant.set(account)
    if token := getattr(request.state, "token", None):
        services.access.check(token, account=account, querying=True)


async def say(request: Request, answer: Answer, body: OpenAIBody, dress: Dress = undressed) -> Response:
    """The completion, whole or as a stream, in OpenAI's shape; every object of it as ``dress`` shows it."""
    cached = cache_headers(answer.ranking)
    if body.stream:
        deltas = await while_wanted(request, primed(answer.deltas))
        frames = frames_of(answer, deltas, body, dress)
        return StreamingResponse(frames, media_type="text/event-stream", headers={**STREAM_HEADERS, **cached})
    written = await while_wanted(request, collect(answer.deltas))
    choice = {
        "index": 0,
        "message": {**written.message(), "refusal": None},
        "logprobs": None,
        "finish_reason": reason_of(written),
    }
    completion = {**head_of(answer, body, "chat.completion"), "choices": [choice]}
    usage = {"usage": written.usage} if written.usage else {}
    return JSONResponse(
        dress({**completion, **usage, **_chunks(answer, body), **more_of(answer, body)}), headers=cached
    )


OPENAI = Manner(OpenAIBody, say)


async def frames_of(
    answer: Answer, deltas: AsyncIterator[Delta], body: OpenAIBody, dress: Dress = undressed
) -> AsyncIterator[bytes]:
    """Frames that each have their choices: the first has the chunks too, the last one the receipt."""
    head = head_of(answer, body, "chat.completion.chunk")
    counted = body.stream_options.include_usage
    written = Written()

    def frame(delta: Row, reason: str | None = None) -> Row:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
        return {**head, "choices": [choice], **({"usage": None} if counted else {})}

    yield event(dress({**frame({"role": "assistant", "content": ""}), **_chunks(answer, body)}))
    try:
        async for delta in deltas:
            written.add(delta)
            said: Row = {"content": delta.text} if delta.text else {}
            if delta.tool_calls:
                said["tool_calls"] = list(delta.tool_calls)
            if said:
                yield event(frame(said))
    except Exception as error:  # the edge: the status line is long gone
        if not isinstance(error, SecondlookError):
            log.exception("a stream broke")
        status, told = to_wire(error)
        yield event(translated(status, dress(dict(told))))
    else:
        yield event(dress({**frame({}, reason_of(written)), **more_of(answer, body)}))
        if counted:
            yield event({**head, "choices": [], "usage": written.usage or None})
    yield DONE


def _chunks(answer: Answer, body: OpenAIBody) -> Row:
    bare = body.ai_search_options.retrieval.metadata_only
    return {"chunks": chunks_of(answer, bare=bare, explain=body.explain)}


def head_of(answer: Answer, body: OpenAIBody, kind: str) -> Row:
    """What every object of an answer begins with; the language model that wrote it is ``generation_model``."""
    return {
        "id": f"chatcmpl-{uuid.uuid4().hex}",
        "object": kind,
        "created": int(time.time()),
        "model": body.model,
        "generation_model": answer.model,
    }


def more_of(answer: Answer, body: OpenAIBody) -> Row:
    """Our extra keys of an answer, as Cloudflare's routes have them."""
    ranking = answer.ranking
    return {
        **notices_of(),
        "reranking": receipt_of(ranking),
        **thresholds_of(ranking),
        **failures_of(ranking),
        **query_id_of(ranking),
        **(generation_of(answer) if body.explain else {}),
    }


def reason_of(written: Written) -> str:
    """Why the answer ended, in OpenAI's words."""
    if written.finish_reason in REASONS:
        return written.finish_reason
    return "length" if "length" in written.finish_reason else "stop"


def lists_models(request: Request) -> bool:
    """Whether it asks for the models, which a token that may only query may do."""
    path = request.scope["path"]
    return request.method in ("GET", "HEAD") and (path == MODELS or path.startswith(f"{MODELS}/"))


def is_ours(path: str) -> bool:
    """Whether clients of OpenAI read the errors of that path."""
    return path.startswith(f"{ROOT}/") and path != f"{ROOT}/rerank"


def translated(status: int, body: Mapping[str, Any]) -> Row:
    """The error envelope, with OpenAI's ``error`` beside it."""
    line = body["errors"][0]
    kind, code = WORDS.get(status, ("server_error" if status >= 500 else "invalid_request_error", ""))
    if line["code"] in MODEL_CODES:
        code = NO_MODEL
    elif line["code"] == QUOTA:
        kind = code = "insufficient_quota"
    fields = line.get("fields") or [{}]
    error = {
        "message": line.get("detail", line["message"]),
        "type": kind,
        "param": "model" if code == NO_MODEL else fields[0].get("field"),
        "code": code or line["message"],
    }
    return {**body, "error": error}


def in_words_of_openai(answer: Response) -> Response:
    """An answer whose error, if it is one, has OpenAI's shape."""
    if not isinstance(answer, JSONResponse) or answer.status_code < 400:
        return answer
    made = JSONResponse(translated(answer.status_code, json.loads(bytes(answer.body))), answer.status_code)
    made.headers.update({name: value for name, value in answer.headers.items() if not name.startswith("content-")})
    return made
