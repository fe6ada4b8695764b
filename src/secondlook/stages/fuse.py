"""Merge the lists of a hybrid search into one ranking."""

from collections.abc import Mapping
from typing import Protocol

from secondlook.domain.candidate import Candidate, Evidence, Ranking, Step
from secondlook.domain.chunk import Chunk
from secondlook.domain.options import Fusion
from secondlook.ports import Hits
from secondlook.telemetry import Stopwatch


class Found(Protocol):
    """What was retrieved; see ``stages.retrieve.Found``."""

    @property
    def vector(self) -> Hits | None: ...
    @property
    def keyword(self) -> Hits | None: ...
    @property
    def cosines(self) -> Mapping[str, float]: ...
    @property
    def vector_scores(self) -> Mapping[str, float]: ...
    @property
    def chunks(self) -> Mapping[str, Chunk]: ...
    @property
    def milliseconds(self) -> float: ...


def fuse_rankings(ranking: Ranking, found: Found, options: Fusion) -> Ranking:
    """Merge the lists; a chunk found twice becomes one candidate with both proofs.

    ``rrf``: score(c) = sum over lists of (k + 1) / (k + rank), over the number of
    lists, so that a candidate first in every list scores 1. ``max``: the larger of the
    scores, each min-max normalised over its list. One list alone keeps its own score:
    the vector score, or BM25 divided by the list's best.

    Returns:
        At most M * N candidates, scores in [0, 1].

    Source:
        Cormack, Clarke and Buettcher, SIGIR 2009; k = 60 there.
    """
    with Stopwatch("fuse") as watch:
        hybrid = found.vector is not None and found.keyword is not None
        ranks = [_ranks(found.vector), _ranks(found.keyword)]
        scaled = [_scaled(found.vector, hybrid), _scaled(found.keyword, hybrid)]
        words = {hit.chunk_id: hit for hit in found.keyword.hits} if found.keyword else {}
        scores: dict[str, float] = {}
        for chunk_id in dict.fromkeys((*ranks[0], *ranks[1])):
            if chunk_id not in found.chunks:
                continue  # deleted between the search and the fetch
            if hybrid and options.method == "rrf":
                score = sum((options.k + 1) / (options.k + one[chunk_id]) for one in ranks if chunk_id in one) / 2
            else:
                score = max(one.get(chunk_id, 0.0) for one in scaled)
            scores[chunk_id] = score
        candidates = []
        for rank, (chunk_id, score) in enumerate(sorted(scores.items(), key=lambda one: -one[1]), 1):
            word = words.get(chunk_id)
            evidence = Evidence(
                cosine=found.cosines.get(chunk_id),
                vector_score=found.vector_scores.get(chunk_id),
                vector_rank=ranks[0].get(chunk_id),
                keyword_score=word.score if word else None,
                keyword_rank=ranks[1].get(chunk_id),
                keyword_ceiling=found.keyword.ceiling if found.keyword else None,
                fusion_method=options.method if hybrid else None,
                fused_score=score,
                fused_rank=rank,
                keyword_share=word.share if word else None,
                keyword_complete=word.complete if word else None,
            )
            candidates.append(Candidate(found.chunks[chunk_id], score, evidence))
        ranking = ranking.kept(candidates)
    retrieved = Step("retrieve", found.milliseconds, len(found.chunks))
    return ranking.noted(retrieved).noted(Step("fuse", watch.milliseconds, len(ranking.candidates)))


def _ranks(hits: Hits | None) -> dict[str, int]:
    return {hit.chunk_id: rank for rank, hit in enumerate(hits.hits, 1)} if hits else {}


def _scaled(hits: Hits | None, hybrid: bool) -> dict[str, float]:
    if not hits or not hits.hits:
        return {}
    best, worst = hits.hits[0].score, hits.hits[-1].score
    if hybrid:
        spread = best - worst
        return {hit.chunk_id: (hit.score - worst) / spread if spread > 0 else 1.0 for hit in hits.hits}
    top = max(best, 1.0)
    return {hit.chunk_id: max(0.0, hit.score / top) for hit in hits.hits}
