"""Merge the lists of a hybrid search into one ranking."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from secondlook.domain.candidate import Candidate, Evidence, Ranking, Step, mix_convex
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

    ``convex``: score(c) = w * cosine + (1 - w) * BM25 / attainable BM25. The cosine is that of every candidate; BM25
    counts 0 where the keyword list does not reach. ``rrf``: score(c) = sum over lists of (k + 1) / (k + rank), over the
    number of lists, so that a candidate first in every list scores 1. ``max``: the larger of the scores, each min-max
    normalised over its list. One list alone keeps its own score: the vector score, or BM25 over the attainable.

    Returns:
        At most M * N candidates, scores in [0, 1].

    Source:
        Bruch, Gai and Ingber, An Analysis of Fusion Functions for Hybrid Retrieval, ACM TOIS 2023 (convex).
        Cormack, Clarke and Buettcher, SIGIR 2009; k = 60 there (rrf).
    """
    with Stopwatch("fuse") as watch:
        hybrid = found.vector is not None and found.keyword is not None
        ranks = [_ranks(found.vector), _ranks(found.keyword)]
        words = {hit.chunk_id: hit for hit in found.keyword.hits} if found.keyword else {}
        scores = _scores(found, ranks, options if hybrid else None)
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
    told = str(options) if hybrid else ""
    retrieved = Step("retrieve", found.milliseconds, len(found.chunks))
    fused = Step("fuse", watch.milliseconds, len(ranking.candidates), told)
    return replace(ranking, fusion=told).noted(retrieved).noted(fused)


def _scores(found: Found, ranks: Sequence[Mapping[str, int]], options: Fusion | None) -> dict[str, float]:
    """The score of each chunk that is still there; without options there is one list."""
    ids = [one for one in dict.fromkeys((*ranks[0], *ranks[1])) if one in found.chunks]
    if options is None:
        hits = (found.vector or found.keyword or Hits()).hits
        own = {hit.chunk_id: hit.score if hit.share is None else hit.share for hit in hits}
        return {one: min(1.0, max(0.0, own[one])) for one in ids}
    if options.method == "convex":
        shares = {hit.chunk_id: hit.share for hit in found.keyword.hits} if found.keyword else {}
        return {one: mix_convex(found.cosines.get(one), shares.get(one), options.weight) for one in ids}
    if options.method == "rrf":
        k = options.k
        return {one: sum((k + 1) / (k + place[one]) for place in ranks if one in place) / 2 for one in ids}
    scaled = [_scaled(found.vector), _scaled(found.keyword)]
    return {one: max(own.get(one, 0.0) for own in scaled) for one in ids}


def _ranks(hits: Hits | None) -> dict[str, int]:
    return {hit.chunk_id: rank for rank, hit in enumerate(hits.hits, 1)} if hits else {}


def _scaled(hits: Hits | None) -> dict[str, float]:
    if not hits or not hits.hits:
        return {}
    best, worst = hits.hits[0].score, hits.hits[-1].score
    spread = best - worst
    return {hit.chunk_id: (hit.score - worst) / spread if spread > 0 else 1.0 for hit in hits.hits}
