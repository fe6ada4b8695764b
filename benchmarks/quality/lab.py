"""The Lab over judged sets: the verdict for the built-in reranker on each, the cost of ten arms, calibration.

    python benchmarks/quality/lab.py DATASET… [--queries N] [--json FILE] [--html FOLDER] [--page docs] [--cost DATASET]

Each set is indexed as ``secondlook eval`` does, so that the figures of the arm with 50 candidates are those of eval's
last arm, and those of ``off`` are eval's ``hybrid``.
"""

import argparse
import asyncio
import contextlib
import json
import statistics
import tempfile
import time
from pathlib import Path

from secondlook.api.lab_page import render_page
from secondlook.api.lab_plots import differences, front, reliability
from secondlook.bootstrap import Runtime, open_runtime
from secondlook.domain.instance import Instance, InstanceSettings
from secondlook.domain.lab import ArmSpec
from secondlook.errors import InstanceNotFoundError
from secondlook.evaluation.datasets import Dataset, read_dataset
from secondlook.evaluation.queries import judged
from secondlook.services.evaluating import Evaluating
from secondlook.services.lab_records import LabRequest, query_of
from secondlook.settings import load_settings

ARMS = (
    *(ArmSpec(window=window) for window in (20, 50, 100)),
    *(ArmSpec(weight=weight) for weight in (0.25, 0.5, 0.75)),
)

ROUNDS = 5
"""Runs of each kind in the comparison of costs."""


def quiet(what: str, done: int, total: int) -> None:
    """No bar."""


async def index(runtime: Runtime, dataset: Dataset) -> Instance:
    """An instance whose index holds the set, a passage each; no threshold is held against any score."""
    settings = InstanceSettings(min_score=0.0, match_mode="or")
    name = dataset.name.lower().replace(".", "-")
    with contextlib.suppress(InstanceNotFoundError):
        return await runtime.services.instances.get("lab", "default", name)
    made = await runtime.services.instances.create("lab", "default", name, settings=settings)
    await Evaluating(runtime.tools, runtime.indexer).fill(made.uid, dataset, quiet)
    return made


async def measure(runtime: Runtime, dataset: Dataset, arms: tuple[ArmSpec, ...], most: int) -> tuple[dict, list[dict]]:
    """The report, and the queries under the arm of the verdict."""
    instance = await index(runtime, dataset)
    queries = [judged(text, dataset.judgments[name]) for name, text in dataset.queries.items()]
    request = LabRequest(tuple(queries[:most]), arms, origin=dataset.name)
    started = time.perf_counter()
    done = await runtime.services.lab.command(instance, request, quiet)
    if done.state != "completed":
        raise SystemExit(f"{dataset.name}: {done.reason}")
    report = json.loads(done.report) | {"name": dataset.name, "wall_seconds": time.perf_counter() - started}
    best = (
        report["verdict"]["arm"]
        or max((one for one in report["arms"] if one["comparison"]), key=lambda one: one["ndcg@10"])["name"]
    )
    return report, [query_of(row, best) for row in await runtime.services.lab.rows(done)]


async def cost(runtime: Runtime, dataset: Dataset, most: int) -> dict:
    """What ten arms cost against the dearest of them alone, on the same queries: medians of runs in turn."""
    instance = await index(runtime, dataset)
    queries = tuple(judged(text, dataset.judgments[name]) for name, text in dataset.queries.items())[:most]
    ten = (
        *(ArmSpec(window=w) for w in (20, 50, 100)),
        *(ArmSpec(window=100, weight=w / 10) for w in (1, 2, 3, 4, 5, 7, 9)),
    )
    seconds: dict[str, list[float]] = {"dearest": [], "ten": []}
    for _ in range(ROUNDS):
        for name, arms in (("dearest", ten[2:3]), ("ten", ten)):
            done = await runtime.services.lab.command(instance, LabRequest(queries, arms), quiet)
            seconds[name].append(json.loads(done.report)["seconds"])
    medians = {name: statistics.median(found) for name, found in seconds.items()}
    return {"queries": len(queries), **medians, "ratio": medians["ten"] / medians["dearest"], "seconds": seconds}


async def main(given: argparse.Namespace) -> None:
    reports, costs = [], None
    with tempfile.TemporaryDirectory() as folder:
        async with open_runtime(load_settings(data_dir=Path(folder)), queue="own") as runtime:
            if given.cost:
                costs = await cost(runtime, read_dataset(given.cost), 300)
                print(costs, flush=True)
            for path in given.datasets:
                report, queries = await measure(runtime, read_dataset(path), ARMS, given.queries)
                reports.append(report)
                told = report["verdict"]
                print(f"{path.name}: {told['answer']}: {told['sentence']}", flush=True)
                for arm in report["arms"]:
                    trust = arm["calibration"]
                    brier = f"Brier {trust['brier_raw']:.4f} -> {trust['brier_fitted']:.4f}" if trust else ""
                    print(f"  {arm['name']:40} {arm['ndcg@10']:.6f} p50 {arm['p50_ms']:.1f} ms {brier}", flush=True)
                if given.html:
                    page = render_page(report, queries, title=f"Reranking on {path.name}")
                    (given.html / f"{path.name}.html").write_text(page)
    if given.page:
        write_page(reports, costs, given.page)
    if given.json:
        given.json.write_text(json.dumps({"sets": reports, "cost": costs}, indent=2) + "\n")


PAGE = """---
title: The Lab's verdicts
---
# The Lab's verdicts

What [the Lab](howto/measure-whether-reranking-pays.md) says of the built-in reranker on public judged sets, and
how sure it is. Written by `python benchmarks/quality/lab.py DATASET… --page docs`; nothing here is typed by hand.

Each set is indexed a passage a document, as `secondlook eval` does: `off` is its configuration `hybrid`, and 50
candidates its `hybrid+rerank`. No configuration was chosen, and nothing was learned, on the queries that are measured
here. Times are those of two cores. Another processor rounds differently, which moves nDCG@10 in its third
or fourth digit: `off` of codebase-chunks was 0.7005 on one and 0.7012 on another, with the same verdicts on all sets.

{rows}
{cost}
## Set by set
{sets}"""


def write_page(reports: list[dict], costs: dict | None, folder: Path) -> None:
    """``lab.md`` with its plots under ``pictures/``."""
    rows = ["| set | queries | off | 50 candidates | verdict |", "|--|--|--|--|--|"]
    sets = []
    for report in reports:
        arms = {arm["name"]: arm for arm in report["arms"]}
        whole, told = arms["built-in, 50 candidates"], report["verdict"]
        link = f"[{report['name']}](#{report['name']})"
        word = told["answer"] if told["weight"] is None else f"on with weight {told['weight']:g}"
        rows.append(
            f"| {link} | {report['queries']} | {arms['off']['ndcg@10']:.4f} | {whole['ndcg@10']:.4f} | **{word}** |"
        )
        sentence = f"{told['sentence'][:1].upper()}{told['sentence'][1:]}"
        sets.append(f"\n### {report['name']}\n\n**{word.capitalize()}.** {sentence}.\n")
        sets.append(arms_table(report))
        for kind, plot in plots(report).items():
            name = f"lab-{report['name']}-{kind}.svg"
            (folder / "pictures" / name).write_text(plot + "\n")
            sets.append(f"\n![{kind.capitalize()} on {report['name']}](pictures/{name})\n")
        if trust := whole["calibration"]:
            sets.append(
                f"\nScores as probabilities, fitted on every other query ({trust['method']}) and held against the rest"
                f" ({trust['pairs']:,} pairs): the Brier score goes from {trust['brier_raw']:.4f} to"
                f" {trust['brier_fitted']:.4f}.\n"
            )
    cost = ""
    if costs:
        cost = (
            f"\nTen configurations over {costs['queries']} queries and up to 100 candidates took {costs['ten']:.1f} s,"
            f" the dearest of them alone {costs['dearest']:.1f} s: {costs['ratio']:.2f} times as long.\n"
        )
    (folder / "lab.md").write_text(PAGE.format(rows="\n".join(rows), cost=cost, sets="".join(sets)))


def arms_table(report: dict) -> str:
    """Every arm with its difference."""
    rows = [
        "| configuration | nDCG@10 | difference | 95 % interval | p (Holm) | better / equal / worse | p95 ms |",
        "|--|--|--|--|--|--|--|",
    ]
    for arm in report["arms"]:
        found = arm["comparison"]
        cells = [arm["name"], f"{arm['ndcg@10']:.4f}"] + [""] * 4
        if found:
            cells[2:] = [
                f"{found['difference']:+.4f}",
                f"{found['low']:+.4f} to {found['high']:+.4f}",
                f"{found['p_holm']:.4f}",
                f"{found['wins']} / {found['ties']} / {found['losses']}",
            ]
        rows.append(f"| {' | '.join(cells)} | {arm['p95_ms']:.1f} |")
    return "\n" + "\n".join(rows) + "\n"


def plots(report: dict) -> dict[str, str]:
    """The plots of a report, on white, for pages of either colour."""
    found = {"front": front(report["arms"]), "differences": differences(report["arms"])}
    whole = next(one for one in report["arms"] if one["name"] == "built-in, 50 candidates")
    if whole["calibration"]:
        found["reliability"] = reliability(whole["calibration"]["bins"])
    return {
        name: plot.replace(">", '><rect width="100%" height="100%" fill="#fff"/>', 1) for name, plot in found.items()
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("datasets", nargs="+", type=Path)
    parser.add_argument("--queries", type=int, default=5000)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--html", type=Path)
    parser.add_argument("--page", type=Path, help="The folder of the documents, for lab.md.")
    parser.add_argument("--cost", type=Path, help="A set on which the cost of ten arms is measured.")
    asyncio.run(main(parser.parse_args()))
