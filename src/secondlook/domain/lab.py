"""The Lab: ways to search that are held against each other, and the runs that do so."""

from dataclasses import dataclass
from typing import Literal

from secondlook.domain.candidate import FusionMethod
from secondlook.domain.options import DEFAULT_NUM_CANDIDATES, MatchMode, RerankStage, RetrievalType

RunState = Literal["running", "completed", "cancelled", "error"]


@dataclass(frozen=True, slots=True)
class ArmSpec:
    """One way to search with reranking; what is None (or an empty model) is the instance's own.

    Attributes:
        model: a reranker's name, or a chain ``A>B``; empty for the built-in one.
        window: candidates that the (first) reranker reads; of a chain, None for the windows that chains have.
        weight: share of the relevance in the score.
        fusion_weight: share of the cosine in convex fusion.
        stages: a cascade as an instance has it, each with its window; they stand for ``model`` and ``window``.
    """

    model: str = ""
    window: int | None = DEFAULT_NUM_CANDIDATES
    weight: float = 1.0
    retrieval_type: RetrievalType | None = None
    match_mode: MatchMode | None = None
    fusion_method: FusionMethod | None = None
    min_score: float | None = None
    stages: tuple[RerankStage, ...] = ()
    fusion_weight: float | None = None

    @property
    def name(self) -> str:
        """Says what it is, such as ``built-in, 50 candidates, weight 0.5``."""
        parts = [" > ".join(map(_told, self.stages)) or self.model or "built-in"]
        parts += [f"{self.window} candidates"] if self.window is not None and not self.stages else []
        parts += [f"weight {self.weight:g}"] if self.weight != 1 else []
        return ", ".join(parts + self._retrieval)

    @property
    def off(self) -> str:
        """The name of the same search without reranking, which the arm is held against."""
        return ", ".join(["off", *self._retrieval])

    @property
    def _retrieval(self) -> list[str]:
        told = [str(one) for one in (self.retrieval_type, self.match_mode, self.fusion_method) if one]
        told += [f"cosine {self.fusion_weight:g}"] if self.fusion_weight is not None else []
        return told + ([f"score from {self.min_score:g}"] if self.min_score is not None else [])


@dataclass(frozen=True, slots=True)
class LabRun:
    """One run over an instance; times are milliseconds since 1970.

    Attributes:
        queries: how many there are; ``done``, of how many the figures are kept.
        origin: where the queries come from, such as ``uploaded`` or ``headings``.
        request: everything that it takes to go on after a crash, as a JSON object.
        report: what came out, as a JSON object; empty until it is completed.
        reason: why it is in this state, for a person.
    """

    id: str
    instance_uid: str
    state: RunState
    created_at: int
    queries: int
    done: int = 0
    origin: str = ""
    request: str = "{}"
    report: str = ""
    ended_at: int | None = None
    reason: str = ""


def _told(stage: RerankStage) -> str:
    keeps = "" if stage.keep is None else f", keeps {stage.keep}"
    return f"{stage.model or 'built-in'} ({stage.window} candidates{keeps})"
