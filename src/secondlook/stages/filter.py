"""Drop candidates below the match threshold."""

from dataclasses import replace

from secondlook.domain.candidate import Candidate, Ranking, Step, Threshold, changed
from secondlook.domain.options import Filtering
from secondlook.domain.wording import figure, reaches
from secondlook.telemetry import Stopwatch


def filter_candidates(ranking: Ranking, options: Filtering) -> Ranking:
    """The candidates that pass the match threshold, in their order.

    A candidate passes if its vector score reaches the threshold of its index, if it has no vector score, or if
    keywords vouch for it: it holds every term of the query, or reaches ``keyword_share`` of the attainable BM25.
    """
    with Stopwatch("filter") as watch:

        def reason(candidate: Candidate) -> str:
            evidence = candidate.evidence
            score, share = evidence.vector_score, evidence.keyword_share
            least = options.by_index.get(candidate.chunk.index, options.min_score)
            if score is None or reaches(score, least) or evidence.keyword_match:
                return ""
            below = f"its vector score {figure(score, 4)} is below {least:g}"
            if share is None or options.keyword_share is None:
                return below
            return f"{below}, its share of the attainable BM25 {figure(share, 2)} below {options.keyword_share:g}"

        marked = ranking.kept(_mark(one, options) for one in ranking.candidates)
        kept = marked.sifted(reason, "filter")
    threshold = _threshold(ranking, options, len(ranking.candidates) - len(kept.candidates))
    note = str(threshold) if threshold and threshold.dropped else ""
    step = Step("filter", watch.milliseconds, len(kept.candidates), note)
    return replace(kept, filtered=threshold).noted(step)


def _mark(candidate: Candidate, options: Filtering) -> Candidate:
    """The candidate with a mark if its keywords carry it past the threshold."""
    evidence, least = candidate.evidence, options.keyword_share
    if least is None or evidence.keyword_share is None:
        return candidate
    match = bool(evidence.keyword_complete) or evidence.keyword_share >= least
    return Candidate(candidate.chunk, candidate.score, changed(evidence, keyword_match=match))


def _threshold(ranking: Ranking, options: Filtering, dropped: int) -> Threshold | None:
    """What was applied; None where no candidate has a vector score, or every score passes."""
    values = set(options.by_index.values()) or {options.min_score}
    if values == {0} or all(one.evidence.vector_score is None for one in ranking.candidates):
        return None
    return Threshold("match", values.pop() if len(values) == 1 else None, dropped)
