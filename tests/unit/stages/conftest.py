"""Small rankings and tools for the stages."""

import asyncio
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pytest

from secondlook.domain.candidate import Candidate, Evidence, Ranking
from secondlook.domain.chunk import Chunk, IndexedChunk
from secondlook.domain.query import Query
from secondlook.engines.embedded import EmbeddedEngine
from secondlook.errors import InvalidModelError, SetupError
from secondlook.models.fakes import FakeEmbedder, FakeGenerator, FakeReranker
from secondlook.ports import Generator, IndexShape, Reranker, Rerankers, Tools

T = TypeVar("T")
TEXTS = ("oil lamp in winter", "fog horn", "lamp", "grades of oil", "the bell")


def run(work: Coroutine[Any, Any, T]) -> T:
    """What the coroutine returns."""
    return asyncio.run(work)


def make_ranking(
    scores: Sequence[float], *, vector_scores: Sequence[float | None] = (), query: str = "oil lamp"
) -> Ranking:
    """Candidates c0, c1, … with these scores, in this order."""
    vectors = [*vector_scores, *[None] * len(scores)]
    return Ranking(
        Query(query),
        tuple(
            Candidate(
                Chunk(f"c{at}", f"i{at}", f"k{at}.md", TEXTS[at % len(TEXTS)], position=at),
                score,
                Evidence(vector_score=vectors[at]),
            )
            for at, score in enumerate(scores)
        ),
    ).placed()


def ids(ranking: Ranking) -> list[str]:
    """Chunk ids in order."""
    return [candidate.chunk.id for candidate in ranking.candidates]


class Bench:
    """Tools over a real engine that holds ``TEXTS``, one chunk each, of one item."""

    def __init__(self, folder: Path) -> None:
        self.engine = EmbeddedEngine(folder)
        self.embedder = FakeEmbedder()
        self.models: dict[str, Reranker] = {}
        chunks = [Chunk(f"c{at}", "i", "k.md", text, position=at) for at, text in enumerate(TEXTS)]
        embeddings = run(self.embedder.embed_passages(TEXTS))
        indexed = [IndexedChunk(chunk, one.vector, one.stored) for chunk, one in zip(chunks, embeddings, strict=True)]
        run(self.engine.create_index("i", IndexShape(self.embedder.dimensions, "porter")))
        run(self.engine.put_item("i", "i", indexed))

    def find(self, name: str) -> Reranker:
        if name == "missing":
            raise SetupError("the weights of missing are not here")
        if name not in self.models:
            raise InvalidModelError(f"{name} is not known")
        return self.models[name]

    def tools(self, default: Reranker | None = None, generator: Generator | None = None) -> Tools:
        """The outside."""
        rerankers = Rerankers(self.find, default or FakeReranker())
        return Tools(self.engine, self.embedder, rerankers, generator or FakeGenerator())


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)
