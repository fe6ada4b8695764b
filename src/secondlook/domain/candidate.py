"""A ranking: the query, its candidates best first, and a trace of what was done."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from operator import attrgetter
from typing import Any, Literal, TypeVar

from secondlook.domain.chunk import Chunk
from secondlook.domain.query import Query
from secondlook.errors import FailureCause

FusionMethod = Literal["convex", "rrf", "max"]
RerankStatus = Literal["ran", "skipped", "fell_back", "substituted"]
RerankCause = Literal["", FailureCause, "language", "nothing", "off"]
"""A receipt's reason in one word, for whoever counts; empty when there is none."""
RetrievalMethod = Literal["vector", "keyword"]
DropStage = Literal["filter", "window", "keep", "rerank", "cut"]
ThresholdKind = Literal["match", "reranking"]

_Value = TypeVar("_Value")
_Put = Callable[[object, object], None]


def changed(value: _Value, **fields: object) -> _Value:
    """What ``dataclasses.replace`` gives for a dataclass with slots that checks nothing when made, in half the time.

    Every stage makes each candidate anew, and ``replace`` looks at what kind of field each of its seventeen is.
    """
    kind: Any = type(value)
    read, puts, put_of = _slots(kind)
    made: _Value = object.__new__(kind)
    for put, one in zip(puts, read(value), strict=True):
        put(made, one)
    for name, one in fields.items():
        put_of[name](made, one)
    return made


@lru_cache
def _slots(kind: Any) -> tuple[Callable[[object], tuple[object, ...]], list[_Put], dict[str, _Put]]:
    """What reads all fields of two at least, and what sets each, in their order and by name."""
    names: tuple[str, ...] = kind.__slots__
    put_of: dict[str, _Put] = {name: getattr(kind, name).__set__ for name in names}
    return attrgetter(*names), list(put_of.values()), put_of


@dataclass(frozen=True, slots=True)
class Look:
    """What one reranker said of a candidate: which stage of the cascade (from 1), and the rank and score it led to."""

    stage: int
    model: str
    relevance: float
    rank: int
    score: float


@dataclass(frozen=True, slots=True)
class Evidence:
    """What each method said of a candidate; ranks count from 1, None means "not asked".

    Attributes:
        cosine: of the query's and the chunk's vector, clipped to [0, 1].
        vector_score: what the embedder makes of it, in [0, 1]; thresholds are held against this.
        keyword_score: raw BM25, at least 0, no upper bound.
        keyword_ceiling: the highest BM25 the query could attain, for scaling.
        keyword_share: BM25 over the highest that a passage of the same index could attain, in [0, 1].
        keyword_complete: whether the chunk holds every term of the query.
        keyword_match: whether its keywords carry it past the match threshold.
        fused_score: after fusion, in [0, 1].
        retrieval_score: after fusion and boosting, before reranking, in [0, 1].
        relevance: the score in [0, 1] of the last reranker that scored.
        retrieval_rank: place before reranking.
        looks: what each reranker of a cascade said, in their order.
        sentence: the sentence that the last reranker finds most relevant when it reads it alone; empty unless asked.
        sentence_relevance: its score.
        team: the order that it was drafted from, where two are interleaved: ``retrieval`` or ``reranked``.
        echo_discount: share taken off the retrieval score and the relevance, since the passage only repeats the query.
    """

    cosine: float | None = None
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
    fused_rank: int | None = None
    looks: tuple[Look, ...] = ()
    sentence: str = ""
    sentence_relevance: float | None = None
    team: Literal["", "retrieval", "reranked"] = ""
    keyword_share: float | None = None
    keyword_complete: bool | None = None
    keyword_match: bool | None = None
    echo_discount: float | None = None


def lowered(score: float, part: float) -> float:
    """The score with this share of its size taken off; one below zero falls too."""
    return score - part * abs(score)


def mix_convex(cosine: float | None, share: float | None, weight: float) -> float:
    """``weight`` of the cosine and the rest of the share of the attainable BM25, in [0, 1]; what is unknown is 0."""
    return weight * min(1.0, max(0.0, cosine or 0.0)) + (1 - weight) * min(1.0, share or 0.0)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A chunk under consideration; ``score`` is what the list is ordered by now."""

    chunk: Chunk
    score: float
    evidence: Evidence = Evidence()


@dataclass(frozen=True, slots=True)
class StageReceipt:
    """What one reranker of the cascade did.

    Attributes:
        model: identity of the model that scored, or should have.
        asked: the model that was asked for; empty for the default.
        served: the name of the model that took the work; empty for the default.
        cause: the reason in one word.
        candidates_in: how many it was to read.
        candidates_out: how many went on.
        scored: how many it scored in time.
    """

    status: RerankStatus
    reason: str = ""
    model: str = ""
    asked: str = ""
    candidates_in: int = 0
    candidates_out: int = 0
    scored: int = 0
    milliseconds: float = 0.0
    served: str = ""
    cause: RerankCause = ""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What reranking did, in words a caller can act on.

    Attributes:
        model: identity of the model that made the order: name, revision, runtime, precision.
        asked: the model that was asked for, or the models of a cascade with ``>`` between them.
        truncated: passages of which the model could not read the end.
        milliseconds: wall time of the stage.
        scored: candidates that at least one reranker scored.
        windowed: passages that were read in several windows.
        cached: pairs whose score was known from an earlier request.
        stages: each reranker of the cascade, in order; one alone is a cascade of one.
        query_truncated: whether a model did not read the end of the query.
        language: what the language guard took the query's language to be; empty when it is off.
        cause: the reason in one word; of several, that of the first reranker that did not do its part.
        threshold: the least relevance that was held against the candidates; None for none.
        below: how many were dropped by it.
    """

    status: RerankStatus
    reason: str = ""
    model: str = ""
    asked: str = ""
    candidates_in: int = 0
    candidates_out: int = 0
    truncated: int = 0
    milliseconds: float = 0.0
    scored: int = 0
    windowed: int = 0
    cached: int = 0
    stages: tuple[StageReceipt, ...] = ()
    language: str = ""
    query_truncated: bool = False
    cause: RerankCause = ""
    threshold: float | None = None
    below: int = 0

    @property
    def last(self) -> StageReceipt | None:
        """The line of the reranker that made the order; None when none did."""
        return next((line for line in reversed(self.stages) if line.status in ("ran", "substituted")), None)


@dataclass(frozen=True, slots=True)
class Step:
    """One stage in the trace: its name, wall time, and how many candidates were left."""

    stage: str
    milliseconds: float
    candidates: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class Dropped:
    """A candidate as it was when a stage let it go, its rank then, and why."""

    candidate: Candidate
    stage: DropStage
    rank: int
    reason: str


@dataclass(frozen=True, slots=True)
class Threshold:
    """A threshold that was applied, and how many candidates it dropped.

    ``value`` is None where the searched instances differ in it.
    """

    kind: ThresholdKind
    value: float | None
    dropped: int

    def __str__(self) -> str:
        name = {"match": "match threshold", "reranking": "reranking threshold"}[self.kind]
        value = "of its instance" if self.value is None else f"({self.value:g})"
        return f"{self.dropped} below the {name} {value}"


@dataclass(frozen=True, slots=True)
class Failure:
    """A method of retrieval that failed while the other went on, and why."""

    method: RetrievalMethod
    reason: str


@dataclass(frozen=True, slots=True)
class Reuse:
    """That an answer was kept from an earlier question: how alike the two are (0 to 1), and its age in seconds."""

    likeness: float
    age: float


@dataclass(frozen=True, slots=True)
class Ranking:
    """Candidates best first, with the trace of the stages that made them and what they dropped.

    ``failures`` are the methods that found nothing because they failed; ``reuse`` is set when the whole is a kept one.
    ``logged`` is its id in the query log, empty where none is kept.
    ``filtered`` is what the threshold of the vector score dropped, None where none was applied.
    ``fusion`` says how the lists of a hybrid search were merged, empty where there was one list.
    """

    query: Query
    candidates: tuple[Candidate, ...] = ()
    trace: tuple[Step, ...] = ()
    receipt: Receipt = field(default_factory=lambda: Receipt("skipped", "reranking is off", cause="off"))
    dropped: tuple[Dropped, ...] = ()
    failures: tuple[Failure, ...] = ()
    reuse: Reuse | None = None
    logged: str = ""
    filtered: Threshold | None = None
    fusion: str = ""

    @property
    def thresholds(self) -> tuple[Threshold, ...]:
        """The thresholds that were applied, in their order, and how many candidates each dropped."""
        receipt = self.receipt
        applied = receipt.status in ("ran", "substituted") and receipt.threshold is not None
        relevance = (Threshold("reranking", receipt.threshold or 0.0, receipt.below),) if applied else ()
        return (self.filtered, *relevance) if self.filtered else relevance

    def ordered(self, candidates: Iterable[Candidate]) -> "Ranking":
        """The same ranking with these candidates, by falling score; ties keep their order."""
        best_first: Callable[[Candidate], float] = lambda candidate: -candidate.score  # noqa: E731
        return replace(self, candidates=tuple(sorted(candidates, key=best_first)))

    def kept(self, candidates: Iterable[Candidate]) -> "Ranking":
        """The same ranking with these candidates in the order given."""
        return replace(self, candidates=tuple(candidates))

    def cut(self, to: int, stage: DropStage, reason: str) -> "Ranking":
        """The same ranking with its first ``to`` candidates; the others are written down as dropped."""
        rest = enumerate(self.candidates[to:], to + 1)
        gone = (Dropped(one, stage, rank, f"rank {rank} is {reason}") for rank, one in rest)
        return replace(self, candidates=self.candidates[:to], dropped=(*self.dropped, *gone))

    def sifted(self, reason: Callable[[Candidate], str], stage: DropStage) -> "Ranking":
        """The same ranking without those for whom there is a reason to go, which is written down."""
        told = [(rank, one, reason(one)) for rank, one in enumerate(self.candidates, 1)]
        gone = (Dropped(one, stage, rank, why) for rank, one, why in told if why)
        kept = tuple(one for _, one, why in told if not why)
        return replace(self, candidates=kept, dropped=(*self.dropped, *gone))

    def placed(self) -> "Ranking":
        """The same ranking, each candidate's present rank and score written down as those of retrieval."""
        placed = self.kept(
            Candidate(one.chunk, one.score, changed(one.evidence, retrieval_rank=rank, retrieval_score=one.score))
            for rank, one in enumerate(self.candidates, 1)
        )
        return replace(placed, receipt=replace(self.receipt, candidates_in=len(self.candidates)))

    def noted(self, step: Step) -> "Ranking":
        """The same ranking with one more step in its trace."""
        return replace(self, trace=(*self.trace, step))
