"""Writes docs/benchmarks.md from the figures that were measured.

    python benchmarks/speed/report.py

Reads every file in benchmarks/figures; the text around the tables is here.
"""

import json
import math
from pathlib import Path
from typing import Any

HERE = Path(__file__).parents[2]
FIGURES = HERE / "benchmarks" / "figures"
TARGET = HERE / "docs" / "benchmarks.md"

INTRODUCTION = """---
title: Benchmarks
---
# Benchmarks

Written by `benchmarks/speed/report.py` from the files in `benchmarks/figures`; do not edit it by hand.

## Reranking engines

The same weights, the same query and the same passages of the project's own documents (30 to 512
tokens a pair) for every engine, two threads each. Every engine is a process of its own that stays
loaded; rounds go over all engines in turn; figures are medians of one run, to be read as ratios.
`minilm-l6` has the encoder of all-MiniLM-L6-v2 under a random head, `bge-base` is all random: speed
does not depend on weights.

The share of the int8 ceiling is useful work (no padding) a second over that of the fastest int8
matrix product that was measured on the same threads in the same run. Spearman's rank correlation is
with the fp32 scores of sentence-transformers. `secondlook-pruned` is a cascade: the built-in late
interaction ranks all passages by the vectors that the index stored, and leaves the best 15 to the
cross-encoder.

<!-- example: skip it takes an hour, and the other engines are not among the test tools -->
```sh
python benchmarks/speed/rerank.py --model minilm-l6 --json benchmarks/figures/rerank-minilm-l6.json
python benchmarks/speed/rerank.py --model bge-base --json benchmarks/figures/rerank-bge-base.json
python benchmarks/speed/report.py
```
"""


def render_reranking(figures: dict[str, Any]) -> str:
    """The table in Markdown."""
    rows = figures["results"]
    base = _median_of(rows, "sentence-transformers")
    on_gpu = _median_of(rows, "sentence-transformers-gpu")
    gpu = "" if math.isnan(on_gpu) else str(figures["machine"]["gpu"])
    machine, ceiling = figures["machine"], figures["int8_ceiling_gflops"]
    lines = [
        f"### {rows[0]['model']}",
        "",
        f"{figures['passages']} passages, {figures['tokens']} tokens, {figures['gflop']:.0f} GFLOP;"
        f" {figures['threads']} threads of {machine['processor']} ({_unit_of(machine)});"
        f" int8 product {max(ceiling.values()):.0f} GFLOP/s"
        f" ({', '.join(f'{name} {rate:.0f}' for name, rate in ceiling.items())});"
        f" median of {figures['rounds']} rounds; commit {figures['commit']}, {figures['measured_at'][:10]}.",
        "",
        f"| engine | median | times sentence-transformers | GFLOP/s | share of ceiling | Spearman ρ |"
        f"{f' times {gpu} |' if gpu else ''}",
        f"| --- | ---: | ---: | ---: | ---: | ---: |{' ---: |' if gpu else ''}",
    ]
    for row in sorted(rows, key=lambda row: float(row["median_s"])):
        whole = row["engine"] not in ("secondlook-pruned", "sentence-transformers-gpu")
        rate = f"{figures['gflop'] / row['median_s']:.0f}" if whole else ""
        share = f"{row['share_of_ceiling']:.2f}" if whole else ""
        rho = f"{row['spearman']:.3f}" if whole else ""
        beside = f" {on_gpu / row['median_s']:.3f} |" if gpu else ""
        lines.append(
            f"| {row['engine']} | {row['median_s']:.3f} s | {base / row['median_s']:.1f} | {rate} | {share} | {rho} |"
            f"{beside}"
        )
    if queries := figures.get("query_ms"):
        times = ", ".join(f"{ms:.2f} ms for {tokens}" for tokens, ms in queries.items())
        lines += ["", f"One short query through the default encoder, by its tokens: {times} (one thread)."]
    lines += [f"\n{name} did not run: {reason}" for name, reason in figures["missing"].items()]
    return "\n".join(lines) + "\n"


def _median_of(rows: list[dict[str, Any]], engine: str) -> float:
    return next((float(row["median_s"]) for row in rows if row["engine"] == engine), math.nan)


def _unit_of(machine: dict[str, Any]) -> str:
    """The unit that ran; of figures before 0050, whether the processor has AVX-512 VNNI."""
    if "unit" in machine:
        return f"unit {machine['unit']}, {machine['arithmetic']}" if machine["arithmetic"] else "no native unit"
    return f"{'with' if machine['avx512_vnni'] else 'without'} AVX-512 VNNI"


SERVING = """## Indexing and searching

A server process, asked over HTTP as users do; a folder of {pages:,} Markdown pages is its source. The ceiling is
the embedding model alone on the same passages, with the whole machine to itself.

<!-- example: skip it takes an hour, and the corpus is not in this repository -->
```sh
python benchmarks/speed/search.py CORPUS.jsonl QUERIES.jsonl --out benchmarks/figures/search.json
```

{cores} cores of {machine}, {chunks:,} chunks of {tokens:,} tokens, {queries} queries.

| figure | value |
| --- | ---: |
| pages a minute | {pages_per_minute:.0f} |
| tokens a second | {tokens_per_second:,.0f} |
| share of the ceiling | {share_of_ceiling:.2f} |
| peak memory of the server, indexing | {server_peak_mb:.0f} MB |
| peak memory of the server, searching | {searching_mb:.0f} MB |
| index, a thousand chunks | {index_mb_per_1000_chunks:.1f} MB |
| a sync in which {changed} pages changed | {seconds_changed:.1f} s |
| a sync in which none changed | {seconds_unchanged:.1f} s |
| a search without reranking, median and 95th percentile | {none[p50_ms]:.0f} and {none[p95_ms]:.0f} ms |
{filtered}| a search with reranking of 50 candidates | {reranked[p50_ms]:.0f} and {reranked[p95_ms]:.0f} ms |
| reranking adds, at the median | {added_by_reranking[p50_ms]:.0f} ms |
"""


def render_serving(figures: dict[str, Any]) -> str:
    """The section about a whole server."""
    again, search = figures["sync_again"], figures["search"]
    filtered = [
        f"| … with a filter that {share} % of the pages satisfy | {one['p50_ms']:.0f} and {one['p95_ms']:.0f} ms |\n"
        for share in (50, 5, 1)
        if (one := search.get(f"filter_{share}"))  # figures of before there were these arms have none
    ]
    return SERVING.format(
        **figures["ingest"],
        cores=figures["cores"],
        changed=again["changed"],
        seconds_changed=again["seconds"],
        seconds_unchanged=again["seconds_unchanged"],
        searching_mb=search["server_peak_mb"],
        queries=search["reranked"]["n"],
        machine=figures["machine"],
        filtered="".join(filtered),
        **{name: search[name] for name in ("none", "reranked", "added_by_reranking")},
    )


HEADINGS = """## Headings read with a passage

What `SECONDLOOK_HEADING_CONTEXT` brings, which lets the models read the headings above a passage with it: nDCG@10
off and on, and the p-value of a paired randomisation test. `sections` are documents that begin with their own
headings, `pages` are whole Markdown pages; of each so many, those that are relevant to a query among them.

<!-- example: skip it takes an hour, and the corpus is not in this repository -->
```sh
python benchmarks/quality/headings.py FAQ PAGES.jsonl --documents 1500 --out benchmarks/figures/headings.json
```

| corpus | search | documents | queries | off | on | p |
| --- | --- | ---: | ---: | ---: | ---: | ---: |
"""


def render_headings(figures: dict[str, Any]) -> str:
    """The section about headings."""
    rows = [
        f"| {corpus} | {arm} | {one['documents']:,} | {one['queries']} | {one['ndcg_off']:.4f} | {one['ndcg_on']:.4f}"
        f" | {one['p_value']:.3f} |"
        for corpus, arms in figures.items()
        for arm, one in arms.items()
    ]
    return HEADINGS + "\n".join(rows) + "\n"


def read_figures(name: str) -> dict[str, Any]:
    """One file of figures."""
    found: dict[str, Any] = json.loads((FIGURES / name).read_text(encoding="utf-8"))
    return found


def render() -> str:
    """The whole page."""
    found = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(FIGURES.glob("rerank-*.json"))]
    serving, headings = read_figures("search.json"), read_figures("headings.json")
    tables = [render_reranking(one) for one in found]
    return "\n".join([INTRODUCTION, *tables, render_serving(serving), render_headings(headings)])


if __name__ == "__main__":
    TARGET.write_text(render(), encoding="utf-8")
