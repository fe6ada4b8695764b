"""A request with every default filled in: one frozen class a stage, and the plan that holds them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from secondlook.domain.candidate import FusionMethod
from secondlook.domain.filters import Filter
from secondlook.errors import InvalidOptionError

RetrievalType = Literal["vector", "keyword", "hybrid"]
MatchMode = Literal["and", "or"]
Direction = Literal["asc", "desc", "exists", "not_exists"]
MissingModel = Literal["substitute", "fall_back", "error"]
LongPassages = Literal["window", "mean", "truncate"]
Compatibility = Literal["plain", "strict"]
LanguageGuard = Literal["off", "skip", "route"]

DEFAULT_TOP_K = 10
MAX_TOP_K = 50
DEFAULT_NUM_CANDIDATES = 50
DEFAULT_MIN_SCORE = 0.4
KEYWORD_SHARE = 0.25
"""How much of the attainable BM25 carries a keyword hit past the match threshold; decision 0034."""
DEFAULT_MIN_RELEVANCE = 0.4
DEFAULT_MATCH_MODES: Mapping[RetrievalType, MatchMode] = {"vector": "or", "keyword": "and", "hybrid": "or"}
"""In hybrid search BM25 orders what any term finds; a keyword search without vectors would return all of it."""
DEFAULT_FUSION: FusionMethod = "convex"
MAX_WINDOW = 200
CONVEX_HITS = 100
"""Hits of each method that convex fusion merges, at least; the best of them go on as the window has room."""
CONVEX_WEIGHT = 0.5
"""Share of the cosine; chosen on training queries, decision 0051."""
ECHO_DISCOUNT = 0.8
"""Share of the score that a passage loses that only repeats the query (decision 0073)."""
MAX_STAGES = 4
CHAIN_WINDOWS = (200, 50, 20, 10)
"""How many candidates each model of a chain ``A>B`` reads, if nothing else is said."""
RUNTIMES = ("native-", "onnxruntime-")
"""What the part of a model's identity begins with that names the runtime and its arithmetic."""
BUILT_IN = "late-interaction@"
"""What the identity of the built-in reranker begins with; the version of its recipe follows."""


@dataclass(frozen=True, slots=True)
class Retrieval:
    """What to fetch: methods, how many hits of each, which keyword matches count, and the filter.

    ``partial`` says what follows when a method fails: what the other one found (true), a ``RetrievalError``
    (false), or its own error (None).
    """

    type: RetrievalType = "hybrid"
    num_candidates: int = DEFAULT_NUM_CANDIDATES
    match_mode: MatchMode = "and"
    where: Filter | None = None
    partial: bool | None = None


@dataclass(frozen=True, slots=True)
class Fusion:
    """How to merge the lists of a hybrid search.

    ``k`` is the constant of reciprocal rank fusion, ``weight`` the share of the cosine in convex fusion.
    """

    method: FusionMethod = DEFAULT_FUSION
    k: int = 60
    weight: float = CONVEX_WEIGHT

    def __str__(self) -> str:
        return f"{self.method}, {self.weight:g}" if self.method == "convex" else self.method


@dataclass(frozen=True, slots=True)
class Filtering:
    """The match threshold: the least vector score of a candidate that the vector search alone found.

    Attributes:
        by_index: the thresholds of indexes that have their own.
        keyword_share: share of the attainable BM25 from which a keyword hit passes whatever its vector score is, as
            does one that holds every term of the query; None applies the threshold to keyword hits like to others.
    """

    min_score: float = 0.0
    by_index: Mapping[str, float] = field(default_factory=dict, hash=False)
    keyword_share: float | None = KEYWORD_SHARE


@dataclass(frozen=True, slots=True)
class Boost:
    """One metadata field that lifts candidates, by its value or by its presence."""

    field: str
    direction: Direction = "asc"


@dataclass(frozen=True, slots=True)
class Boosting:
    """Boosts added to the score; ``weight`` is the most that one can add, ``last`` puts them after reranking."""

    boosts: tuple[Boost, ...]
    weight: float = 0.1
    last: bool = False


@dataclass(frozen=True, slots=True)
class RerankStage:
    """One reranker of a cascade.

    Attributes:
        model: its name; empty means the default reranker.
        window: how many candidates it reads.
        keep: how many of them go on; None for all.
    """

    model: str = ""
    window: int = DEFAULT_NUM_CANDIDATES
    keep: int | None = None


@dataclass(frozen=True, slots=True)
class Reranking:
    """How to take the second look.

    Attributes:
        model: the asked model's name; empty means the default reranker.
        window: how many candidates the reranker reads; what lies beyond is not returned.
        min_relevance: threshold held against the relevance score; None for no cut.
        budget: seconds the stage may take; None for no limit.
        missing: what to do when the model is known but its weights cannot be had.
        raise_on_failure: fail the search rather than fall back to the retrieval order.
        weight: share of the relevance in the score; the rest is the retrieval score.
        stages: the rerankers of a cascade, cheapest first; they stand for ``model`` and ``window``.
        guard: what to do with a query in a language that the reranker does not cover.
        multilingual: the model that takes such queries when the guard is ``route``.
        probable: whether ``min_relevance`` is a probability rather than a score.
        by_model: identity of a model whose scores were calibrated -> the score that stands for ``min_relevance``.
    """

    model: str = ""
    window: int = DEFAULT_NUM_CANDIDATES
    min_relevance: float | None = DEFAULT_MIN_RELEVANCE
    budget: float | None = None
    missing: MissingModel = "substitute"
    raise_on_failure: bool = False
    weight: float = 1.0
    stages: tuple[RerankStage, ...] = ()
    guard: LanguageGuard = "off"
    multilingual: str = ""
    probable: bool = False
    by_model: Mapping[str, float] = field(default_factory=dict, hash=False)

    @property
    def cascade(self) -> tuple[RerankStage, ...]:
        """The stages; one model alone is a cascade of one."""
        return self.stages or (RerankStage(self.model, self.window),)

    def find_calibrated(self, model: str) -> str:
        """The identity whose calibration this model's threshold rests on; nothing if it was never calibrated.

        Its own, or else that of the same model on another runtime or unit, or of the built-in one with another recipe,
        whose threshold of 0.4 keeps as many relevant passages: such a calibration has lapsed, but its
        scores differ by a few hundredths, while a probability taken for a score may be far off.
        """
        if model in self.by_model:
            return model
        return next((one for one in self.by_model if _without_runtime(one) == _without_runtime(model)), "")


@dataclass(frozen=True, slots=True)
class Rewriting:
    """How to rewrite the query: the model (empty for the default) and the prompt."""

    model: str = ""
    prompt: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """One search, ready to run; None skips a stage.

    ``echo_discount`` is the share of the score that a passage loses that only repeats the query; 0 skips that stage.
    """

    index: str
    retrieval: Retrieval = Retrieval()
    fusion: Fusion = Fusion()
    filtering: Filtering = Filtering()
    boosting: Boosting | None = None
    reranking: Reranking | None = None
    rewriting: Rewriting | None = None
    top_k: int = DEFAULT_TOP_K
    expand_by: int = 0
    explain: bool = False
    echo_discount: float = ECHO_DISCOUNT

    @property
    def num_hits(self) -> int:
        """How many hits of each method are fetched."""
        deep = self.fusion.method == "convex" and self.retrieval.type == "hybrid"
        return max(self.retrieval.num_candidates, CONVEX_HITS) if deep else self.retrieval.num_candidates


def split_chain(model: str) -> tuple[str, ...]:
    """The names of a chain ``A>B``; one name alone is a chain of one.

    Raises:
        InvalidOptionError: a name is empty, or there are more than ``MAX_STAGES``.
    """
    names = tuple(one.strip() for one in model.split(">"))
    if len(names) > 1 and not all(names):
        raise InvalidOptionError(f"model {model!r}: a chain has a name on both sides of each >")
    if len(names) > MAX_STAGES:
        raise InvalidOptionError(f"model {model!r}: a chain has at most {MAX_STAGES} models, this one {len(names)}")
    return names


@dataclass(frozen=True, slots=True)
class Generation:
    """How to answer: model (empty for the default), system prompt, and keys forwarded to the model."""

    model: str = ""
    system_prompt: str = ""
    forwarded: tuple[tuple[str, object], ...] = ()


def _without_runtime(identity: str) -> list[str]:
    """The parts of a model's identity that name neither the runtime nor the recipe of the built-in reranker."""
    parts = [part for part in identity.split("/") if not part.startswith(RUNTIMES)]
    return [BUILT_IN if part.startswith(BUILT_IN) else part for part in parts]
