"""What instances, items and jobs take and give, by the names of Cloudflare's own types for Workers.

Extra keys are welcome on the way in, and the server's own come on the way out; see docs/compatibility.md.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NotRequired, TypedDict

from secondlook.api.binding.body import Body
from secondlook.api.binding.searches import BoostBy

ItemStatus = Literal["queued", "running", "completed", "error", "skipped", "outdated"]


class PageInfo(TypedDict):
    """``result_info`` of a page."""

    count: int
    page: int
    per_page: int
    total_count: int


class AiSearchPageParams(TypedDict, total=False):
    """Which page, from 1, and how long it is."""

    page: int
    per_page: int


class IndexMethod(TypedDict, total=False):
    """Which indexes there are."""

    vector: bool
    keyword: bool


class IndexingOptions(TypedDict, total=False):
    """How words are indexed; the last key is ours."""

    keyword_tokenizer: Literal["porter", "trigram"]
    use_ocr: bool
    keyword_language: str


class InstanceRetrievalOptions(TypedDict, total=False):
    """How an instance is searched unless a request says otherwise; the last key is ours."""

    keyword_match_mode: Literal["and", "or"]
    boost_by: Sequence[BoostBy]
    boost_after_reranking: bool


class CustomField(TypedDict):
    """A field of metadata that filters and boosts know."""

    field_name: str
    data_type: Literal["text", "number", "boolean", "datetime"]


class AiSearchUpdate(TypedDict, total=False):
    """Settings of an instance; the fusion ``convex`` and the last five keys are ours."""

    type: Literal["r2", "web-crawler", "folder"] | None
    source: str | None
    source_params: Mapping[str, Any] | None
    token_id: str
    ai_gateway_id: str | None
    embedding_model: str | None
    ai_search_model: str | None
    rewrite_query: bool
    rewrite_model: str | None
    reranking: bool
    reranking_model: str | None
    index_method: IndexMethod
    hybrid_search_enabled: bool
    fusion_method: Literal["convex", "max", "rrf"]
    indexing_options: IndexingOptions | None
    retrieval_options: InstanceRetrievalOptions | None
    chunk: bool
    chunk_size: int
    chunk_overlap: int
    max_num_results: int
    score_threshold: float
    cache: bool
    cache_threshold: Literal["super_strict_match", "close_enough", "flexible_friend", "anything_goes"]
    cache_ttl: int
    custom_metadata: Sequence[CustomField]
    sync_interval: int
    public_endpoint_params: Mapping[str, Any]
    paused: bool
    system_prompt_ai_search: str | None
    system_prompt_rewrite_query: str | None
    metadata: Mapping[str, Any]
    reranking_budget_ms: int
    reranking_on_failure: Literal["fall_back", "error"]
    reranking_weight: float
    reranking_stages: Sequence[Mapping[str, Any]]
    fusion_weight: float


class AiSearchConfig(AiSearchUpdate):
    """A new instance: an ``id`` of a-z, 0-9, ``_`` and single inner hyphens, and settings."""

    id: str


class AiSearchInstanceInfo(AiSearchUpdate):
    """An instance; ``sync_error`` says why its syncs fail, None if the last that ended did not."""

    id: str
    namespace: str
    status: str
    enable: bool
    created_at: str
    modified_at: str
    item_counts: Mapping[ItemStatus, int]
    index_problem: "AiSearchIndexProblem | None"
    last_sync: "AiSearchJobInfo | None"
    sync_error: Mapping[str, str] | None


class AiSearchIndexProblem(TypedDict):
    """Why the index does not hold everything, and whether what it holds is searched meanwhile."""

    reason: str
    searchable: bool


class AiSearchListInstancesParams(AiSearchPageParams, total=False):
    """Which instances, and in which order."""

    search: str
    order_by: Literal["created_at"]
    order_by_direction: Literal["asc", "desc"]


class AiSearchListResponse(TypedDict):
    """A page of instances."""

    result: list[AiSearchInstanceInfo]
    result_info: PageInfo


class AiSearchStatsResponse(TypedDict, total=False):
    """How many items are in which state, and the size of the index."""

    queued: int
    running: int
    completed: int
    error: int
    skipped: int
    outdated: int
    last_activity: str
    engine: Mapping[str, Mapping[str, int]]


class AiSearchItemWarning(TypedDict):
    """Metadata of an upload that filters will not see; ``expected_type`` where the value is of another type."""

    code: Literal["custom_metadata_value_not_indexed", "custom_metadata_field_not_filterable"]
    field: str
    expected_type: NotRequired[Literal["text", "number", "boolean", "datetime"]]


class AiSearchItemInfo(TypedDict):
    """An item; ``warnings`` come with an upload alone."""

    id: str
    key: str
    status: ItemStatus
    next_action: Literal["INDEX", "DELETE"] | None
    error: NotRequired[str]
    warnings: NotRequired[list[AiSearchItemWarning]]
    checksum: str
    namespace: str
    chunks_count: int | None
    file_size: int | None
    source_id: str | None
    last_seen_at: str
    created_at: str
    metadata: Mapping[str, Any] | None


class AiSearchItemContentResult(TypedDict):
    """The bytes of an item, and what they are."""

    body: Body
    contentType: str
    filename: str
    size: int


class AiSearchUploadItemOptions(TypedDict, total=False):
    """What goes with an upload."""

    metadata: Mapping[str, str | int | float | bool | None]


class AiSearchPollOptions(AiSearchUploadItemOptions, total=False):
    """The same, and how long to wait: 30 s, asking each second, unless set."""

    pollIntervalMs: int
    timeoutMs: int


class AiSearchListItemsParams(AiSearchPageParams, total=False):
    """Which items, and in which order."""

    search: str
    sort_by: Literal["status", "modified_at"]
    status: ItemStatus
    source: str
    metadata_filter: str
    item_id: str
    key: str


class AiSearchListItemsResponse(TypedDict):
    """A page of items."""

    result: list[AiSearchItemInfo]
    result_info: PageInfo


class AiSearchItemLogsParams(TypedDict, total=False):
    """How many entries, and after which."""

    limit: int
    cursor: str


class AiSearchItemLog(TypedDict):
    """What was done with an item."""

    timestamp: str
    action: str
    message: str
    fileKey: NotRequired[str | None]
    chunkCount: NotRequired[int | None]
    processingTimeMs: NotRequired[int | None]
    errorType: NotRequired[str | None]


class CursorInfo(TypedDict):
    """``result_info`` of item logs."""

    count: int
    per_page: int
    cursor: str | None
    truncated: bool


class AiSearchItemLogsResponse(TypedDict):
    """Entries of an item's log."""

    result: list[AiSearchItemLog]
    result_info: CursorInfo


class AiSearchItemChunksParams(TypedDict, total=False):
    """How many chunks, and after how many."""

    limit: int
    offset: int


class AiSearchItemChunk(TypedDict):
    """A chunk, with its place in the item's text, in bytes."""

    id: str
    text: str
    start_byte: int
    end_byte: int
    item: NotRequired[Mapping[str, Any]]


class OffsetInfo(TypedDict):
    """``result_info`` of chunks."""

    count: int
    total: int
    limit: int
    offset: int


class AiSearchItemChunksResponse(TypedDict):
    """Chunks of an item."""

    result: list[AiSearchItemChunk]
    result_info: OffsetInfo


class AiSearchCreateJobParams(TypedDict, total=False):
    """What the job is for."""

    description: str


class AiSearchJobInfo(TypedDict):
    """A job."""

    id: str
    status: Literal["running", "completed", "failed", "cancelled"]
    error: Mapping[str, str] | None
    source: Literal["user", "schedule"]
    description: NotRequired[str | None]
    started_at: NotRequired[str | None]
    ended_at: NotRequired[str | None]
    last_seen_at: NotRequired[str | None]
    end_reason: NotRequired[str | None]


class AiSearchListJobsResponse(TypedDict):
    """A page of jobs."""

    result: list[AiSearchJobInfo]
    result_info: PageInfo


class AiSearchJobLog(TypedDict):
    """What a job did."""

    id: int
    created_at: int
    message: str
    message_type: int


class AiSearchJobLogsResponse(TypedDict):
    """A page of what a job did."""

    result: list[AiSearchJobLog]
    result_info: PageInfo
