"""``secondlook status``: what a server or a data folder holds, what waits, and what fails."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from secondlook import bootstrap, interrupts
from secondlook.console import AnyAccount, AsJson, DataDir, say, say_json
from secondlook.domain.wording import plural
from secondlook.instance_commands import Row, accounts_of, name_of, read_instances, trouble_of
from secondlook.resource_client import open_client
from secondlook.settings import load_settings
from secondlook.transfer import ServerHere

PARTS = {"catalog.sqlite": "catalogue", "indexes": "indexes", "files": "files", "cache": "models", "answers": "answers"}
"""Beginnings of names in a data folder, and what lies there."""
UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


def status(
    account: AnyAccount = None,
    as_json: AsJson = False,
    server: ServerHere = "",
    data_dir: DataDir = None,
) -> None:
    """Show instances, queue, failing sources, models and disk use of a data folder, or of one account of a server."""

    async def work() -> Mapping[str, Any]:
        async with open_client(server, data_dir, account or "default") as client:
            instances = await read_instances(client, await accounts_of(server, data_dir, account))
            models = await client.get("models")
        return {"instances": instances, "models": models}

    found = interrupts.run(work())
    told = {**_where(server, data_dir), "items": _items_of(found["instances"]), **found}
    if as_json:
        say_json(told)
    else:
        for line in lines_of(told):
            say(line)


def _where(server: str, data_dir: Path | None) -> Mapping[str, Any]:
    """The server, or the data folder with what its parts take on disk, in bytes."""
    if server:
        return {"server": server}
    settings = load_settings(data_dir=data_dir)
    running = bootstrap.is_served(settings)
    return {"data_dir": str(settings.data_dir), "server_running": running, "disk": disk_use(settings.data_dir)}


def disk_use(folder: Path) -> Mapping[str, int]:
    """The bytes of each part of a data folder."""
    sizes: Counter[str] = Counter()
    for path in folder.rglob("*"):
        top = path.relative_to(folder).parts[0]
        part = next((name for start, name in PARTS.items() if top.startswith(start)), "other")
        try:
            sizes[part] += path.stat().st_size if path.is_file() else 0
        except FileNotFoundError:
            continue  # a server beside us has removed it
    return dict(sizes)


def _items_of(instances: Sequence[Row]) -> Mapping[str, int]:
    counts: Counter[str] = Counter()
    for one in instances:
        counts.update(one["item_counts"])
    return dict(counts)


def lines_of(told: Mapping[str, Any]) -> Sequence[str]:
    """What ``status`` prints."""
    items, instances, models = told["items"], told["instances"], told["models"]
    if "server" in told:
        lines = [f"Server     {told['server']}"]
    else:
        lines = [
            f"Data       {told['data_dir']} ({_disk(told['disk'])})",
            f"Server     {'running' if told['server_running'] else 'not running'}",
        ]
    waiting = sum(items.get(name, 0) for name in ("queued", "running", "outdated"))
    here = [one["name"] for one in models if one["status"] in ("built_in", "cached", "remote")]
    lines += [
        f"Instances  {len(instances):,}",
        f"Items      {sum(items.values()):,}, {items.get('error', 0):,} failed",
        f"Queue      {plural(waiting, 'item')} waiting",
        f"Models     {len(here)} of {len(models)} available: {', '.join(here)}",
    ]
    for one in instances:
        counts = one["item_counts"]
        failed = f", {counts['error']:,} failed" if counts["error"] else ""
        lines.append(f"  {one['account']}/{name_of(one)}: {plural(sum(counts.values()), 'item')}{failed}")
        if trouble := trouble_of(one):
            lines.append(f"    {trouble}")
    return lines


def _disk(sizes: Mapping[str, int]) -> str:
    largest = sorted(sizes.items(), key=lambda one: -one[1])
    parts = ", ".join(f"{name} {_bytes(size)}" for name, size in largest if size)
    return f"{_bytes(sum(sizes.values()))}: {parts}"


def _bytes(size: float) -> str:
    for unit in UNITS:
        if size < 1024 or unit == UNITS[-1]:
            break
        size /= 1024
    return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
