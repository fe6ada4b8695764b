"""Calibrations are those of scipy, rise, and lower the Brier score where there is something to learn."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import isotonic_regression, minimize
from scipy.stats import binomtest

from secondlook.evaluation.calibration import (
    Calibration,
    brier_score,
    fit,
    fit_isotonic,
    fit_platt,
    reliability,
    threshold_for_precision,
)

PAIRS = st.lists(st.tuples(st.integers(0, 20).map(lambda one: one / 20), st.booleans()), min_size=1, max_size=60)


def sample(seed: int, size: int = 800) -> tuple[list[float], list[bool]]:
    """Scores that know something, and are no probabilities: the truth is their square."""
    draw = np.random.default_rng(seed)
    scores = draw.random(size)
    return scores.tolist(), (draw.random(size) < scores**2).tolist()


@given(PAIRS)
def test_isotonic_is_the_least_squares_fit(pairs: list[tuple[float, bool]]) -> None:
    scores, relevant = zip(*pairs, strict=True)
    found = fit_isotonic(scores, relevant)
    unique = sorted(set(scores))
    means = [np.mean([outcome for score, outcome in pairs if score == one]) for one in unique]
    weights = [sum(score == one for score in scores) for one in unique]
    theirs = isotonic_regression(means, weights=weights).x
    assert sorted(set(np.round(theirs, 9))) == pytest.approx(sorted(set(np.round(found.probabilities, 9))))
    assert list(found.scores) == sorted(found.scores)
    assert list(found.probabilities) == sorted(found.probabilities)


def test_platt_is_the_likeliest_curve() -> None:
    scores, relevant = sample(1, 200)
    x, yes = np.asarray(scores), np.asarray(relevant)
    wanted = np.where(yes, (yes.sum() + 1) / (yes.sum() + 2), 1 / ((~yes).sum() + 2))

    def loss(line: np.ndarray) -> float:
        z = line[0] * x + line[1]
        return float(np.sum(np.logaddexp(0, z) - wanted * z))

    theirs = minimize(loss, [0.0, 0.0]).x
    found = fit_platt(scores, relevant)
    assert (found.slope, found.intercept) == (pytest.approx(theirs[0], rel=1e-3), pytest.approx(theirs[1], rel=1e-3))


def test_platt_never_falls_and_stands_few_pairs() -> None:
    assert fit_platt([0.1, 0.9], [True, False]).slope == 0.0
    assert fit_platt([], []).probability(0.3) == pytest.approx(0.5)
    assert fit_platt([0.5], [True]).probability(0.5) == pytest.approx(2 / 3, abs=1e-4)


def test_a_score_that_says_nothing_is_worth_the_share_of_relevant_pairs() -> None:
    draw = np.random.default_rng(1)
    scores = draw.uniform(0.7, 0.95, 400)
    relevant = draw.random(400) < 1 / (1 + np.exp(20 * (scores - 0.72)))
    found = fit_platt(scores.tolist(), relevant.tolist())
    assert found.slope == 0.0
    assert found.probability(0.8) == found.probability(0.99) == pytest.approx(relevant.mean(), abs=0.01)


@given(st.integers(0, 10_000))
def test_platt_says_on_the_whole_what_is_true(seed: int) -> None:
    draw = np.random.default_rng(seed)
    spread = 10 ** draw.uniform(-4, 0)
    scores = np.clip(draw.uniform(0, 1) + spread * draw.normal(size=150), 0, 1)
    steep = draw.uniform(-20, 20) / spread
    relevant = draw.random(150) < 1 / (
        1 + np.exp(np.clip(draw.uniform(0, 5) - steep * (scores - np.median(scores)), -50, 50))
    )
    found = fit_platt(scores.tolist(), relevant.tolist())
    told = np.mean([found.probability(float(score)) for score in scores])
    assert told == pytest.approx(relevant.mean(), abs=0.03)


def test_the_method_follows_the_number_of_pairs() -> None:
    assert fit(*sample(2)).method == "isotonic"
    assert fit(*sample(2, 40)).method == "platt"


@pytest.mark.parametrize("seed", [3, 4, 5])
def test_a_calibration_lowers_the_brier_score_of_others(seed: int) -> None:
    found = fit(*sample(seed))
    scores, relevant = sample(seed + 100)
    told = [found.probability(score) for score in scores]
    assert brier_score(told, relevant) < brier_score(scores, relevant) - 0.01


def test_thresholds_turn_probabilities_back() -> None:
    line = Calibration("isotonic", (0.2, 0.6, 1.0), (0.0, 0.5, 0.8))
    assert line.threshold(0.5) == pytest.approx(0.6)
    assert line.threshold(0.0) == 0.0
    assert line.threshold(0.9) is None
    curve = Calibration("platt", slope=8.0, intercept=-4.0)
    assert curve.probability(curve.threshold(0.7) or 0) == pytest.approx(0.7)


def test_bins_count_every_pair_once() -> None:
    bins = reliability([0.05, 0.08, 0.5, 1.0, 0.0], [False, True, True, True, False])
    assert [(one.low, one.pairs) for one in bins] == [(0.0, 3), (0.4, 1), (0.9, 1)]
    assert (bins[0].told, bins[0].true) == (pytest.approx(0.13 / 3), pytest.approx(1 / 3))


def test_the_least_score_of_a_precision() -> None:
    scores = [1 - at / 100 for at in range(100)]
    relevant = [at < 60 or at % 2 == 0 for at in range(100)]
    least = [binomtest(sum(relevant[:at]), at).proportion_ci(0.9, "wilson").low for at in range(1, 101)]
    for precision, last in ((0.7, 100), (0.9, 65)):
        assert last == max(at for at in range(1, 101) if least[at - 1] >= precision)
        assert threshold_for_precision(scores, relevant, precision) == scores[last - 1]
    assert threshold_for_precision(scores, [False] * 100, 0.5) is None
    assert brier_score([], []) == 0


def test_few_pairs_have_no_precision() -> None:
    assert threshold_for_precision([0.9, 0.8], [True, True], 0.9) is None
    assert threshold_for_precision([0.9] * 19, [True] * 19, 0.5) is None
    assert threshold_for_precision([0.9] * 24, [True] * 24, 0.9) is None, "24 of 24 may be 0.89"
    assert threshold_for_precision([0.9] * 25, [True] * 25, 0.9) == 0.9


def test_a_told_precision_holds_elsewhere() -> None:
    """Of thresholds that are told, about one in twenty may fail; most are picked among many scores, so a few more."""
    wrong = told = 0
    for seed in range(200):
        threshold = threshold_for_precision(*sample(seed, 200), 0.7)
        if threshold is not None:
            told += 1
            wrong += (1 - threshold**3) / 3 / (1 - threshold) < 0.7  # the mean of score^2 from there to 1
    assert told > 100 and wrong <= 0.1 * told
