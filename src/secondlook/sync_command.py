"""``secondlook sync``: bring an instance in step with its source now, and watch it."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import quote

import httpx
import typer

from secondlook import interrupts
from secondlook.console import Account, DataDir, err, say
from secondlook.domain.server_sent import read_server_sent
from secondlook.domain.wording import plural
from secondlook.errors import BackendError, CallerError, FolderInUseError
from secondlook.screen import make_bars
from secondlook.transfer import ServerHere, here

PAUSES = (1, 2, 4, 8, 15, 15, 15, 15, 15, 15)
"""Seconds before each further try after connections that broke in a row; a server is back within that time."""
AWAY = (502, 503, 504)
"""What a proxy says while its server starts."""
NOT_OURS = "the server answered with status %s, not as Secondlook does. Is --server the right address?"
DONE = ("completed", "skipped", "error", "outdated")
"""Statuses of items for which nothing is left to do."""
Namespace = Annotated[str, typer.Option("--namespace", help="The namespace of the instance.")]


@dataclass(frozen=True, slots=True)
class Event:
    """One server-sent event of a job."""

    kind: str
    data: Mapping[str, Any]
    id: str


def sync(
    instance: str,
    account: Account = "default",
    namespace: Namespace = "default",
    server: ServerHere = "",
    data_dir: DataDir = None,
) -> None:
    """Sync an instance with its source now, and retry failed items."""

    interrupts.explain(
        "The sync continues on the server. Run the same command again to follow it."
        if server
        else "The items synced so far are kept. Run the same command again to continue."
    )

    begun_at = time.time()

    async def work() -> None:
        async with here(server, data_dir, beside=False, make=False) as client:
            root = f"accounts/{quote(account, safe='')}/ai-search/namespaces/{quote(namespace, safe='')}"
            jobs = f"{root}/instances/{quote(instance, safe='')}/jobs"
            job = await _begin(client, jobs, None if server else begun_at)  # a server may have another clock
            await _watch(client, f"{jobs}/{job['id']}/events", instance)

    try:
        interrupts.run(work())
    except FolderInUseError as error:
        raise FolderInUseError(
            "a server is running on the data folder. Pass its address, e.g. --server http://127.0.0.1:8787, and set"
            " SECONDLOOK_TOKEN."
        ) from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise CallerError(
            f"cannot reach {server or 'the data folder'} ({_told(error)}). Is it the right one?"
        ) from error


async def _begin(client: httpx.AsyncClient, jobs: str, begun_at: float | None) -> Mapping[str, Any]:
    """A new job, or the one that runs already or has ended since that time, in seconds since 1970."""
    before = await _newest(client, jobs)
    answer = None
    if before is None or ("ended_at" in before and not _ended_since(begun_at, before)):
        answer = await client.post(jobs, json={"description": "from the command line"})
        if answer.status_code != httpx.codes.TOO_MANY_REQUESTS:
            begun: Mapping[str, Any] = _result(answer, dict)
            return begun
    running = await _newest(client, jobs) if answer else before
    if answer and (running is None or "ended_at" in running) and running == before:
        _result(answer, dict)  # which raises: the last sync ended moments ago
    err.print("A sync is running already. Following it.", highlight=False)
    return running or {}


def _ended_since(moment: float | None, job: Mapping[str, Any]) -> bool:
    return moment is not None and datetime.fromisoformat(job["ended_at"]).timestamp() >= moment


async def _newest(client: httpx.AsyncClient, jobs: str) -> Mapping[str, Any] | None:
    rows = _result(await client.get(jobs, params={"per_page": 1}), list)
    return rows[0] if rows else None


async def _watch(client: httpx.AsyncClient, url: str, instance: str) -> None:
    """Bars and warnings until the job ends; raises ``BackendError`` when it did not end well."""
    ended: Mapping[str, Any] = {}
    counts: Mapping[str, int] = {}
    with make_bars(err) as bars:
        bar = bars.add_task(f"Syncing {instance}", total=None)
        async for event in follow(client, url):
            if event.kind == "job":
                counts = event.data["items"]
                done = sum(counts.get(status, 0) for status in DONE)
                bars.update(bar, total=sum(counts.values()) or None, completed=done)
            elif event.kind == "log" and event.data["message_type"]:
                bars.console.print(event.data["message"], markup=False, highlight=False, soft_wrap=True)
            elif event.kind == "error":
                raise CallerError(_first_error(event.data))
            elif event.kind == "end":
                ended = event.data
    reason = ended.get("end_reason", "")
    if reason != "completed":
        raise BackendError(f"the sync of {instance} failed: {reason or 'no reason given'}")
    wrong = counts.get("error", 0)
    say(f"{instance}: {plural(counts.get('completed', 0), 'item')} indexed{f', {wrong:,} failed' if wrong else ''}")


async def follow(client: httpx.AsyncClient, url: str) -> AsyncIterator[Event]:
    """The events of a job until its ``end``, over as many connections as that takes.

    Raises:
        CallerError: the server refuses, or is not reached any more.
    """
    last, broken = "0", 0
    while True:
        try:
            async with client.stream("GET", url, headers={"Last-Event-ID": last}, timeout=60) as answer:
                if answer.status_code in AWAY:
                    trouble = f"status {answer.status_code}"
                elif answer.status_code != httpx.codes.OK:
                    await answer.aread()
                    _result(answer, dict)
                    raise CallerError(NOT_OURS % answer.status_code)
                else:
                    async for event in read_events(answer.aiter_bytes()):
                        broken, last = 0, event.id or last
                        yield event
                        if event.kind in ("end", "error"):
                            return
                    trouble = "the server is stopping"
        except httpx.TransportError as error:
            trouble = _told(error)
        if broken == len(PAUSES):
            raise CallerError(
                f"lost the connection to the server ({trouble}). The sync continues when the server is back."
            )
        await asyncio.sleep(PAUSES[broken])
        broken += 1


async def read_events(content: AsyncIterator[bytes]) -> AsyncIterator[Event]:
    """Server-sent events with JSON in them."""
    async for event in read_server_sent(content):
        yield Event(event.name or "message", json.loads(event.data), event.id)


def _result(answer: httpx.Response, kind: type) -> Any:
    """What the envelope holds, of that kind; raises ``CallerError`` with what the server says instead."""
    try:
        envelope = answer.json()
        said = "" if answer.is_success else _first_error(envelope)
        if not said and isinstance(envelope["result"], kind):
            return envelope["result"]
    except (ValueError, LookupError, TypeError, AttributeError):
        said = ""
    raise CallerError(said or NOT_OURS % answer.status_code)


def _first_error(envelope: Mapping[str, Any]) -> str:
    first = envelope["errors"][0]
    return str(first.get("detail") or first["message"].replace("_", " "))


def _told(error: Exception) -> str:
    return str(error) or type(error).__name__
