"""What an account owns: namespaces, instances, items, tokens."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from secondlook.domain.answer import DEFAULT_LIFE, Likeness
from secondlook.domain.candidate import FusionMethod
from secondlook.domain.chunk import MetadataValue
from secondlook.domain.options import (
    CONVEX_WEIGHT,
    DEFAULT_FUSION,
    DEFAULT_MATCH_MODES,
    DEFAULT_MIN_SCORE,
    DEFAULT_TOP_K,
    Boost,
    MatchMode,
    RerankStage,
    RetrievalType,
)
from secondlook.domain.queries import DEFAULT_LOG_DAYS
from secondlook.domain.source import SourceOptions

ItemStatus = Literal["queued", "running", "completed", "error", "skipped", "outdated"]
SourceKind = Literal["r2", "web-crawler", "folder"]
Permission = Literal["edit", "run"]
"""What a token may do: everything, or search and chat alone."""
RerankingMode = Literal["fixed", "auto", "shadow", "interleave"]
FieldType = Literal["text", "number", "boolean", "datetime"]
Tokenizer = Literal["porter", "trigram"]
Analyser = Literal[
    "arabic", "armenian", "basque", "catalan", "cjk", "czech", "danish", "dutch", "english", "esperanto", "estonian",
    "finnish", "french", "german", "greek", "hindi", "hungarian", "indonesian", "irish", "italian", "lithuanian",
    "nepali", "norwegian", "persian", "polish", "portuguese", "romanian", "russian", "serbian", "sesotho", "simple",
    "spanish", "swedish", "tamil", "turkish", "yiddish",
]  # fmt: skip
"""A language of Snowball; ``cjk`` for Chinese, Japanese and Korean; ``simple`` for words as they stand."""

DEFAULT_NAMESPACE = "default"
NAME = re.compile(r"(?=.{1,64}\Z)[a-z0-9_]+(?:-[a-z0-9_]+)*")
"""What an instance may be called (contract, 12)."""
TRIED = ("reranking_mode", "reranking_model", "reranking_stages", "reranking_weight", "reranking_budget")
"""Settings that make another trial of one on those who search: what was clicked before says nothing of it."""

INHERITED = {"match_mode": "match_mode_inherited", "fusion_method": "fusion_inherited"}
"""Settings of which a default was written into each row by earlier releases -> what marks it as no choice."""


@dataclass(frozen=True, slots=True)
class MetadataField:
    """One configured metadata field; names are stored lower-case."""

    name: str
    type: FieldType


Schema = tuple[MetadataField, ...]
"""The metadata fields of an instance, in order."""


@dataclass(frozen=True, slots=True)
class InstanceSettings:
    """Everything that can be set on an instance.

    ``reranking_budget`` is in seconds, 0 for the server's; ``reranking_stages`` stand for ``reranking_model``.
    ``reranking_mode`` is ``fixed`` for ``reranking`` as it is set, ``auto`` to let the Lab's verdicts set it;
    ``shadow`` and ``interleave`` try it on those who search.
    ``min_probability`` is how likely relevant a passage must be after reranking, 0 for no such threshold.
    ``cache_life`` is in seconds, ``cache_likeness`` how alike a question must be for a kept answer.
    ``match_mode`` says which keyword matches count, None for the default of the retrieval type. It is
    ``match_mode_inherited`` where an earlier release wrote its default there and nobody has chosen since.
    ``fusion_method`` says how the lists of a hybrid search are merged, None for the default; it is ``fusion_inherited``
    where an earlier release wrote its default there. ``fusion_weight`` is the share of the cosine in convex fusion.
    ``analyser`` is the language of the keyword index, None for the English of the tokenizer.
    ``source`` is where items come from besides uploads, of ``source_kind``, every ``sync_interval`` seconds, with
    the credentials of ``service_token``; ``source_options`` say what of it is wanted. ``ocr`` asks for the text of
    scanned pages. ``logged`` keeps a query log, each line of it for ``log_days`` days.
    ``tried_since`` is when what is tried on those who search was set, in milliseconds since 1970, 0 for never.
    ``max_tokens`` is how long an answer may be, 0 for the server's limit.
    ``extra`` keeps wire fields that are stored and echoed but that no stage reads,
    as a JSON object.
    """

    embedding_model: str = ""
    generation_model: str = ""
    rewriting: bool = False
    rewriting_model: str = ""
    reranking: bool = False
    reranking_model: str = ""
    vector_index: bool = True
    keyword_index: bool = True
    tokenizer: Tokenizer = "porter"
    match_mode: MatchMode | None = None
    match_mode_inherited: bool = False
    fusion_method: FusionMethod | None = None
    fusion_inherited: bool = False
    fusion_weight: float = CONVEX_WEIGHT
    boosts: tuple[Boost, ...] = ()
    chunked: bool = True
    chunk_size: int = 256
    chunk_overlap: int = 10
    top_k: int = DEFAULT_TOP_K
    min_score: float = DEFAULT_MIN_SCORE
    fields: Schema = ()
    answer_prompt: str = ""
    rewriting_prompt: str = ""
    paused: bool = False
    extra: str = "{}"
    reranking_budget: float = 0.0
    reranking_raises: bool = False
    reranking_weight: float = 1.0
    reranking_stages: tuple[RerankStage, ...] = ()
    reranking_mode: RerankingMode = "fixed"
    min_probability: float = 0.0
    boost_last: bool = False
    cached: bool = True
    cache_likeness: Likeness = "strong"
    cache_life: int = DEFAULT_LIFE
    analyser: Analyser | None = None
    source_kind: SourceKind | None = None
    source: str = ""
    sync_interval: int = 21600
    service_token: str = ""
    source_options: SourceOptions = field(default_factory=SourceOptions)
    ocr: bool = False
    logged: bool = False
    log_days: int = DEFAULT_LOG_DAYS
    tried_since: int = 0
    max_tokens: int = 0

    @property
    def retrieval_type(self) -> RetrievalType:
        """How the instance is searched when a request does not say."""
        if self.vector_index:
            return "hybrid" if self.keyword_index else "vector"
        return "keyword"

    @property
    def source_id(self) -> str:
        """How items name the external source that they came from; empty when there is none."""
        return f"{self.source_kind}:{self.source}" if self.source_kind else ""

    @property
    def origin(self) -> tuple[object, ...]:
        """All that a sync reads the source by: where it is, what of it is wanted, and with which credentials."""
        return self.source_id, self.source_options, self.service_token

    def match_mode_of(self, retrieval: RetrievalType, default: MatchMode | None = None) -> MatchMode:
        """The match mode of a search of this type: the chosen one, the server's default, or that of the type."""
        return self.match_mode or default or DEFAULT_MATCH_MODES[retrieval]

    def fusion_of(self, default: FusionMethod | None = None) -> FusionMethod:
        """The fusion of a hybrid search: the chosen one, the server's default, or the product's."""
        return self.fusion_method or default or DEFAULT_FUSION

    def choosing(self, **changes: Any) -> "InstanceSettings":
        """These settings with what somebody chose, which is no earlier default any more."""
        changes |= {flag: False for name, flag in INHERITED.items() if name in changes}
        return replace(self, **changes)

    def after(self, before: "InstanceSettings", now: int) -> "InstanceSettings":
        """These settings in the place of others, from now on: with the time of a trial that begins with them."""
        tries = self.reranking_mode in ("shadow", "interleave")
        changed = any(getattr(self, name) != getattr(before, name) for name in TRIED)
        return replace(self, tried_since=now) if tries and changed else self


@dataclass(frozen=True, slots=True)
class Instance:
    """A search instance; ``uid`` names its index and is never reused. Times are milliseconds since 1970."""

    uid: str
    account: str
    namespace: str
    name: str
    settings: InstanceSettings
    created_at: int
    modified_at: int


@dataclass(frozen=True, slots=True)
class Namespace:
    """A group of instances; ``created_at`` in milliseconds since 1970."""

    name: str
    description: str
    created_at: int


@dataclass(frozen=True, slots=True)
class Item:
    """A document of an instance.

    Attributes:
        version: counts up at each upload of the same key; the index serves one version whole.
        checksum: MD5 of the bytes as uploaded, as object stores print it.
        blob: where the bytes lie; empty when none could be had.
        error: ``type: sentence`` when status is ``error``.
        source: the external source that it came from, empty for an upload.
        modified_at: when it last changed at its source, 0 where nobody says.
    """

    id: str
    instance_uid: str
    key: str
    status: ItemStatus
    checksum: str
    size: int
    version: int = 1
    content_type: str = ""
    error: str = ""
    chunks_count: int | None = None
    metadata: Mapping[str, MetadataValue] = field(default_factory=dict, hash=False)
    created_at: int = 0
    last_seen_at: int = 0
    blob: str = ""
    source: str = ""
    modified_at: int = 0

    @property
    def timestamp(self) -> int:
        """When it last changed, as far as is known; milliseconds since 1970."""
        return self.modified_at or self.last_seen_at


@dataclass(frozen=True, slots=True)
class ItemCounts:
    """How many items have each status, and when one last changed; milliseconds since 1970, 0 for never."""

    statuses: Mapping[ItemStatus, int] = field(default_factory=dict, hash=False)
    last_seen_at: int = 0


@dataclass(frozen=True, slots=True)
class Token:
    """An API token; only its hash is stored. ``account`` is the only one it may use, any when empty.

    Times are milliseconds since 1970; ``expires_at`` is 0 for a token that does not expire. ``overrides``: its requests
    may choose models, prompts, tools, longer answers and remote rerankers in place of the instance's.
    """

    id: str
    name: str
    created_at: int
    revoked: bool = False
    account: str = ""
    permission: Permission = "edit"
    expires_at: int = 0
    overrides: bool = True


@dataclass(frozen=True, slots=True)
class ServiceToken:
    """Credentials for an object store. Times are milliseconds since 1970.

    Attributes:
        api_id: the public half of the credentials.
        legacy: what the client said of it; kept and shown.
        blob: where the secret half lies, apart from the catalogue.
    """

    id: str
    account: str
    name: str
    api_id: str
    legacy: bool
    created_at: int
    modified_at: int
    blob: str
