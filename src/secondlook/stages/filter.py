"""Drop candidates below the threshold of the vector score."""

from secondlook.domain.candidate import Ranking, Step
from secondlook.domain.options import Filtering
from secondlook.telemetry import Stopwatch


def filter_candidates(ranking: Ranking, options: Filtering) -> Ranking:
    """The candidates whose vector score reaches ``min_score``; one without a vector score stays."""
    with Stopwatch() as watch:
        kept = tuple(
            candidate
            for candidate in ranking.candidates
            if candidate.evidence.vector_score is None or candidate.evidence.vector_score >= options.min_score
        )
    dropped = len(ranking.candidates) - len(kept)
    note = f"{dropped} below min_score {options.min_score:g}" if dropped else ""
    return ranking.kept(kept).noted(Step("filter", watch.milliseconds, len(kept), note))
