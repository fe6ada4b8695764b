"""Fetch candidates: vector search, keyword search, or both at once."""

import asyncio
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from secondlook.domain.candidate import Failure, RetrievalMethod
from secondlook.domain.chunk import Chunk
from secondlook.domain.letters import as_typed
from secondlook.domain.options import Plan
from secondlook.domain.query import Query
from secondlook.errors import BackendError, IndexUnusableError, OverloadedError, RetrievalError
from secondlook.ports import Hit, Hits, Tools, Vector
from secondlook.telemetry import Stopwatch

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Found:
    """What the methods found; a method that was not asked, or that failed, is None.

    Attributes:
        vector: its hits carry vector scores, not cosines.
        cosines: of every found chunk that has a vector, also of those only keywords found.
        vector_scores: what the embedder makes of the cosines.
        failures: the methods that failed, where what the other one found is wanted all the same.
    """

    vector: Hits | None
    keyword: Hits | None
    cosines: Mapping[str, float]
    vector_scores: Mapping[str, float]
    chunks: Mapping[str, Chunk]
    milliseconds: float
    failures: tuple[Failure, ...] = ()


@dataclass(frozen=True, slots=True)
class _Nothing:
    """A method that failed, and what it said."""

    failure: Failure


async def retrieve_candidates(query: Query, plan: Plan, tools: Tools) -> Found:
    """At most ``plan.num_hits`` hits of each asked method, with their chunks.

    Keyword-only hits get their vector score too, so that a threshold on the vector
    score treats both lists alike.

    Raises:
        RetrievalError: a method failed, and ``partial`` is false.
        BackendError: it failed, and ``partial`` is None.
        OverloadedError: too much waits; it is no failure of a method, and the caller should come again.
        IndexUnusableError: neither method can search the index.
    """
    with Stopwatch("retrieve") as watch:
        options = plan.retrieval
        keyword_job = asyncio.create_task(_attempt("keyword", _search_keywords(query, plan, tools), options.partial))
        try:
            near = await _attempt("vector", _search_vectors(query, plan, tools), options.partial)
            keyword = await keyword_job
        finally:
            keyword_job.cancel()
        failures = tuple(one.failure for one in (near, keyword) if isinstance(one, _Nothing))
        embedded, vector = near if isinstance(near, tuple) else (None, None)
        keyword = None if isinstance(keyword, _Nothing) else keyword
        last: RetrievalMethod = "keyword" if vector is None else "vector"
        fetched = await _attempt(last, _fetch(plan, tools, embedded, vector, keyword), options.partial)
        if isinstance(fetched, _Nothing):
            return Found(None, None, {}, {}, {}, watch.milliseconds, (*failures, fetched.failure))
        cosines, chunks = fetched
        scores = {chunk_id: tools.embedder.score_cosine(cosine) for chunk_id, cosine in cosines.items()}
        if vector:
            vector = replace(vector, hits=tuple(Hit(hit.chunk_id, scores[hit.chunk_id]) for hit in vector.hits))
    return Found(vector, keyword, cosines, scores, chunks, watch.milliseconds, failures)


async def _attempt(method: RetrievalMethod, work: Awaitable[T], partial: bool | None) -> T | _Nothing:
    try:
        return await work
    except (OverloadedError, IndexUnusableError):
        raise
    except BackendError as error:
        if partial:
            return _Nothing(Failure(method, str(error)))
        if partial is None:
            raise
        raise RetrievalError(f"the {method} search failed: {error}") from error


async def _search_vectors(query: Query, plan: Plan, tools: Tools) -> tuple[Vector, Hits] | None:
    options = plan.retrieval
    if options.type == "keyword":
        return None
    embedded = await tools.embedder.embed_query(as_typed(query.text))
    hits = await tools.retriever.search_vectors(plan.index, embedded, plan.num_hits, options.where)
    return embedded, hits


async def _fetch(
    plan: Plan, tools: Tools, embedded: Vector | None, vector: Hits | None, keyword: Hits | None
) -> tuple[Mapping[str, float], Mapping[str, Chunk]]:
    """The cosines and the chunks of all hits."""
    cosines = {hit.chunk_id: hit.score for hit in vector.hits} if vector else {}
    if embedded is not None and keyword:
        missing = [hit.chunk_id for hit in keyword.hits if hit.chunk_id not in cosines]
        cosines |= await tools.retriever.score_vectors(plan.index, embedded, missing)
    wanted = dict.fromkeys(hit.chunk_id for hits in (vector, keyword) if hits for hit in hits.hits)
    return cosines, await tools.retriever.fetch_chunks(plan.index, list(wanted)) if wanted else {}


async def _search_keywords(query: Query, plan: Plan, tools: Tools) -> Hits | None:
    options = plan.retrieval
    if options.type == "vector":
        return None
    return await tools.retriever.search_keywords(
        plan.index, as_typed(query.text), plan.num_hits, match_mode=options.match_mode, where=options.where
    )
