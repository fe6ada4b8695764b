"""What all commands share: where they write, the options that they have in common, and an opened data folder."""

import asyncio
import codecs
import io
import json
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Annotated, Any, Optional, cast, get_args

import typer
from rich.console import Console

from secondlook import bootstrap, interrupts
from secondlook.domain.instance import Analyser, Instance
from secondlook.errors import CallerError, InstanceNotFoundError
from secondlook.screen import Downloads, make_bars
from secondlook.settings import Settings

out = Console(emoji=False)
err = Console(stderr=True, emoji=False)

DataDir = Annotated[
    Optional[Path],  # noqa: UP045  # typer reads the annotation
    typer.Option("--data-dir", help="The data folder. Default: SECONDLOOK_DATA_DIR, else ./secondlook-data."),
]
Account = Annotated[str, typer.Option(help="The account that owns the instance.")]
AnyAccount = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option("--account", help="The account that owns the instance. Default: default."),
]
Namespace = Annotated[str, typer.Option("--namespace", help="The namespace of the instance.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")]
Model = Annotated[str, typer.Option("--model", help="The reranking model to use.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
KeywordLanguage = Annotated[
    str,
    typer.Option(
        "--keyword-language", help="Language of keyword search, e.g. german, cjk, or simple for none. Default: English."
    ),
]


def say(line: str) -> None:
    """Print the line literally: names and texts are not markup."""
    out.print(line, markup=False, highlight=False, soft_wrap=True)


def say_json(value: object) -> None:
    """Print the value as JSON; what the output's encoding lacks is escaped."""
    out.print_json(json.dumps(value), ensure_ascii=not speaks_unicode())


def speaks_unicode() -> bool:
    """Whether standard output can show every letter."""
    return codecs.lookup(sys.stdout.encoding or "utf-8").name.startswith("utf")


def fit_output() -> None:
    """Let letters that the encoding of standard output lacks become question marks instead of an error."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")


def analyser_of(name: str) -> Analyser | None:
    """The keyword language of that name, None for the default; raises ``CallerError`` for any other name."""
    if name and name not in get_args(Analyser):
        raise CallerError(f"--keyword-language is {name!r}. Use one of {', '.join(get_args(Analyser))}.")
    return cast(Analyser, name) if name else None  # it is one of them


def confirm(question: str, yes: bool) -> None:
    """Ask on standard error unless ``yes``; raises ``CallerError`` for any other answer than yes."""
    if yes:
        return
    err.print(f"{question} This cannot be undone. [y/N]", end=" ", markup=False, highlight=False, soft_wrap=True)
    with interrupts.blocking():
        answer = sys.stdin.readline()
    if not answer:
        err.print()  # the question has no end of its line
        raise CallerError("there is nobody to confirm it. Pass --yes.")
    if answer.strip().lower() not in ("y", "yes"):
        raise CallerError("not confirmed. Nothing was deleted.")


def run_over(
    settings: Settings,
    work: Callable[[bootstrap.Runtime], Coroutine[Any, Any, None]],
    *,
    queue: bootstrap.Queue,
) -> None:
    """Open the data folder, do the work, close it.

    Raises ``SetupError`` if nothing is to be indexed and the folder does not exist: reading creates nothing.
    """
    if queue == "none":
        bootstrap.check_data(settings)

    async def inside() -> None:
        with Downloads(make_bars(err)) as heard:
            opened = bootstrap.open_runtime(settings, progress=heard, queue=queue)
            runtime = await opened.__aenter__()
        try:
            await work(runtime)
            await asyncio.sleep(0)  # so that an interrupt at the end of the work does not hit what closes it
        finally:
            await interrupts.close(opened.__aexit__(None, None, None))

    interrupts.run(inside())


async def find_instance(runtime: bootstrap.Runtime, account: str, name: str) -> Instance:
    """The instance; raises ``InstanceNotFoundError``, which says how to find or create one."""
    try:
        return await runtime.services.instances.get(account, "default", name)
    except InstanceNotFoundError as error:
        raise InstanceNotFoundError(
            f"no instance {name!r} in account {account!r}. `secondlook instances list` shows all;"
            " `secondlook index` creates one."
        ) from error
