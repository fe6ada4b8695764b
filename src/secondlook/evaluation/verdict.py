"""What to do about reranking, in one word and one sentence, from the comparisons of all arms."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from secondlook.domain.wording import plural
from secondlook.evaluation.comparison import FEWEST_MATERIAL, LEVEL, MATERIAL, Comparison

Answer = Literal["on", "on with weight", "off", "not enough evidence"]
FEWEST_QUERIES = 30
"""Below this nothing is said: the tests rest on too few differences."""
WORTH = 0.01
"""A difference of nDCG@10 that is worth a decision; one that is smaller is not looked for."""
FEWEST_UNCHANGED = math.ceil(math.log(LEVEL) / math.log(1 - WORTH))
"""Queries of which none changed that shut out a gain of ``WORTH`` which so few would not have shown."""


@dataclass(frozen=True, slots=True)
class Measured:
    """An arm, as a verdict sees it.

    Attributes:
        weight: share of the relevance in the score.
        p95: milliseconds of a search at the 95th percentile.
        unjudged: words about results of it that nobody judged, if they are too many; empty otherwise.
        failed: words about failures of its reranker, if they are too many.
        poorer: words about how it stays below the search as it is set, if it does though its retrieval is its own.
        as_set: the comparison with the search as it is set, where ``comparison`` is with another.
    """

    name: str
    comparison: Comparison
    weight: float = 1.0
    p95: float = 0.0
    unjudged: str = ""
    failed: str = ""
    poorer: str = ""
    as_set: Comparison | None = None

    @property
    def flags(self) -> tuple[str, ...]:
        """What is wrong with it."""
        return tuple(one for one in (self.unjudged, self.failed, self.poorer) if one)

    @property
    def is_hopeless(self) -> bool:
        """Whether it cannot be better by ``WORTH``, as far as it was measured."""
        return max(self.least.high, self.least.ceiling) < WORTH

    @property
    def least(self) -> Comparison:
        """Of its comparisons that with the lower hope of a gain: reranking is to be better than both."""
        both = [one for one in (self.comparison, self.as_set) if one]
        return min(both, key=lambda one: max(one.high, one.ceiling))


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer, the arm it is about, and the sentence to quote."""

    answer: Answer
    arm: str
    weight: float
    sentence: str


@dataclass(frozen=True, slots=True)
class Basis:
    """The queries that a verdict stands on.

    Attributes:
        queries: how many were measured of which a relevant passage is known.
        synthetic: those of them that were made from the documents.
        left_out: queries beside them of which no relevant passage is known.
        found: whether any arm, or the baseline, found anything relevant among its first ten results.
        unknown_items: judged items that are not in the index.
    """

    queries: int
    synthetic: int = 0
    left_out: int = 0
    found: bool = True
    unknown_items: int = 0

    def __str__(self) -> str:
        if self.synthetic and self.synthetic == self.queries:
            return f"{self.queries:,} synthetic queries (made from the documents)"
        made = f" ({self.synthetic:,} of them synthetic, made from the documents)" if self.synthetic else ""
        return f"{self.queries:,} queries{made}"

    @property
    def is_made(self) -> bool:
        """Whether too few of them were asked by people for a word against reranking."""
        return bool(self.synthetic) and self.queries - self.synthetic < FEWEST_QUERIES


def judge(arms: Sequence[Measured], basis: Basis, *, budget: float | None = None) -> Verdict:
    """The verdict.

    ``on`` needs a difference that is significant after correction. Of the arms that have one, the cheapest stands
    that is not more than ``WORTH`` below the best. ``off`` needs that no arm may be better by ``WORTH``: interval and
    ceiling of each end below it, nothing is wrong with any, and people asked the queries. All else is not enough
    evidence. An arm that something is wrong with is never rewarded, and never taken for one that gains nothing.

    Args:
        budget: milliseconds that a search may take at the 95th percentile; None for any.
    """
    if shortage := _shortage(arms, basis):
        return _unsure("", shortage)
    within = [one for one in arms if budget is None or one.p95 <= budget]
    better = [one for one in within if one.comparison.difference > 0 and one.comparison.adjusted < LEVEL]
    if sound := [one for one in better if not one.flags]:
        return _on(sound, basis)
    doubtful = [one for one in arms if one.failed or (one.unjudged and one in within)]
    if undecided := [*doubtful, *(one for one in within if one not in doubtful and not one.is_hopeless)]:
        first = max(undecided, key=_hope)
        return _unsure(first.name, _doubt(first, basis) if first.flags else _open(first, basis))
    return _off(within, basis, budget)


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


def _shortage(arms: Sequence[Measured], basis: Basis) -> str:
    """What is missing before anything can be said; empty for nothing."""
    if not arms:
        return "no configuration was measured against the baseline"
    if basis.queries and not basis.found:
        unknown = f" ({plural(basis.unknown_items, 'judged item')} not in the index)" if basis.unknown_items else ""
        return (
            f"over {basis}, no relevant result is among the first ten of any configuration{unknown}: make"
            " sure that the queries name the keys of items in this instance"
        )
    if basis.queries < FEWEST_QUERIES:
        more = f" ({basis.left_out:,} more have no known relevant passage)" if basis.left_out else ""
        return f"{basis}{more} are too few for a verdict: at least {FEWEST_QUERIES} are needed"
    return ""


def _on(better: Sequence[Measured], basis: Basis) -> Verdict:
    best = max(better, key=lambda one: one.comparison.mean)
    chosen = min(
        (one for one in better if one.comparison.mean >= best.comparison.mean - WORTH), key=lambda one: one.p95
    )
    figures = chosen.comparison
    told = (
        f"over {basis}, “{chosen.name}” raises nDCG@10 from {figures.baseline:.4f} to {figures.mean:.4f}"
        f" (95 % interval of the gain {figures.low:+.4f} to {figures.high:+.4f}, p = {figures.adjusted:.4f} after"
        f" correction; {figures.wins} better, {figures.ties} equal, {figures.losses} worse)"
    )
    return Verdict("on" if chosen.weight == 1 else "on with weight", chosen.name, chosen.weight, told)


def _off(within: Sequence[Measured], basis: Basis, budget: float | None) -> Verdict:
    """No arm of those within the budget is worth it; the queries alone may still be too little to say so."""
    if within:
        hopeful = max(within, key=_hope)
        told = (
            f"over {basis}, no configuration can be expected to gain {WORTH:g} of nDCG@10: the gain of the most"
            f" promising, “{hopeful.name}”, lies between {hopeful.least.low:+.4f} and {hopeful.least.high:+.4f}"
        )
    else:
        told = f"over {basis}, no configuration stays within {budget:g} ms at the 95th percentile"
    if not basis.is_made:
        return Verdict("off", "", 0.0, told)
    return _unsure(
        "", f"{told}; synthetic queries are too weak evidence for off: measure {FEWEST_QUERIES} real queries"
    )


def _hope(one: Measured) -> tuple[float, float]:
    return one.least.high, one.least.ceiling


def _unsure(arm: str, told: str) -> Verdict:
    return Verdict("not enough evidence", arm, 0.0, told)


def _doubt(arm: Measured, basis: Basis) -> str:
    """Why a flagged arm decides nothing, and what to do."""
    todo = ["have its results judged"] if arm.unjudged else []
    todo += ["fix its reranker or drop the configuration"] if arm.failed else []
    todo += ["add queries or drop the configuration"] if not todo else []
    return (
        f"over {basis}, there is no verdict on “{arm.name}”, because {' and '.join(arm.flags)}: {' and '.join(todo)},"
        f" and measure again (nDCG@10 changed by {arm.comparison.difference:+.4f} so far)"
    )


def _open(arm: Measured, basis: Basis) -> str:
    """Why an arm that may gain is not shown to."""
    figures = arm.comparison
    told = f"over {basis}, “{arm.name}” changes nDCG@10 by {figures.difference:+.4f}, "
    if figures.high < WORTH:
        return f"{told}and {_unseen(figures, basis)}"
    interval = f"the interval from {figures.low:+.4f} to {figures.high:+.4f}"
    if figures.low < 0:
        told += f"and {interval} includes both harm and gain"
    elif figures.p < LEVEL:
        told += (
            f"and {interval} excludes harm, but p = {figures.p:.4f} does not survive the correction for testing"
            f" {figures.tests} configurations (p = {figures.adjusted:.4f})"
        )
    else:
        told += f"and {interval} excludes harm, but it may be chance (p = {figures.p:.4f})"
    told += f"; a difference of {figures.detectable:.4f} would have been detected"
    return f"{told}, and this one needs about {figures.needed:,} queries" if figures.needed > basis.queries else told


def _unseen(figures: Comparison, basis: Basis) -> str:
    """Why the ceiling lies above an interval that holds no gain worth having."""
    if figures.material >= FEWEST_MATERIAL:
        return (
            f"one more change as large as the largest observed would still allow a gain of {figures.ceiling:.4f};"
            " more queries may settle it"
        )
    number = f"only {figures.material}" if figures.material else "none"
    told = f"{number} of them by {MATERIAL:g} or more, too few to rule out a gain of {figures.ceiling:.4f}"
    return told if basis.queries >= FEWEST_UNCHANGED else f"{told}; {FEWEST_UNCHANGED} queries may settle it"
