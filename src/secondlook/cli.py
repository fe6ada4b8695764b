"""The command line."""

import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Optional

import typer
from rich.markup import escape

from secondlook import (
    __version__,
    bootstrap,
    check_command,
    demo,
    dev_worker,
    index_command,
    interrupts,
    log_command,
    queue_worker,
    status_command,
    sync_command,
)
from secondlook.console import (
    Account,
    AsJson,
    DataDir,
    KeywordLanguage,
    Model,
    analyser_of,
    err,
    find_instance,
    fit_output,
    out,
    run_over,
    say,
    say_json,
)
from secondlook.domain.candidate import FusionMethod
from secondlook.domain.options import Generation
from secondlook.domain.query import Query
from secondlook.domain.wording import plural
from secondlook.errors import CallerError, MissingQueryError, SecondlookError
from secondlook.evaluation.datasets import read_dataset
from secondlook.instance_commands import instances_app
from secondlook.item_commands import items_app
from secondlook.lab import lab_app
from secondlook.model_commands import models_app
from secondlook.query_commands import queries_app
from secondlook.screen import as_dict, make_bars, show_ranking, show_receipt, show_report, show_sources, tell_steps
from secondlook.server import greeting, listening, url_of
from secondlook.server import serve as serve_http
from secondlook.services.evaluating import Evaluating, Report, to_json
from secondlook.services.searching import Ask
from secondlook.settings import load_settings
from secondlook.token_commands import token_app
from secondlook.transfer import export_app, import_app

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
    help="A self-hosted AI Search server that takes a **second look** at every search result.",
)
app.add_typer(instances_app, name="instances")
app.add_typer(items_app, name="items")
app.add_typer(token_app, name="token")
app.add_typer(models_app, name="models")
app.add_typer(lab_app, name="lab")
app.add_typer(queries_app, name="queries")
app.add_typer(import_app, name="import")
app.add_typer(export_app, name="export")

STOPPED = "The server has stopped. Run the same command again to start it; it takes up unfinished work."


WORDING = (
    (re.compile(r"\.$"), ""),
    (re.compile(r"Value error, "), ""),
    (re.compile(r", unable to parse string as an? \w+"), ""),
    (re.compile(r"^Got unexpected extra arguments?(?:\(s\))? \((.*)\)$"), r"Unexpected argument: \1"),
)
"""What Typer says of words it does not understand, and how it is shortened."""


def _print_version(wanted: bool) -> None:
    if wanted:
        out.print(__version__, highlight=False)
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit."),
    ] = False,
) -> None:
    """What comes before any command."""


def main() -> None:
    """Run a command; an error is one line with exit code 2, and so is an interrupt, with exit code 130."""
    fit_output()
    with interrupts.working():
        code = _run()
        interrupts.leave(code)
    raise SystemExit(code)


def _run() -> int:
    try:
        _check_words(sys.argv[1:])
        return app(prog_name="secondlook", standalone_mode=False) or 0
    except interrupts.Interrupted:
        err.print(interrupts.line(), markup=False, highlight=False, soft_wrap=True)
        return interrupts.CODE
    except typer.TyperException as error:
        return _refuse_words(error)
    except typer.Abort:
        return _tell_error("not confirmed. Nothing was changed.")
    except (SecondlookError, OSError) as error:  # an OSError names the path and says what the system refused
        return _tell_error(str(error))


def _refuse_words(error: typer.TyperException) -> int:
    """Say what is wrong with the words of a command, and where its usage is."""
    context = getattr(error, "ctx", None)
    if type(error).__name__ == "NoArgsIsHelpError":  # its help is printed
        return error.exit_code
    words = error.format_message().strip()
    for pattern, better in WORDING:
        words = pattern.sub(better, words)
    path = context.command_path if context else "secondlook"
    stop = "" if words.endswith("?") else "."
    return _tell_error(f"{words[:1].lower()}{words[1:]}{stop} See `{path} --help`.")


def _tell_error(words: str) -> int:
    err.print(f"[bold red]error:[/] {escape(' '.join(words.splitlines()))}", highlight=False, soft_wrap=True)
    return 2


def _check_words(words: Sequence[str]) -> None:
    """Raises ``CallerError`` for an argument that is not text: nothing could store or search it."""
    for word in words:
        try:
            word.encode()
        except UnicodeEncodeError as error:
            raise CallerError(f"the argument {word!r} is not valid UTF-8. Retype it, or rename the file.") from error


@app.command()
def version() -> None:
    """Print the version."""
    out.print(__version__, highlight=False)


@app.command()
def serve(
    data_dir: DataDir = None,
    host: Annotated[Optional[str], typer.Option(help="The address to listen on.")] = None,  # noqa: UP045
    port: Annotated[Optional[int], typer.Option(help="The port to listen on. 0 picks a free one.")] = None,  # noqa: UP045
) -> None:
    """Start the server: the API and the dashboard. Press Ctrl-C to stop it."""
    settings = load_settings(data_dir=data_dir, port=port, host=host)
    interrupts.explain(STOPPED)

    async def work(runtime: bootstrap.Runtime) -> None:
        if not await runtime.services.access.list():
            _, secret = await runtime.services.access.create("first")
            out.print(f"API token (shown this once): [bold]{secret}[/]", highlight=False, soft_wrap=True)

        account = await runtime.services.sign_in.first_account()

        def ready(bound: int) -> None:
            say(greeting(settings.host, bound, runtime.services.sign_in.offer(account)))

        await serve_http(runtime, settings, sockets=sockets, on_ready=ready)

    with listening(settings) as sockets:
        run_over(settings, work, queue="all")


@app.command("demo")
def run_demo(
    once: Annotated[bool, typer.Option("--once", help="Show the comparison and exit without serving.")] = False,
    question: Annotated[str, typer.Option(help="The question to compare.")] = demo.QUESTION,
    data_dir: DataDir = None,
    port: Annotated[Optional[int], typer.Option(help="Port to listen on.")] = None,  # noqa: UP045
) -> None:
    """Index a sample corpus, show one query before and after reranking, and start the server."""
    settings = load_settings(data_dir=data_dir, port=port)
    interrupts.explain("The pages indexed so far are kept. Run the same command again.")

    async def work(runtime: bootstrap.Runtime) -> None:
        with make_bars(err) as bars:
            instance = await demo.ensure_sample(runtime, bars)
        before, after = await demo.compare(runtime, instance, question)
        access = runtime.services.access
        for token in await access.list():
            if token.name == "demo" and not token.revoked:
                await access.revoke(token.id)
        _, secret = await access.create("demo")

        def ready(bound: int) -> None:
            interrupts.explain(STOPPED)
            demo.show(out, question, before, after)
            demo.show_curl(out, url_of(settings.host, bound), secret, question)
            say(f"\nToken of the account {demo.ACCOUNT}: {secret}")
            say(greeting(settings.host, bound, runtime.services.sign_in.offer(demo.ACCOUNT)))

        if once:
            demo.show(out, question, before, after)
            demo.show_curl(out, url_of(settings.host, settings.port), secret, question)
            out.print("\nRun without --once to start the server.", highlight=False)
        else:
            await serve_http(runtime, settings, sockets=sockets, on_ready=ready)

    with listening(settings, wanted=not once) as sockets:
        run_over(settings, work, queue="own" if once else "all")


@app.command()
def search(
    instance: str,
    query: str,
    rerank: Annotated[
        bool | None, typer.Option("--rerank/--no-rerank", help="Rerank or not. Default: the instance's setting.")
    ] = None,
    model: Model = "",
    explain: Annotated[bool, typer.Option("--explain", help="Show all scores and each stage.")] = False,
    fusion: Annotated[
        Optional[FusionMethod],  # noqa: UP045
        typer.Option("--fusion", help="How to merge both lists. Default: the instance's."),
    ] = None,
    fusion_weight: Annotated[
        Optional[float],  # noqa: UP045
        typer.Option(min=0, max=1, help="The weight of the cosine in convex fusion. Default: the instance's."),
    ] = None,
    as_json: AsJson = False,
    top_k: Annotated[int, typer.Option(min=1, max=50, help="The number of results.")] = 10,
    account: Account = "default",
    data_dir: DataDir = None,
) -> None:
    """Search an instance."""

    asked = _query(query)

    async def work(runtime: bootstrap.Runtime) -> None:
        target = await find_instance(runtime, account, instance)
        ask = Ask(rerank=rerank, reranker=model, top_k=top_k, fusion_method=fusion, fusion_weight=fusion_weight)
        ranking = await runtime.services.searching.search(target, asked, ask)
        if as_json:
            say_json(as_dict(ranking))
        else:
            show_ranking(out, ranking, explain=explain)

    run_over(load_settings(data_dir=data_dir), work, queue="none")


@app.command()
def ask(
    instance: str,
    question: str,
    rerank: Annotated[Optional[bool], typer.Option("--rerank/--no-rerank", help="Default: the instance's.")] = None,  # noqa: UP045
    account: Account = "default",
    data_dir: DataDir = None,
) -> None:
    """Answer a question from an instance, with citations."""

    asked = _query(question)

    async def work(runtime: bootstrap.Runtime) -> None:
        target = await find_instance(runtime, account, instance)
        answer = await runtime.services.searching.answer(target, asked, Ask(rerank=rerank), generation=Generation())
        async for delta in answer.deltas:
            out.print(delta.text, end="", markup=False, highlight=False, soft_wrap=True)
        out.print("\n")
        show_sources(out, answer.ranking)
        show_receipt(out, answer.ranking)
        chunks = plural(len(answer.ranking.candidates), "chunk")
        out.print(f"[dim]{escape(answer.model)}, from {chunks}[/]", highlight=False)

    run_over(load_settings(data_dir=data_dir), work, queue="none")


def _query(text: str) -> Query:
    """The query; raises ``MissingQueryError`` when it is blank."""
    if not text.strip():
        raise MissingQueryError("the query is empty")
    return Query(text.strip())


@app.command("eval")
def evaluate(
    datasets: Annotated[list[Path], typer.Argument(help="Folders in the BEIR layout.")],
    json_file: Annotated[Optional[Path], typer.Option("--json", help="Write the figures to this file.")] = None,  # noqa: UP045
    model: Model = "",
    language: KeywordLanguage = "",
    data_dir: DataDir = None,
) -> None:
    """Measure keyword, vector, hybrid and reranked search on judged queries."""
    analyser = analyser_of(language)
    settings = load_settings(data_dir=data_dir)
    sets = [read_dataset(path) for path in datasets]
    if json_file:
        json_file.open("a").close()  # so that a file that cannot be written fails before the work, not after it
    reports: list[Report] = []
    interrupts.explain(
        lambda: (
            f"{len(reports)} of {plural(len(sets), 'data set')} measured. Run the same command again; it starts over."
        )
    )

    async def work(runtime: bootstrap.Runtime) -> None:
        evaluating = Evaluating(runtime.tools, runtime.indexer, bootstrap.search_defaults(settings))
        for dataset in sets:
            with make_bars(err) as bars:
                heard = tell_steps(bars)
                report = await evaluating.run(dataset, on_progress=heard, rerank_model=model, analyser=analyser)
            reports.append(report)
            show_report(out, report)
            if json_file:
                json_file.write_text(json.dumps(to_json(reports), indent=2) + "\n")

    run_over(settings, work, queue="own")  # a server that starts must not sweep the index away


app.command("index")(index_command.index)
app.command("check")(check_command.check)
app.command("status")(status_command.status)
app.command("logs")(log_command.logs)
app.command("sync")(sync_command.sync)
app.command("work")(queue_worker.work)
app.command("dev-worker")(dev_worker.write)


if __name__ == "__main__":
    main()
