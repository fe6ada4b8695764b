"""Runs of the Lab as JSON: what was asked, what each query came to, and the report."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from secondlook.domain.lab import ArmSpec
from secondlook.domain.options import RerankStage
from secondlook.domain.wording import plural
from secondlook.evaluation.comparison import Comparison
from secondlook.evaluation.queries import JudgedQuery, Judgment
from secondlook.evaluation.report import OFF, ArmReport, ArmRow, LabReport, QueryRow, Trust

DIGITS = 9
"""After the point, of figures that are kept for each query."""


@dataclass(frozen=True, slots=True)
class LabRequest:
    """What a run is to do.

    Attributes:
        budget: milliseconds that a search may take at the 95th percentile, for the verdict; None for any.
        concurrency: queries that are measured at the same time.
        judge: the language model that grades what nobody judged, empty for the configured one; None for none.
        followed: whether an instance that follows the Lab takes on the verdict.
        stale: judgments that were left out, since the text that they speak of is no longer there.
        unknown: judged items that are not in the index.
    """

    queries: tuple[JudgedQuery, ...]
    arms: tuple[ArmSpec, ...]
    budget: float | None = None
    concurrency: int = 1
    origin: str = "uploaded"
    stale: int = 0
    generation: int = 0
    judge: str | None = None
    followed: bool = True
    unknown: int = 0


def request_json(request: LabRequest) -> str:
    """The request, to be read again by ``read_request``."""
    return json.dumps(asdict(request), ensure_ascii=False)


def read_request(text: str) -> LabRequest:
    """A request that ``request_json`` wrote."""
    raw = json.loads(text)
    queries = tuple(
        JudgedQuery(one["text"], tuple(Judgment(**told) for told in one["judgments"]), one["synthetic"])
        for one in raw["queries"]
    )
    return LabRequest(**{**raw, "queries": queries, "arms": tuple(map(read_arm, raw["arms"]))})


def read_arm(raw: Mapping[str, Any]) -> ArmSpec:
    """An arm as ``asdict`` told it."""
    stages = tuple(RerankStage(**one) for one in raw.get("stages", ()))
    return ArmSpec(**{**raw, "stages": stages, "window": None if ">" in raw["model"] else raw["window"]})


def rows_json(rows: Sequence[QueryRow]) -> list[str]:
    """What each query came to, to be read again by ``read_row``."""
    return [json.dumps(_plain(row), ensure_ascii=False) for row in rows]


def read_row(text: str) -> QueryRow:
    """A row that ``rows_json`` wrote."""
    raw = json.loads(text)
    arms = {
        name: ArmRow(**{**one, "ranking": tuple(one["ranking"]), "pairs": tuple((s, g) for s, g in one["pairs"])})
        for name, one in raw["arms"].items()
    }
    segments = tuple((kind, value) for kind, value in raw["segments"])
    agreement = tuple((person, model) for person, model in raw["agreement"])
    return QueryRow(raw["query"], arms, raw["grades"], segments, raw["synthetic"], raw["graded"], agreement)


def report_of(report: LabReport, request: LabRequest, cost: Mapping[str, object]) -> dict[str, object]:
    """The report as the API, the command and the page of it tell it; ``cost`` is what was measured of the run."""
    specs = {arm.name: arm for arm in request.arms}
    verdict = report.verdict
    return {
        "verdict": {
            "answer": verdict.answer,
            "arm": verdict.arm or None,
            "weight": verdict.weight if verdict.answer == "on with weight" else None,
            "sentence": verdict.sentence,
            "settings": settings_for(verdict.answer, specs.get(verdict.arm)),
        },
        "baseline": OFF,
        "origin": request.origin,
        "queries": report.queries,
        "synthetic": report.synthetic,
        "stale_judgments": request.stale,
        "unknown_items": request.unknown,
        "left_out": report.left_out,
        "judge": None
        if request.judge is None
        else {
            "graded": report.graded,
            "agreed": report.agreed,
            "agreement": report.agreement,
            "kappa": report.kappa,
        },
        "budget": request.budget,
        "concurrency": request.concurrency,
        **cost,
        "arms": [_arm(one, specs.get(one.name), report) for one in report.arms],
    }


def report_json(report: Mapping[str, object]) -> str:
    """What ``report_of`` made, as text."""
    return json.dumps(report, ensure_ascii=False, allow_nan=False)


def best_arm(report: Mapping[str, Any]) -> str:
    """The arm of the verdict, or the one of the highest nDCG."""
    others = [one for one in report["arms"] if one["comparison"]]
    return str(report["verdict"]["arm"] or max(others, key=lambda one: float(one["ndcg@10"]))["name"])


def baseline_of(report: Mapping[str, Any], arm: str) -> str:
    """What the arm of that name was held against."""
    return str(next((one.get("baseline") for one in report["arms"] if one["name"] == arm), None) or OFF)


def chosen_spec(report: Mapping[str, Any]) -> ArmSpec | None:
    """The arm that the verdict is about."""
    name = report["verdict"]["arm"]
    return next((read_arm(one["spec"]) for one in report["arms"] if one["spec"] and one["name"] == name), None)


def settings_for(answer: str, arm: ArmSpec | None) -> dict[str, object]:
    """The instance's settings that the verdict asks for, by our own names; nothing if there is not enough evidence.

    An arm was measured with its own retrieval, so that is set too; the type of it is no setting.
    """
    if answer == "off":
        return {"reranking": False}
    if arm is None or not answer.startswith("on"):
        return {}
    stages = arm.stages
    if not stages and ">" not in arm.model and arm.window is not None:
        stages = (RerankStage(arm.model, arm.window),)
    retrieval = {name: getattr(arm, name) for name in ("match_mode", "fusion_method", "fusion_weight", "min_score")}
    return {
        "reranking": True,
        "reranking_model": arm.model,
        "reranking_weight": arm.weight,
        "reranking_stages": [asdict(one) for one in stages],
        **{name: value for name, value in retrieval.items() if value is not None},
    }


def query_of(row: QueryRow, arm: str, baseline: str = OFF) -> dict[str, object]:
    """One query under the baseline and the arm, in this order, for whoever looks at wins and losses."""
    pair = {name: row.arms[name] for name in (baseline, arm)}
    return {
        "query": row.query,
        "synthetic": row.synthetic,
        "segments": dict(row.segments),
        "relevant": {unit: grade for unit, grade in row.grades.items() if grade > 0},
        "difference": row.arms[arm].ndcg - row.arms[baseline].ndcg,
        "arms": {
            name: {
                "ndcg@10": one.ndcg,
                "mrr@10": one.mrr,
                "milliseconds": one.milliseconds,
                "results": list(one.ranking),
                "fell_back": one.fell_back,
            }
            for name, one in pair.items()
        },
    }


def words_of_judge(judge: Mapping[str, Any]) -> str:
    """What a language model graded, and how far it agrees with people, of the report's ``judge``."""
    told = f"a language model graded {plural(judge['graded'], 'passage')}"
    if not judge["agreed"]:
        return f"{told}; people judged none of the same passages"
    share = judge.get("agreement")
    if share is None:  # a report of an earlier release
        return told if judge["kappa"] is None else f"{told}; kappa with people is {judge['kappa']:.2f}"
    why = "kappa is undefined, since people gave only one grade"
    kappa = why if judge["kappa"] is None else f"kappa {judge['kappa']:.2f}"
    return f"{told}; it agrees with people on {share:.0%} of the {judge['agreed']:,} that they judged too ({kappa})"


def words_of_left_out(report: Mapping[str, Any]) -> str:
    """How many queries the figures leave out; empty for none."""
    left_out = report.get("left_out")
    return f"{plural(left_out, 'query', 'queries')} left out, with no known relevant passage" if left_out else ""


def _arm(arm: ArmReport, spec: ArmSpec | None, report: LabReport) -> dict[str, object]:
    return {
        "name": arm.name,
        "model": arm.model or None,
        "baseline": arm.baseline or None,
        "spec": None if spec is None else asdict(spec),
        "ndcg@10": arm.ndcg,
        "mrr@10": arm.mrr,
        "recall@50": arm.recall,
        "holes": arm.holes,
        "p50_ms": arm.p50,
        "p95_ms": arm.p95,
        "fell_back": arm.fell_back,
        "on_front": arm.name in report.front,
        "flags": list(arm.flags),
        "comparison": None if arm.comparison is None else _comparison(arm.comparison),
        "segments": [{"kind": one.kind, "value": one.value, **_comparison(one.comparison)} for one in arm.segments],
        "calibration": None if arm.trust is None else _trust(arm.trust),
    }


def _comparison(found: Comparison) -> dict[str, object]:
    return {
        "queries": found.wins + found.ties + found.losses,
        "difference": found.difference,
        "low": found.low,
        "high": found.high,
        "p": found.p,
        "p_holm": found.adjusted,
        "wins": found.wins,
        "ties": found.ties,
        "losses": found.losses,
        "detectable": found.detectable,
        "needed": found.needed or None,
        "ceiling": found.ceiling,
    }


def _trust(trust: Trust) -> dict[str, object]:
    return {
        "method": trust.calibration.method,
        "points": [list(pair) for pair in zip(trust.calibration.scores, trust.calibration.probabilities, strict=True)],
        "slope": trust.calibration.slope,
        "intercept": trust.calibration.intercept,
        "brier_raw": trust.raw,
        "brier_fitted": trust.fitted,
        "pairs": trust.pairs,
        "assumed": trust.assumed,
        "bins": [asdict(one) for one in trust.bins],
        "thresholds": [{"precision": share, "score": score} for share, score in trust.thresholds.items()],
    }


def _plain(row: QueryRow) -> dict[str, object]:
    """Its fields, fractions rounded to what is worth keeping; a row has a thousand pairs, so none is copied twice."""
    arms: dict[str, dict[str, object]] = {}
    for name, arm in row.arms.items():
        told = {each.name: getattr(arm, each.name) for each in fields(arm)}
        arms[name] = {key: round(value, DIGITS) if isinstance(value, float) else value for key, value in told.items()}
        arms[name]["pairs"] = [(round(score, DIGITS), grade) for score, grade in arm.pairs]
    return {each.name: getattr(row, each.name) for each in fields(row)} | {"arms": arms}


def words_of_doubts(report: Mapping[str, Any]) -> list[str]:
    """What is wrong with the queries, or with the figures as a whole."""
    told = []
    if stale := report["stale_judgments"]:
        told.append(f"{plural(stale, 'judgment')} left out: the text changed after it was judged")
    if unknown := report.get("unknown_items"):
        told.append(f"{plural(unknown, 'judged item')} not in the index: no configuration can find what is not indexed")
    if left_out := words_of_left_out(report):
        told.append(left_out)
    if report["index_changed"]:
        told.append("the index changed during the run: run it again for consistent figures")
    return told
