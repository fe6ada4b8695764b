"""What the commands show: progress bars, rankings and reports."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from secondlook.domain.candidate import Ranking
from secondlook.domain.model import WORDS, KnownModel, UnitCheck
from secondlook.domain.wording import figure
from secondlook.services.evaluating import Report


def make_bars(console: Console) -> Progress:
    """Bars with the name, the count and the time of each step."""
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console, transient=False)


def tell_steps(bars: Progress) -> Callable[[str, int, int], None]:
    """Hears how far each step is, by its name, and gives it a bar."""
    tasks: dict[str, TaskID] = {}

    def heard(what: str, done: int, total: int) -> None:
        if what not in tasks:
            tasks[what] = bars.add_task(what, total=total)
        bars.update(tasks[what], completed=done)

    return heard


class Downloads(AbstractContextManager[Callable[[str, int, int], None]]):
    """Turns a download's progress into bars; nothing is printed when nothing is downloaded."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Callable[[str, int, int], None]:
        def heard(name: str, done: int, total: int) -> None:
            if name not in self._tasks:
                self._bars.start()
                self._tasks[name] = self._bars.add_task(f"Downloading {name}", total=total or None)
            self._bars.update(self._tasks[name], completed=done)

        return heard

    def __exit__(self, *error: object) -> None:
        if self._tasks:
            self._bars.stop()


LONGEST_TEXT = 70


def show_report(out: Console, report: Report) -> None:
    """The configurations of an evaluation, one a line."""
    table = Table(title=escape(report.name), title_justify="left")
    for heading in ("configuration", "nDCG@10", "MRR@10", "Recall@50", "ms/query", "p"):
        table.add_column(heading, justify="left" if heading == "configuration" else "right")
    for arm in report.arms:
        p_value = "" if arm.p_value is None else f"{arm.p_value:.4f}"
        figures = [f"{arm.ndcg:.4f}", f"{arm.mrr:.4f}", f"{arm.recall:.4f}", f"{arm.ms_per_query:.1f}", p_value]
        table.add_row(arm.arm, *figures)
    out.print(table)


def show_models(out: Console, models: Sequence[KnownModel]) -> None:
    """The models by task: name and state, below it what it is, and what its use needs; it fits in 60 columns."""
    for task in dict.fromkeys(one.task for one in models):
        out.print(f"{task.capitalize()}", style="bold", highlight=False)
        for one in models:
            if one.task == task:
                _show_model(out, one)
    out.print("\nDownload one: secondlook models pull NAME", highlight=False)


def _show_model(out: Console, model: KnownModel) -> None:
    out.print(f"  {model.name}  {WORDS[model.status]}", markup=False, highlight=False, soft_wrap=True)
    plain = model.status == "absent" and model.pinned and not model.obstacle  # what the last line says of all
    for text in (model.details, "" if plain else model.note):
        if text:
            out.print(Padding(Text(text), (0, 0, 0, 4), expand=False))


def show_sources(out: Console, ranking: Ranking) -> None:
    """The documents behind an answer, best first, as citations name them, with the ranks of their chunks."""
    numbers: dict[str, list[int]] = {}
    for rank, candidate in enumerate(ranking.candidates, 1):
        numbers.setdefault(candidate.chunk.item_key, []).append(rank)
    if numbers:
        out.print("Sources:", highlight=False)
    for key, ranks in numbers.items():
        line = f"  [{key}]  {'result' if len(ranks) == 1 else 'results'} {', '.join(map(str, ranks))}"
        out.print(line, markup=False, highlight=False, soft_wrap=True)


def show_receipt(out: Console, ranking: Ranking) -> None:
    """How many candidates each threshold dropped, how lists were fused, and what became of reranking."""
    for threshold in ranking.thresholds:
        if threshold.dropped:
            out.print(str(threshold), markup=False, highlight=False, soft_wrap=True)
    if ranking.fusion:
        out.print(f"fusion: {ranking.fusion}", markup=False, highlight=False, soft_wrap=True)
    receipt = ranking.receipt
    reason = f": {receipt.reason}" if receipt.reason else ""
    out.print(f"reranking {receipt.status}{reason}", markup=False, highlight=False, soft_wrap=True)


UNIT_HEADINGS = ("unit", "arithmetic", "to float32", "to portable", "GFLOP/s", "verdict")


def show_units(out: Console, checks: Sequence[UnitCheck]) -> None:
    """The units of the native encoder, one a line, and what a short query takes on each that is worth running."""
    table = Table(*UNIT_HEADINGS)
    for one in checks:
        table.add_row(*one.cells)
    out.print(table, markup=False)
    for one in checks:
        if one.query_seconds:
            times = ", ".join(f"{1000 * seconds:.2f} ms for {tokens}" for tokens, seconds in one.query_seconds.items())
            serves = "serves; " if one.serves else ""
            told = f"{one.name} {serves}a query takes, by its tokens, {times} (processor time, one thread)"
            out.print(told, markup=False, highlight=False, soft_wrap=True)


def show_ranking(out: Console, ranking: Ranking, *, explain: bool) -> None:
    """A table of the results, a line each, what reranking did, and with ``explain`` all scores and each stage."""
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    headings = ("rank", "was", "score", *(("retrieval", "vector", "keyword") if explain else ()))
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    left = out.width - sum(len(one) + 2 for one in headings) - 6
    widest = max((len(one.chunk.item_key) for one in ranking.candidates), default=0)
    table.add_column("item", overflow="fold", width=max(4, min(widest, left // 2)))
    table.add_column("text", no_wrap=True, width=min(LONGEST_TEXT, max(4, left - min(widest, left // 2))))
    for rank, candidate in enumerate(ranking.candidates, 1):
        evidence = candidate.evidence
        numbers: list[float | None] = [candidate.score]
        if explain:
            numbers += [evidence.retrieval_score, evidence.vector_score, evidence.keyword_score]
        table.add_row(
            str(rank),
            str(evidence.retrieval_rank or "-"),
            *("-" if one is None else figure(one) for one in numbers),
            candidate.chunk.item_key,
            " ".join(candidate.chunk.text.split())[:LONGEST_TEXT],
        )
    if ranking.candidates:
        out.print(table, markup=False)
    else:
        notes = "".join(
            f"; {step.stage}: {step.note}"
            for step in ranking.trace
            if step.note and step.stage not in ("filter", "fuse")
        )
        out.print(f"nothing was found{notes}", markup=False, highlight=False, soft_wrap=True)
    show_receipt(out, ranking)
    if explain:
        for step in ranking.trace:
            note = f"  {step.note}" if step.note else ""
            line = f"  {step.stage:10} {step.milliseconds:8.1f} ms  {step.candidates:4} candidates{note}"
            out.print(line, markup=False, highlight=False, soft_wrap=True)


def as_dict(ranking: Ranking) -> dict[str, object]:
    """The ranking as ``search --json`` prints it."""
    return {
        "query": ranking.query.text,
        "results": [
            {
                "rank": rank,
                "score": candidate.score,
                "item": candidate.chunk.item_key,
                "text": candidate.chunk.text,
                "evidence": {k: v for k, v in asdict(candidate.evidence).items() if v not in (None, "", ())},
            }
            for rank, candidate in enumerate(ranking.candidates, 1)
        ],
        "thresholds": [asdict(one) for one in ranking.thresholds],
        "fusion": ranking.fusion or None,
        "reranking": asdict(ranking.receipt),
        "trace": [asdict(step) for step in ranking.trace],
    }
