"""What is remembered of searches: what was asked, what it found and took, and what people made of the results."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Literal

from secondlook.domain.candidate import Evidence
from secondlook.domain.chunk import Chunk

QueryKind = Literal["search", "chat", "shadow"]
"""A search that was reranked in the shadow was served as another line says."""
FeedbackKind = Literal["click", "thumbs_up", "thumbs_down"]
QueryFilter = Literal["all", "no_results", "top_changed", "fell_back", "failed", "cached"]
QueryOrder = Literal["newest", "oldest", "slowest"]
Period = Literal["hour", "day", "week", "month", "year"]

LONGEST_QUERY = 2000
"""Characters of a query that are kept."""
DEFAULT_LOG_DAYS = 30


@dataclass(frozen=True, slots=True)
class FoundChunk:
    """One result as it was served; ``start``, ``end`` and ``hash`` find its text again after another chunking.

    Attributes:
        start: first byte in the item's converted text (UTF-8); ``end`` is one past the last.
        hash: ``content_hash`` of the chunk's text.
        rank: place in the answer, from 1; ``retrieval_rank`` is that before reranking.
    """

    chunk_id: str
    key: str
    start: int
    end: int
    hash: str
    rank: int
    score: float
    retrieval_rank: int | None = None
    retrieval_score: float | None = None
    relevance: float | None = None
    team: Literal["", "retrieval", "reranked"] = ""

    @staticmethod
    def of(chunk: Chunk, rank: int = 0, score: float = 0.0, evidence: Evidence | None = None) -> "FoundChunk":
        """A chunk of a ranking; rank 0 for one that was not found by a search."""
        evidence = evidence or Evidence()
        told = (evidence.retrieval_rank, evidence.retrieval_score, evidence.relevance, evidence.team)
        return FoundChunk(
            chunk.id, chunk.item_key, chunk.start, chunk.end, content_hash(chunk.text), rank, score, *told
        )


@dataclass(frozen=True, slots=True)
class LoggedQuery:
    """A search that was answered, or that failed; times are milliseconds, ``at`` since 1970.

    Attributes:
        public: whether it came without a token, through a public endpoint.
        query: as it was asked; ``searched`` is what a model made of it, empty when none did.
        options: what the plan of the search was, in short.
        results: how many of this instance were returned; ``found`` are the first of them.
        stages: wall time of each stage.
        total: wall time from the question to the last word of the answer, without that of ``explain``.
        status, cause, reason: of the reranking receipt.
        top_changed: whether reranking put another result first; None when it did not rerank.
        cached: whether a kept answer was served.
        error: why it failed; empty when it did not.
        playground: whether somebody tried it in the dashboard's playground.
    """

    id: str
    at: int
    kind: QueryKind
    query: str
    public: bool = False
    searched: str = ""
    options: Mapping[str, str | int | float | bool | None] = field(default_factory=dict, hash=False)
    results: int = 0
    found: tuple[FoundChunk, ...] = ()
    stages: Mapping[str, float] = field(default_factory=dict, hash=False)
    total: float = 0.0
    status: str = ""
    cause: str = ""
    reason: str = ""
    top_changed: bool | None = None
    cached: bool = False
    error: str = ""
    playground: bool = False


@dataclass(frozen=True, slots=True)
class Feedback:
    """What somebody made of a result, or of a whole answer when ``key`` is empty; ``at`` as in ``LoggedQuery``.

    Attributes:
        query_id: the logged query; empty when only its text is known.
        start, end, hash: of the chunk, as in ``FoundChunk``; None and empty when only the item was named.
        position: place in the list that the person saw, from 1.
        public: whether it came through a public endpoint.
        playground: whether its query was asked in the playground.
    """

    at: int
    kind: FeedbackKind
    query: str
    query_id: str = ""
    key: str = ""
    chunk_id: str = ""
    start: int | None = None
    end: int | None = None
    hash: str = ""
    position: int | None = None
    public: bool = False
    playground: bool = False


@dataclass(frozen=True, slots=True)
class HeardQuery:
    """A query with all that was said of its results, oldest first."""

    query_id: str
    query: str
    at: int
    feedback: tuple[Feedback, ...] = ()


@dataclass(frozen=True, slots=True)
class TopQuery:
    """Queries that are alike but for case and spaces, and how they went; ``query`` is the newest wording."""

    query: str
    count: int
    mean: float
    without_results: int
    last: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the measures of a period need of one search."""

    at: int
    kind: str
    results: int
    top_changed: bool | None
    status: str
    cause: str
    cached: bool
    failed: bool
    stages: Mapping[str, float] = field(default_factory=dict, hash=False)


def content_hash(text: str) -> str:
    """The first half of the text's SHA-256 in hexadecimal: the same words are known again under another id."""
    return sha256(text.encode()).hexdigest()[:32]


def normalised(query: str) -> str:
    """The query without case, with single spaces: two that only differ in these are one."""
    return " ".join(unicodedata.normalize("NFKC", query[:LONGEST_QUERY]).casefold().split())
