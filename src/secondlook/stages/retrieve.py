"""Fetch candidates: vector search, keyword search, or both at once."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace

from secondlook.domain.chunk import Chunk
from secondlook.domain.options import Plan
from secondlook.domain.query import Query
from secondlook.ports import Hit, Hits, Tools
from secondlook.telemetry import Stopwatch


@dataclass(frozen=True, slots=True)
class Found:
    """What the methods found; a method that was not asked is None.

    Attributes:
        vector: its hits carry vector scores, not cosines.
        cosines: of every found chunk that has a vector, also of those only keywords found.
        vector_scores: what the embedder makes of the cosines.
    """

    vector: Hits | None
    keyword: Hits | None
    cosines: Mapping[str, float]
    vector_scores: Mapping[str, float]
    chunks: Mapping[str, Chunk]
    milliseconds: float


async def retrieve_candidates(query: Query, plan: Plan, tools: Tools) -> Found:
    """At most ``num_candidates`` hits of each asked method, with their chunks.

    Keyword-only hits get their vector score too, so that a threshold on the vector
    score treats both lists alike.
    """
    with Stopwatch("retrieve") as watch:
        options = plan.retrieval
        keyword_job = asyncio.create_task(_search_keywords(query, plan, tools))
        try:
            embedded = await tools.embedder.embed_query(query.text) if options.type != "keyword" else None
            vector = (
                await tools.retriever.search_vectors(plan.index, embedded, options.num_candidates, options.where)
                if embedded is not None
                else None
            )
            keyword = await keyword_job
        finally:
            keyword_job.cancel()
        cosines = {hit.chunk_id: hit.score for hit in vector.hits} if vector else {}
        if embedded is not None and keyword:
            missing = [hit.chunk_id for hit in keyword.hits if hit.chunk_id not in cosines]
            cosines |= await tools.retriever.score_vectors(plan.index, embedded, missing)
        scores = {chunk_id: tools.embedder.score_cosine(cosine) for chunk_id, cosine in cosines.items()}
        if vector:
            vector = replace(vector, hits=tuple(Hit(hit.chunk_id, scores[hit.chunk_id]) for hit in vector.hits))
        wanted = dict.fromkeys(hit.chunk_id for hits in (vector, keyword) if hits for hit in hits.hits)
        chunks = await tools.retriever.fetch_chunks(plan.index, list(wanted))
    return Found(vector, keyword, cosines, scores, chunks, watch.milliseconds)


async def _search_keywords(query: Query, plan: Plan, tools: Tools) -> Hits | None:
    options = plan.retrieval
    if options.type == "vector":
        return None
    return await tools.retriever.search_keywords(
        plan.index, query.text, options.num_candidates, match_mode=options.match_mode, where=options.where
    )
