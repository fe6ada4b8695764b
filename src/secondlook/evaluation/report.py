"""What arms reached on judged queries, summed up: figures, comparisons, segments, calibrations, verdict."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from secondlook.evaluation.agreement import cohen_kappa
from secondlook.evaluation.calibration import Bin, Calibration, brier_score, fit, reliability, threshold_for_precision
from secondlook.evaluation.comparison import Comparison, compare_groups
from secondlook.evaluation.metrics import ndcg_at, recall_at, reciprocal_rank_at
from secondlook.evaluation.verdict import Measured, Verdict, judge, pareto_front

OFF = "off"
"""The arm that all others are held against."""
FIRST = 10
DEPTH = 50
FEWEST_IN_SEGMENT = 10
"""Queries that a segment needs to be told."""
PRECISIONS = (0.5, 0.7, 0.9)
"""Shares of relevant passages for which a threshold is told."""
MORE_HOLES = 0.02
"""By how much the share of unjudged results may exceed that of the baseline before an arm is flagged."""
MANY_FAILURES = 0.01
"""Share of queries in which an arm may fail without losing its standing."""


@dataclass(frozen=True, slots=True)
class ArmRow:
    """One arm on one query.

    Attributes:
        ndcg, mrr: at 10; ``recall`` at 50.
        holes: share of the first ten results that nobody judged.
        milliseconds: of the search, each pair counted at what it cost when it was read.
        ranking: the first ten units.
        pairs: relevance score and grade of each passage that the reranker read; the grade is None if nobody judged it.
        model: the identity of the model that made the order; empty for none.
        fell_back: whether the reranker failed.
    """

    ndcg: float
    mrr: float
    recall: float
    holes: float
    milliseconds: float
    ranking: tuple[str, ...] = ()
    pairs: tuple[tuple[float, int | None], ...] = ()
    model: str = ""
    fell_back: bool = False


@dataclass(frozen=True, slots=True)
class QueryRow:
    """All arms on one query.

    Attributes:
        segments: kind and value of each group that the query belongs to.
        graded: passages that a language model judged.
        agreement: what people and the model said of the passages that both judged: whether each is relevant.
    """

    query: str
    arms: Mapping[str, ArmRow] = field(hash=False)
    grades: Mapping[str, int] = field(hash=False)
    segments: tuple[tuple[str, str], ...] = ()
    synthetic: bool = False
    graded: int = 0
    agreement: tuple[tuple[bool, bool], ...] = ()


@dataclass(frozen=True, slots=True)
class Segment:
    """An arm against the baseline on one group of queries; ``comparison.adjusted`` is over all groups of the arm."""

    kind: str
    value: str
    comparison: Comparison


@dataclass(frozen=True, slots=True)
class Trust:
    """How far relevance scores are probabilities: fitted on one half of the queries, held against the other.

    Attributes:
        raw: Brier score of the scores as they are; ``fitted``, of what the calibration makes of them.
        bins: of the calibrated probabilities on the half that was not fitted.
        pairs: in that half.
        assumed: whether passages that nobody judged count as not relevant, for no judgment says so of any.
        thresholds: share of relevant passages -> least score that has it on the half that was fitted, if one does.
    """

    calibration: Calibration
    raw: float
    fitted: float
    bins: tuple[Bin, ...]
    pairs: int
    assumed: bool
    thresholds: Mapping[float, float | None] = field(hash=False)


@dataclass(frozen=True, slots=True)
class ArmReport:
    """One arm on all queries; means, and milliseconds of a search at the 50th and 95th percentile.

    ``comparison`` is None for a baseline; ``flags`` are words about what is wrong with the arm; ``baseline`` is the
    arm that it is held against.
    """

    name: str
    ndcg: float
    mrr: float
    recall: float
    holes: float
    p50: float
    p95: float
    model: str = ""
    fell_back: int = 0
    comparison: Comparison | None = None
    segments: tuple[Segment, ...] = ()
    trust: Trust | None = None
    flags: tuple[str, ...] = ()
    baseline: str = ""


@dataclass(frozen=True, slots=True)
class LabReport:
    """Everything that a verdict stands on.

    Attributes:
        front: the arms that none beats in both quality and time.
        graded: passages that a language model judged.
        agreed: passages that people judged too, and ``kappa``, Cohen's, of what both said.
    """

    queries: int
    synthetic: int
    arms: tuple[ArmReport, ...]
    verdict: Verdict
    front: tuple[str, ...]
    graded: int = 0
    agreed: int = 0
    kappa: float | None = None


def measure(ranked: Sequence[str], grades: Mapping[str, int], milliseconds: float) -> ArmRow:
    """The figures of one ranking of units."""
    first = ranked[:FIRST]
    return ArmRow(
        ndcg_at(FIRST, ranked, grades),
        reciprocal_rank_at(FIRST, ranked, grades),
        recall_at(DEPTH, ranked, grades),
        sum(one not in grades for one in first) / len(first) if first else 0.0,
        milliseconds,
        tuple(first),
    )


def sum_up(
    rows: Sequence[QueryRow],
    weights: Mapping[str, float],
    *,
    budget: float | None = None,
    baselines: Mapping[str, str] | None = None,
) -> LabReport:
    """The report.

    Args:
        weights: arm -> share of the relevance in its score; every arm but the baseline.
        budget: milliseconds that a search may take at the 95th percentile, for the verdict; None for any.
        baselines: arm -> what it is held against where that is not ``OFF``: its own retrieval without reranking.
    """
    off_of = {name: (baselines or {}).get(name, OFF) for name in weights}
    by_arm = {name: [row.arms[name] for row in rows] for name in dict.fromkeys((OFF, *off_of.values(), *weights))}
    ndcg = {name: [one.ndcg for one in found] for name, found in by_arm.items()}
    comparisons = compare_groups({name: list(zip(ndcg[off], ndcg[name], strict=True)) for name, off in off_of.items()})
    holes = {name: _mean([one.holes for one in found]) for name, found in by_arm.items()}
    arms = []
    for name, found in by_arm.items():
        failed = sum(one.fell_back for one in found)
        flags = []
        off = off_of.get(name, name)
        if holes[name] > holes[off] + MORE_HOLES:
            flags.append(f"{holes[name]:.0%} of its results were never judged, against {holes[off]:.0%} of {off}")
        if name != off != OFF and (gap := _mean(ndcg[OFF]) - _mean(ndcg[name])) > 0:
            flags.append(f"with a retrieval of its own it stays {gap:.4f} below the search as it is set")
        if failed > MANY_FAILURES * len(found):
            flags.append(f"its reranker failed on {failed} of {len(found)} queries")
        arms.append(
            ArmReport(
                name,
                _mean(ndcg[name]),
                _mean([one.mrr for one in found]),
                _mean([one.recall for one in found]),
                holes[name],
                percentile([one.milliseconds for one in found], 0.5),
                percentile([one.milliseconds for one in found], 0.95),
                next((one.model for one in found if one.model), ""),
                failed,
                comparisons.get(name),
                _segments(rows, name, off) if name != off else (),
                _trust(rows, name) if name != off else None,
                tuple(flags),
                off if name != off else "",
            )
        )
    measured = [
        Measured(one.name, one.comparison, weights[one.name], flagged=bool(one.flags), p95=one.p95)
        for one in arms
        if one.comparison
    ]
    agreement = [pair for row in rows for pair in row.agreement]
    return LabReport(
        len(rows),
        sum(row.synthetic for row in rows),
        tuple(arms),
        judge(measured, queries=len(rows), budget=budget),
        tuple(pareto_front({one.name: (one.ndcg, one.p95) for one in arms})),
        sum(row.graded for row in rows),
        len(agreement),
        cohen_kappa(agreement),
    )


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least that share of the values does not exceed; 0 for none."""
    ordered = sorted(values)
    return ordered[max(0, min(len(ordered), -int(-share * len(ordered) // 1)) - 1)] if ordered else 0.0


def trust_in(
    halves: tuple[Sequence[tuple[float, bool]], Sequence[tuple[float, bool]]], *, assumed: bool
) -> Trust | None:
    """Fitted on the first half's pairs of score and truth, held against the second's.

    None where one half has pairs of one kind only.
    """
    if any(len({outcome for _, outcome in half}) < 2 for half in halves):
        return None
    (scores, relevant), (seen, true) = (tuple(zip(*half, strict=True)) for half in halves)
    calibration = fit(scores, relevant)
    told = [calibration.probability(score) for score in seen]
    return Trust(
        calibration,
        brier_score(seen, true),
        brier_score(told, true),
        tuple(reliability(told, true)),
        len(seen),
        assumed,
        {one: threshold_for_precision(scores, relevant, one) for one in PRECISIONS},
    )


def _segments(rows: Sequence[QueryRow], arm: str, off: str) -> tuple[Segment, ...]:
    """Groups of enough queries; a kind of which all queries have one value tells nothing new."""
    groups: dict[tuple[str, str], list[QueryRow]] = {}
    for row in rows:
        for one in row.segments:
            groups.setdefault(one, []).append(row)
    told = {key: found for key, found in groups.items() if FEWEST_IN_SEGMENT <= len(found) < len(rows)}
    found = compare_groups(
        {key: [(row.arms[off].ndcg, row.arms[arm].ndcg) for row in group] for key, group in told.items()}
    )
    return tuple(Segment(kind, value, one) for (kind, value), one in found.items())


def _trust(rows: Sequence[QueryRow], arm: str) -> Trust | None:
    assumed = not any(grade <= 0 for row in rows for grade in row.grades.values())
    halves = [
        [
            (score, (grade or 0) > 0)
            for row in rows[start::2]
            for score, grade in row.arms[arm].pairs
            if assumed or grade is not None
        ]
        for start in (0, 1)
    ]
    return trust_in((halves[0], halves[1]), assumed=assumed)


def _mean(values: Sequence[float]) -> float:
    return statistics.fmean(values) if values else 0.0
