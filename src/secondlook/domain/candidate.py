"""A ranking: the query, its candidates best first, and a trace of what was done."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Literal

from secondlook.domain.chunk import Chunk
from secondlook.domain.query import Query

FusionMethod = Literal["rrf", "max"]
RerankStatus = Literal["ran", "skipped", "fell_back", "substituted"]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What each method said of a candidate; ranks count from 1, None means "not asked".

    Attributes:
        vector_score: cosine similarity clipped to [0, 1].
        keyword_score: raw BM25, at least 0, no upper bound.
        keyword_ceiling: the highest BM25 the query could attain, for scaling.
        fused_score: after fusion, in [0, 1].
        retrieval_score: after fusion and boosting, before reranking, in [0, 1].
        relevance: the reranker's score in [0, 1].
        retrieval_rank: place before reranking.
    """

    vector_score: float | None = None
    vector_rank: int | None = None
    keyword_score: float | None = None
    keyword_rank: int | None = None
    keyword_ceiling: float | None = None
    fusion_method: FusionMethod | None = None
    fused_score: float | None = None
    boost: float | None = None
    relevance: float | None = None
    retrieval_rank: int | None = None
    retrieval_score: float | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A chunk under consideration; ``score`` is what the list is ordered by now."""

    chunk: Chunk
    score: float
    evidence: Evidence = Evidence()


@dataclass(frozen=True, slots=True)
class Receipt:
    """What reranking did, in words a caller can act on.

    Attributes:
        model: identity of the model that scored: name, revision, runtime, precision.
        asked: the model that was asked for.
        truncated: passages of which the model could not read the end.
        milliseconds: wall time of the stage.
    """

    status: RerankStatus
    reason: str = ""
    model: str = ""
    asked: str = ""
    candidates_in: int = 0
    candidates_out: int = 0
    truncated: int = 0
    milliseconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Step:
    """One stage in the trace: its name, wall time, and how many candidates were left."""

    stage: str
    milliseconds: float
    candidates: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class Ranking:
    """Candidates best first, with the trace of the stages that made them."""

    query: Query
    candidates: tuple[Candidate, ...] = ()
    trace: tuple[Step, ...] = ()
    receipt: Receipt = field(default_factory=lambda: Receipt("skipped", "reranking is off"))

    def ordered(self, candidates: Iterable[Candidate]) -> "Ranking":
        """The same ranking with these candidates, by falling score; ties keep their order."""
        best_first: Callable[[Candidate], float] = lambda candidate: -candidate.score  # noqa: E731
        return replace(self, candidates=tuple(sorted(candidates, key=best_first)))

    def kept(self, candidates: Iterable[Candidate]) -> "Ranking":
        """The same ranking with these candidates in the order given."""
        return replace(self, candidates=tuple(candidates))

    def placed(self) -> "Ranking":
        """The same ranking, each candidate's present rank and score written down as those of retrieval."""
        return self.kept(
            replace(one, evidence=replace(one.evidence, retrieval_rank=rank, retrieval_score=one.score))
            for rank, one in enumerate(self.candidates, 1)
        )

    def noted(self, step: Step) -> "Ranking":
        """The same ranking with one more step in its trace."""
        return replace(self, trace=(*self.trace, step))
