"""``secondlook items``: list, show and delete the items of an instance."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, Optional

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table

from secondlook import interrupts
from secondlook.console import AnyAccount, AsJson, DataDir, Namespace, Yes, confirm, out, say, say_json
from secondlook.domain.wording import plural
from secondlook.errors import CallerError
from secondlook.resource_client import ResourceClient, open_client
from secondlook.transfer import ServerHere

items_app = typer.Typer(no_args_is_help=True, help="List, show and delete the items of an instance.")
Name = Annotated[str, typer.Argument(metavar="INSTANCE", help="The instance.")]
Status = Literal["queued", "running", "completed", "error", "skipped", "outdated"]
BUILT_IN = ("folder", "filename", "timestamp")
"""Metadata that every item has, made of its key and time."""
UPLOADED = "builtin"
"""The source that the API names for uploads."""


@items_app.command("list")
def list_items(
    instance: Name,
    status: Annotated[Optional[Status], typer.Option(help="Only items with this status.")] = None,  # noqa: UP045
    search: Annotated[str, typer.Option("--search", help="Only items whose key contains this.")] = "",
    account: AnyAccount = None,
    namespace: Namespace = "default",
    as_json: AsJson = False,
    server: ServerHere = "",
    data_dir: DataDir = None,
) -> None:
    """List items with their status, and the reason of each failure."""

    async def work() -> Sequence[Mapping[str, Any]]:
        wanted = {"status": status} if status else {}
        async with open_client(server, data_dir, account or "default") as client:
            return await client.all(*_place(namespace, instance), search=search, **wanted)

    found = interrupts.run(work())
    if as_json:
        say_json(found)
    elif found:
        _show_items(found)
        say(plural(len(found), "item"))
    else:
        say(f"No items in {instance}{' that match' if status or search else ''}.")


@items_app.command("show")
def show_item(
    instance: Name,
    item: Annotated[str, typer.Argument(metavar="ITEM", help="The item's key or id.")],
    account: AnyAccount = None,
    namespace: Namespace = "default",
    as_json: AsJson = False,
    server: ServerHere = "",
    data_dir: DataDir = None,
) -> None:
    """Show an item: its status, size, chunks and metadata, and why it failed."""

    async def work() -> Mapping[str, Any]:
        async with open_client(server, data_dir, account or "default") as client:
            return await find_item(client, _place(namespace, instance), item)

    found = interrupts.run(work())
    if as_json:
        say_json(found)
        return
    for name, value in _facts_of(found):
        say(f"{name:<9} {value}")


@items_app.command("delete")
def delete_items(
    instance: Name,
    items: Annotated[list[str], typer.Argument(metavar="ITEMS...", help="Keys or ids.")],
    account: AnyAccount = None,
    namespace: Namespace = "default",
    yes: Yes = False,
    server: ServerHere = "",
    data_dir: DataDir = None,
) -> None:
    """Delete items. Searches stop finding them at once; the next sync brings back those still in the source."""
    deleted: list[str] = []
    interrupts.explain(lambda: f"{plural(len(deleted), 'item')} deleted. Run the same command again without them.")

    async def work() -> None:
        async with open_client(server, data_dir, account or "default") as client:
            place = _place(namespace, instance)
            found = {one["id"]: one for one in [await find_item(client, place, item) for item in items]}
            confirm(f"Delete {_named([one['key'] for one in found.values()])} from {instance!r}?", yes)
            for one in found.values():
                await client.delete(*place, one["id"])
                deleted.append(one["key"])
            back = sum(one["source_id"] != UPLOADED for one in found.values())
        say(f"{plural(len(deleted), 'item')} deleted from {instance}")
        if back:
            say(f"{back:,} of them came from the source. The next sync brings back what is still there.")

    interrupts.run(work())


async def find_item(client: ResourceClient, place: Sequence[str], item: str) -> Mapping[str, Any]:
    """The item of that key or id; raises ``CallerError``."""
    for field in ("key", "item_id"):
        rows, _ = await client.page(*place, **{field: item}, per_page=1)
        if rows:
            return rows[0]
    raise CallerError(f"no item {item!r} in {place[-2]}. `secondlook items list {place[-2]}` shows all.")


def _place(namespace: str, instance: str) -> tuple[str, ...]:
    return "namespaces", namespace, "instances", instance, "items"


def _named(keys: Sequence[str]) -> str:
    return repr(keys[0]) if len(keys) == 1 else plural(len(keys), "item")


def _show_items(found: Sequence[Mapping[str, Any]]) -> None:
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("key", overflow="fold")
    table.add_column("status", no_wrap=True)
    for heading in ("chunks", "bytes"):
        table.add_column(heading, justify="right", no_wrap=True)
    for one in found:
        chunks = "-" if one["chunks_count"] is None else f"{one['chunks_count']:,}"
        table.add_row(one["key"], one["status"], chunks, f"{one['file_size']:,}")
    out.print(table, markup=False)
    for one in found:
        if one.get("error"):
            say(f"{one['key']}: {one['error']}")


def _facts_of(item: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
    metadata = ", ".join(f"{name}={value}" for name, value in item["metadata"].items() if name not in BUILT_IN)
    facts = [
        ("Key", item["key"]),
        ("Id", item["id"]),
        ("Status", item["status"]),
        ("Error", item.get("error", "")),
        ("Chunks", "" if item["chunks_count"] is None else f"{item['chunks_count']:,}"),
        ("Size", f"{item['file_size']:,} bytes, MD5 {item['checksum']}"),
        ("Source", "upload" if item["source_id"] == UPLOADED else item["source_id"]),
        ("Created", item["created_at"]),
        ("Changed", item["last_seen_at"]),
        ("Metadata", metadata),
    ]
    return [(name, value) for name, value in facts if value]
