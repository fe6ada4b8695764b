"""An arm against a baseline, query by query: how large the difference is, and how sure one may be of it."""

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import TypeVar

import numpy as np

from secondlook.evaluation.significance import TOLERANCE, randomisation_p

Key = TypeVar("Key", bound=Hashable)
ROUNDS = 10_000
LEVEL = 0.05
"""The error of the first kind that all tests allow, after Holm's correction."""
DRAWS = 4000
"""Of the weights behind a ceiling, at most."""
POWER = 0.8
MATERIAL = 0.05
"""A change of a query's nDCG@10 from which the query says something of how large changes are."""
FEWEST_MATERIAL = 30
"""Such queries without which a change that was not seen is taken for as large as can be."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """An arm against the baseline, on the same queries.

    Attributes:
        mean: of the arm; ``baseline`` of the baseline.
        low, high: 95 % bootstrap interval of the mean difference.
        p: two-sided, of the paired randomisation test; ``adjusted`` after Holm's correction over all arms.
        wins, ties, losses: queries.
        detectable: the smallest true difference that so many queries show with a power of 0.8; at most 1.
        needed: how many queries would show the difference that was seen; 0 if there is none.
        ceiling: what the true mean difference does not exceed, see ``ceiling_of``; not below ``high``.
        material: queries that changed by ``MATERIAL`` or more.
        tests: over how many arms p was corrected; ``detectable`` and ``needed`` allow each its share of the level.
    """

    mean: float
    baseline: float
    low: float
    high: float
    p: float
    adjusted: float
    wins: int
    ties: int
    losses: int
    detectable: float
    needed: int
    ceiling: float
    material: int
    tests: int = 1

    @property
    def difference(self) -> float:
        """Of the means."""
        return self.mean - self.baseline


def compare(
    baseline: Sequence[float], arms: Mapping[str, Sequence[float]], *, rounds: int = ROUNDS, seed: int = 0
) -> dict[str, Comparison]:
    """Every arm against the baseline; p-values are corrected over all of them.

    Args:
        baseline: one figure a query; each arm has its own in the same order.
    """
    plain = {name: randomisation_p(figures, baseline, rounds=rounds, seed=seed) for name, figures in arms.items()}
    adjusted = holm(plain)
    return {
        name: _comparison(baseline, figures, (plain[name], adjusted[name]), len(arms), rounds=rounds, seed=seed)
        for name, figures in arms.items()
    }


def compare_groups(
    groups: Mapping[Key, Sequence[tuple[float, float]]], *, rounds: int = ROUNDS
) -> dict[Key, Comparison]:
    """One arm against the baseline on several groups of queries; p-values are corrected over the groups.

    Args:
        groups: pairs of the baseline's and the arm's figure, one a query.
    """
    columns = {key: ([base for base, _ in pairs], [arm for _, arm in pairs]) for key, pairs in groups.items()}
    plain = {key: randomisation_p(arm, base, rounds=rounds) for key, (base, arm) in columns.items()}
    adjusted = holm(plain)
    return {
        key: _comparison(base, arm, (plain[key], adjusted[key]), len(groups), rounds=rounds, seed=0)
        for key, (base, arm) in columns.items()
    }


def holm(p_values: Mapping[Key, float]) -> dict[Key, float]:
    """The p-values, corrected for being several.

    The i-th smallest of m is multiplied by m - i (i from 0), and never less than one before it.

    Source:
        Holm, Scandinavian Journal of Statistics 1979.
    """
    found: dict[Key, float] = {}
    highest = 0.0
    for place, (name, p) in enumerate(sorted(p_values.items(), key=lambda pair: pair[1])):
        highest = max(highest, min(1.0, p * (len(p_values) - place)))
        found[name] = highest
    return {name: found[name] for name in p_values}


def bootstrap_interval(
    differences: Sequence[float], *, level: float = 1 - LEVEL, rounds: int = ROUNDS, seed: int = 0
) -> tuple[float, float]:
    """The percentile interval of the mean over resampled queries.

    Source:
        Efron, Annals of Statistics 1979; Sakai, SIGIR 2006, for retrieval.
    """
    values = np.asarray(differences, np.float64)
    if not len(values):
        return 0.0, 0.0
    generator = np.random.default_rng(seed)
    means = np.concatenate(
        [
            values[generator.integers(0, len(values), (min(500, rounds - start), len(values)))].mean(axis=1)
            for start in range(0, rounds, 500)
        ]
    )
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def ceiling_of(differences: Sequence[float], *, level: float = LEVEL, rounds: int = DRAWS, seed: int = 0) -> float:
    """What the true mean difference does not exceed, one-sided, with a certainty of 1 - ``level``.

    A bootstrap cannot draw what it has not seen: of a gain that three queries in a hundred have, 30 queries show none
    in two cases of five, and the interval is [0, 0]. So one difference more stands with those that were seen, and the
    weights of all are drawn evenly from those that add up to 1. It is 1, the largest that there can be, until
    ``FEWEST_MATERIAL`` queries have changed by ``MATERIAL`` or more; then it is the largest change that was seen.
    Where none of n queries changed, this is 1 - level^(1/n), the rule of three.

    Args:
        differences: one a query, in [-1, 1].

    Source:
        Gaffke, Discussiones Mathematicae 2005; Learned-Miller and Thomas, arXiv 1905.06208, 2019.
    """
    values = np.asarray(differences, np.float64)
    changed = values[np.abs(values) > TOLERANCE]
    sizes = np.abs(changed)
    unseen = float(sizes.max()) if (sizes >= MATERIAL - TOLERANCE).sum() >= FEWEST_MATERIAL else 1.0
    seen = np.append(changed, unseen)
    generator = np.random.default_rng(seed)
    means = []
    for start in range(0, rounds, 500):
        weights = generator.standard_exponential((min(500, rounds - start), len(seen)))
        rest = generator.standard_gamma(len(values) - len(changed), len(weights))  # of all that did not change
        means.append(weights @ seen / (weights.sum(axis=1) + rest))
    return float(np.quantile(np.concatenate(means), 1 - level))


def detectable_difference(spread: float, queries: int, tests: int = 1) -> float:
    """The smallest true mean difference that is found with a power of 0.8 at a level of 0.05 / tests, two-sided.

    (z(1 - 0.05 / tests / 2) + z(0.8)) * spread / sqrt(queries), ``spread`` being the standard deviation of the
    differences. Holm's correction is no stricter than that for any of the tests.

    Source:
        Sakai, Information Retrieval Journal 2016.
    """
    return _power_sum(tests) * spread / math.sqrt(queries) if queries else math.inf


def needed_queries(spread: float, difference: float, tests: int = 1) -> int:
    """How many queries show that difference with a power of 0.8; 0 when there is none to be shown."""
    return math.ceil((_power_sum(tests) * spread / difference) ** 2) if abs(difference) > TOLERANCE else 0


def _power_sum(tests: int) -> float:
    """Standard normal quantiles of 1 - level / 2 and of the power, added (Cohen 1988)."""
    return NormalDist().inv_cdf(1 - LEVEL / tests / 2) + NormalDist().inv_cdf(POWER)


def _comparison(
    baseline: Sequence[float],
    figures: Sequence[float],
    p_values: tuple[float, float],
    tests: int,
    *,
    rounds: int,
    seed: int,
) -> Comparison:
    differences = np.asarray(figures, np.float64) - np.asarray(baseline, np.float64)
    number = len(differences)
    spread = float(differences.std(ddof=1)) if number > 1 else 0.0
    mean = float(differences.mean()) if number else 0.0
    low, high = bootstrap_interval(differences.tolist(), rounds=rounds, seed=seed)
    return Comparison(
        mean=float(np.mean(figures)) if number else 0.0,
        baseline=float(np.mean(baseline)) if number else 0.0,
        low=low,
        high=high,
        p=p_values[0],
        adjusted=p_values[1],
        wins=int((differences > TOLERANCE).sum()),
        ties=int((np.abs(differences) <= TOLERANCE).sum()),
        losses=int((differences < -TOLERANCE).sum()),
        detectable=min(1.0, detectable_difference(spread, number, tests)) if number > 1 else 1.0,
        needed=needed_queries(spread, mean, tests),
        ceiling=max(high, ceiling_of(differences.tolist(), rounds=min(rounds, DRAWS), seed=seed)),
        material=int((np.abs(differences) >= MATERIAL - TOLERANCE).sum()),
        tests=tests,
    )
