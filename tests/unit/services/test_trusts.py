"""Probabilities become the scores that stand for them, model by model."""

import json
from typing import Any

from secondlook.domain.lab import LabRun
from secondlook.domain.options import Plan, Reranking
from secondlook.services.trusts import FEWEST_PAIRS, NEVER, Trusts, calibrations_in, latest_calibrations
from tests.unit.services.conftest import House


def arm(model: str | None, pairs: int, points: list[list[float]]) -> dict[str, Any]:
    told = {"method": "isotonic", "points": points, "slope": 0.0, "intercept": 0.0, "pairs": pairs}
    return {"model": model, "calibration": told}


REPORT: dict[str, Any] = {
    "queries": 40,
    "synthetic": 0,
    "arms": [
        {"model": None, "calibration": None},
        arm("a@1", 900, [[0.0, 0.0], [1.0, 0.5]]),
        arm("a@1", 400, [[0.0, 0.0], [1.0, 1.0]]),
        {"model": "b@1", "calibration": None},
    ],
}


def put(house: House, run_id: str, report: dict[str, Any], at: int) -> None:
    house.run(house.book.add(LabRun(run_id, "u", "running", at, 1)))
    house.run(house.book.set_state(run_id, "completed", ended_at=at, report=json.dumps(report)))


def test_the_widest_arm_of_a_model_speaks_for_it() -> None:
    found = calibrations_in(REPORT)
    assert set(found) == {"a@1"} and found["a@1"].probability(1.0) == 0.5


def test_a_plan_learns_what_its_probability_is_worth(house: House) -> None:
    trusts = Trusts(house.book)
    plain = Plan("u", reranking=Reranking(min_relevance=0.4))
    assert house.run(trusts.applied(plain)) is plain
    assert house.run(trusts.applied(Plan("u"))) == Plan("u")
    asked = Plan("u", reranking=Reranking(min_relevance=0.4, probable=True))
    first = house.run(trusts.applied(asked)).reranking
    assert first is not None and first.by_model == {}
    put(house, "r1", REPORT, 1)
    assert house.run(trusts.of("u")) == {}, "what was looked up is fresh"
    trusts.forget("u")
    second = house.run(trusts.applied(asked)).reranking
    assert second is not None and abs(second.by_model["a@1"] - 0.8) < 1e-9
    out = house.run(trusts.applied(Plan("u", reranking=Reranking(min_relevance=0.9, probable=True)))).reranking
    assert out is not None and out.by_model == {"a@1": NEVER}


def report(*arms: dict[str, Any], synthetic: int = 0) -> str:
    return json.dumps({"queries": 40, "synthetic": synthetic, "arms": arms})


def test_a_later_run_takes_only_what_it_knows_better() -> None:
    half, whole = [[0.0, 0.0], [1.0, 0.5]], [[0.0, 0.0], [1.0, 1.0]]
    few = arm("a@1", FEWEST_PAIRS - 1, half)
    told = latest_calibrations(
        [
            report(few, {"model": "a@1", "calibration": None}),
            report(arm("b@1", 400, half)),
            report(arm("a@1", 400, half), arm("c@1", 400, half), synthetic=40),
            report(arm("a@1", FEWEST_PAIRS, whole), synthetic=39),
            report(arm("a@1", 400, half), arm("b@1", 400, whole)),
        ]
    )
    assert {name: one.probability(1.0) for name, one in told.items()} == {"a@1": 1.0, "b@1": 0.5, "c@1": 0.5}


def test_a_run_of_one_query_leaves_thresholds_as_they_are(house: House) -> None:
    put(house, "r1", REPORT, 1)
    put(house, "r2", {**REPORT, "queries": 1, "arms": [{"model": "a@1", "calibration": None}]}, 2)
    assert set(house.run(Trusts(house.book).of("u"))) == {"a@1"}
