"""A report of the Lab as one page that stands alone: no script, no font and no picture from elsewhere."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from secondlook.api.lab_plots import differences, front, reliability
from secondlook.services.lab_records import words_of_doubts, words_of_judge

STYLE = """
:root { color-scheme: light dark; --ink: #1d2430; --soft: #5c6675; --line: #d9dee6; --paper: #fff; --tint: #f4f6f9;
  --good: #12805c; --bad: #b3372f; --mark: #2f6fed; }
@media (prefers-color-scheme: dark) { :root { --ink: #e7ebf1; --soft: #a0aab8; --line: #343c49; --paper: #12161c;
  --tint: #1a2029; --good: #4cc79a; --bad: #f0857c; --mark: #7aa5ff; } }
body { margin: 0 auto; max-width: 78rem; padding: 2rem 1.25rem 4rem; background: var(--paper); color: var(--ink);
  font: 16px/1.55 system-ui, sans-serif; }
h1 { font-size: 1.6rem; margin: 0 0 .25rem; } h2 { font-size: 1.15rem; margin: 2.5rem 0 .5rem; }
p { max-width: 48rem; } .soft { color: var(--soft); } .verdict { border: 1px solid var(--line); border-radius: .75rem;
  padding: 1rem 1.25rem; background: var(--tint); margin: 1.25rem 0; } .verdict b { font-size: 1.3rem; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-size: .92rem; }
th, td { text-align: right; padding: .4rem .6rem; border-bottom: 1px solid var(--line); white-space: nowrap; }
th:first-child, td:first-child { text-align: left; white-space: normal; min-width: 12rem; }
th { color: var(--soft); font-weight: 600; } .good { color: var(--good); } .bad { color: var(--bad); }
figure { margin: 1rem 0; } figcaption { color: var(--soft); font-size: .9rem; max-width: 48rem; }
svg { max-width: 100%; height: auto; } svg text { fill: var(--ink); font: 13px system-ui, sans-serif; }
details { border-bottom: 1px solid var(--line); padding: .5rem 0; } summary { cursor: pointer; }
.pair { display: grid; grid-template-columns: 1fr 1fr; gap: 1rem; } .pair ol { margin: .25rem 0; padding-left: 1.6rem;
  overflow-wrap: anywhere; font-size: .9rem; } .hit { font-weight: 700; color: var(--good); }
@media (max-width: 40rem) { .pair { grid-template-columns: 1fr; } }
"""
SHOWN = 15
"""Queries of each kind that are shown one by one."""
Told = Mapping[str, Any]


def render_page(report: Told, queries: Sequence[Told], *, title: str) -> str:
    """The page.

    Args:
        report: as ``lab_records.report_of`` makes it.
        queries: as ``lab_records.query_of`` makes them, all of one arm.
    """
    verdict = report["verdict"]
    chosen = _arm(report, verdict["arm"])
    parts = [
        f"<h1>{escape(title)}</h1>",
        f'<p class="soft">{escape(_facts(report))}</p>',
        f'<div class="verdict"><b>Reranking: {escape(_answer(verdict))}</b>',
        f"<p>{escape(_sentence(verdict['sentence']))}</p></div>",
        *_warnings(report),
        "<h2>Configurations</h2>",
        _table(report),
        _figure(
            front(report["arms"]),
            "Quality against time: nDCG@10 over the 95th percentile of search time in milliseconds."
            " The line is the Pareto front: no configuration is both better and faster.",
        ),
        _figure(
            differences(report["arms"]),
            f"Difference in nDCG@10 from “{report['baseline']}”, with the 95 % bootstrap interval.",
        ),
    ]
    if chosen and chosen["segments"]:
        parts += [f"<h2>By kind of query: {escape(chosen['name'])}</h2>", _segments(chosen)]
    if chosen and chosen["calibration"]:
        parts += [f"<h2>Scores as probabilities: {escape(chosen['name'])}</h2>", *_calibration(chosen["calibration"])]
    parts += _queries(queries)
    body = "\n".join(parts)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body>\n{body}\n</body></html>\n"
    )


def _arm(report: Told, name: str | None) -> Told | None:
    """The arm of that name; the best one but the baseline where none is named."""
    others: list[Told] = [one for one in report["arms"] if one["comparison"]]
    named = [one for one in others if one["name"] == name]
    return next(iter(named or sorted(others, key=lambda one: -float(one["ndcg@10"]))), None)


def _answer(verdict: Told) -> str:
    return f"on with weight {verdict['weight']:g}" if verdict["weight"] is not None else str(verdict["answer"])


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _facts(report: Told) -> str:
    told = [f"{report['queries']:,} queries ({report['origin']})"]
    told += [f"{report['synthetic']:,} of them synthetic (made from the documents)"] if report["synthetic"] else []
    told += [f"{report['concurrency']} at a time", f"{report['seconds']:.1f} s", f"{report['memory_mb']:,.0f} MB"]
    return ", ".join(told)


def _warnings(report: Told) -> list[str]:
    told = [f"{one['name']}: {flag}" for one in report["arms"] for flag in one["flags"]]
    if report["synthetic"]:
        told.append("synthetic queries reuse the documents' words, so they are weaker evidence than queries of people")
    if judge := report["judge"]:
        told.append(words_of_judge(judge))
    told += words_of_doubts(report)
    return [f'<p class="bad">{escape(one)}.</p>' for one in told]


def _table(report: Told) -> str:
    heads = "configuration|nDCG@10|difference|95 % interval|p (Holm)|better / equal / worse|recall@50"
    heads += "|p50 ms|p95 ms|unjudged"
    rows = []
    for arm in report["arms"]:
        found = arm["comparison"]
        cells = [escape(arm["name"]), f"{arm['ndcg@10']:.4f}"]
        if found:
            kind = "good" if found["low"] > 0 else "bad" if found["high"] < 0 else "soft"
            cells += [f'<span class="{kind}">{found["difference"]:+.4f}</span>', _interval(found)]
            cells += [f"{found['p_holm']:.4f}", f"{found['wins']} / {found['ties']} / {found['losses']}"]
        else:
            cells += [""] * 4
        cells += [f"{arm['recall@50']:.4f}", f"{arm['p50_ms']:.1f}", f"{arm['p95_ms']:.1f}", f"{arm['holes']:.0%}"]
        rows.append(cells)
    return _rows(heads.split("|"), rows)


def _interval(found: Told) -> str:
    return f"{found['low']:+.4f} to {found['high']:+.4f}"


def _segments(arm: Told) -> str:
    rows = [
        [
            f"{one['kind']}: {one['value']}",
            str(one["queries"]),
            f"{one['difference']:+.4f}",
            _interval(one),
            f"{one['p_holm']:.4f}",
        ]
        for one in arm["segments"]
    ]
    return _rows(
        ["queries", "number", "difference", "95 % interval", "p (Holm)"], [[escape(c) for c in r] for r in rows]
    )


def _calibration(found: Told) -> list[str]:
    told = (
        f"Fitted ({found['method']}) on every other query, tested on the rest ({found['pairs']:,} pairs): the Brier"
        f" score falls from {found['brier_raw']:.4f} to {found['brier_fitted']:.4f}."
    )
    if found["assumed"]:
        told += " Unjudged passages count as not relevant."
    rows = [
        [f"{one['precision']:.0%}", "none" if one["score"] is None else f"{one['score']:.3f}"]
        for one in found["thresholds"]
    ]
    caption = "Calibrated score against the share of passages that were relevant; on the diagonal they agree."
    return [
        f"<p>{escape(told)}</p>",
        _figure(reliability(found["bins"]), caption),
        _rows(["target share of relevant passages", "least score"], rows),
    ]


def _queries(queries: Sequence[Told]) -> list[str]:
    ordered = sorted(queries, key=lambda one: one["difference"])
    kinds = (
        ("Most lost", [one for one in ordered if one["difference"] < 0][:SHOWN]),
        ("Most gained", [one for one in reversed(ordered) if one["difference"] > 0][:SHOWN]),
    )
    parts = []
    for head, found in kinds:
        if found:
            baseline, arm = found[0]["arms"]
            parts += [f"<h2>{head}: {escape(arm)}</h2>", *(_query(one, baseline, arm) for one in found)]
    return parts


def _query(told: Told, baseline: str, arm: str) -> str:
    lists = []
    for name in (baseline, arm):
        one = told["arms"][name]
        lines = "".join(f"<li{_hit(result in told['relevant'])}>{escape(result)}</li>" for result in one["results"])
        lists.append(f"<div><span class=soft>{escape(name)}, nDCG@10 {one['ndcg@10']:.3f}</span><ol>{lines}</ol></div>")
    return (
        f"<details><summary>{told['difference']:+.3f} {escape(told['query'])}</summary>"
        f'<div class="pair">{"".join(lists)}</div></details>'
    )


def _hit(relevant: bool) -> str:
    return ' class="hit"' if relevant else ""


def _rows(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{one}</th>" for one in heads)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _figure(plot: str, caption: str) -> str:
    return f"<figure>{plot}<figcaption>{escape(caption)}</figcaption></figure>"
