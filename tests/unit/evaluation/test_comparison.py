"""Comparisons agree with scipy and with the books, and do not cry wolf."""

import math

import numpy as np
import pytest
from scipy.stats import binom, bootstrap, norm, permutation_test

from secondlook.evaluation.comparison import (
    FEWEST_MATERIAL,
    bootstrap_interval,
    ceiling_of,
    compare,
    compare_groups,
    detectable_difference,
    holm,
    needed_queries,
)

SEEDS = 200


def figures(seed: int, queries: int = 120) -> tuple[list[float], list[float]]:
    """Two arms of the same quality, as nDCG has it: many ties, steps, and noise."""
    draw = np.random.default_rng(seed)
    level = draw.beta(2, 2, queries)
    one, two = (np.clip(np.round(level + draw.normal(0, 0.25, queries), 1), 0, 1) for _ in range(2))
    return one.tolist(), two.tolist()


def test_an_arm_against_itself_is_no_difference() -> None:
    [found] = compare([0.2, 0.7, 1.0], {"same": [0.2, 0.7, 1.0]}).values()
    assert (found.p, found.adjusted, found.wins, found.ties, found.losses) == (1.0, 1.0, 0, 3, 0)
    assert (found.difference, found.low, found.high, found.needed) == (0.0, 0.0, 0.0, 0)
    assert found.ceiling > 0.5, "three queries shut out nothing"


def test_the_p_value_is_that_of_scipy() -> None:
    one, two = figures(3)
    theirs = permutation_test(
        (two, one), lambda x, y, axis: np.mean(x - y, axis=axis), permutation_type="samples", n_resamples=20_000, rng=1
    )
    assert compare(one, {"arm": two})["arm"].p == pytest.approx(theirs.pvalue, abs=0.015)


def test_the_interval_is_that_of_scipy() -> None:
    one, two = figures(5)
    differences = (np.asarray(two) - np.asarray(one)).tolist()
    theirs = bootstrap((differences,), np.mean, method="percentile", n_resamples=20_000, rng=1).confidence_interval
    low, high = bootstrap_interval(differences)
    assert (low, high) == (pytest.approx(theirs.low, abs=0.004), pytest.approx(theirs.high, abs=0.004))
    assert bootstrap_interval([]) == (0.0, 0.0)


def test_holm_by_hand() -> None:
    assert holm({"a": 0.01, "b": 0.04, "c": 0.03}) == {"a": pytest.approx(0.03), "b": 0.06, "c": 0.06}
    assert holm({"a": 0.6, "b": 0.7}) == {"a": 1.0, "b": 1.0}
    assert holm({}) == {}


def test_what_can_be_seen_is_seen_four_times_in_five() -> None:
    queries, spread = 100, 0.3
    true = detectable_difference(spread, queries)
    assert true == pytest.approx((norm.ppf(0.975) + norm.ppf(0.8)) * spread / 10, rel=1e-4)
    draw = np.random.default_rng(1)
    z = (draw.normal(true, spread, (4000, queries)).mean(axis=1)) / (spread / math.sqrt(queries))
    assert (np.abs(z) > norm.ppf(0.975)).mean() == pytest.approx(0.8, abs=0.03)
    assert needed_queries(spread, true) == pytest.approx(queries, abs=1)
    assert needed_queries(spread, 0.0) == 0
    several = compare([0.0] * 50, {str(arm): draw.normal(0, 0.2, 50).tolist() for arm in range(4)}, rounds=100)
    assert several["0"].tests == 4
    assert several["0"].detectable == pytest.approx((norm.ppf(1 - 0.05 / 8) + norm.ppf(0.8)) * 0.2 / 50**0.5, rel=0.3)
    assert detectable_difference(spread, 0) == math.inf


def most_of(runs: int) -> float:
    """As many rejections at 5 % as the binomial 99 % bound allows."""
    return float(binom.ppf(0.99, runs, 0.05))


def test_equal_arms_are_rejected_no_more_often_than_the_level_allows() -> None:
    found = [compare(one, {"arm": two}, rounds=2000)["arm"].p < 0.05 for one, two in map(figures, range(SEEDS))]
    assert sum(found) <= most_of(SEEDS)


def test_several_equal_arms_are_corrected_for_being_several() -> None:
    runs, plain, corrected = SEEDS // 2, 0, 0
    for seed in range(runs):
        draw = np.random.default_rng(seed)
        base = draw.random(60)
        arms = {str(arm): (base + draw.normal(0, 0.2, 60)).tolist() for arm in range(4)}
        found = compare(base.tolist(), arms, rounds=1000, seed=seed).values()
        plain += any(one.p < 0.05 for one in found)
        corrected += any(one.adjusted < 0.05 for one in found)
    assert corrected <= most_of(runs) < plain


def test_groups_are_corrected_together() -> None:
    strong = [(0.0, 0.5)] * 12
    groups = {"short": strong, "long": [(0.5, 0.5)] * 10, "other": [(0.2, 0.3), (0.3, 0.2)] * 6}
    found = compare_groups(groups)
    assert found["short"].adjusted == pytest.approx(3 * found["short"].p)
    assert found["short"].wins == 12 and found["long"].ties == 10
    assert found["other"].adjusted == 1.0


def test_the_number_told_is_enough_for_one_arm_of_several() -> None:
    """The arm with the gain is found four times in five, though Holm's correction is over all."""
    for arms in (1, 8):
        needed = needed_queries(0.3, 0.05, arms)
        draw = np.random.default_rng(arms)
        found = 0
        for _ in range(300):
            z = draw.normal(0.05, 0.3, needed).mean() / (0.3 / math.sqrt(needed))
            plain = {"gains": float(2 * norm.sf(abs(z))), **{str(at): float(draw.random()) for at in range(1, arms)}}
            found += holm(plain)["gains"] < 0.05
        assert 0.75 <= found / 300 <= 0.88, f"{arms} arms, {needed} queries"


def test_no_change_is_the_rule_of_three() -> None:
    for queries in (30, 100, 300):
        assert ceiling_of([0.0] * queries) == pytest.approx(1 - 0.05 ** (1 / queries), rel=0.05)
    assert ceiling_of([]) == 1.0
    found = compare([0.5] * 40, {"same": [0.5] * 40}, rounds=200)["same"]
    assert (found.high, found.material) == (0.0, 0) and found.ceiling > 0.07


def test_a_ceiling_comes_down_when_changes_have_been_seen() -> None:
    changes = [0.06, -0.06] * (FEWEST_MATERIAL // 2)
    assert ceiling_of(changes + [0.0] * 270) < 0.003
    assert ceiling_of(changes[:-1] + [0.0] * 271) > 0.006, "one fewer, and what is unseen may be as large as can be"
    assert ceiling_of([0.04, -0.04] * 150) > 0.006, "small changes say nothing of large ones"


@pytest.mark.parametrize(
    ("queries", "share", "gain", "noise"),
    [(30, 0.03, 1.0, 0.0), (50, 0.03, 1.0, 0.0), (30, 0.05, 1.0, 0.0), (100, 0.03, 0.37, 0.0), (60, 0.03, 1.0, 0.03)],
)
def test_a_rare_gain_stays_below_the_ceiling(queries: int, share: float, gain: float, noise: float) -> None:
    draw = np.random.default_rng(queries)
    below = 0
    for _ in range(SEEDS):
        rare = draw.random(queries) < share
        differences = np.where(rare, gain, draw.normal(0, 1, queries) * noise)
        below += ceiling_of(differences.tolist(), rounds=400) < 0.01
    assert below <= most_of(SEEDS)
