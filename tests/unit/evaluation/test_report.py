"""A report holds what one would count by hand, and the planted arms get what they deserve."""

import numpy as np
import pytest

from secondlook.evaluation.report import OFF, ArmRow, QueryRow, measure, percentile, sum_up


def row(number: int, *, off: float, arm: float, **more: object) -> QueryRow:
    told = {"holes": 0.0, "milliseconds": float(number), **more}
    arms = {OFF: ArmRow(off, off, 1.0, 0.0, 1.0), "arm": ArmRow(arm, arm, 1.0, **told)}  # type: ignore[arg-type]  # words of the class
    return QueryRow(f"q{number}", arms, {"x": 1}, (("form", "question" if number % 2 else "keywords"),))


def test_one_ranking_by_hand() -> None:
    found = measure(["b", "x", "c"], {"x": 1, "c": 0}, 5.0)
    assert (found.ndcg, found.mrr, found.recall) == (pytest.approx(1 / np.log2(3)), 0.5, 1.0)
    assert found.holes == pytest.approx(1 / 3)
    assert measure([], {"x": 1}, 1.0).holes == 0.0


def test_an_oracle_is_on_and_noise_is_off() -> None:
    draw = np.random.default_rng(1)
    level = draw.random(200)
    oracle = sum_up([row(at, off=float(one), arm=1.0) for at, one in enumerate(level)], {"arm": 1.0})
    assert oracle.verdict.answer == "on" and oracle.front == (OFF, "arm")
    useless = sum_up([row(at, off=float(one), arm=float(one) * 0.5) for at, one in enumerate(level)], {"arm": 1.0})
    assert useless.verdict.answer == "off" and useless.front == (OFF,)
    few = sum_up([row(at, off=float(one), arm=1.0) for at, one in enumerate(level[:15])], {"arm": 1.0})
    assert few.verdict.answer == "not enough evidence"


def test_segments_need_enough_queries_and_a_difference_between_them() -> None:
    rows = [row(at, off=0.2, arm=0.8 if at % 2 else 0.2) for at in range(40)]
    [found] = [one for one in sum_up(rows, {"arm": 1.0}).arms if one.name == "arm"]
    assert {(one.value, one.comparison.wins) for one in found.segments} == {("question", 20), ("keywords", 0)}
    assert [one.comparison.adjusted < 0.05 for one in found.segments] == [
        one.value == "question" for one in found.segments
    ]
    few = sum_up(rows[:18], {"arm": 1.0}).arms[1]
    assert few.segments == ()


def test_flags() -> None:
    rows = [row(at, off=0.2, arm=0.9, holes=0.3, fell_back=at < 2) for at in range(40)]
    report = sum_up(rows, {"arm": 1.0})
    first, second = report.arms[1].flags
    assert first.startswith("30% of its results were never judged") and "failed on 2 of 40" in second
    assert report.verdict.answer == "not enough evidence", "a flagged arm is not rewarded"


def test_a_calibration_is_held_against_the_other_half() -> None:
    draw = np.random.default_rng(2)
    rows = []
    for at in range(120):
        scores = draw.random(20)
        pairs = tuple((float(one), int(draw.random() < one**3)) for one in scores)
        rows.append(row(at, off=0.5, arm=0.5, pairs=pairs))
    trust = sum_up(rows, {"arm": 1.0}).arms[1].trust
    assert trust is not None and trust.pairs == 1200
    assert trust.fitted < trust.raw - 0.02
    assert trust.assumed, "no judgment of the set says that anything is not relevant"
    assert sum(one.pairs for one in trust.bins) == 1200
    assert trust.thresholds[0.5] is not None and trust.thresholds[0.5] < (trust.thresholds[0.7] or 1)


def test_pairs_of_one_kind_teach_nothing() -> None:
    rows = [row(at, off=0.5, arm=0.5, pairs=((0.4, None), (0.6, 0))) for at in range(4)]
    assert sum_up(rows, {"arm": 1.0}).arms[1].trust is None


def test_percentiles() -> None:
    values = [float(one) for one in range(1, 101)]
    assert (percentile(values, 0.5), percentile(values, 0.95), percentile([], 0.5)) == (50.0, 95.0, 0.0)
    assert percentile([7.0], 0.95) == 7.0
