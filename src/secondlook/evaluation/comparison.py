"""An arm against a baseline, query by query: how large the difference is, and how sure one may be of it."""

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from secondlook.evaluation.significance import TOLERANCE, randomisation_p

Key = TypeVar("Key", bound=Hashable)
ROUNDS = 10_000
LEVEL = 0.05
"""The error of the first kind that all tests allow, after Holm's correction."""
POWER_SUM = 1.959964 + 0.841621
"""Standard normal quantiles of 1 - 0.05 / 2 and of a power of 0.8, added (Cohen 1988)."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """An arm against the baseline, on the same queries.

    Attributes:
        mean: of the arm; ``baseline`` of the baseline.
        low, high: 95 % bootstrap interval of the mean difference.
        p: two-sided, of the paired randomisation test; ``adjusted`` after Holm's correction over all arms.
        wins, ties, losses: queries.
        detectable: the smallest true difference that so many queries show with a power of 0.8.
        needed: how many queries would show the difference that was seen; 0 if there is none.
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
        name: _comparison(baseline, figures, (plain[name], adjusted[name]), rounds=rounds, seed=seed)
        for name, figures in arms.items()
    }


def compare_groups(
    groups: Mapping[Key, Sequence[tuple[float, float]]], *, rounds: int = ROUNDS
) -> dict[Key, Comparison]:
    """One arm against the baseline on several groups of queries; p-values are corrected over the groups.

    Args:
        groups: pairs of the baseline's and the arm's figure, one a query.
    """
    columns = {key: tuple(zip(*pairs, strict=True)) for key, pairs in groups.items()}
    plain = {key: randomisation_p(arm, base, rounds=rounds) for key, (base, arm) in columns.items()}
    adjusted = holm(plain)
    return {
        key: _comparison(base, arm, (plain[key], adjusted[key]), rounds=rounds, seed=0)
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


def detectable_difference(spread: float, queries: int) -> float:
    """The smallest true mean difference that is found with a power of 0.8 at a level of 0.05, two-sided.

    (z(1 - 0.05 / 2) + z(0.8)) * spread / sqrt(queries), ``spread`` being the standard deviation of the differences.

    Source:
        Sakai, Information Retrieval Journal 2016.
    """
    return POWER_SUM * spread / math.sqrt(queries) if queries else math.inf


def needed_queries(spread: float, difference: float) -> int:
    """How many queries show that difference with a power of 0.8; 0 when there is none to be shown."""
    return math.ceil((POWER_SUM * spread / difference) ** 2) if abs(difference) > TOLERANCE else 0


def _comparison(
    baseline: Sequence[float], figures: Sequence[float], p_values: tuple[float, float], *, rounds: int, seed: int
) -> Comparison:
    differences = np.asarray(figures, np.float64) - np.asarray(baseline, np.float64)
    spread = float(differences.std(ddof=1)) if len(differences) > 1 else 0.0
    mean = float(differences.mean()) if len(differences) else 0.0
    low, high = bootstrap_interval(differences.tolist(), rounds=rounds, seed=seed)
    return Comparison(
        mean=float(np.mean(figures)) if len(figures) else 0.0,
        baseline=float(np.mean(baseline)) if len(baseline) else 0.0,
        low=low,
        high=high,
        p=p_values[0],
        adjusted=p_values[1],
        wins=int((differences > TOLERANCE).sum()),
        ties=int((np.abs(differences) <= TOLERANCE).sum()),
        losses=int((differences < -TOLERANCE).sum()),
        detectable=detectable_difference(spread, len(differences)),
        needed=needed_queries(spread, mean),
    )
