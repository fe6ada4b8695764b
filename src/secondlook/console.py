"""What all commands share: where they write, the options that they have in common, and an opened data folder."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Annotated, Any, Optional

import typer
from rich.console import Console

from secondlook import bootstrap
from secondlook.domain.instance import Instance
from secondlook.errors import InstanceNotFoundError
from secondlook.screen import Downloads, make_bars
from secondlook.settings import Settings

out = Console(emoji=False)
err = Console(stderr=True, emoji=False)

DataDir = Annotated[
    Optional[Path],  # noqa: UP045  # typer reads the annotation
    typer.Option("--data-dir", help="The data folder (SECONDLOOK_DATA_DIR; default ./secondlook-data)."),
]
Account = Annotated[str, typer.Option(help="The account that owns the instance.")]
Model = Annotated[str, typer.Option("--model", help="The reranking model.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def say(line: str) -> None:
    """Print it as it stands: names and texts are no markup."""
    out.print(line, markup=False, highlight=False, soft_wrap=True)


def run_over(
    settings: Settings,
    work: Callable[[bootstrap.Runtime], Coroutine[Any, Any, None]],
    *,
    queue: bootstrap.Queue,
) -> None:
    """Open the data folder, do the work, close it."""

    async def inside() -> None:
        with Downloads(make_bars(err)) as heard:
            opened = bootstrap.open_runtime(settings, progress=heard, queue=queue)
            runtime = await opened.__aenter__()
        try:
            await work(runtime)
        finally:
            await opened.__aexit__(None, None, None)

    asyncio.run(inside())


async def find_instance(runtime: bootstrap.Runtime, account: str, name: str) -> Instance:
    """The instance; raises ``InstanceNotFoundError``, which says how to make it."""
    try:
        return await runtime.services.instances.get(account, "default", name)
    except InstanceNotFoundError as error:
        raise InstanceNotFoundError(
            f"there is no instance {name!r} of the account {account!r} in this data folder: make it with"
            " `secondlook index`, or see --account and --data-dir"
        ) from error
