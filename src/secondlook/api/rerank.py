"""Reranking as a service, in the shapes of Cohere, of text-embeddings-inference and of Workers AI.

The first is that of Jina and Voyage too, whose keys of an answer are sent beside Cohere's.
"""

import json
import math
import uuid
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import AliasChoices, BeforeValidator, Field

from secondlook import __version__
from secondlook.api.body import Body, read_json, validated, while_wanted
from secondlook.api.callers import caller_of
from secondlook.api.errors import success
from secondlook.api.notices import messages
from secondlook.api.wire import notices_of, shown_receipt
from secondlook.domain.wording import plural
from secondlook.errors import (
    InvalidModelError,
    InvalidOptionError,
    MissingQueryError,
    RerankerNotFoundError,
    TooManyTokensError,
)
from secondlook.services.bundle import Services
from secondlook.services.reranking import Reranked

MOST_DOCUMENTS = 1000
LARGEST_BODY = 8 << 20
"""Bytes; a model here reads about 2 KB of a document."""
MOST_VALUES = 20_000
"""Values of a body: documents may be objects."""
LONGEST_QUERY = 16_384
"""Characters."""
RECEIPT_HEADER = "x-secondlook-receipt"
"""Where the receipt goes too: an answer may be a bare array, and most clients drop keys that they do not know."""
MODEL_HEADER = "cf-consn-model-id"
"""Where the Workers AI binding names the model; the binding reads a bare object (workerd, ``ai-api``)."""
CERTAIN = 1e-7
"""A raw score is the logit of a score at least this far from 0 and 1."""

Document = str | dict[str, Any]
SWITCHES = {"true": True, "false": False, "1": True, "0": False, 1: True, 0: False}


def _switch(raw: Any) -> Any:
    """True and false as programs write them that build a body of texts."""
    key = raw.strip().lower() if isinstance(raw, str) else raw
    return SWITCHES.get(key, raw) if isinstance(key, str | int) else raw


def _count(raw: Any) -> Any:
    return int(raw) if isinstance(raw, str) and raw.strip().isdecimal() and len(raw) < 10 else raw


Switch = Annotated[bool, BeforeValidator(_switch)]
Count = Annotated[int, BeforeValidator(_count)]


class CohereBody(Body):
    """The body of ``/v1/rerank``, ``/v2/rerank`` and, with ``documents``, ``/rerank``; also Jina's and Voyage's."""

    model: str = ""
    query: str = Field("", max_length=LONGEST_QUERY)
    documents: list[Document] = Field(
        [],
        fail_fast=True,
        validation_alias=AliasChoices("documents", "texts"),
        description="1 to 1000 documents. `texts` is an alias.",
    )
    top_n: Count | None = Field(
        None, ge=1, validation_alias=AliasChoices("top_n", "top_k"), description="`top_k` is an alias."
    )
    rank_fields: list[str] | None = None
    return_documents: Switch = False
    max_tokens_per_doc: Count | None = Field(None, ge=1)


class TextsBody(Body):
    """The body of ``/rerank`` in text-embeddings-inference."""

    model: str = ""
    query: str = Field("", max_length=LONGEST_QUERY)
    texts: list[str] = Field([], fail_fast=True)
    truncate: Switch | None = None
    raw_scores: Switch = False
    return_text: Switch = False


class EitherBody(CohereBody, TextsBody):
    """The body of ``/rerank``: with ``documents`` that of ``/v1/rerank``, else that of text-embeddings-inference."""

    documents: list[Document] = Field(
        [], fail_fast=True, description="1 to 1000 documents; then the answer is that of `/v1/rerank`."
    )
    texts: list[str] = Field(
        [], fail_fast=True, description="1 to 1000 texts, without `documents`; the answer is a bare array."
    )


class ContextBody(Body):
    """A passage to rerank."""

    text: str = ""


class RunBody(Body):
    """The body of a Workers AI reranker."""

    query: str = Field("", max_length=LONGEST_QUERY)
    contexts: list[ContextBody] = Field([], fail_fast=True)
    top_k: Count | None = Field(None, ge=1)


class BindingBody(Body):
    """The body of the Workers AI binding. ``options`` are for its gateway and are ignored."""

    read_only = frozenset({"options"})
    inputs: RunBody = RunBody()


def make_router(services: Services) -> APIRouter:
    """``/v1/rerank``, ``/v2/rerank``, ``/rerank``, ``/info`` and ``/run``; they are at root and name no account."""
    router = APIRouter()

    async def cohere(request: Request, version: str, raw: dict[str, Any] | None = None) -> JSONResponse:
        body = await validated(
            CohereBody, await read_json(request, LARGEST_BODY, most_values=MOST_VALUES) if raw is None else raw
        )
        caller_of(services, request).check_reranker(body.model)
        check(body.query, body.documents)
        texts = [_text_of(document, place, body.rank_fields) for place, document in enumerate(body.documents)]
        work = services.reranking.rerank(
            body.query,
            texts,
            model=body.model,
            top_k=body.top_n,
            max_tokens=body.max_tokens_per_doc,
            lenient=True,
            counted=True,
        )
        try:
            found = await while_wanted(request, work)
        except InvalidModelError as error:
            raise RerankerNotFoundError(str(error)) from error
        return JSONResponse(cohere_page(found, body, version), headers=receipt_headers(found))

    @router.post("/v1/rerank", name="first")
    async def first(request: Request) -> JSONResponse:
        return await cohere(request, "1")

    @router.post("/v2/rerank", name="second")
    async def second(request: Request) -> JSONResponse:
        return await cohere(request, "2")

    @router.post("/rerank", name="texts")
    async def texts(request: Request) -> JSONResponse:
        raw = await read_json(request, LARGEST_BODY, most_values=MOST_VALUES)
        if raw.get("documents") is not None:  # Infinity, vLLM, LocalAI and llama.cpp take Cohere's body here
            return await cohere(request, "1", raw)
        body = await validated(TextsBody, raw)
        caller_of(services, request).check_reranker(body.model)
        check(body.query, body.texts)
        work = services.reranking.rerank(body.query, body.texts, model=body.model, lenient=True)
        found = await while_wanted(request, work)
        cut = found.receipt.truncated
        if body.truncate is False and (cut or found.receipt.query_truncated):
            what = f"{plural(cut, 'text')} {'is' if cut == 1 else 'are'}" if cut else "the query is"
            raise TooManyTokensError(f"{what} longer than the model reads: shorten what you send, or omit truncate")
        return JSONResponse(text_rows(found, body), headers=receipt_headers(found))

    @router.get("/info", name="info")
    async def info() -> JSONResponse:
        return JSONResponse(info_of(*services.reranking.built_in))

    @router.post("/run", name="binding")
    async def binding(request: Request) -> JSONResponse:
        model = request.headers.get(MODEL_HEADER, "")
        services.reranking.check(model)
        body = await validated(BindingBody, await read_json(request, LARGEST_BODY, most_values=MOST_VALUES))
        found = await _run(services, request, body.inputs, model)
        return JSONResponse(run_page(found), headers=receipt_headers(found))

    return router


def make_run_router(services: Services) -> APIRouter:
    """Routes relative to ``/accounts/{account}/ai/run``; a model's name may hold slashes."""
    router = APIRouter()

    @router.post("/{model:path}", name="model")
    async def run(request: Request, model: str) -> JSONResponse:
        services.reranking.check(model)  # first: the body of a model for another task has other keys
        body = await validated(RunBody, await read_json(request, LARGEST_BODY, most_values=MOST_VALUES))
        found = await _run(services, request, body, model)
        return JSONResponse(success(run_page(found)), headers=receipt_headers(found))

    return router


async def _run(services: Services, request: Request, body: RunBody, model: str) -> Reranked:
    caller_of(services, request).check_reranker(model)
    texts = [one.text for one in body.contexts]
    check(body.query, texts)
    return await while_wanted(request, services.reranking.rerank(body.query, texts, model=model, top_k=body.top_k))


def run_page(found: Reranked) -> dict[str, object]:
    """The answer of Workers AI, without an envelope; ``secondlook`` is the receipt, an extra key."""
    rows = [{"id": one.place, "score": one.relevance} for one in found.scored]
    return {**notices_of(), "response": rows, "secondlook": shown_receipt(found.receipt)}


def check(query: str, texts: Sequence[object]) -> None:
    """Raises ``MissingQueryError`` without a query, ``InvalidOptionError`` unless there are 1 to 1000 texts."""
    if not query.strip():
        raise MissingQueryError("query is empty: give the text to rank by")
    if not 1 <= len(texts) <= MOST_DOCUMENTS:
        raise InvalidOptionError(f"{plural(len(texts), 'document')} to rerank: give 1 to {MOST_DOCUMENTS}")


def cohere_page(found: Reranked, body: CohereBody, version: str) -> Mapping[str, object]:
    """The answer to ``/v1/rerank`` and ``/v2/rerank``; ``secondlook`` is the receipt, an extra key.

    ``results`` are those of Cohere and Jina, ``data`` those of Voyage, which hold a document as its text.
    """
    results: list[dict[str, object]] = []
    data: list[dict[str, object]] = []
    for one in found.scored:
        row: dict[str, object] = {"index": one.place, "relevance_score": one.relevance}
        document = body.documents[one.place]
        whole = {"text": document} if isinstance(document, str) else document
        text = _text_of(document, one.place, body.rank_fields)
        results.append({**row, "document": whole} if body.return_documents else row)
        data.append({**row, "document": text} if body.return_documents else row)
    warnings = [one["message"] for one in messages()]
    return {
        "id": str(uuid.uuid4()),
        "object": "list",
        "model": body.model or found.receipt.model,
        "results": results,
        "data": data,
        "usage": {"prompt_tokens": found.tokens, "total_tokens": found.tokens},
        "meta": {
            "api_version": {"version": version},
            "billed_units": {"search_units": 1},
            **({"warnings": warnings} if warnings else {}),
        },
        "secondlook": shown_receipt(found.receipt),
    }


def receipt_headers(found: Reranked) -> Mapping[str, str]:
    """The receipt as a header: whether another model served, and why."""
    return {RECEIPT_HEADER: json.dumps(shown_receipt(found.receipt))}


def info_of(model: str, tokens: int) -> Mapping[str, object]:
    """What text-embeddings-inference tells of itself at ``/info``, of the built-in reranker."""
    label = "LABEL_0"
    return {
        "model_id": model,
        "model_sha": None,
        "model_dtype": "int8",
        "model_type": {"reranker": {"id2label": {"0": label}, "label2id": {label: 0}}},
        "max_concurrent_requests": 512,
        "max_input_length": tokens,
        "max_batch_tokens": tokens * MOST_DOCUMENTS,
        "max_batch_requests": None,
        "max_client_batch_size": MOST_DOCUMENTS,
        "auto_truncate": True,
        "tokenization_workers": 1,
        "version": __version__,
        "sha": None,
        "docker_label": None,
    }


def text_rows(found: Reranked, body: TextsBody) -> list[dict[str, object]]:
    """The answer to ``/rerank``; raw scores are logits."""
    rows: list[dict[str, object]] = []
    for one in found.scored:
        row: dict[str, object] = {"index": one.place, "score": one.relevance}
        if body.raw_scores:
            held = min(1 - CERTAIN, max(CERTAIN, one.relevance))
            row["score"] = math.log(held / (1 - held))
        if body.return_text:
            row["text"] = body.texts[one.place]
        rows.append(row)
    return rows


def translated(path: str, status: int, body: Mapping[str, Any]) -> Mapping[str, Any]:
    """The error envelope, with the keys that the clients of these routes read beside it."""
    line = body["errors"][0]
    words = line.get("detail", line["message"])
    if path in ("/v1/rerank", "/v2/rerank"):
        return {**body, "message": words}
    if path in ("/rerank", "/info"):  # either shape may have been asked for
        kind = "overloaded" if status == 429 else "validation" if status < 500 else "backend"
        return {**body, "message": words, "error": words, "error_type": kind}
    return body


def _text_of(document: Document, place: int, fields: Sequence[str] | None) -> str:
    """The text, or the fields in the order they are named, one a line."""
    if isinstance(document, str):
        return document
    values = [document[name] for name in fields or ("text",) if name in document]
    if not values or not all(isinstance(value, str | int | float) for value in values):
        raise InvalidOptionError(f"documents.{place}: {', '.join(fields or ('text',))} is missing or not text")
    return "\n".join(str(value) for value in values)
