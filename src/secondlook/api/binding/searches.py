"""What searches and answers take and give, by the names of Cloudflare's own types for Workers.

Extra keys are welcome on the way in, and the server's own come on the way out; see docs/compatibility.md.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NotRequired, TypedDict

Role = Literal["system", "developer", "user", "assistant", "tool"]


class BoostBy(TypedDict):
    """A field of metadata that lifts results."""

    field: str
    direction: NotRequired[Literal["asc", "desc", "exists", "not_exists"]]


class RerankOptions(TypedDict, total=False):
    """``reranking``; the last four keys are ours."""

    enabled: bool
    model: str
    match_threshold: float
    budget_ms: int
    on_failure: Literal["fall_back", "error"]
    weight: float
    stages: Sequence[Mapping[str, Any]]


class RankingOptions(TypedDict, total=False):
    """``ranking_options``."""

    ranker: str
    score_threshold: float


class AutoRagSearchRequest(TypedDict):
    """What ``search`` of AutoRAG takes."""

    query: str
    filters: NotRequired[Mapping[str, Any]]
    max_num_results: NotRequired[int]
    ranking_options: NotRequired[RankingOptions]
    reranking: NotRequired[RerankOptions]
    rewrite_query: NotRequired[bool]
    explain: NotRequired[bool]


class AutoRagAiSearchRequest(AutoRagSearchRequest):
    """What ``aiSearch`` of AutoRAG takes."""

    model: NotRequired[str]
    system_prompt: NotRequired[str]
    stream: NotRequired[Literal[False]]


class AutoRagAiSearchRequestStreaming(AutoRagSearchRequest):
    """The same, for a stream."""

    model: NotRequired[str]
    system_prompt: NotRequired[str]
    stream: Literal[True]


class AutoRagContent(TypedDict):
    """A piece of a result."""

    id: NotRequired[str]
    type: str
    text: str


class AutoRagRow(TypedDict):
    """A result of AutoRAG."""

    file_id: str
    filename: str
    score: float
    attributes: Mapping[str, Any]
    content: list[AutoRagContent]


class AutoRagSearchResponse(TypedDict):
    """The results of AutoRAG; ``reranking`` is our receipt."""

    object: str
    search_query: str
    data: list[AutoRagRow]
    has_more: bool
    next_page: str | None
    reranking: NotRequired[Mapping[str, Any]]


class AutoRagAiSearchResponse(AutoRagSearchResponse):
    """An answer of AutoRAG with its results."""

    response: str


class AutoRagInstance(TypedDict):
    """An instance, as AutoRAG lists it."""

    id: str
    enable: bool
    type: str | None
    source: str | None
    vectorize_name: str
    paused: bool
    status: str


AutoRagListResponse = list[AutoRagInstance]


class RerankContext(TypedDict):
    """A passage."""

    text: str


class RerankInputs(TypedDict):
    """What a reranker takes."""

    query: str
    contexts: Sequence[RerankContext]
    top_k: NotRequired[int]


class RerankScore(TypedDict):
    """The place of a passage among those given, from 0, and its score."""

    id: int
    score: float


class RerankOutput(TypedDict):
    """Passages, best first; ``secondlook`` is our receipt."""

    response: list[RerankScore]
    secondlook: NotRequired[Mapping[str, Any]]


class RetrievalOptions(TypedDict, total=False):
    """``ai_search_options.retrieval``; ``convex`` and the last two keys are ours."""

    retrieval_type: Literal["vector", "keyword", "hybrid"]
    fusion_method: Literal["convex", "max", "rrf"]
    keyword_match_mode: Literal["and", "or"]
    match_threshold: float
    max_num_results: int
    filters: Mapping[str, Any]
    context_expansion: int
    metadata_only: bool
    return_on_failure: bool
    boost_by: Sequence[BoostBy]
    boost_after_reranking: bool
    fusion_weight: float


class RewriteOptions(TypedDict, total=False):
    """``ai_search_options.query_rewrite``."""

    enabled: bool
    model: str
    rewrite_prompt: str


class CacheOptions(TypedDict, total=False):
    """``ai_search_options.cache``."""

    enabled: bool
    cache_threshold: Literal["super_strict_match", "close_enough", "flexible_friend", "anything_goes"]


class AiSearchOptions(TypedDict, total=False):
    """``ai_search_options``."""

    retrieval: RetrievalOptions
    query_rewrite: RewriteOptions
    reranking: RerankOptions
    cache: CacheOptions
    custom_metadata: Mapping[str, str | int | float | bool]


class AiSearchMultiSearchOptions(AiSearchOptions):
    """``ai_search_options`` over 1 to 10 instances."""

    instance_ids: Sequence[str]


class AiSearchMessage(TypedDict):
    """A message of a conversation."""

    role: Role
    content: str | Sequence[Mapping[str, Any]] | None


class AiSearchSearchRequest(TypedDict, total=False):
    """``query`` or ``messages``, and how to search; ``explain`` is ours."""

    query: str
    messages: Sequence[AiSearchMessage]
    ai_search_options: AiSearchOptions
    explain: bool


class AiSearchMultiSearchRequest(TypedDict):
    """The same over several instances."""

    query: NotRequired[str]
    messages: NotRequired[Sequence[AiSearchMessage]]
    ai_search_options: AiSearchMultiSearchOptions


class AiSearchChatRequest(TypedDict):
    """A conversation to answer."""

    messages: Sequence[AiSearchMessage]
    model: NotRequired[str]
    stream: NotRequired[Literal[False]]
    ai_search_options: NotRequired[AiSearchOptions]
    temperature: NotRequired[float]
    top_p: NotRequired[float]
    max_tokens: NotRequired[int]
    tools: NotRequired[Sequence[Mapping[str, Any]]]


class AiSearchChatRequestStreaming(TypedDict):
    """The same, for a stream."""

    messages: Sequence[AiSearchMessage]
    model: NotRequired[str]
    stream: Literal[True]
    ai_search_options: NotRequired[AiSearchOptions]
    temperature: NotRequired[float]
    top_p: NotRequired[float]
    max_tokens: NotRequired[int]
    tools: NotRequired[Sequence[Mapping[str, Any]]]


class AiSearchMultiChatRequest(TypedDict):
    """A conversation to answer from several instances."""

    messages: Sequence[AiSearchMessage]
    model: NotRequired[str]
    stream: NotRequired[Literal[False]]
    ai_search_options: AiSearchMultiSearchOptions


class AiSearchMultiChatRequestStreaming(TypedDict):
    """The same, for a stream."""

    messages: Sequence[AiSearchMessage]
    model: NotRequired[str]
    stream: Literal[True]
    ai_search_options: AiSearchMultiSearchOptions


class ChunkItem(TypedDict):
    """Where a chunk comes from; the timestamp is in milliseconds."""

    key: str
    timestamp: NotRequired[int]
    metadata: NotRequired[Mapping[str, Any]]


class AiSearchChunk(TypedDict):
    """A result."""

    id: str
    type: str
    score: float
    text: str
    item: ChunkItem
    scoring_details: NotRequired[Mapping[str, Any]]


class AiSearchMultiSearchChunk(AiSearchChunk):
    """A result of one of several instances."""

    instance_id: str


class AiSearchSearchResponse(TypedDict):
    """Results, best first; ``reranking`` is our receipt."""

    search_query: str
    query_kind: NotRequired[Literal["text", "image", "multimodal"]]
    chunks: list[AiSearchChunk]
    reranking: NotRequired[Mapping[str, Any]]


class AiSearchMultiSearchError(TypedDict):
    """One of several instances that failed."""

    instance_id: str
    message: str


class AiSearchMultiSearchResponse(TypedDict):
    """Results of several instances, best first."""

    search_query: str
    chunks: list[AiSearchMultiSearchChunk]
    errors: NotRequired[list[AiSearchMultiSearchError]]


class ChatMessage(TypedDict):
    """What the model said."""

    role: Role
    content: str | None


class ChatChoice(TypedDict):
    """One answer."""

    index: NotRequired[int]
    message: ChatMessage
    finish_reason: NotRequired[str]


class AiSearchChatResponse(TypedDict):
    """An answer with its chunks."""

    id: NotRequired[str]
    object: NotRequired[str]
    model: NotRequired[str]
    created: NotRequired[int]
    usage: NotRequired[Mapping[str, int]]
    choices: list[ChatChoice]
    chunks: list[AiSearchChunk]
    reranking: NotRequired[Mapping[str, Any]]


class AiSearchMultiChatResponse(TypedDict):
    """An answer with the chunks of several instances."""

    id: NotRequired[str]
    model: NotRequired[str]
    choices: list[ChatChoice]
    chunks: list[AiSearchMultiSearchChunk]
    errors: NotRequired[list[AiSearchMultiSearchError]]
