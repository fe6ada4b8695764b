"""Measures what it brings that the models read the headings above a passage with it.

    python benchmarks/quality/headings.py FAQ PAGES.jsonl --out FIGURES.json [--documents N]

FAQ is a folder in BEIR layout whose documents are sections, called ``page#number``; PAGES are the whole
pages, by the same names. Each of the two corpora is indexed twice, with SECONDLOOK_HEADING_CONTEXT off
and on, through the very services that serve, and every judged query is searched for, with and without
reranking. A document stands where its best chunk does. Prints and writes nDCG@10, and the p-value of a
paired randomisation test of on against off.
"""

import argparse
import asyncio
import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from secondlook import bootstrap
from secondlook.domain.instance import InstanceSettings
from secondlook.domain.query import Query
from secondlook.evaluation.datasets import Dataset, Document, read_dataset
from secondlook.evaluation.metrics import ndcg_at
from secondlook.evaluation.significance import randomisation_p
from secondlook.services.intake import Upload
from secondlook.services.searching import Ask
from secondlook.settings import load_settings

CHUNKS = 50
"""Results asked for: several of them may lie in one document."""
ARMS = {"hybrid": False, "reranked": True}


@dataclass(frozen=True)
class Corpus:
    """Documents and what of them is relevant: query -> document -> grade."""

    name: str
    documents: Sequence[Document]
    judgments: Mapping[str, Mapping[str, int]]


def pages_of(path: Path, faq: Dataset) -> Corpus:
    """The whole pages; that of a relevant section is relevant."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    documents = [Document(row["_id"], row["title"], row["text"]) for row in rows]
    told = {name: {key.partition("#")[0]: grade for key, grade in one.items()} for name, one in faq.judgments.items()}
    return Corpus("pages", documents, told)


def first(corpus: Corpus, number: int) -> Corpus:
    """So many documents, those that are relevant first; all when 0."""
    wanted = {key for one in corpus.judgments.values() for key in one}
    ordered = sorted(corpus.documents, key=lambda one: one.id not in wanted)
    return replace(corpus, documents=ordered[:number]) if number else corpus


async def measure(corpus: Corpus, queries: Mapping[str, str], *, headings: bool) -> dict[str, list[float]]:
    """nDCG@10 of each query, by arm."""
    with tempfile.TemporaryDirectory() as folder:
        settings = replace(load_settings(data_dir=Path(folder)), heading_context=headings)
        async with bootstrap.open_runtime(settings) as runtime:
            services = runtime.services
            plain = InstanceSettings(min_score=0.0, match_mode="or", cached=False)
            made = await services.instances.create("bench", "default", "docs", settings=plain)
            names: dict[str, str] = {}
            for number, one in enumerate(corpus.documents):
                names[f"{number}.md"] = one.id
                content = f"# {one.title}\n\n{one.text}".encode()
                await services.indexing.upload(made, Upload(f"{number}.md", content))
            await services.indexing.drain(
                lambda left: print(f"\r{corpus.name}: {left} to index   ", end="", flush=True)
            )
            found: dict[str, list[float]] = {arm: [] for arm in ARMS}
            for name, text in queries.items():
                for arm, rerank in ARMS.items():
                    ask = Ask(top_k=CHUNKS, rerank=rerank, cached=False)
                    ranking = await services.searching.search(made, Query(text), ask)
                    ranked = list(dict.fromkeys(names[one.chunk.item_key] for one in ranking.candidates))
                    found[arm].append(ndcg_at(10, ranked, corpus.judgments[name]))
            return found


def main() -> None:
    """Index and search each corpus twice."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("faq", type=Path)
    parser.add_argument("pages", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--documents", type=int, default=0, help="only so many of each corpus")
    given = parser.parse_args()
    faq = read_dataset(given.faq)
    figures: dict[str, Any] = {}
    for corpus in (Corpus("sections", faq.documents, faq.judgments), pages_of(given.pages, faq)):
        some = first(corpus, given.documents)
        off, on = (asyncio.run(measure(some, faq.queries, headings=one)) for one in (False, True))
        figures[corpus.name] = {
            arm: {
                "documents": len(some.documents),
                "queries": len(off[arm]),
                "ndcg_off": sum(off[arm]) / len(off[arm]),
                "ndcg_on": sum(on[arm]) / len(on[arm]),
                "p_value": randomisation_p(on[arm], off[arm]),
            }
            for arm in ARMS
        }
        print(f"\r{corpus.name}: {json.dumps(figures[corpus.name], indent=1)}", flush=True)
    given.out.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
