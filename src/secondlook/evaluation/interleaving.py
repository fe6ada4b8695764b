"""Two orders in one list, and which of them people click: the test that needs no judgments."""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from math import comb
from random import Random
from typing import Literal, TypeVar

Team = Literal["retrieval", "reranked"]
Item = TypeVar("Item", bound=Hashable)
LEVEL = 0.05
FEWEST = 30
"""Decided queries below which nothing is said."""


def team_draft(
    retrieval: Sequence[Item], reranked: Sequence[Item], size: int, random: Random
) -> list[tuple[Item, Team]]:
    """One list of both: the team with fewer picks, by a coin where they are even, takes its best that is not there yet.

    Source:
        Radlinski, Kurup and Joachims, CIKM 2008.
    """
    orders: dict[Team, Sequence[Item]] = {"retrieval": retrieval, "reranked": reranked}
    picks: dict[Team, int] = {"retrieval": 0, "reranked": 0}
    found: dict[Item, Team] = {}
    while len(found) < size:
        first: Team = "retrieval" if random.random() < 0.5 else "reranked"
        second: Team = "reranked" if first == "retrieval" else "retrieval"
        turn = first if picks[first] <= picks[second] else second
        for team in (turn, second if turn == first else first):
            best = next((one for one in orders[team] if one not in found), None)
            if best is not None:
                found[best] = team
                picks[team] += 1
                break
        else:
            break
    return list(found.items())


@dataclass(frozen=True, slots=True)
class Outcome:
    """Over all queries of which something was clicked: which team had more clicks.

    Attributes:
        p: two-sided and always valid, as ``always_valid_p`` has it, over the decided queries.
        share: of the decided queries that reranking won.
    """

    wins: int
    ties: int
    losses: int
    p: float
    share: float

    @property
    def answer(self) -> Literal["on", "off", "not enough evidence"]:
        """What people's clicks say of reranking."""
        if self.wins + self.losses < FEWEST or self.p >= LEVEL:
            return "not enough evidence"
        return "on" if self.wins > self.losses else "off"


def settle(clicks: Iterable[Iterable[Team]]) -> Outcome:
    """The outcome of the clicks of each query.

    Source:
        Chapelle, Joachims, Radlinski and Yue, TOIS 2012.
    """
    wins = ties = losses = 0
    for teams in clicks:
        told = list(teams)
        if told:
            margin = told.count("reranked") - told.count("retrieval")
            wins, ties, losses = wins + (margin > 0), ties + (margin == 0), losses + (margin < 0)
    decided = wins + losses
    return Outcome(wins, ties, losses, always_valid_p(wins, losses), wins / decided if decided else 0.5)


def always_valid_p(wins: int, losses: int) -> float:
    """How a fair coin stands after these throws, two-sided: it falls to ``x`` at any time of an endless row of throws
    with a chance of at most ``x``.

    So one may look after every click and stop at the first p under the level, which a sign test does not allow. It is
    the likelihood of the throws under a fair coin over that under a coin of unknown bias, evenly spread from 0 to 1.

    Source:
        Ville's inequality on the mixture of Robbins, Annals of Mathematical Statistics 41(5), 1970; Johari, Koomen,
        Pekelis and Walsh, Operations Research 70(3), 2022.
    """
    number = wins + losses
    return min(1.0, float((number + 1) * comb(number, wins) / 2**number))
