"""``secondlook import cloudflare`` and ``secondlook export cloudflare``."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer

from secondlook import bootstrap, interrupts
from secondlook.api.transfer.copying import Outcome, copy_instance, first_error
from secondlook.api.transfer.peer import Peer, Place
from secondlook.console import DataDir, err, say
from secondlook.domain.wording import plural
from secondlook.errors import CallerError
from secondlook.local import open_folder
from secondlook.screen import make_bars, tell_steps
from secondlook.server import check_url
from secondlook.settings import load_settings

CLOUDFLARE = "https://api.cloudflare.com/client/v4"
PATIENCE = 120.0
"""Seconds without any news from a server."""
SHOWN = 20
"""Lines of one kind that are printed; the rest are counted."""

import_app = typer.Typer(no_args_is_help=True, help="Import an instance from Cloudflare.")
export_app = typer.Typer(no_args_is_help=True, help="Export an instance to Cloudflare.")

AccountThere = Annotated[str, typer.Option("--account", help="The Cloudflare account.", envvar="CLOUDFLARE_ACCOUNT_ID")]
NamespaceThere = Annotated[str, typer.Option("--namespace", help="The Cloudflare namespace.")]
Name = Annotated[str, typer.Option("--instance", help="The instance to copy.")]
Into = Annotated[str, typer.Option("--into", help="The name of the copy. Default: the same.")]
TokenThere = Annotated[
    str,
    typer.Option(
        "--token", help="A Cloudflare token with the permission AI Search: Edit.", envvar="CLOUDFLARE_API_TOKEN"
    ),
]
UrlThere = Annotated[
    str, typer.Option("--url", help="The address of the Cloudflare API.", envvar="CLOUDFLARE_API_BASE_URL")
]
AccountHere = Annotated[str, typer.Option("--local-account", help="The Secondlook account.")]
NamespaceHere = Annotated[str, typer.Option("--local-namespace", help="The Secondlook namespace.")]
ServerHere = Annotated[
    str, typer.Option("--server", help="The address of a Secondlook server. Default: open the data folder.")
]
SettingsOnly = Annotated[bool, typer.Option("--settings-only", help="Copy the settings, but no files.")]
Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="Wait until all files are indexed.")]


@dataclass(frozen=True, slots=True)
class Address:
    """A server of the API: ``url`` ends before ``/accounts``."""

    url: str
    token: str


@dataclass(frozen=True, slots=True)
class Local:
    """Our side: an instance of a running server, or of the data folder where no server is named."""

    place: Place
    server: str
    data_dir: Path | None


@import_app.command("cloudflare")
def import_cloudflare(
    account: AccountThere,
    instance: Name,
    token: TokenThere,
    namespace: NamespaceThere = "default",
    into: Into = "",
    url: UrlThere = CLOUDFLARE,
    local_account: AccountHere = "default",
    local_namespace: NamespaceHere = "default",
    server: ServerHere = "",
    settings_only: SettingsOnly = False,
    wait: Wait = True,
    data_dir: DataDir = None,
) -> None:
    """Copy an instance from Cloudflare AI Search: settings, files and metadata. Run it again to update the copy."""
    local = Local(Place(local_account, local_namespace, into or instance), server, data_dir)
    remote = Place(account, namespace, instance)
    run(Address(url, token), remote, local, inward=True, files=not settings_only, wait=wait)


@export_app.command("cloudflare")
def export_cloudflare(
    account: AccountThere,
    instance: Name,
    token: TokenThere,
    namespace: NamespaceThere = "default",
    into: Into = "",
    url: UrlThere = CLOUDFLARE,
    local_account: AccountHere = "default",
    local_namespace: NamespaceHere = "default",
    server: ServerHere = "",
    settings_only: SettingsOnly = False,
    wait: Wait = True,
    data_dir: DataDir = None,
) -> None:
    """Copy an instance to Cloudflare AI Search: settings, files and metadata. Run it again to update the copy."""
    local = Local(Place(local_account, local_namespace, instance), server, data_dir)
    remote = Place(account, namespace, into or instance)
    run(Address(url, token), remote, local, inward=False, files=not settings_only, wait=wait)


def run(there: Address, remote: Place, local: Local, *, inward: bool, files: bool, wait: bool) -> None:
    """Copy from there to here, or the other way, and say what was done."""
    interrupts.explain("The files copied so far are kept. Run the same command again to copy the others.")
    there = replace(there, url=check_url("--url", there.url, CLOUDFLARE))

    async def work() -> Outcome:
        async with at(there) as far, here(local.server, local.data_dir, make=inward) as near:
            sides = Peer(far, remote, where=there.url), Peer(near, local.place, where="Secondlook")
            source, target = sides if inward else sides[::-1]
            return await copy(source, target, ours=inward, files=files, wait=wait)

    tell(interrupts.run(work()), (local.place if inward else remote).name)


async def copy(source: Peer, target: Peer, **options: Any) -> Outcome:
    """Copy, with bars."""
    with make_bars(err) as bars:
        try:
            return await copy_instance(source, target, on_progress=tell_steps(bars), **options)
        except BaseExceptionGroup as group:
            raise first_error(group) from group


def at(address: Address) -> httpx.AsyncClient:
    """A client of the server."""
    headers = {"Authorization": f"Bearer {address.token}"} if address.token else {}
    return httpx.AsyncClient(base_url=address.url, headers=headers, timeout=PATIENCE, follow_redirects=False)


@asynccontextmanager
async def here(
    server: str,
    data_dir: Path | None,
    *,
    beside: bool = True,
    make: bool = True,
    queue: bootstrap.Queue | None = None,
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of our side: a running server, with its token in ``SECONDLOOK_TOKEN``, or the data folder itself.

    Args:
        beside: whether the folder may be opened beside a server that works it.
        make: whether a data folder that does not exist is created.
        queue: what of the folder's queue is worked; by default all of it, unless a server does.
    """
    if server and data_dir:
        raise CallerError("--server and --data-dir cannot be combined. Pass one of them.")
    if server:
        url = check_url("--server", server)
        token = os.environ.get("SECONDLOOK_TOKEN", "").strip()
        if not token:
            raise CallerError(f"the server {url} requires a token. Set SECONDLOOK_TOKEN.")
        if not (token.isascii() and token.isprintable()):
            raise CallerError("SECONDLOOK_TOKEN is not a valid token. Set it as `secondlook token create` printed it.")
        async with at(Address(url if url.endswith("/client/v4") else f"{url}/client/v4", token)) as client:
            yield client
        return
    settings = load_settings(data_dir=data_dir)
    if not make:
        bootstrap.check_data(settings)
    async with (
        open_folder(settings.data_dir, beside=beside, queue=queue) as transport,
        httpx.AsyncClient(transport=transport, base_url="http://secondlook/client/v4", timeout=None) as client,
    ):
        yield client


def tell(outcome: Outcome, name: str) -> None:
    """Say what was done, and what was not; raises ``CallerError`` if files are missing now that should be there."""
    how = "created with the settings of the original" if outcome.made else "exists already and keeps its settings"
    say(f"{name}: {how}")
    lines = [
        f"{field} is {theirs!r} in the copy, {ours!r} in the original"
        for field, (ours, theirs) in outcome.differing.items()
    ]
    tell_lines(lines)
    if outcome.kept:
        say(f"not copied, set these yourself: {', '.join(outcome.kept)}")
    say(f"{plural(len(outcome.copied), 'file')} copied, {len(outcome.unchanged):,} unchanged")
    if outcome.elsewhere:
        say(f"not copied: {plural(len(outcome.elsewhere), 'item')} of an external source. Index them from there:")
        tell_lines([f"{key}: {origin}" for key, origin in outcome.elsewhere.items()])
    if outcome.failed:
        tell_lines([f"{key}: {reason}" for key, reason in outcome.failed.items()])
        raise CallerError(f"{plural(len(outcome.failed), 'file')} not copied. See the lines above, then run it again.")


def tell_lines(lines: list[str]) -> None:
    """The first of them, and how many more there are."""
    for line in lines[:SHOWN]:
        say(f"  {line}")
    if len(lines) > SHOWN:
        say(f"  and {len(lines) - SHOWN} more")
