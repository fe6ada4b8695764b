"""Drop candidates below the threshold of the vector score."""

from secondlook.domain.candidate import Candidate, Ranking, Step
from secondlook.domain.options import Filtering
from secondlook.telemetry import Stopwatch


def filter_candidates(ranking: Ranking, options: Filtering) -> Ranking:
    """The candidates whose vector score reaches the threshold of their index; one without a vector score stays."""
    with Stopwatch("filter") as watch:

        def reason(candidate: Candidate) -> str:
            score = candidate.evidence.vector_score
            least = options.by_index.get(candidate.chunk.index, options.min_score)
            if score is None or score >= least:
                return ""
            return f"its vector score {score:.4f} is below {least:g}"

        kept = ranking.sifted(reason, "filter")
    dropped = len(ranking.candidates) - len(kept.candidates)
    least = "that of its index" if options.by_index else f"{options.min_score:g}"
    note = f"{dropped} below min_score {least}" if dropped else ""
    return kept.noted(Step("filter", watch.milliseconds, len(kept.candidates), note))
