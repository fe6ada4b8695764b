"""How far a judge and people agree, beyond what chance would bring."""

from collections.abc import Sequence


def cohen_kappa(pairs: Sequence[tuple[bool, bool]]) -> float | None:
    """(observed - expected) / (1 - expected) agreement of people, the first of each pair, and a judge.

    None without pairs, and where people said the same of all: kappa is then 0 however often the judge said it too.

    Source:
        Cohen, Educational and Psychological Measurement 1960.
    """
    observed = share_agreed(pairs)
    if observed is None or len({left for left, _ in pairs}) < 2:
        return None
    first = sum(left for left, _ in pairs) / len(pairs)
    second = sum(right for _, right in pairs) / len(pairs)
    expected = first * second + (1 - first) * (1 - second)
    return (observed - expected) / (1 - expected)


def share_agreed(pairs: Sequence[tuple[bool, bool]]) -> float | None:
    """The share of pairs in which both say the same; None without pairs."""
    return sum(left == right for left, right in pairs) / len(pairs) if pairs else None
