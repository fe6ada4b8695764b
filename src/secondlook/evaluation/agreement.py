"""How far a judge and people agree, beyond what chance would bring."""

from collections.abc import Sequence


def cohen_kappa(pairs: Sequence[tuple[bool, bool]]) -> float | None:
    """(observed - expected) / (1 - expected) agreement of two raters; None without pairs, 1 where both always say one.

    Source:
        Cohen, Educational and Psychological Measurement 1960.
    """
    if not pairs:
        return None
    observed = sum(left == right for left, right in pairs) / len(pairs)
    first = sum(left for left, _ in pairs) / len(pairs)
    second = sum(right for _, right in pairs) / len(pairs)
    expected = first * second + (1 - first) * (1 - second)
    return 1.0 if expected == 1 else (observed - expected) / (1 - expected)
