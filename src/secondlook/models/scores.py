"""What a reranker's number means, and how it becomes a score in [0, 1]: pair by pair, never over a batch."""

import math
from collections.abc import Sequence

from secondlook.errors import RerankerError
from secondlook.ports import ScoreKind

SLACK = 1e-3
"""How far a probability or cosine may lie outside its range: rounding of float16 and of printed numbers."""

RANK_CONSTANT = 60
"""k of the rank formula, the same as in fusion."""


def to_unit(kind: ScoreKind, value: float) -> float:
    """The score in [0, 1] of one pair.

    ``logit``: 1 / (1 + e^-x). ``probability``: as it is. ``cosine``: (1 + x) / 2.
    ``rank``: (k + 1) / (k + x), x counting from 1. ``unknown``: (1 + x / (1 + |x|)) / 2,
    which keeps the order and means nothing else: hold no threshold against it.

    Raises:
        RerankerError: the value is no number, or outside the range of its kind.
    """
    if not math.isfinite(value):
        raise RerankerError(f"a score is {value}, which is not a number", "answer")
    if kind == "logit":
        return sigmoid(value)
    if kind == "unknown":
        return (1 + value / (1 + abs(value))) / 2
    if kind == "rank":
        if value < 1:
            raise RerankerError(f"a rank is {value:g}; ranks count from 1", "answer")
        return (RANK_CONSTANT + 1) / (RANK_CONSTANT + value)
    least = -1 if kind == "cosine" else 0
    if not least - SLACK <= value <= 1 + SLACK:
        raise RerankerError(
            f"a score is {value:g}, which is not a {kind}: set score_kind to what the model gives", "answer"
        )
    held = min(max(value, least), 1.0)
    return (1 + held) / 2 if kind == "cosine" else held


def to_units(kind: ScoreKind, values: Sequence[float]) -> tuple[float, ...]:
    """Each value by itself."""
    return tuple(to_unit(kind, value) for value in values)


def sigmoid(logit: float) -> float:
    """1 / (1 + e^-logit), without overflow."""
    if logit >= 0:
        return 1 / (1 + math.exp(-logit))
    power = math.exp(logit)
    return power / (1 + power)
