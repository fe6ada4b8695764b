"""Measures of a ranking against judgments; all lie in [0, 1]."""

import math
from collections.abc import Mapping, Sequence

Judgments = Mapping[str, int]
"""Document id -> grade; 0 or absent is not relevant."""


def ndcg_at(k: int, ranked: Sequence[str], judgments: Judgments) -> float:
    """DCG of the first ``k`` over the best attainable DCG; gain = grade, discount = log2(rank + 1).

    Source:
        Järvelin and Kekäläinen, TOIS 2002, with linear gains, as trec_eval's ndcg_cut.
    """
    found = _dcg([max(0, judgments.get(one, 0)) for one in ranked[:k]])
    best = _dcg(sorted((grade for grade in judgments.values() if grade > 0), reverse=True)[:k])
    return found / best if best else 0.0


def reciprocal_rank_at(k: int, ranked: Sequence[str], judgments: Judgments) -> float:
    """1 / rank of the first relevant document among the first ``k``; 0 if none is."""
    for rank, one in enumerate(ranked[:k], 1):
        if judgments.get(one, 0) > 0:
            return 1 / rank
    return 0.0


def recall_at(k: int, ranked: Sequence[str], judgments: Judgments) -> float:
    """Share of the relevant documents that stand among the first ``k``."""
    relevant = {one for one, grade in judgments.items() if grade > 0}
    return len(relevant & set(ranked[:k])) / len(relevant) if relevant else 0.0


def _dcg(grades: Sequence[int]) -> float:
    return sum(grade / math.log2(rank + 1) for rank, grade in enumerate(grades, 1))
