"""From scores to probabilities of relevance, and how far they can be trusted."""

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

Method = Literal["isotonic", "platt"]
FEWEST = 50
"""Pairs that an isotonic fit needs; with fewer it follows the noise, and Platt's two numbers serve."""
STEPS = 100
BINS = 10
SMALL = 1e-6
FEWEST_ABOVE = 20
"""Pairs at or above a score without which nothing is said of their precision."""
SURE = 1.644854
"""Standard normal quantile of 0.95: how sure a precision is, one-sided."""


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

    Newton's method on two numbers, each step halved until it does not lessen the likelihood. With N+ relevant pairs
    their outcome counts as (N+ + 1) / (N+ + 2), that of the N- others as 1 / (N- + 2). Where the likeliest curve falls,
    the score says nothing, and the level line of the greatest likelihood stands: the share of relevant pairs.

    Source:
        Platt 1999; Lin, Lin and Weng, Machine Learning 2007.
    """
    x, yes = np.asarray(scores, np.float64), np.asarray(relevant, bool)
    if not len(x):
        return Calibration("platt", intercept=0.0)
    wanted = np.where(yes, (yes.sum() + 1) / (yes.sum() + 2), 1 / ((~yes).sum() + 2))
    level = float(np.log(wanted.mean() / (1 - wanted.mean())))
    line = np.array([0.0, level])
    design = np.column_stack([x, np.ones_like(x)])

    def loss(at: npt.NDArray[np.float64]) -> float:
        z = design @ at
        return float((np.logaddexp(0, z) - wanted * z).sum())

    for _ in range(STEPS):
        told = 1 / (1 + np.exp(-np.clip(design @ line, -30, 30)))
        weight = told * (1 - told) + SMALL
        second = design.T @ (design * weight[:, None]) + np.diag([SMALL, 0.0])
        step = np.linalg.solve(second, design.T @ (told - wanted))
        before = loss(line)
        while np.abs(step).max() >= SMALL and loss(line - step) > before:
            step /= 2
        line -= step
        if np.abs(step).max() < SMALL:
            break
    if line[0] <= 0:
        return Calibration("platt", intercept=level)
    return Calibration("platt", slope=float(line[0]), intercept=float(line[1]))


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
    """The least score at or above which at least that share of the pairs is relevant; None if there is none.

    Of ``FEWEST_ABOVE`` pairs or more, and with a certainty of 0.95: the lower end of Wilson's interval reaches it.

    Source:
        Wilson, Journal of the American Statistical Association 1927.
    """
    pairs = sorted(zip(scores, relevant, strict=True), reverse=True)
    found: float | None = None
    good = 0
    for number, (score, outcome) in enumerate(pairs, 1):
        good += outcome
        last_of_its_score = number == len(pairs) or pairs[number][0] != score
        if last_of_its_score and number >= FEWEST_ABOVE and _least_share(good, number) >= precision:
            found = score
    return found


def _least_share(good: int, number: int) -> float:
    """The lower end of Wilson's interval, one-sided."""
    share, square = good / number, SURE * SURE / number
    return (share + square / 2 - SURE * math.sqrt(share * (1 - share) / number + square / number / 4)) / (1 + square)


def _share(found: Sequence[tuple[float, bool]]) -> float:
    return sum(outcome for _, outcome in found) / len(found)


def _sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-value)) if value >= 0 else math.exp(value) / (1 + math.exp(value))
