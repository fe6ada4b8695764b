"""Jobs as both generations of the wire have them."""

from collections.abc import Mapping
from typing import Annotated

from fastapi import Query
from fastapi.responses import JSONResponse

from secondlook.api.errors import success
from secondlook.api.times import iso_time
from secondlook.domain.jobs import Job, JobLine, Severity, SyncState

Page = Annotated[int, Query(ge=1, le=2**31 // 100)]
PerPage = Annotated[int, Query(ge=0, le=100)]
"""Rows of a page; with 0 there are none, and ``result_info`` counts them all."""
MESSAGE_TYPES: Mapping[Severity, int] = {"info": 0, "warning": 1, "error": 2}
"""Cloudflare does not say what its numbers mean."""


def job_of(job: Job) -> dict[str, object]:
    """The job object (contract, 15), with ours: ``status``, and ``error``, which is null unless it failed."""
    shown: dict[str, object] = {
        "id": job.id,
        "status": job.status,
        "error": _error_of(job),
        "source": job.trigger,
        "description": job.description,
        "started_at": iso_time(job.started_at),
        "last_seen_at": iso_time(job.last_seen_at),
    }
    if job.ended_at is not None:
        shown |= {"ended_at": iso_time(job.ended_at), "end_reason": job.end_reason}
    return shown


def syncs_of(state: SyncState) -> dict[str, object]:
    """The newest job, and why syncs fail: the error of the last that ended, until one completes."""
    failed = state.failed
    at = iso_time(failed.ended_at) if failed and failed.ended_at is not None else None
    return {
        "last_sync": job_of(state.last) if state.last else None,
        "sync_error": {**(_error_of(failed) or {}), "job_id": failed.id, "at": at} if failed else None,
    }


def line_of(line: JobLine) -> dict[str, object]:
    """A line of a job's log; ``created_at`` in milliseconds since 1970."""
    return {
        "id": line.number,
        "created_at": line.at,
        "message": line.message,
        "message_type": MESSAGE_TYPES[line.severity],
    }


def page_of(rows: list[dict[str, object]], total: int, page: int, per_page: int) -> JSONResponse:
    """A page of a list (contract, 3.4)."""
    info = {"count": len(rows), "page": page, "per_page": per_page, "total_count": total}
    return JSONResponse(success(rows, result_info=info))


def _error_of(job: Job) -> dict[str, object] | None:
    failure = job.failure
    return {"kind": failure.kind, "message": failure.message} if failure else None
