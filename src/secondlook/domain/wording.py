"""A count with its noun, in the right number, and a score in the digits that are shown."""

import math

DIGITS = 6
"""Of a score in answers of the API."""
TINY = 1e-9
"""What a binary fraction may lie below the decimal one that it stands for."""


def plural(count: int, noun: str, many: str = "") -> str:
    """``1 page``, ``2 pages``, ``1,200 pages``; ``many`` is the plural where adding an s does not make it."""
    return f"{count:,} {noun if count == 1 else many or f'{noun}s'}"


def figure(score: float, digits: int = 3) -> str:
    """The score in that many digits, never above what it is: who takes it for a threshold keeps the result."""
    scale = 10**digits
    return f"{math.floor(score * scale + TINY * scale) / scale:.{digits}f}"


def reaches(score: float, least: float) -> bool:
    """Whether a score passes a threshold, in the digits in which answers show it."""
    return score >= least or round(score, DIGITS) >= least
