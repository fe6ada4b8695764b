"""Lift candidates by their metadata."""

from collections.abc import Sequence

from secondlook.domain.candidate import Candidate, Ranking, Step, changed
from secondlook.domain.options import Boost, Boosting
from secondlook.telemetry import Stopwatch


def boost_candidates(ranking: Ranking, options: Boosting) -> Ranking:
    """Add to each score, for each boost, ``weight`` times a value in [0, 1].

    ``asc`` and ``desc`` scale the field min-max over the candidates (low or high wins;
    a candidate without the field gets 0); ``exists`` and ``not_exists`` give 1 or 0.
    Sums are divided by 1 + weight * boosts, so that scores stay in [0, 1].
    """
    with Stopwatch("boost") as watch:
        lifts = [_lift(ranking.candidates, boost) for boost in options.boosts]
        most = 1 + options.weight * len(options.boosts)
        boosted = []
        for place, candidate in enumerate(ranking.candidates):
            boost = options.weight * sum(lift[place] for lift in lifts)
            score = (candidate.score + boost) / most
            boosted.append(Candidate(candidate.chunk, score, changed(candidate.evidence, boost=boost)))
        ranking = ranking.ordered(boosted)
    return ranking.noted(Step("boost", watch.milliseconds, len(boosted)))


def _lift(candidates: Sequence[Candidate], boost: Boost) -> list[float]:
    found = [candidate.chunk.metadata.get(boost.field) for candidate in candidates]
    if boost.direction in ("exists", "not_exists"):
        return [float((value is not None) == (boost.direction == "exists")) for value in found]
    numbers = [float(value) if isinstance(value, int | float) else None for value in found]
    known = [number for number in numbers if number is not None]
    if not known or max(known) == min(known):
        return [0.0 for _ in numbers]
    low, spread = min(known), max(known) - min(known)
    scaled = [None if number is None else (number - low) / spread for number in numbers]
    if boost.direction == "desc":
        return [0.0 if value is None else value for value in scaled]
    return [0.0 if value is None else 1 - value for value in scaled]
