"""``secondlook logs``: what was done to an instance, its syncs and its items."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from secondlook import interrupts
from secondlook.console import AnyAccount, AsJson, DataDir, Namespace, say, say_json
from secondlook.item_commands import find_item
from secondlook.resource_client import ResourceClient, open_client
from secondlook.transfer import ServerHere

POLL = 1.0
"""Seconds between two looks at what is new, with ``--follow``."""
ITEMS = 50
"""Items that changed last, whose lines are read."""
JOBS = 5
"""Syncs that began last, whose lines are read."""
WIDEST = 100
"""Lines of one item or job that are read at a time; the API gives no more."""
WORDS = {1: "warning: ", 2: "error: "}
"""What stands before a line of a sync, by its ``message_type``."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the log: ``of`` is ``sync`` or an item's key, ``at`` in milliseconds since 1970."""

    at: int
    of: str
    text: str


def logs(
    instance: Annotated[str, typer.Argument(metavar="INSTANCE", help="The instance.")],
    item: Annotated[str, typer.Option("--item", help="Only this item, by key or id.")] = "",
    most: Annotated[int, typer.Option("--lines", "-n", min=1, help="The number of newest lines.")] = 50,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Keep showing new lines until Ctrl-C.")] = False,
    account: AnyAccount = None,
    namespace: Namespace = "default",
    as_json: AsJson = False,
    server: ServerHere = "",
    data_dir: DataDir = None,
) -> None:
    """Show the log of an instance, oldest line first: its syncs, and the items that changed last."""

    async def work() -> None:
        place = ("namespaces", namespace, "instances", instance)
        async with open_client(server, data_dir, account or "default") as client:
            found = await read_lines(client, place, item)
            shown = found[-most:]
            if as_json and not follow:
                say_json([_as_dict(one) for one in shown])
                return
            _show(shown, as_json)
            if not found and not follow:
                say(f"No log lines for {item or instance} yet.")
            seen = set(found)
            while follow:
                await asyncio.sleep(POLL)
                new = [one for one in await read_lines(client, place, item) if one not in seen]
                seen.update(new)
                _show(new, as_json)

    interrupts.run(work())


async def read_lines(client: ResourceClient, place: Sequence[str], item: str) -> Sequence[Line]:
    """The lines of the item, or else of the newest syncs and of the items that changed last; oldest first."""
    found: list[Line] = []
    if item:
        rows = [await find_item(client, (*place, "items"), item)]
    else:
        rows, _ = await client.page(*place, "items", sort_by="modified_at", per_page=ITEMS)
        jobs, _ = await client.page(*place, "jobs", per_page=JOBS)
        for job in jobs:
            found += await _job_lines(client, (*place, "jobs", job["id"], "logs"))
    for row in rows:
        lines, _ = await client.page(*place, "items", row["id"], "logs", limit=WIDEST)
        found += [_item_line(row["key"], one) for one in reversed(lines)]  # the API gives the newest first
    return sorted(dict.fromkeys(found), key=lambda one: one.at)


async def _job_lines(client: ResourceClient, place: Sequence[str]) -> Sequence[Line]:
    rows, info = await client.page(*place, per_page=WIDEST)
    last = -(-info["total_count"] // WIDEST)
    if last > 1:  # the oldest come first, and the newest are wanted
        rows, _ = await client.page(*place, per_page=WIDEST, page=last)
    return [Line(one["created_at"], "sync", WORDS.get(one["message_type"], "") + one["message"]) for one in rows]


def _item_line(key: str, line: Mapping[str, Any]) -> Line:
    at = round(datetime.fromisoformat(line["timestamp"]).timestamp() * 1000)
    took = "" if line["processingTimeMs"] is None else f" ({line['processingTimeMs']:,} ms)"
    return Line(at, key, f"{line['action']}: {line['message']}{took}")


def _show(lines: Sequence[Line], as_json: bool) -> None:
    for one in lines:
        if as_json:
            say(json.dumps(_as_dict(one)))
        else:
            say(f"{_time(one.at)}  {one.of}  {one.text}")


def _as_dict(line: Line) -> Mapping[str, str]:
    return {"time": _time(line.at), "of": line.of, "text": line.text}


def _time(milliseconds: int) -> str:
    """In UTC, to the second."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
