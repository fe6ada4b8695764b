"""What arms reached on judged queries, summed up: figures, comparisons, segments, calibrations, verdict."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from secondlook.evaluation.agreement import cohen_kappa, share_agreed
from secondlook.evaluation.calibration import (
    FEWEST,
    Bin,
    Calibration,
    brier_score,
    fit,
    reliability,
    threshold_for_precision,
)
from secondlook.evaluation.comparison import Comparison, compare, compare_groups
from secondlook.evaluation.metrics import ndcg_at, recall_at, reciprocal_rank_at
from secondlook.evaluation.verdict import Basis, Measured, Verdict, judge, pareto_front

OFF = "off"
"""The arm that all others are held against."""
AS_CREATED = "as created"
"""The search that an instance's own settings give, thresholds and reranking included; held against nothing."""
FIRST = 10
DEPTH = 50
FEWEST_IN_SEGMENT = 10
"""Queries that a segment needs to be told."""
PRECISIONS = (0.5, 0.7, 0.9)
"""Shares of relevant passages for which a threshold is told."""
MORE_HOLES = 0.02
"""Share of results that may be unjudged where the baseline has ones known not to be relevant; with more, a flag."""
JUDGED = 0.2
"""Share of the pairs that must be judged for those that are not to be left out of a calibration."""
MANY_FAILURES = 0.01
"""Share of queries in which an arm may fail without losing its standing."""


@dataclass(frozen=True, slots=True)
class ArmRow:
    """One arm on one query.

    Attributes:
        ndcg, mrr: at 10; ``recall`` at 50.
        holes: share of the first ten results that nobody judged; 0 where there is no result.
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
        agreement: what the query's judgments and the model said of the passages that both judged: whether each is
            relevant. The judgments of ``synthetic`` ones are made too, and no person's.
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
        assumed: whether passages that nobody judged count as not relevant, for too few were judged to be that.
        thresholds: share of relevant passages -> least score that has it, judged by the half that was fitted; None
            where no score is sure to.
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
    """One arm: means over the queries that have a relevant passage, and milliseconds of a search on all of them.

    ``holes`` is the mean over the queries that the arm finds anything for; ``comparison`` is None for a baseline;
    ``flags`` are words about what is wrong with the arm; ``baseline`` is the arm that it is held against.
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
        queries: that were measured.
        left_out: those of them of which no relevant passage is known: no order of their results is better than another.
        front: the arms that none beats in both quality and time.
        graded: passages that a language model judged.
        agreed: passages that people judged too; of those, ``agreement`` is the share of which both said the same, and
            ``kappa`` is Cohen's, None where people found all relevant, or none.
        unknown_items: judged items that are not in the index.
    """

    queries: int
    synthetic: int
    arms: tuple[ArmReport, ...]
    verdict: Verdict
    front: tuple[str, ...]
    graded: int = 0
    agreed: int = 0
    kappa: float | None = None
    agreement: float | None = None
    left_out: int = 0
    unknown_items: int = 0


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
    unknown_items: int = 0,
) -> LabReport:
    """The report.

    Args:
        weights: arm -> share of the relevance in its score; every arm but the baselines.
        budget: milliseconds that a search may take at the 95th percentile, for the verdict; None for any.
        baselines: arm -> what it is held against where that is not ``OFF``: its own retrieval without reranking.
        unknown_items: judged items that are not in the index.
    """
    told = [row for row in rows if any(grade > 0 for grade in row.grades.values())]
    off_of = {name: (baselines or {}).get(name, OFF) for name in weights}
    created = [AS_CREATED] if rows and all(AS_CREATED in row.arms for row in rows) else []
    names = list(dict.fromkeys((*created, OFF, *off_of.values(), *weights)))
    ndcg = {name: [row.arms[name].ndcg for row in told] for name in names}
    comparisons = compare_groups({name: list(zip(ndcg[off], ndcg[name], strict=True)) for name, off in off_of.items()})
    arms: list[ArmReport] = []
    measured: list[Measured] = []
    for name in names:
        arm = _figures(rows, told, name)
        if name in off_of:
            found = _measured(rows, told, (name, off_of[name]), comparisons[name])
            measured.append(replace(found, weight=weights[name], p95=arm.p95))
            arm = replace(
                arm,
                comparison=comparisons[name],
                segments=_segments(told, name, off_of[name]),
                trust=_trust(rows, name),
                flags=found.flags,
                baseline=off_of[name],
            )
        arms.append(arm)
    agreement = [pair for row in rows if not row.synthetic for pair in row.agreement]
    basis = Basis(
        len(told),
        sum(row.synthetic for row in told),
        len(rows) - len(told),
        any(figure > 0 for figures in ndcg.values() for figure in figures),
        unknown_items,
    )
    return LabReport(
        len(rows),
        sum(row.synthetic for row in rows),
        tuple(arms),
        judge(measured, basis, budget=budget),
        tuple(pareto_front({one.name: (one.ndcg, one.p95) for one in arms if one.name != AS_CREATED})),
        sum(row.graded for row in rows),
        len(agreement),
        cohen_kappa(agreement),
        share_agreed(agreement),
        basis.left_out,
        unknown_items,
    )


def _figures(rows: Sequence[QueryRow], told: Sequence[QueryRow], name: str) -> ArmReport:
    """The arm by itself; ``told`` are the rows of which a relevant passage is known."""
    found, figures = [row.arms[name] for row in rows], [row.arms[name] for row in told]
    return ArmReport(
        name,
        _mean([one.ndcg for one in figures]),
        _mean([one.mrr for one in figures]),
        _mean([one.recall for one in figures]),
        _mean([one.holes for one in found if one.ranking]),
        percentile([one.milliseconds for one in found], 0.5),
        percentile([one.milliseconds for one in found], 0.95),
        next((one.model for one in found if one.model), ""),
        sum(one.fell_back for one in found),
    )


def _measured(
    rows: Sequence[QueryRow], told: Sequence[QueryRow], pair: tuple[str, str], comparison: Comparison
) -> Measured:
    """The first arm of the pair, held against the second, with what is wrong with it."""
    name, off = pair
    failed = sum(row.arms[name].fell_back for row in rows)
    broken = f"its reranker failed on {failed} of {len(rows)} queries" if failed > MANY_FAILURES * len(rows) else ""
    found = Measured(name, comparison, unjudged=_more_holes(told, name, off), failed=broken)
    if off == OFF:
        return found
    set_so = compare([row.arms[OFF].ndcg for row in told], {name: [row.arms[name].ndcg for row in told]})[name]
    gap = f"with its own retrieval it scores {-set_so.difference:.4f} below the search as configured"
    return replace(found, as_set=set_so, poorer=gap if set_so.difference < 0 else "")


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


def _more_holes(rows: Sequence[QueryRow], arm: str, off: str) -> str:
    """Words about unjudged results of the arm that the baseline has not, if they are too many to trust its figures.

    Both are counted down to where both have results, so that an arm is not penalised for returning more results.
    Unjudged results that replaced relevant passages are not counted, since the figures include that loss already. The
    rest replaced passages known not to be relevant, and may be better than those.
    """
    unjudged = {off: 0, arm: 0}
    relevant = {off: 0, arm: 0}
    results = 0
    for row in rows:
        depth = min(len(row.arms[off].ranking), len(row.arms[arm].ranking), FIRST)
        results += depth
        for name in unjudged:
            grades = [row.grades.get(unit) for unit in row.arms[name].ranking[:depth]]
            unjudged[name] += grades.count(None)
            relevant[name] += sum(grade is not None and grade > 0 for grade in grades)
    more = unjudged[arm] - unjudged[off] - max(0, relevant[off] - relevant[arm])
    if more <= MORE_HOLES * results:
        return ""
    shares = {name: f"{number / results:.0%}" for name, number in unjudged.items()}
    return f"{shares[arm]} of its results were never judged, compared with {shares[off]} of {off}"


def _trust(rows: Sequence[QueryRow], arm: str) -> Trust | None:
    """Calibrated on every other query.

    Unjudged pairs count as not relevant unless so many were judged that those can stand for all: where people wrote
    down little but what is relevant, what they wrote down would make any score a sign of relevance.
    """
    grades = [grade for row in rows for _, grade in row.arms[arm].pairs]
    judged = [grade for grade in grades if grade is not None]
    assumed = sum(grade <= 0 for grade in judged) < FEWEST or len(judged) < JUDGED * len(grades)
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
