"""The API over real services, as the tests of the wire have it, and values to show on it."""

from collections.abc import AsyncIterator, Sequence

from secondlook.domain.candidate import Candidate, Evidence, Ranking, Receipt, Step
from secondlook.domain.chunk import Chunk
from secondlook.domain.query import Query
from secondlook.models.fakes import FakeGenerator, FakeReranker
from secondlook.ports import Delta, Rerankers
from secondlook.services.overrides import Overrides
from tests.wire.conftest import filled, wire

__all__ = ["filled", "wire"]

CHUNK = Chunk(
    "c1",
    "i1",
    "winter/oil.md",
    "Warm it.",
    start=4,
    end=12,
    timestamp=1782864000123,
    metadata={"folder": "winter/", "filename": "oil.md", "timestamp": 1782864000123, "colour": "red"},
)
EVIDENCE = Evidence(
    vector_score=0.12345678,
    vector_rank=2,
    fusion_method="rrf",
    fused_score=0.5,
    relevance=0.9,
    retrieval_rank=3,
    retrieval_score=0.5,
)
CANDIDATE = Candidate(CHUNK, 0.87654321, EVIDENCE)
RANKING = Ranking(
    Query("oil?"),
    (CANDIDATE,),
    (Step("retrieve", 1.23456, 5), Step("rerank", 2.0, 1, "ran")),
    Receipt("ran", "", "m@1", "m", 5, 1, 2, 3.45678),
)

EVERYTHING = Overrides(Rerankers(lambda name: FakeReranker(), FakeReranker()), FakeGenerator()).of_token(None)
"""A caller who may override everything."""


async def deltas_of(pieces: Sequence[Delta], error: Exception | None = None) -> AsyncIterator[Delta]:
    """These pieces, then the error if any."""
    for piece in pieces:
        yield piece
    if error:
        raise error
