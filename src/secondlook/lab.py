"""``secondlook lab``: whether reranking pays on a user's own data."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Optional

import typer
from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from secondlook import interrupts
from secondlook.api.lab_page import render_page
from secondlook.bootstrap import Runtime
from secondlook.console import Account, AsJson, DataDir, err, find_instance, out, run_over, say
from secondlook.domain.instance import Instance
from secondlook.domain.lab import ArmSpec, LabRun
from secondlook.errors import CallerError
from secondlook.evaluation.comparison import compare
from secondlook.evaluation.queries import JudgedQuery, drawn, merge, read_queries
from secondlook.evaluation.report import MANY_FAILURES, OFF, QueryRow
from secondlook.screen import make_bars, tell_steps
from secondlook.services.arms import parse_arm
from secondlook.services.lab_records import (
    LabRequest,
    baseline_of,
    best_arm,
    query_of,
    words_of_doubts,
    words_of_judge,
)
from secondlook.settings import load_settings

lab_app = typer.Typer(no_args_is_help=True, help="Measure on your own data whether reranking is worth it.")

SOME = 300
"""Queries that are made from the documents unless a number is given."""
FAILED = 1
"""Exit code of a gate that does not hold."""

Queries = Annotated[
    Optional[list[Path]],  # noqa: UP045  # typer reads the annotation
    typer.Option("--queries", help="Judged queries: a .csv or .jsonl file, or a BEIR folder. Repeat for more."),
]
JudgedSet = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option("--set", help="A query set of the instance, as judged in the dashboard."),
]
Headings = Annotated[bool, typer.Option("--headings", help="Make queries from headings and questions in documents.")]
Generated = Annotated[bool, typer.Option("--generated", help="Have the language model ask questions about documents.")]
Judged = Annotated[bool, typer.Option("--judge", help="Have the language model grade unjudged results.")]
Limit = Annotated[
    Optional[int],  # noqa: UP045
    typer.Option("--limit", min=1, help="Sample at most this many queries evenly. Default: all from files, else 300."),
]
Arms = Annotated[
    Optional[list[str]],  # noqa: UP045
    typer.Option(
        "--arm", help="A configuration: model=NAME,window=N,weight=W. Repeat for more. Default: every reranker."
    ),
]
Budget = Annotated[
    Optional[float],  # noqa: UP045
    typer.Option("--budget-ms", min=0, help="The longest acceptable 95th percentile of search times, in milliseconds."),
]
Concurrency = Annotated[int, typer.Option(min=1, help="Queries measured at the same time.")]
JsonFile = Annotated[
    Path | None, typer.Option("--json", help="Write the report with figures for each query to this file.")
]


class _Asked:
    """Where the queries of a command come from; raises ``CallerError`` unless there is one such place."""

    def __init__(
        self, paths: Sequence[Path], headings: bool, generated: bool, limit: int | None, judged_set: str | None
    ) -> None:
        ways = (("--queries", paths), ("--set", judged_set), ("--headings", headings), ("--generated", generated))
        told = [name for name, given in ways if given]
        if not told:
            raise CallerError(
                "no queries to measure. Pass --queries FILE, --set NAME, or --headings to make them from the documents."
            )
        if len(told) > 1:
            raise CallerError(f"{' and '.join(told)} cannot be combined: they measure different things. Pass one.")
        made = {"--headings": "headings", "--generated": "generated", "--set": f"set {judged_set}"}
        self.origin = made.get(told[0], ", ".join(path.name for path in paths))
        self._set = judged_set
        self._read = merge(query for path in paths for query in read_queries(path))
        self._limit = limit

    async def for_instance(self, runtime: Runtime, target: Instance) -> Sequence[JudgedQuery]:
        """The queries, at most as many as were asked for, evenly from the whole; a line says if there were more."""
        lab, most = runtime.services.lab, self._limit or SOME
        if self.origin == "generated":
            return await lab.generated(target, limit=most)
        if self._set:
            whole = list(await runtime.services.judged_sets.judged(target, self._set))
            most = self._limit or len(whole)
        elif self.origin == "headings":
            whole = await lab.sets.from_headings(target)
        else:
            whole, most = self._read, self._limit or len(self._read)
        found = drawn(whole, most)
        if len(found) < len(whole):
            told = f"{len(found):,} of {len(whole):,} queries sampled evenly. --limit sets how many."
            err.print(told, highlight=False, soft_wrap=True)
        return found


@lab_app.command()
def run(
    instance: str,
    queries: Queries = None,
    judged_set: JudgedSet = None,
    headings: Headings = False,
    generated: Generated = False,
    judge: Judged = False,
    limit: Limit = None,
    arm: Arms = None,
    budget: Budget = None,
    concurrency: Concurrency = 1,
    json_file: JsonFile = None,
    html_file: Annotated[
        Path | None, typer.Option("--html", help="Write the report as an HTML page to this file.")
    ] = None,
    apply: Annotated[bool, typer.Option("--apply", help="Apply the verdict to the instance.")] = False,
    account: Account = "default",
    data_dir: DataDir = None,
) -> None:
    """Compare ways to rerank on judged queries and give a verdict. An interrupted run continues."""
    arms = tuple(parse_arm(one) for one in arm or ())
    asked = _Asked(tuple(queries or ()), headings, generated, limit, judged_set)
    for file in (json_file, html_file):
        if file:
            file.open("a").close()  # so that a file that cannot be written fails before the work, not after it

    async def work(runtime: Runtime) -> None:
        target = await find_instance(runtime, account, instance)
        found = await asked.for_instance(runtime, target)
        told = "" if judge else None
        request = LabRequest(tuple(found), arms, budget, concurrency, asked.origin, judge=told)
        done, rows = await _run(runtime, target, request)
        report = json.loads(done.report)
        _show(report)
        best = best_arm(report)
        each = [query_of(row, best, baseline_of(report, best)) for row in rows]
        if json_file:
            json_file.write_text(json.dumps({**report, "by_query": _by_query(rows)}, indent=2) + "\n")
        if html_file:
            html_file.write_text(render_page(report, each, title=f"Reranking on {instance}"))
        if apply:
            await _apply(runtime, target, report)

    run_over(load_settings(data_dir=data_dir), work, queue="none")


@lab_app.command()
def show(
    instance: str,
    as_json: AsJson = False,
    account: Account = "default",
    data_dir: DataDir = None,
) -> None:
    """Show the last verdict."""

    async def work(runtime: Runtime) -> None:
        target = await find_instance(runtime, account, instance)
        found = await runtime.services.lab.last(target)
        if found is None:
            raise CallerError(f"the Lab has no completed run for {instance!r}. Start one with `secondlook lab run`.")
        if as_json:
            out.print_json(found.report)
        else:
            _show(json.loads(found.report))

    run_over(load_settings(data_dir=data_dir), work, queue="none")


@lab_app.command()
def gate(
    instance: str,
    queries: Queries = None,
    judged_set: JudgedSet = None,
    headings: Headings = False,
    limit: Limit = None,
    min_ndcg: Annotated[
        float | None, typer.Option("--min-ndcg", min=0, max=1, help="The lowest acceptable mean nDCG@10.")
    ] = None,
    no_regression: Annotated[
        bool,
        typer.Option("--no-regression", help="Fail if significantly worse than --before, or than without reranking."),
    ] = False,
    before: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--before", help="The --json file of an earlier gate or run to compare with."),
    ] = None,
    json_file: JsonFile = None,
    account: Account = "default",
    data_dir: DataDir = None,
) -> None:
    """Measure an instance with its settings; exit with 1 if it is not good enough, e.g. in continuous integration."""
    if min_ndcg is None and not no_regression:
        raise CallerError("nothing to compare with. Pass --min-ndcg, --no-regression or both.")
    if before and not no_regression:
        raise CallerError(f"--before {before} needs --no-regression. Pass both.")
    asked = _Asked(tuple(queries or ()), headings, False, limit, judged_set)
    known = _by_query_of(before) if before else {}

    async def work(runtime: Runtime) -> None:
        target = await find_instance(runtime, account, instance)
        arm = spec_of(target)
        found = await asked.for_instance(runtime, target)
        request = LabRequest(tuple(found), (arm or ArmSpec(),), origin=asked.origin, followed=False)
        done, rows = await _run(runtime, target, request)
        await runtime.services.lab.remove(target, done.id)  # a gate is no verdict
        name = arm.name if arm else OFF
        if json_file:
            told = {**json.loads(done.report), "by_query": _by_query(rows), "gate": name}
            json_file.write_text(json.dumps(told, indent=2) + "\n")
        for line in words_of_doubts(json.loads(done.report)):
            err.print(line, highlight=False, soft_wrap=True)
        trouble = judge_gate(rows, name, min_ndcg, known if no_regression else None)
        for line in trouble:
            err.print(f"[bold red]gate:[/] {escape(line)}", highlight=False, soft_wrap=True)
        if trouble:
            raise typer.Exit(FAILED)
        mean = sum(row.arms[name].ndcg for row in rows) / len(rows)
        say(f"gate passed: nDCG@10 is {mean:.4f} over {len(rows):,} queries with reranking {_word(arm)}")

    run_over(load_settings(data_dir=data_dir), work, queue="none")


def spec_of(instance: Instance) -> ArmSpec | None:
    """The arm that the instance's own settings are, stages with their windows; None when they do without reranking."""
    settings = instance.settings
    if not settings.reranking:
        return None
    stages, weight = settings.reranking_stages, settings.reranking_weight
    if len(stages) > 1 or any(one.keep is not None for one in stages):
        return ArmSpec(window=None, weight=weight, stages=stages)
    if stages:
        return ArmSpec(stages[0].model, stages[0].window, weight)
    return ArmSpec(settings.reranking_model, None, weight)  # the windows that serve


def _word(arm: ArmSpec | None) -> str:
    return f"on ({arm.name})" if arm else "off"


async def _run(runtime: Runtime, target: Instance, request: LabRequest) -> tuple[LabRun, Sequence[QueryRow]]:
    interrupts.explain("The queries measured so far are kept. Run the same command again to continue.")
    with make_bars(err) as bars:
        done = await runtime.services.lab.command(target, request, tell_steps(bars))
    if done.state != "completed":
        told = "another process continues it" if done.state == "running" else done.reason
        raise CallerError(f"the Lab run ended without a report ({done.state}): {told}")
    return done, await runtime.services.lab.rows(done)


def _by_query(rows: Sequence[QueryRow]) -> list[dict[str, object]]:
    return [{"query": row.query, "ndcg@10": {name: one.ndcg for name, one in row.arms.items()}} for row in rows]


def _by_query_of(path: Path) -> dict[str, float]:
    """nDCG@10 by query of the arm that a gate measured, or of the verdict's; raises ``CallerError``."""
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        name = told.get("gate") or best_arm(told)
        return {one["query"]: float(one["ndcg@10"][name]) for one in told["by_query"]}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CallerError(f"{path} was not written by `secondlook lab gate --json`: {error}") from error


def judge_gate(
    rows: Sequence[QueryRow], name: str, min_ndcg: float | None, before: Mapping[str, float] | None
) -> list[str]:
    """What does not hold; ``before`` is empty to hold against the same search without reranking, None for nothing."""
    figures = [row.arms[name].ndcg for row in rows]
    mean = sum(figures) / len(figures)
    trouble = []
    if min_ndcg is not None and mean < min_ndcg:
        trouble.append(f"nDCG@10 is {mean:.4f} over {len(rows):,} queries, below the required {min_ndcg:g}")
    failed = sum(row.arms[name].fell_back for row in rows)
    if failed > MANY_FAILURES * len(rows):
        trouble.append(f"the reranker failed on {failed:,} of {len(rows):,} queries, so these figures are without it")
    if before is None:
        return trouble
    against = "without reranking" if not before else "before"
    both = [row for row in rows if not before or row.query in before]
    if not both:
        return [*trouble, "none of the queries was measured before, so there is no regression to detect"]
    old = [before[row.query] if before else row.arms[OFF].ndcg for row in both]
    found = compare(old, {name: [row.arms[name].ndcg for row in both]})[name]
    if found.high < 0 and found.p < 0.05:
        trouble.append(
            f"nDCG@10 fell from {found.baseline:.4f} {against} to {found.mean:.4f} over {len(both):,} queries"
            f" (95 % interval {found.low:+.4f} to {found.high:+.4f}, p = {found.p:.4f})"
        )
    return trouble


async def _apply(runtime: Runtime, target: Instance, report: Mapping[str, Any]) -> None:
    changed = await runtime.services.lab.apply(target, report)
    if changed is None:
        say("Not applied: not enough evidence.")
    else:
        say(f"Applied to {target.name}: reranking is {_word(spec_of(changed))}.")


def _show(report: Mapping[str, Any]) -> None:
    table = Table(box=SIMPLE_HEAD, padding=(0, 1), pad_edge=False)
    table.add_column("configuration", min_width=24)
    for head in ("nDCG@10", "gain, 95 % interval", "p", "p95 ms", "unjudged"):
        table.add_column(head, justify="right", no_wrap=True)
    for arm in report["arms"]:
        found = arm["comparison"]
        gain = f"{found['difference']:+.3f} ({found['low']:+.3f} … {found['high']:+.3f})" if found else ""
        p = f"{found['p_holm']:.4f}" if found else ""
        figures = f"{arm['ndcg@10']:.4f}", gain, p, f"{arm['p95_ms']:.1f}", f"{arm['holes']:.0%}"
        table.add_row(escape(arm["name"]), *figures)
    out.print(table)
    for arm in report["arms"]:
        for flag in arm["flags"]:
            out.print(f"[yellow]{escape(arm['name'])}: {escape(flag)}[/]", highlight=False, soft_wrap=True)
    verdict = report["verdict"]
    word = verdict["answer"] if verdict["weight"] is None else f"on with weight {verdict['weight']:g}"
    out.print(f"\nReranking: [bold]{escape(word)}[/]", highlight=False)
    out.print(escape(verdict["sentence"]), highlight=False, soft_wrap=True)
    if judge := report["judge"]:
        out.print(f"[dim]{words_of_judge(judge)}[/]", highlight=False, soft_wrap=True)
    for line in words_of_doubts(report):
        out.print(f"[yellow]{line}[/]", highlight=False, soft_wrap=True)
    if report["synthetic"]:
        told = f"{report['synthetic']} of {report['queries']} queries were made from the documents"
        out.print(f"[dim]{told}. They are weaker evidence than real ones.[/]", highlight=False, soft_wrap=True)
