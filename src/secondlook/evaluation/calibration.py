"""From scores to probabilities of relevance, and how far they can be trusted."""

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

Method = Literal["isotonic", "platt"]
FEWEST = 50
"""Pairs that an isotonic fit needs; with fewer it follows the noise, and Platt's two numbers serve."""
STEPS = 100
BINS = 10
SMALL = 1e-6


@dataclass(frozen=True, slots=True)
class Calibration:
    """A rising function from a score to the probability that the passage is relevant.

    ``isotonic``: straight lines between the points (``scores``, ``probabilities``), level outside them.
    ``platt``: 1 / (1 + exp(-(slope * score + intercept))).
    """

    method: Method
    scores: tuple[float, ...] = ()
    probabilities: tuple[float, ...] = ()
    slope: float = 0.0
    intercept: float = 0.0

    def probability(self, score: float) -> float:
        """In [0, 1]."""
        if self.method == "platt":
            return _sigmoid(self.slope * score + self.intercept)
        return float(np.interp(score, self.scores, self.probabilities))

    def threshold(self, probability: float) -> float | None:
        """The least score in [0, 1] that is worth the probability; None if no score is."""
        if self.probability(1.0) < probability:
            return None
        low, high = 0.0, 1.0
        if self.probability(low) >= probability:
            return low
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (low, middle) if self.probability(middle) >= probability else (middle, high)
        return high


@dataclass(frozen=True, slots=True)
class Bin:
    """Pairs whose probability lies between ``low`` and ``high``: what was said of them, and what was true."""

    low: float
    high: float
    pairs: int
    told: float
    true: float


def fit(scores: Sequence[float], relevant: Sequence[bool]) -> Calibration:
    """Isotonic where there are enough pairs of both kinds, else Platt's."""
    least = min(sum(relevant), len(relevant) - sum(relevant))
    return fit_isotonic(scores, relevant) if least >= FEWEST else fit_platt(scores, relevant)


def fit_isotonic(scores: Sequence[float], relevant: Sequence[bool]) -> Calibration:
    """The rising step function with the least squared error, the middles of its steps joined by straight lines.

    Source:
        Pool-adjacent-violators; Zadrozny and Elkan, KDD 2002.
    """
    by_score: dict[float, list[float]] = {}
    for score, outcome in sorted(zip(scores, relevant, strict=True)):
        told = by_score.setdefault(score, [0.0, 0.0, 0.0])
        told[0], told[1], told[2] = told[0] + score, told[1] + float(outcome), told[2] + 1.0
    blocks: list[list[float]] = []  # sum of scores, sum of outcomes, pairs
    for one in by_score.values():
        blocks.append(one)
        while len(blocks) > 1 and blocks[-2][1] / blocks[-2][2] >= blocks[-1][1] / blocks[-1][2]:
            last = blocks.pop()
            blocks[-1] = [left + right for left, right in zip(blocks[-1], last, strict=True)]
    return Calibration(
        "isotonic",
        scores=tuple(block[0] / block[2] for block in blocks),
        probabilities=tuple(block[1] / block[2] for block in blocks),
    )


def fit_platt(scores: Sequence[float], relevant: Sequence[bool]) -> Calibration:
    """The logistic curve of the greatest likelihood, towards outcomes that are drawn a little to the middle.

    Newton's method on two numbers. With N+ relevant pairs their outcome counts as (N+ + 1) / (N+ + 2), that of the N-
    others as 1 / (N- + 2).

    Source:
        Platt 1999; Lin, Lin and Weng, Machine Learning 2007.
    """
    x, yes = np.asarray(scores, np.float64), np.asarray(relevant, bool)
    if not len(x):
        return Calibration("platt", intercept=0.0)
    wanted = np.where(yes, (yes.sum() + 1) / (yes.sum() + 2), 1 / ((~yes).sum() + 2))
    slope, intercept = 0.0, float(np.log(wanted.mean() / (1 - wanted.mean())))
    for _ in range(STEPS):
        told = 1 / (1 + np.exp(-np.clip(slope * x + intercept, -30, 30)))
        error, weight = told - wanted, told * (1 - told) + SMALL
        gradient = np.array([(error * x).sum(), error.sum()])
        second = np.array([[(weight * x * x).sum() + SMALL, (weight * x).sum()], [(weight * x).sum(), weight.sum()]])
        step = np.linalg.solve(second, gradient)
        slope, intercept = slope - float(step[0]), intercept - float(step[1])
        if np.abs(step).max() < SMALL:
            break
    return Calibration("platt", slope=max(0.0, slope), intercept=intercept)


def brier_score(told: Sequence[float], relevant: Sequence[bool]) -> float:
    """The mean squared distance between the probability and what was true, 0 at best.

    Source:
        Brier, Monthly Weather Review 1950.
    """
    return sum((one - outcome) ** 2 for one, outcome in zip(told, relevant, strict=True)) / max(1, len(told))


def reliability(told: Sequence[float], relevant: Sequence[bool], *, bins: int = BINS) -> list[Bin]:
    """The pairs in ``bins`` equal ranges of the probability; ranges without a pair are left out.

    Source:
        DeGroot and Fienberg, The Statistician 1983.
    """
    edges = [(at + 1) / bins for at in range(bins)]
    places: list[list[tuple[float, bool]]] = [[] for _ in range(bins)]
    for probability, outcome in zip(told, relevant, strict=True):
        places[min(bins - 1, bisect_left(edges, probability))].append((probability, outcome))
    return [
        Bin(at / bins, (at + 1) / bins, len(found), sum(p for p, _ in found) / len(found), _share(found))
        for at, found in enumerate(places)
        if found
    ]


def threshold_for_precision(scores: Sequence[float], relevant: Sequence[bool], precision: float) -> float | None:
    """The least score at or above which at least that share of the pairs is relevant; None if there is none."""
    pairs = sorted(zip(scores, relevant, strict=True), reverse=True)
    found: float | None = None
    good = 0
    for number, (score, outcome) in enumerate(pairs, 1):
        good += outcome
        last_of_its_score = number == len(pairs) or pairs[number][0] != score
        if last_of_its_score and good >= precision * number:
            found = score
    return found


def _share(found: Sequence[tuple[float, bool]]) -> float:
    return sum(outcome for _, outcome in found) / len(found)


def _sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-value)) if value >= 0 else math.exp(value) / (1 + math.exp(value))
