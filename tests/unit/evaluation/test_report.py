"""A report holds what one would count by hand, and the planted arms get what they deserve."""

import json
from dataclasses import asdict, replace

import numpy as np
import pytest

from secondlook.evaluation.report import OFF, ArmRow, LabReport, QueryRow, measure, percentile, sum_up


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


def ranked(number: int, off: str, arm: str, grades: dict[str, int], **more: object) -> QueryRow:
    """A row whose rankings are letters, of which ``grades`` tells the judged ones."""
    arms = {
        OFF: measure(list(off), grades, 1.0),
        "arm": replace(measure(list(arm), grades, 2.0), **more),  # type: ignore[arg-type]  # words of the class
    }
    return QueryRow(f"q{number}", arms, grades)


def test_a_reranker_that_fails_is_flagged_and_decides_nothing() -> None:
    broken = sum_up([row(at, off=0.5, arm=0.5, fell_back=True) for at in range(400)], {"arm": 1.0})
    assert broken.arms[1].flags == ("its reranker failed on 400 of 400 queries",)
    assert broken.verdict.answer == "not enough evidence" and "400 of 400" in broken.verdict.sentence
    lucky = sum_up([row(at, off=0.2, arm=0.9, fell_back=at < 2) for at in range(40)], {"arm": 1.0})
    assert lucky.verdict.answer == "not enough evidence", "a flagged arm is not rewarded"


def test_unjudged_results_in_place_of_bad_ones_are_flagged() -> None:
    grades = {"a": 1, **dict.fromkeys("bcdefghij", 0)}
    report = sum_up([ranked(at, "abcdefghij", "bacdeVWXYZ", grades) for at in range(100)], {"arm": 1.0})
    assert report.arms[1].flags == ("50% of its results were never judged, compared with 0% of off",)
    assert report.verdict.answer == "not enough evidence" and "50% of its results" in report.verdict.sentence


def test_relevant_results_that_are_lost_are_a_loss_and_no_flag() -> None:
    """Where only relevant passages were judged, a bad order has more unjudged results for being bad."""
    grades = {"a": 1, "b": 1, "c": 1}
    report = sum_up([ranked(at, "abcdefghij", "TUVWXYZdea", grades) for at in range(100)], {"arm": 1.0})
    assert report.arms[1].holes > report.arms[0].holes + 0.1
    assert report.arms[1].flags == () and report.verdict.answer == "off"


def test_who_finds_more_has_not_more_holes_for_it() -> None:
    grades = {"a": 1, "b": 0}
    empty = sum_up([ranked(at, "", "aUVWXYZ", grades) for at in range(40)], {"arm": 1.0})
    assert empty.arms[1].flags == () and empty.verdict.answer == "on"
    assert (empty.arms[0].holes, empty.arms[1].holes) == (0.0, pytest.approx(6 / 7))
    short = sum_up([ranked(at, "ba", "abUVWXYZ", grades) for at in range(40)], {"arm": 1.0})
    assert short.arms[1].flags == () and short.verdict.answer == "on"


def test_queries_of_which_nothing_relevant_is_known_are_left_out() -> None:
    """However many those are, they are no draws."""
    judged = [ranked(at, "ba", "ab", {"a": 1}) for at in range(20)]
    nothing = [ranked(at, "ba", "ab", {"a": 0, "b": 0}) for at in range(20, 400)]
    report = sum_up([*judged, *nothing], {"arm": 1.0})
    assert (report.queries, report.left_out) == (400, 380)
    assert report.verdict.answer == "not enough evidence" and "20 queries (380 more" in report.verdict.sentence
    comparison = report.arms[1].comparison
    assert comparison is not None and (comparison.wins, comparison.ties) == (20, 0)
    assert report.arms[1].ndcg == 1.0
    alone = sum_up(nothing, {"arm": 1.0})
    assert alone.verdict.answer == "not enough evidence" and alone.arms[1].comparison is not None
    json.dumps(asdict(alone.arms[1].comparison), allow_nan=False)


def test_judged_items_that_nobody_can_find_are_no_reason_for_off() -> None:
    rows = [ranked(at, "ba", "ab", {"x": 1}) for at in range(400)]
    report = sum_up(rows, {"arm": 1.0}, unknown_items=1)
    assert report.unknown_items == 1 and report.verdict.answer == "not enough evidence"
    assert "1 judged item not in the index" in report.verdict.sentence


def own(number: int, *, off: float, own_off: float, arm: float) -> QueryRow:
    """A row in which the arm has a retrieval of its own."""
    made = row(number, off=off, arm=arm)
    return replace(made, arms={**made.arms, "own": ArmRow(own_off, own_off, 1.0, 0.0, 1.0)})


def test_an_arm_of_its_own_retrieval_has_to_beat_the_search_as_it_is_set() -> None:
    def told(off: float, own_off: float, arm: float) -> LabReport:
        level = np.random.default_rng(1).normal(0, 0.02, 100)
        rows = [own(at, off=off + float(one), own_off=own_off, arm=arm) for at, one in enumerate(level)]
        return sum_up(rows, {"arm": 1.0}, baselines={"arm": "own"})

    below = told(0.6, 0.3, 0.5)
    assert [(one.name, one.baseline) for one in below.arms] == [(OFF, ""), ("own", ""), ("arm", "own")]
    [flag] = below.arms[2].flags
    assert flag.startswith("with its own retrieval it scores 0.") and flag.endswith("below the search as configured")
    assert below.verdict.answer == "off", "it beats only a search that nobody has"
    close = sum_up(
        [own(at, off=1.0 if at % 2 else 0.0, own_off=0.1, arm=0.49) for at in range(100)],
        {"arm": 1.0},
        baselines={"arm": "own"},
    )
    assert close.verdict.answer == "not enough evidence" and "0.0100 below the search" in close.verdict.sentence
    assert told(0.3, 0.3, 0.5).verdict.answer == "on"


def test_the_sentence_knows_of_synthetic_queries() -> None:
    rows = [replace(row(at, off=0.5, arm=0.5), synthetic=True) for at in range(400)]
    told = sum_up(rows, {"arm": 1.0})
    assert told.synthetic == 400 and told.verdict.answer == "not enough evidence"
    assert "400 synthetic queries" in told.verdict.sentence
    assert sum_up([row(at, off=0.5, arm=0.5) for at in range(400)], {"arm": 1.0}).verdict.answer == "off"


@pytest.mark.parametrize(("queries", "share"), [(30, 0.03), (30, 0.05), (50, 0.03)])
def test_a_rare_gain_is_not_off_for_not_having_been_seen(queries: int, share: float) -> None:
    for seed in range(15):
        gains = np.random.default_rng(seed).random(queries) < share
        rows = [row(at, off=0.001, arm=1.0 if gain else 0.001) for at, gain in enumerate(gains)]
        assert sum_up(rows, {"arm": 1.0}).verdict.answer != "off"


def test_agreement_is_told_with_and_without_kappa() -> None:
    said = ((True, True),) * 9 + ((True, False),)
    rows = [replace(row(at, off=0.5, arm=0.5), agreement=said if not at else (), graded=12) for at in range(2)]
    told = sum_up(rows, {"arm": 1.0})
    assert (told.agreed, told.agreement, told.kappa, told.graded) == (10, 0.9, None, 24)
    both = sum_up([replace(rows[0], agreement=(*said, (False, False)))], {"arm": 1.0})
    assert both.kappa == pytest.approx(0.6207, abs=1e-4)
    made = [replace(one, synthetic=True) for one in rows]
    alone, beside = (sum_up(one, {"arm": 1.0}) for one in (made, [*made, *rows]))
    assert (alone.agreed, alone.agreement, alone.kappa, alone.graded) == (0, None, None, 24), "no person judged these"
    assert (beside.agreed, beside.agreement, beside.graded) == (10, 0.9, 48)


def test_a_calibration_is_held_against_the_other_half() -> None:
    draw = np.random.default_rng(2)
    rows = []
    for at in range(120):
        scores = draw.random(20)
        pairs = tuple((float(one), 1 if draw.random() < one**3 else None) for one in scores)
        rows.append(row(at, off=0.5, arm=0.5, pairs=pairs))
    trust = sum_up(rows, {"arm": 1.0}).arms[1].trust
    assert trust is not None and trust.pairs == 1200
    assert trust.fitted < trust.raw - 0.02
    assert trust.assumed, "no judgment of the set says that anything is not relevant"
    assert sum(one.pairs for one in trust.bins) == 1200
    assert trust.thresholds[0.5] is not None and trust.thresholds[0.5] < (trust.thresholds[0.7] or 1)


@pytest.mark.parametrize(("zeros", "assumed"), [(0, True), (2, True), (60, True), (3000, False)])
def test_a_few_judged_negatives_do_not_stand_for_all(zeros: int, assumed: bool) -> None:
    """300 queries with one relevant passage of fifty each, and so many of the others judged not to be."""
    draw = np.random.default_rng(2)
    rows = []
    for at in range(300):
        here = zeros // 300 + (at < zeros % 300)
        others = [(float(one), 0 if place < here else None) for place, one in enumerate(draw.normal(0.4, 0.15, 49))]
        rows.append(row(at, off=0.5, arm=0.5, pairs=((float(draw.normal(0.7, 0.15)), 1), *others)))
    trust = sum_up(rows, {"arm": 1.0}).arms[1].trust
    assert trust is not None and trust.assumed is assumed
    assert trust.calibration.probability(0.4) < 0.05
    threshold = trust.calibration.threshold(0.5)
    assert threshold is not None and threshold > 0.55, "a threshold that all pass is none"


def test_pairs_of_one_kind_teach_nothing() -> None:
    rows = [row(at, off=0.5, arm=0.5, pairs=((0.4, None), (0.6, 0))) for at in range(4)]
    assert sum_up(rows, {"arm": 1.0}).arms[1].trust is None


def test_percentiles() -> None:
    values = [float(one) for one in range(1, 101)]
    assert (percentile(values, 0.5), percentile(values, 0.95), percentile([], 0.5)) == (50.0, 95.0, 0.0)
    assert percentile([7.0], 0.95) == 7.0
