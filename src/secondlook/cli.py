"""The command line."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Optional, cast, get_args

import typer
from rich.markup import escape

from secondlook import __version__, bootstrap, demo, dev_worker, queue_worker, sync_command
from secondlook.console import Account, AsJson, DataDir, Model, err, find_instance, out, run_over, say
from secondlook.domain.instance import Analyser, Instance, InstanceSettings
from secondlook.domain.options import Generation
from secondlook.domain.query import Query
from secondlook.errors import CallerError, InstanceNotFoundError, MissingQueryError, SecondlookError
from secondlook.evaluation.datasets import read_dataset
from secondlook.ingest.kinds import is_readable
from secondlook.lab import lab_app
from secondlook.model_commands import models_app
from secondlook.query_commands import queries_app
from secondlook.screen import as_dict, make_bars, show_ranking, show_report, tell_steps
from secondlook.server import greeting, listening, url_of
from secondlook.server import serve as serve_http
from secondlook.services.evaluating import Evaluating, to_json
from secondlook.services.intake import Upload
from secondlook.services.searching import Ask
from secondlook.settings import load_settings
from secondlook.token_commands import token_app
from secondlook.transfer import export_app, import_app

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="A self-hosted AI Search server that takes a **second look** at every search result.",
)
app.add_typer(token_app, name="token")
app.add_typer(models_app, name="models")
app.add_typer(lab_app, name="lab")
app.add_typer(queries_app, name="queries")
app.add_typer(import_app, name="import")
app.add_typer(export_app, name="export")

KeywordLanguage = Annotated[
    str, typer.Option("--keyword-language", help="How words are reduced: german, say, cjk or simple; default: English.")
]


def main() -> None:
    """Run a command; an error is one line, and the exit code 2."""
    try:
        _check_words(sys.argv[1:])
        app()
    except (SecondlookError, OSError) as error:  # an OSError names the path and says what the system refused
        words = " ".join(str(error).splitlines())
        err.print(f"[bold red]error:[/] {escape(words)}", highlight=False, soft_wrap=True)
        raise SystemExit(2) from error


def _check_words(words: Sequence[str]) -> None:
    """Raises ``CallerError`` for a word that is no text: nothing could store or search it."""
    for word in words:
        try:
            word.encode()
        except UnicodeEncodeError as error:
            raise CallerError(f"the argument {word!r} is not UTF-8: write it so, or rename the file") from error


@app.command()
def version() -> None:
    """Print the version."""
    out.print(__version__, highlight=False)


@app.command()
def serve(
    data_dir: DataDir = None,
    host: Annotated[Optional[str], typer.Option(help="Address to listen on.")] = None,  # noqa: UP045
    port: Annotated[Optional[int], typer.Option(help="Port to listen on; 0 takes a free one.")] = None,  # noqa: UP045
) -> None:
    """Serve the API until interrupted."""

    settings = load_settings(data_dir=data_dir, port=port, host=host)

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
    once: Annotated[bool, typer.Option("--once", help="Show the comparison and exit.")] = False,
    question: Annotated[str, typer.Option(help="Another question.")] = demo.QUESTION,
    data_dir: DataDir = None,
    port: Annotated[Optional[int], typer.Option(help="Port to listen on.")] = None,  # noqa: UP045
) -> None:
    """Index a sample corpus, show one query before and after reranking, and serve."""

    settings = load_settings(data_dir=data_dir, port=port)

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
def index(
    instance: str,
    paths: list[Path],
    language: KeywordLanguage = "",
    account: Account = "default",
    data_dir: DataDir = None,
) -> None:
    """Index files and folders into an instance, which is made if it is not there."""
    files = [found for path in paths for found in _walk(path)]
    if not files:
        raise CallerError(f"{', '.join(map(str, paths))}: no text, Markdown, HTML or code lies there to be indexed")
    if not account.strip() or "/" in account:
        raise CallerError(f"--account is {account!r}: give any text without a slash")
    analyser = _analyser(language)

    async def work(runtime: bootstrap.Runtime) -> None:
        services = runtime.services
        try:
            target = await services.instances.get(account, "default", instance)
        except InstanceNotFoundError:
            settings = InstanceSettings(analyser=analyser)
            target = await services.instances.create(account, "default", instance, settings=settings)
        if analyser and target.settings.analyser != analyser:
            raise CallerError(
                f"--keyword-language is {analyser!r}, and the instance {instance!r} was made with"
                f" {target.settings.analyser or 'the default'!r}: leave it out, or make another instance"
            )
        with make_bars(err) as bars:
            bar = bars.add_task(f"Indexing into {instance}", total=len(files))
            bad: dict[str, str] = {}
            for key, path in files:
                if trouble := await _index_file(runtime, target, key, path):
                    bad[key] = trouble
                bars.advance(bar)
        for key, trouble in bad.items():
            err.print(f"{key}: {trouble}", markup=False, highlight=False, soft_wrap=True)
        if len(bad) == len(files):
            raise CallerError(f"none of {len(files)} files could be indexed into {instance}: see the lines above")
        say(f"{len(files) - len(bad)} of {len(files)} files indexed into {instance}")

    run_over(load_settings(data_dir=data_dir), work, queue="own")


def _analyser(name: str) -> Analyser | None:
    """The language of that name, None for the default; raises ``CallerError`` for any other name."""
    if name and name not in get_args(Analyser):
        raise CallerError(f"--keyword-language is {name!r}: give one of {', '.join(get_args(Analyser))}")
    return cast(Analyser, name) if name else None  # it is one of them


async def _index_file(runtime: bootstrap.Runtime, target: Instance, key: str, path: Path) -> str:
    """What is wrong with the file, or nothing once it is indexed; the others go on."""
    try:
        item = await runtime.services.indexing.upload(target, Upload(key, path.read_bytes()), wait=600)
    except (CallerError, OSError) as error:
        return str(error)
    return "" if item.status == "completed" else item.error or item.status


def _walk(path: Path) -> list[tuple[str, Path]]:
    """Keys and paths of the files that can be indexed."""
    if path.is_file():
        return [(path.name, path)]
    if not path.is_dir():
        raise SecondlookError(f"{path} is neither a file nor a folder: check the path")
    found = (one for one in sorted(path.rglob("*")) if one.is_file() and is_readable(one.name))
    return [(one.relative_to(path).as_posix(), one) for one in found]


@app.command()
def search(
    instance: str,
    query: str,
    rerank: Annotated[Optional[bool], typer.Option("--rerank/--no-rerank", help="Default: the instance's.")] = None,  # noqa: UP045
    model: Model = "",
    explain: Annotated[bool, typer.Option("--explain", help="Show each stage and all scores.")] = False,
    as_json: AsJson = False,
    top_k: Annotated[int, typer.Option(min=1, max=50, help="How many results.")] = 10,
    account: Account = "default",
    data_dir: DataDir = None,
) -> None:
    """Search an instance."""

    asked = _query(query)

    async def work(runtime: bootstrap.Runtime) -> None:
        target = await find_instance(runtime, account, instance)
        ask = Ask(rerank=rerank, reranker=model, top_k=top_k)
        ranking = await runtime.services.searching.search(target, asked, ask)
        if as_json:
            out.print_json(json.dumps(as_dict(ranking)))
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
        out.print(f"\n\n[dim]{escape(answer.model)}, from {len(answer.ranking.candidates)} chunks[/]", highlight=False)

    run_over(load_settings(data_dir=data_dir), work, queue="none")


def _query(text: str) -> Query:
    """The query; raises ``MissingQueryError`` when it is blank."""
    if not text.strip():
        raise MissingQueryError("there is nothing to search for: the query is empty")
    return Query(text.strip())


@app.command("eval")
def evaluate(
    datasets: Annotated[list[Path], typer.Argument(help="Folders in BEIR layout.")],
    json_file: Annotated[Optional[Path], typer.Option("--json", help="Write the figures to this file.")] = None,  # noqa: UP045
    model: Model = "",
    language: KeywordLanguage = "",
    data_dir: DataDir = None,
) -> None:
    """Measure keyword, vector, hybrid and reranked search on judged queries."""
    analyser = _analyser(language)
    sets = [read_dataset(path) for path in datasets]
    if json_file:
        json_file.open("a").close()  # what cannot be written is better told before the work than after

    async def work(runtime: bootstrap.Runtime) -> None:
        evaluating = Evaluating(runtime.tools, runtime.indexer)
        reports = []
        for dataset in sets:
            with make_bars(err) as bars:
                heard = tell_steps(bars)
                report = await evaluating.run(dataset, on_progress=heard, rerank_model=model, analyser=analyser)
            reports.append(report)
            show_report(out, report)
            if json_file:
                json_file.write_text(json.dumps(to_json(reports), indent=2) + "\n")

    run_over(load_settings(data_dir=data_dir), work, queue="own")  # a server that starts must not sweep the index away


app.command("sync")(sync_command.sync)
app.command("work")(queue_worker.work)
app.command("dev-worker")(dev_worker.write)


if __name__ == "__main__":
    main()
