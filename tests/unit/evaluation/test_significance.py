"""The randomisation test is the one of the paper: exact by enumeration, and near scipy's."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import permutation_test

from secondlook.evaluation.significance import randomisation_p

FIGURES = st.lists(st.tuples(st.sampled_from([0.0, 0.25, 0.5, 1.0]), st.sampled_from([0.0, 0.5, 1.0])), max_size=8)


def exact_p(left: list[float], right: list[float]) -> float:
    """The share of all exchanges whose sum of differences is at least as far from 0."""
    differences = [one - two for one, two in zip(left, right, strict=True)]
    observed = abs(sum(differences))
    sums = [
        sum(sign * one for sign, one in zip(signs, differences, strict=True))
        for signs in itertools.product((-1, 1), repeat=len(differences))
    ]
    return sum(abs(one) >= observed - 1e-9 for one in sums) / len(sums)


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        ([1.0] * 8, [0.0] * 8, 2 / 256),
        ([1.0, 1.0, 1.0], [0.5, 0.5, 0.5], 2 / 8),
        ([1.0, 0.0], [0.0, 1.0], 1.0),
        ([0.9, 0.4, 0.7, 0.6], [0.1, 0.5, 0.2, 0.6], 0.5),
    ],
)
def test_small_sets_by_hand(left: list[float], right: list[float], expected: float) -> None:
    assert exact_p(left, right) == pytest.approx(expected)
    assert randomisation_p(left, right) == pytest.approx(expected, abs=0.02)


def test_it_is_near_scipys() -> None:
    chance = np.random.default_rng(7)
    left = chance.random(40)
    right = left - 0.05 + 0.15 * chance.standard_normal(40)

    def mean_difference(one: np.ndarray, two: np.ndarray) -> float:
        return float(np.mean(one - two))

    theirs = permutation_test(
        (left, right), mean_difference, permutation_type="samples", n_resamples=20_000, rng=np.random.default_rng(3)
    )
    assert 0.001 < theirs.pvalue < 0.5, "a set that tells nothing apart shows nothing"
    assert randomisation_p(list(left), list(right)) == pytest.approx(theirs.pvalue, abs=0.01)


def test_nothing_to_tell_apart_is_1() -> None:
    assert randomisation_p([], []) == 1.0
    assert randomisation_p([0.3, 0.4], [0.3, 0.4]) == 1.0


def test_figures_that_cannot_be_paired() -> None:
    with pytest.raises(ValueError, match="2 figures cannot be paired with 1"):
        randomisation_p([0.1, 0.2], [0.1])


def test_never_0_and_smaller_with_more_rounds() -> None:
    left, right = [1.0] * 30, [0.0] * 30
    assert randomisation_p(left, right, rounds=99) == pytest.approx(1 / 100)
    assert randomisation_p(left, right, rounds=1500) == pytest.approx(1 / 1501)


@given(FIGURES, st.integers(0, 3))
def test_laws(pairs: list[tuple[float, float]], seed: int) -> None:
    left, right = [one for one, _ in pairs], [two for _, two in pairs]
    found = randomisation_p(left, right, rounds=300, seed=seed)
    assert 0 < found <= 1
    assert found == randomisation_p(right, left, rounds=300, seed=seed)
    assert found == randomisation_p(left, right, rounds=300, seed=seed)
