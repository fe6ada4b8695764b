"""``secondlook instances``: list, show and delete instances."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table

from secondlook import bootstrap, interrupts
from secondlook.api.ai_search.instances import earlier_of, fusion_of
from secondlook.console import AnyAccount, AsJson, DataDir, Namespace, Yes, confirm, out, say, say_json
from secondlook.domain.wording import plural
from secondlook.resource_client import ResourceClient, open_client
from secondlook.settings import load_settings
from secondlook.transfer import ServerHere

instances_app = typer.Typer(no_args_is_help=True, help="List, show and delete instances.")
Name = Annotated[str, typer.Argument(metavar="INSTANCE", help="The instance.")]
Row = Mapping[str, Any]
"""An instance as the API shows it, with the ``account`` it was listed for."""


@instances_app.command("list")
def list_instances(
    account: AnyAccount = None,
    as_json: AsJson = False,
    server: ServerHere = "",
    data_dir: DataDir = None,
) -> None:
    """List instances and their item counts: all accounts of a data folder, or one account of a server."""

    async def work() -> Sequence[Row]:
        async with open_client(server, data_dir, account or "default") as client:
            return await read_instances(client, await accounts_of(server, data_dir, account))

    found = interrupts.run(work())
    if as_json:
        say_json(found)
    elif found:
        show_instances(found)
    else:
        say(f"No instances{f' in account {account!r}' if account else ''}. `secondlook index` creates one.")


@instances_app.command("show")
def show_instance(
    instance: Name,
    account: AnyAccount = None,
    namespace: Namespace = "default",
    as_json: AsJson = False,
    server: ServerHere = "",
    data_dir: DataDir = None,
) -> None:
    """Show an instance: its items, source, syncs and main settings (all settings with --json)."""

    async def work() -> Row:
        async with open_client(server, data_dir, account or "default") as client:
            found: Row = await client.get("namespaces", namespace, "instances", instance)
            return {**found, "account": client.account}

    found = interrupts.run(work())
    if as_json:
        say_json(found)
        return
    for name, value in facts_of(found):
        say(f"{name:<11} {value}")


@instances_app.command("delete")
def delete_instance(
    instance: Name,
    account: AnyAccount = None,
    namespace: Namespace = "default",
    yes: Yes = False,
    server: ServerHere = "",
    data_dir: DataDir = None,
) -> None:
    """Delete an instance with its items, query log, Lab runs and public endpoint. This cannot be undone."""

    async def work() -> None:
        async with open_client(server, data_dir, account or "default") as client:
            place = ("namespaces", namespace, "instances", instance)
            items = sum((await client.get(*place))["item_counts"].values())
            confirm(f"Delete the instance {instance!r} of account {client.account!r} and {plural(items, 'item')}?", yes)
            interrupts.explain(
                f"Check `secondlook instances list`, and run the same command again if {instance} remains."
            )
            await client.delete(*place)
        say(f"{instance} is deleted ({plural(items, 'item')})")

    interrupts.run(work())


async def accounts_of(server: str, data_dir: Path | None, account: str | None) -> Sequence[str]:
    """The one account that is asked for, else all of the data folder; a server shows one account at a time."""
    if account or server:
        return [account or "default"]
    return await bootstrap.list_accounts(load_settings(data_dir=data_dir))


async def read_instances(client: ResourceClient, accounts: Sequence[str]) -> Sequence[Row]:
    """The instances of these accounts, by account, namespace and name."""
    found: list[Row] = []
    for account in accounts:
        here = client.at_account(account)
        for namespace in [
            "default",
            *(one["name"] for one in await here.all("namespaces") if one["name"] != "default"),
        ]:
            rows = await here.all("namespaces", namespace, "instances")
            found += [{**one, "account": account} for one in rows]
    return sorted(found, key=lambda one: (one["account"], one["namespace"], one["id"]))


def show_instances(found: Sequence[Row]) -> None:
    """A line for each, and below it why its syncs fail."""
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("instance", overflow="fold")
    table.add_column("account", overflow="fold")
    for heading in ("items", "waiting", "failed"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("source", overflow="fold")
    for one in found:
        counts = one["item_counts"]
        waiting = counts["queued"] + counts["running"] + counts["outdated"]
        figures = (f"{number:,}" for number in (sum(counts.values()), waiting, counts["error"]))
        table.add_row(name_of(one), one["account"], *figures, one.get("source") or "uploads")
    out.print(table, markup=False)
    for one in found:
        if trouble := trouble_of(one):
            say(f"{name_of(one)}: {trouble}")


def name_of(row: Row) -> str:
    """The instance's name, with its namespace unless that is the default."""
    return str(row["id"]) if row["namespace"] == "default" else f"{row['namespace']}/{row['id']}"


def trouble_of(row: Row) -> str:
    """What is wrong with the index, why syncs fail and that they are paused; empty where all is well."""
    damage = row.get("index_problem")
    rebuilt = f"The index is being rebuilt: {damage['reason']}." if damage else ""
    error = row.get("sync_error")
    paused = "Syncs are paused." if row["paused"] else ""
    failing = f"Syncs fail: {error['message'].rstrip('.')}." if error else ""
    return " ".join(filter(None, (rebuilt, failing, paused)))


def facts_of(row: Row) -> Sequence[tuple[str, str]]:
    """What ``show`` prints: names and values."""
    counts = [f"{number:,} {status}" for status, number in row["item_counts"].items() if number]
    last = row["last_sync"]
    facts = [
        ("Instance", name_of(row)),
        ("Account", row["account"]),
        ("Items", ", ".join(counts) or "none"),
        ("Source", row.get("source") or "uploads only"),
        ("Last sync", f"{last['status']}, started {last['started_at']}" if last else "never"),
        ("Problem", trouble_of(row)),
        ("Reranking", f"on ({row['reranking_model'] or 'built-in model'})" if row["reranking"] else "off"),
        ("Fusion", fusion_of(row)),
        ("Defaults", earlier_of(row)),
        ("Created", row["created_at"]),
        ("Modified", row["modified_at"]),
    ]
    return [(name, value) for name, value in facts if value]
