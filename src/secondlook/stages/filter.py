"""Drop candidates below the threshold of the vector score."""

from secondlook.domain.candidate import Candidate, Ranking, Step
from secondlook.domain.options import Filtering
from secondlook.telemetry import Stopwatch


def filter_candidates(ranking: Ranking, options: Filtering) -> Ranking:
    """The candidates whose vector score reaches ``min_score``; one without a vector score stays."""
    with Stopwatch("filter") as watch:

        def reason(candidate: Candidate) -> str:
            score = candidate.evidence.vector_score
            if score is None or score >= options.min_score:
                return ""
            return f"its vector score {score:.4f} is below {options.min_score:g}"

        kept = ranking.sifted(reason, "filter")
    dropped = len(ranking.candidates) - len(kept.candidates)
    note = f"{dropped} below min_score {options.min_score:g}" if dropped else ""
    return kept.noted(Step("filter", watch.milliseconds, len(kept.candidates), note))
