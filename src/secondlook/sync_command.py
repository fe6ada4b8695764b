"""``secondlook sync``: bring an instance in step with its source now, and watch it."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import quote

import httpx
import typer

from secondlook.console import Account, DataDir, err, say
from secondlook.errors import BackendError, CallerError, FolderInUseError
from secondlook.screen import make_bars
from secondlook.transfer import ServerHere, here

TRIES = 5
"""Connections in a row that may break before the job is no longer followed; it goes on at the server."""
BETWEEN_TRIES = 1.0
"""Seconds."""
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
    """Bring an instance in step with its source, and try again what failed."""

    async def work() -> None:
        async with here(server, data_dir, beside=False) as client:
            root = f"accounts/{quote(account, safe='')}/ai-search/namespaces/{quote(namespace, safe='')}"
            jobs = f"{root}/instances/{quote(instance, safe='')}/jobs"
            job = await _begin(client, jobs)
            await _watch(client, f"{jobs}/{job['id']}/events", instance)

    try:
        asyncio.run(work())
    except FolderInUseError as error:
        raise FolderInUseError(
            "a server works on the data folder: ask it with --server http://127.0.0.1:8787, say, and one of its tokens"
            " in SECONDLOOK_TOKEN"
        ) from error


async def _begin(client: httpx.AsyncClient, jobs: str) -> Mapping[str, Any]:
    """A new job, or the one that runs already."""
    answer = await client.post(jobs, json={"description": "from the command line"})
    if answer.status_code == httpx.codes.TOO_MANY_REQUESTS:
        rows = (await client.get(jobs, params={"per_page": 1})).json().get("result")
        if rows and "ended_at" not in rows[0]:
            err.print("A sync runs already: this is how it goes on.", highlight=False)
            running: Mapping[str, Any] = rows[0]
            return running
    return _result(answer)


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
                raise CallerError(event.data["errors"][0].get("detail") or event.data["errors"][0]["message"])
            elif event.kind == "end":
                ended = event.data
    reason = ended.get("end_reason", "")
    if reason != "completed":
        raise BackendError(f"the sync of {instance} ended with {reason or 'no reason'}")
    wrong = counts.get("error", 0)
    say(f"{instance}: {counts.get('completed', 0):,} items indexed{f', {wrong:,} in error' if wrong else ''}")


async def follow(client: httpx.AsyncClient, url: str) -> AsyncIterator[Event]:
    """The events of a job until its ``end``, over as many connections as that takes.

    Raises:
        CallerError: the server refuses, or is not reached any more.
    """
    last, broken = "0", 0
    while True:
        try:
            async with client.stream("GET", url, headers={"Last-Event-ID": last}, timeout=60) as answer:
                if answer.status_code != httpx.codes.OK:
                    await answer.aread()
                    _result(answer)
                async for event in read_events(answer.aiter_lines()):
                    broken, last = 0, event.id or last
                    yield event
                    if event.kind in ("end", "error"):
                        return
            trouble = "the server is stopping"
        except httpx.TransportError as error:
            trouble = str(error) or type(error).__name__
        broken += 1
        if broken == TRIES:
            raise CallerError(f"the job can no longer be followed ({trouble}); it goes on when the server is back")
        await asyncio.sleep(BETWEEN_TRIES)


async def read_events(lines: AsyncIterator[str]) -> AsyncIterator[Event]:
    """Server-sent events with JSON in them (HTML Living Standard, 9.2.6); comments are passed over."""
    told: dict[str, str] = {}
    async for line in lines:
        if not line and "data" in told:
            yield Event(told.get("event", "message"), json.loads(told["data"]), told.get("id", ""))
        if not line:
            told = {}
            continue
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        told[name] = f"{told['data']}\n{value}" if name == "data" and "data" in told else value


def _result(answer: httpx.Response) -> Mapping[str, Any]:
    """What the envelope holds; raises ``CallerError`` with what the server says instead."""
    try:
        envelope = answer.json()
    except ValueError as error:
        raise CallerError(f"the server answered with status {answer.status_code}, not as Secondlook does") from error
    if not answer.is_success:
        first = envelope["errors"][0]
        raise CallerError(first.get("detail") or first["message"].replace("_", " "))
    result: Mapping[str, Any] = envelope["result"]
    return result
