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

    python benchmarks/speed/rerank.py --model minilm-l6 --json benchmarks/figures/rerank-minilm-l6.json
    python benchmarks/speed/rerank.py --model bge-base --json benchmarks/figures/rerank-bge-base.json
    python benchmarks/speed/report.py
"""


def render_reranking(figures: dict[str, Any]) -> str:
    """The table in Markdown."""
    rows = figures["results"]
    base = next((row["median_s"] for row in rows if row["engine"] == "sentence-transformers"), math.nan)
    machine, ceiling = figures["machine"], figures["int8_ceiling_gflops"]
    lines = [
        f"### {rows[0]['model']}",
        "",
        f"{figures['passages']} passages, {figures['tokens']} tokens, {figures['gflop']:.0f} GFLOP;"
        f" {figures['threads']} threads of {machine['processor']}"
        f" ({'with' if machine['avx512_vnni'] else 'without'} AVX-512 VNNI);"
        f" int8 product {max(ceiling.values()):.0f} GFLOP/s"
        f" ({', '.join(f'{name} {rate:.0f}' for name, rate in ceiling.items())});"
        f" median of {figures['rounds']} rounds; commit {figures['commit']}, {figures['measured_at'][:10]}.",
        "",
        "| engine | median | times sentence-transformers | GFLOP/s | share of ceiling | Spearman ρ |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for row in sorted(rows, key=lambda row: float(row["median_s"])):
        whole = row["engine"] != "secondlook-pruned"
        rate = f"{figures['gflop'] / row['median_s']:.0f}" if whole else ""
        share = f"{row['share_of_ceiling']:.2f}" if whole else ""
        rho = f"{row['spearman']:.3f}" if whole else ""
        lines.append(
            f"| {row['engine']} | {row['median_s']:.3f} s | {base / row['median_s']:.1f} | {rate} | {share} | {rho} |"
        )
    lines += [f"\n{name} did not run: {reason}" for name, reason in figures["missing"].items()]
    return "\n".join(lines) + "\n"


def render() -> str:
    """The whole page."""
    found = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(FIGURES.glob("rerank-*.json"))]
    return "\n".join([INTRODUCTION, *(render_reranking(one) for one in found)])


if __name__ == "__main__":
    TARGET.write_text(render(), encoding="utf-8")
