"""Whether a difference between two arms is more than chance."""

from collections.abc import Sequence

import numpy as np

ROUNDS = 10_000
TOLERANCE = 1e-12


def randomisation_p(left: Sequence[float], right: Sequence[float], *, rounds: int = ROUNDS, seed: int = 0) -> float:
    """Two-sided p-value of the paired randomisation test on the mean difference.

    Each query's two figures change places at random; p = (1 + rounds whose mean
    difference is at least as far from 0) / (1 + rounds).

    Args:
        left, right: one figure a query, in the same order.

    Source:
        Smucker, Allan and Carterette, CIKM 2007.
    """
    if len(left) != len(right):
        raise ValueError(f"{len(left)} figures cannot be paired with {len(right)}")
    difference = np.asarray(left, np.float64) - np.asarray(right, np.float64)
    if not len(difference) or not difference.any():
        return 1.0
    observed = abs(difference.sum())
    generator = np.random.default_rng(seed)
    extreme = 0
    for start in range(0, rounds, 1000):
        signs = generator.integers(0, 2, (min(1000, rounds - start), len(difference)), np.int8) * 2 - 1
        extreme += int((np.abs(signs @ difference) >= observed - TOLERANCE).sum())
    return (1 + extreme) / (1 + rounds)
