"""Items on the wire: upload, list, read, delete, chunks, logs, download."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Annotated, Any, Literal, cast
from urllib.parse import quote

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import Field
from starlette.datastructures import UploadFile

from secondlook.api.body import LARGEST_SETTINGS, Body, capped, read_json, validate
from secondlook.api.errors import success
from secondlook.api.filters import parse_filter_text
from secondlook.api.forms import read_form
from secondlook.api.json_values import parse_json
from secondlook.api.times import iso_time
from secondlook.domain.chunk import Chunk
from secondlook.domain.instance import DEFAULT_NAMESPACE, Instance, Item, MetadataField
from secondlook.domain.jobs import ItemLine
from secondlook.domain.listing import ItemQuery
from secondlook.errors import (
    FileMissingError,
    FileTooLargeError,
    InvalidMetadataError,
    InvalidOptionError,
    SecondlookError,
)
from secondlook.ingest.metadata import misfits, place_metadata
from secondlook.services.bundle import Services
from secondlook.services.intake import Upload

LONGEST_WAIT = 40.0
LARGEST_BODY = 11 << 20
"""The largest file that any kind may have, with room for the form around it."""
LARGEST_FIELD = 1 << 20
"""Bytes of a field that is no file: metadata, of which an index takes 10 KiB (contract, 18.3)."""

LONGEST_DRAIN = 256 << 20
"""Bytes that are read and thrown away before the refusal of a large upload."""

MEDIA_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+(; *[\w.+-]+=[\w.+-]+)*", re.ASCII)
"""What may stand in a header; a client may have sent anything as the type of its file."""

CURSOR = re.compile(r"[0-9]{1,18}")
"""The number of a line; clients send it back as it is."""

BUILT_INS = ("filename", "folder", "timestamp")
"""Fields that the server sets, whatever an upload says."""
BUILT_IN = "builtin"
"""The source of what was uploaded."""

Status = Literal["queued", "running", "completed", "error", "skipped", "outdated"]
FURTHEST = 2**31 - 1
MOST_AT_ONCE = 200
"""Items of one bulk request."""
BULK_TASKS = 8
"""Items of a bulk request that are worked on at the same time."""
Page = Annotated[int, Query(ge=1)]


class BulkBody(Body):
    """Delete or re-index many items."""

    action: Literal["delete", "sync"]
    item_ids: list[str] = Field(min_length=1, max_length=MOST_AT_ONCE)


class ActionBody(Body):
    """Re-index one item."""

    key: str | None = None
    next_action: Literal["INDEX"] = "INDEX"
    wait_for_completion: bool = False


def make_router(services: Services) -> APIRouter:  # noqa: C901  # a list of routes
    """Routes relative to ``…/instances/{name}/items``."""
    router = APIRouter()

    async def find(request: Request) -> Instance:
        params = request.path_params
        return await services.instances.get(
            params["account"], params.get("namespace", DEFAULT_NAMESPACE), params["name"]
        )

    @router.get("", name="list")
    async def list_items(
        request: Request,
        page: Page = 1,
        per_page: Annotated[int, Query(ge=0, le=50)] = 20,
        status: Status | None = None,
        search: str = "",
        sort_by: Literal["status", "modified_at"] = "status",
        source: str = "",
        item_id: str = "",
        key: str = "",
        metadata_filter: str = "",
    ) -> JSONResponse:
        instance = await find(request)
        wanted = ItemQuery(
            status=status,
            text=search,
            item_id=item_id,
            key=key,
            source="" if source == BUILT_IN else source or None,
            where=parse_filter_text(metadata_filter, instance.settings.fields),
            by_status=sort_by == "status",
        )
        found, total = await services.listing.page(instance, wanted, per_page, min((page - 1) * per_page, FURTHEST))
        rows = [item_of(item, instance) for item in found]
        info = {"count": len(rows), "page": page, "per_page": per_page, "total_count": total}
        return JSONResponse(success(rows, result_info=info))

    @router.post("")
    async def upload(request: Request) -> JSONResponse:
        instance = await find(request)
        file, wait = await read_upload(request)
        item = await services.indexing.upload(instance, file, wait=LONGEST_WAIT if wait else None)
        warnings = warnings_of(file.metadata or {}, instance.settings.fields)
        return JSONResponse(success({**item_of(item, instance), **({"warnings": warnings} if warnings else {})}))

    @router.post("/bulk")
    async def bulk(request: Request) -> JSONResponse:
        instance = await find(request)
        body = validate(BulkBody, await read_json(request, LARGEST_SETTINGS))
        work = services.indexing.delete if body.action == "delete" else services.syncing.sync_item
        return JSONResponse(success(await for_each(body.item_ids, lambda item_id: work(instance, item_id))))

    @router.put("")
    async def reindex_by_key(request: Request) -> JSONResponse:
        instance = await find(request)
        body = validate(ActionBody, await read_json(request, LARGEST_SETTINGS))
        if not body.key:
            raise InvalidOptionError("key: name the item to re-index")
        found = await services.indexing.find(instance, body.key)
        item = await services.syncing.sync_item(instance, found.id, wait=_wait(body))
        return JSONResponse(success(item_of(item, instance)))

    @router.get("/{item_id}")
    async def get(request: Request, item_id: str) -> JSONResponse:
        instance = await find(request)
        return JSONResponse(success(item_of(await services.indexing.get(instance, item_id), instance)))

    @router.patch("/{item_id}")
    async def reindex(request: Request, item_id: str) -> JSONResponse:
        instance = await find(request)
        body = validate(ActionBody, await read_json(request, LARGEST_SETTINGS))
        item = await services.syncing.sync_item(instance, item_id, wait=_wait(body))
        return JSONResponse(success(item_of(item, instance)))

    @router.delete("/{item_id}")
    async def delete(request: Request, item_id: str) -> JSONResponse:
        item = await services.indexing.delete(await find(request), item_id)
        return JSONResponse(success({"key": item.key}))

    @router.get("/{item_id}/download")
    async def download(request: Request, item_id: str) -> Response:
        item, content = await services.indexing.download(await find(request), item_id)
        name = quote(item.key.rpartition("/")[2])
        headers = {"content-disposition": f"attachment; filename*=UTF-8''{name}"}
        kind = item.content_type if MEDIA_TYPE.fullmatch(item.content_type) else "application/octet-stream"
        return Response(content, media_type=kind, headers=headers)

    @router.get("/{item_id}/chunks")
    async def chunks(
        request: Request,
        item_id: str,
        limit: Annotated[int, Query(ge=1, le=100)] = 20,
        offset: Annotated[int, Query(ge=0, le=FURTHEST)] = 0,
    ) -> JSONResponse:
        found, total = await services.indexing.chunks(await find(request), item_id, limit, offset)
        info = {"count": len(found), "total": total, "limit": limit, "offset": offset}
        return JSONResponse(success(chunks_of(found), result_info=info))

    @router.get("/{item_id}/logs")
    async def logs(
        request: Request, item_id: str, limit: Annotated[int, Query(ge=1, le=100)] = 50, cursor: str = ""
    ) -> JSONResponse:
        instance = await find(request)
        lines, more = await services.indexing.lines(instance, item_id, limit, read_cursor(cursor))
        after = str(lines[-1].number) if more else None
        info = {"count": len(lines), "per_page": limit, "cursor": after, "truncated": more}
        return JSONResponse(success([log_of(line) for line in lines], result_info=info))

    return router


async def for_each(item_ids: Sequence[str], work: Callable[[str], Awaitable[Item]]) -> dict[str, object]:
    """What became of each item, a few at a time; one that is refused leaves the others as they are."""
    room = asyncio.Semaphore(BULK_TASKS)

    async def one(item_id: str) -> str:
        async with room:
            try:
                await work(item_id)
            except SecondlookError as error:
                return str(error)
        return ""

    unique = list(dict.fromkeys(item_ids))
    problems = dict(zip(unique, await asyncio.gather(*map(one, unique)), strict=True))
    return {
        "done": [item_id for item_id, problem in problems.items() if not problem],
        "failed": [{"id": item_id, "message": problem} for item_id, problem in problems.items() if problem],
    }


async def read_upload(request: Request) -> tuple[Upload, bool]:
    """The file of a multipart form, and whether to wait.

    A body that says it is too large is thrown away as it comes; one that only proves to be is cut off.

    Raises:
        FileTooLargeError, FileMissingError, InvalidMetadataError, InvalidOptionError
    """
    length = request.headers.get("content-length", "0")
    if length.isdecimal() and int(length) > LARGEST_BODY:
        if int(length) <= LONGEST_DRAIN:
            async for _ in request.stream():
                pass  # a client that is still sending when the connection closes may never see the answer
        raise FileTooLargeError(f"the upload has {int(length):,} bytes; a file may have 10 MiB: split it")
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        raise FileMissingError("send the file as multipart/form-data in a field named file")
    whole = capped(request, LARGEST_BODY, FileTooLargeError)
    async with read_form(whole, max_part_size=LARGEST_FIELD, max_files=4, max_fields=20) as form:
        for field in ("file", "metadata", "wait_for_completion"):
            if len(form.getlist(field)) > 1:
                raise InvalidOptionError(f"{field}: it was sent {len(form.getlist(field))} times: send it once")
        file = form.get("file")
        if not isinstance(file, UploadFile):
            raise FileMissingError("the form has no file in the field named file")
        wait = str(form.get("wait_for_completion") or "false").lower()
        if wait not in ("true", "false", "1", "0"):
            raise InvalidOptionError(f"wait_for_completion: {wait!r} is neither true nor false")
        given = form.get("metadata")
        if isinstance(given, UploadFile):  # a Blob with a type of its own is sent as a file
            given = (await given.read()).decode(errors="replace")
        metadata = await asyncio.to_thread(_metadata, given)
        upload = Upload(file.filename or "", await file.read(), file.content_type or "", metadata)
    return upload, wait in ("true", "1")


def item_of(item: Item, instance: Instance) -> dict[str, object]:
    """The item object (contract, 14)."""
    return {
        "id": item.id,
        "key": item.key,
        "status": item.status,
        "next_action": "INDEX" if item.status in ("queued", "running") else None,
        **({"error": item.error} if item.error else {}),
        "checksum": item.checksum,
        "namespace": instance.namespace,
        "chunks_count": item.chunks_count,
        "file_size": item.size,
        "source_id": item.source or BUILT_IN,
        "last_seen_at": iso_time(item.last_seen_at),
        "created_at": iso_time(item.created_at),
        "metadata": {**item.metadata, **place_metadata(item.key, item.timestamp)},
    }


def warnings_of(metadata: Mapping[str, object], fields: Sequence[MetadataField]) -> list[dict[str, str]]:
    """What filters will not see of the metadata that came with a file, in the order that it came."""
    types = {field.name: field.type for field in fields}
    wrong = {field.name for field in misfits(metadata, fields)}
    found: list[dict[str, str]] = []
    for given, value in metadata.items():
        name = given.lower()
        if value is None or name in BUILT_INS:
            continue
        if name not in types:
            found.append({"code": "custom_metadata_field_not_filterable", "field": given})
        elif name in wrong:
            expected = {"field": given, "expected_type": types[name]}
            found.append({"code": "custom_metadata_value_not_indexed", **expected})
    return found


def chunks_of(found: Sequence[Chunk]) -> list[dict[str, object]]:
    """Chunks with their byte offsets."""
    return [
        {
            "id": chunk.id,
            "text": chunk.text,
            "start_byte": chunk.start,
            "end_byte": chunk.end,
            "item": {"key": chunk.item_key, "timestamp": chunk.timestamp, "metadata": dict(chunk.metadata)},
        }
        for chunk in found
    ]


def log_of(line: ItemLine) -> dict[str, object]:
    """A line of an item's log."""
    return {
        "timestamp": iso_time(line.at),
        "action": line.action,
        "message": line.message,
        "fileKey": line.key or None,
        "chunkCount": line.chunk_count,
        "processingTimeMs": line.milliseconds,
        "errorType": line.error_type or None,
    }


def read_cursor(text: str) -> int | None:
    """The number of the line that the page before ended with, None for the first page.

    Raises:
        InvalidOptionError: it is none that was given out.
    """
    if not text:
        return None
    if not CURSOR.fullmatch(text):
        raise InvalidOptionError(f"cursor: {text[:80]!r} is not valid: send result_info.cursor of the previous page")
    return int(text)


def _metadata(raw: str | None) -> dict[str, Any]:
    if not raw or not raw.strip():
        return {}
    try:
        found = parse_json(raw)
    except ValueError as error:
        raise InvalidMetadataError(f"metadata is not JSON: {error}") from error
    if not isinstance(found, dict):
        raise InvalidMetadataError(f"metadata must be a JSON object, not {type(found).__name__}")
    return cast(dict[str, Any], found)


def _wait(body: ActionBody) -> float | None:
    return LONGEST_WAIT if body.wait_for_completion else None
