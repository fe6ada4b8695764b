"""The demo: a sample corpus, one query before and after reranking, and the line that repeats it."""

import hashlib
import importlib.resources
import json
import shlex
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table

from secondlook.bootstrap import Runtime
from secondlook.domain.candidate import Ranking
from secondlook.domain.instance import Instance, InstanceSettings
from secondlook.domain.query import Query
from secondlook.domain.wording import figure
from secondlook.errors import InstanceNotFoundError
from secondlook.services.intake import Upload
from secondlook.services.searching import Ask

ACCOUNT = "demo"
INSTANCE = "sample"
QUESTION = "the station stopped reporting after I moved it to the shed, what should I check?"
SHOWN = 8
SWITCHED_ON = (
    "Reranking is off by default: this comparison switched it on, with 50 results and no reranking threshold.\n"
    "Everything else is as in any new instance."
)


def sample_files() -> Iterator[tuple[str, Path]]:
    """Item keys and paths: the product handbook, and the documentation of Secondlook."""
    package = Path(str(importlib.resources.files("secondlook")))
    handbook = package / "sample" / "handbook"
    docs = package / "sample" / "docs"
    if not docs.is_dir():  # a checkout: the documentation stands at its root
        docs = package.parents[1] / "docs"
    for folder, prefix in ((handbook, "handbook"), (docs, "docs")):
        for path in sorted(folder.rglob("*.md")):
            inside = path.relative_to(folder)
            if inside.parts[0] != "decisions":
                yield f"{prefix}/{inside.as_posix()}", path


async def ensure_sample(runtime: Runtime, progress: Progress) -> Instance:
    """The sample instance, with every sample page indexed as it stands in the package."""
    services = runtime.services
    try:
        instance = await services.instances.get(ACCOUNT, "default", INSTANCE)
    except InstanceNotFoundError:
        instance = await services.instances.create(ACCOUNT, "default", INSTANCE, settings=InstanceSettings())
    have = {item.key: item for item in await services.indexing.list(instance)}
    new = []
    for key, path in sample_files():
        content = path.read_bytes()
        checksum = hashlib.md5(content, usedforsecurity=False).hexdigest()
        if key not in have or have[key].checksum != checksum or have[key].status != "completed":
            new.append(Upload(key, content, "text/markdown"))
    bar = progress.add_task("Indexing the sample corpus", total=len(new), visible=bool(new))
    for upload in new:
        await services.indexing.upload(instance, upload, wait=120)
        progress.advance(bar)
    await services.indexing.drain()
    return instance


async def compare(runtime: Runtime, instance: Instance, question: str) -> tuple[Ranking, Ranking]:
    """The same search without and with reranking, 50 results each."""
    ask = Ask(top_k=50, rerank=False)
    query = Query(question)
    before = await runtime.services.searching.search(instance, query, ask)
    after = await runtime.services.searching.search(instance, query, replace(ask, rerank=True, min_relevance=None))
    return before, after


def show(console: Console, question: str, before: Ranking, after: Ranking) -> None:
    """The comparison, and what the reranker did."""
    console.print(comparison_table(question, before, after))
    receipt = after.receipt
    console.print(
        f"reranking {receipt.status}: {receipt.candidates_in} candidates in {receipt.milliseconds:.0f} ms by"
        f" {receipt.model}",
        highlight=False,
        soft_wrap=True,
    )
    console.print(SWITCHED_ON, markup=False, highlight=False, soft_wrap=True)


def comparison_table(question: str, before: Ranking, after: Ranking) -> Table:
    """The best results after reranking, each with where it stood before."""
    ranks = {candidate.chunk.id: rank for rank, candidate in enumerate(before.candidates, 1)}
    table = Table(title=f"“{escape(question)}”", title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for heading in ("rank", "was", "moved", "retrieval", "reranking", "item"):
        table.add_column(
            heading, justify="left" if heading == "item" else "right", no_wrap=heading != "item", overflow="fold"
        )
    for rank, candidate in enumerate(after.candidates[:SHOWN], 1):
        was = ranks.get(candidate.chunk.id)
        evidence = candidate.evidence
        table.add_row(
            str(rank),
            str(was or "-"),
            _moved(was, rank),
            figure(evidence.retrieval_score or 0),
            "-" if evidence.relevance is None else figure(evidence.relevance),
            escape(candidate.chunk.item_key),
        )
    return table


def show_curl(console: Console, url: str, token: str, question: str) -> None:
    """The request that repeats the comparison, ready to paste."""
    console.print("\nRepeat it (set enabled to false to see the order before):", highlight=False)
    body = json.dumps({"query": question, "reranking": {"enabled": True}}, ensure_ascii=False)
    console.print(
        f"curl -s {url}/accounts/{ACCOUNT}/autorag/rags/{INSTANCE}/search"
        f" -H 'Authorization: Bearer {token}' -H 'Content-Type: application/json' -d {shlex.quote(body)}",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )


def _moved(was: int | None, rank: int) -> str:
    if was is None:
        return "[green]new[/]"
    if was > rank:
        return f"[green]▲ {was - rank}[/]"
    return f"[red]▼ {rank - was}[/]" if was < rank else "="
