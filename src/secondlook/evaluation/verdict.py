"""What to do about reranking, in one word and one sentence, from the comparisons of all arms."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from secondlook.evaluation.comparison import LEVEL, Comparison

Answer = Literal["on", "on with weight", "off", "not enough evidence"]
FEWEST_QUERIES = 30
"""Below this nothing is said: the tests rest on too few differences."""
WORTH = 0.01
"""A difference of nDCG@10 that is worth a decision; one that is smaller is not looked for."""


@dataclass(frozen=True, slots=True)
class Measured:
    """An arm, as a verdict sees it.

    Attributes:
        weight: share of the relevance in the score.
        flagged: whether something is wrong with it, such as many results that nobody judged; it is never rewarded.
        p95: milliseconds of a search at the 95th percentile.
    """

    name: str
    comparison: Comparison
    weight: float = 1.0
    flagged: bool = False
    p95: float = 0.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer, the arm it is about, and the sentence to quote."""

    answer: Answer
    arm: str
    weight: float
    sentence: str


def judge(arms: Sequence[Measured], *, queries: int, budget: float | None = None) -> Verdict:
    """The verdict.

    ``on`` needs a difference that is significant after correction. Of the arms that have one, the cheapest stands
    that is not more than ``WORTH`` below the best. ``off`` needs that no arm may be better by ``WORTH``: the upper end
    of every interval lies below it. All else is not enough evidence. A flagged arm is never rewarded.

    Args:
        queries: how many were measured.
        budget: milliseconds that a search may take at the 95th percentile; None for any.
    """
    if not arms:
        return Verdict("not enough evidence", "", 0.0, "no arm was measured against the baseline")
    if queries < FEWEST_QUERIES:
        told = f"{queries} queries are too few to tell: at least {FEWEST_QUERIES} are needed"
        return Verdict("not enough evidence", "", 0.0, told)
    within = [one for one in arms if budget is None or one.p95 <= budget]
    better = [
        one for one in within if one.comparison.difference > 0 and one.comparison.adjusted < LEVEL and not one.flagged
    ]
    if better:
        return _on(better, queries)
    if not within:
        return Verdict("off", "", 0.0, f"no arm stays within {budget:g} ms at the 95th percentile")
    hopeful = max(within, key=lambda one: one.comparison.high)
    if hopeful.comparison.high < WORTH:
        told = (
            f"over {queries} queries no arm can be expected to gain {WORTH:g} of nDCG@10: {hopeful.name}, the most"
            f" hopeful, lies between {hopeful.comparison.low:+.4f} and {hopeful.comparison.high:+.4f}"
        )
        return Verdict("off", "", 0.0, told)
    return _unsure(hopeful, queries)


def pareto_front(arms: Mapping[str, tuple[float, float]]) -> list[str]:
    """The arms that no other one beats in both quality (more) and cost (less), cheapest first.

    Args:
        arms: name -> quality, cost.
    """
    found: list[str] = []
    best = float("-inf")
    for name, (quality, _) in sorted(arms.items(), key=lambda pair: (pair[1][1], -pair[1][0])):
        if quality > best:
            found.append(name)
            best = quality
    return found


def _on(better: Sequence[Measured], queries: int) -> Verdict:
    best = max(better, key=lambda one: one.comparison.mean)
    chosen = min(
        (one for one in better if one.comparison.mean >= best.comparison.mean - WORTH), key=lambda one: one.p95
    )
    figures = chosen.comparison
    told = (
        f"over {queries} queries {chosen.name} raises nDCG@10 from {figures.baseline:.4f} to {figures.mean:.4f}"
        f" (95 % interval of the gain {figures.low:+.4f} to {figures.high:+.4f}, p = {figures.adjusted:.4f} after"
        f" correction; {figures.wins} better, {figures.ties} equal, {figures.losses} worse)"
    )
    return Verdict("on" if chosen.weight == 1 else "on with weight", chosen.name, chosen.weight, told)


def _unsure(hopeful: Measured, queries: int) -> Verdict:
    figures = hopeful.comparison
    told = (
        f"over {queries} queries {hopeful.name} changes nDCG@10 by {figures.difference:+.4f}, and the interval from"
        f" {figures.low:+.4f} to {figures.high:+.4f} holds both harm and gain; a difference of"
        f" {figures.detectable:.4f} would have been seen"
    )
    if figures.needed > queries:
        told += f", and this one needs about {figures.needed:,} queries"
    return Verdict("not enough evidence", hopeful.name, 0.0, told)
