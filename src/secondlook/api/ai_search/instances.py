"""Instances on the wire: settings in, the instance object out."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any, Literal, get_args

from pydantic import Field

from secondlook.api.ai_search.endpoints import shown
from secondlook.api.ai_search.queries import QueryLogBody
from secondlook.api.ai_search.sources import SourceBody, check_kind, check_source, to_options
from secondlook.api.ai_search.wire import LIKENESS, MAX_BOOSTS, BoostBody, CacheThreshold, to_boosts
from secondlook.api.body import Body, validate
from secondlook.api.jobs import syncs_of
from secondlook.api.reranking import LONGEST_BUDGET, StageBody, stages_of, to_stages
from secondlook.api.times import iso_time
from secondlook.domain.candidate import FusionMethod
from secondlook.domain.endpoint import Endpoint
from secondlook.domain.instance import (
    NAME,
    Analyser,
    Instance,
    InstanceSettings,
    ItemCounts,
    ItemStatus,
    MetadataField,
    RerankingMode,
)
from secondlook.domain.jobs import SyncState
from secondlook.domain.options import MAX_STAGES, MatchMode
from secondlook.errors import InvalidOptionError
from secondlook.services.instances import Activity, Stats

RESERVED = ("timestamp", "folder", "filename")
DEFAULT_EMBEDDER = "secondlook/all-minilm-l6-v2"
CLOUDFLARES_EMBEDDER = "@cf/qwen/qwen3-embedding-0.6b"
ECHOED: dict[str, Any] = {
    "source_params": None,
    "ai_gateway_id": None,
    "summarization": False,
    "summarization_model": None,
    "system_prompt_index_summarization": None,
    "metadata": None,
}
"""Fields that are kept and shown with the contract's defaults, but that no stage reads yet."""

FIXED: dict[str, Any] = {"enable": True, "engine_version": 3, "created_by": None, "modified_by": None}
SHOWN = frozenset(
    {
        "created_at", "created_by", "enable", "engine_version", "fusion_method_origin", "item_counts",
        "keyword_match_mode_origin", "last_activity", "modified_at", "modified_by", "namespace", "public_endpoint_id",
        "status", "vectorize_name",
    }
)  # fmt: skip
"""Keys that an instance is shown with and that no request sets; clients send back what they read."""


class IndexMethodBody(Body):
    vector: bool | None = None
    keyword: bool | None = None


class IndexingBody(Body):
    keyword_tokenizer: Literal["porter", "trigram"] | None = None
    keyword_language: Analyser | Literal[""] | None = None
    use_ocr: bool | None = None


class RetrievalDefaultsBody(Body):
    keyword_match_mode: Literal["and", "or"] | None = None
    boost_by: list[BoostBody] | None = Field(None, max_length=MAX_BOOSTS)
    boost_after_reranking: bool | None = None


class FieldBody(Body):
    field_name: str = Field(min_length=1, max_length=64)
    data_type: Literal["text", "number", "boolean", "datetime"]


class InstanceBody(Body):
    """Settings to create or change an instance. An update changes only the fields that are sent."""

    read_only = SHOWN
    id: str | None = None
    embedding_model: str | None = None
    ai_search_model: str | None = None
    rewrite_model: str | None = None
    rewrite_query: bool | None = None
    reranking: bool | Literal["auto"] | None = None
    reranking_mode: RerankingMode | None = None
    reranking_model: str | None = None
    reranking_budget_ms: int | None = Field(None, ge=0, le=LONGEST_BUDGET)
    reranking_on_failure: Literal["fall_back", "error"] | None = None
    reranking_weight: float | None = Field(None, ge=0, le=1)
    reranking_match_probability: float | None = Field(None, ge=0, le=1)
    reranking_stages: list[StageBody] | None = Field(None, max_length=MAX_STAGES)
    index_method: IndexMethodBody | None = None
    hybrid_search_enabled: bool | None = None
    fusion_method: FusionMethod | None = None
    fusion_weight: float | None = Field(None, ge=0, le=1)
    indexing_options: IndexingBody | None = None
    retrieval_options: RetrievalDefaultsBody | None = None
    chunk: bool | None = None
    chunk_size: int | None = Field(None, ge=1, le=100_000)
    chunk_overlap: int | None = Field(None, ge=0, le=30)
    max_num_results: int | None = Field(None, ge=1, le=50)
    max_tokens: int | None = Field(None, ge=0, le=1_000_000)
    score_threshold: float | None = Field(None, ge=0, le=1)
    custom_metadata: list[FieldBody] | None = None
    system_prompt_ai_search: str | None = None
    system_prompt_rewrite_query: str | None = None
    paused: bool | None = None
    type: Literal["r2", "web-crawler", "folder"] | None = None
    source: str | None = Field(None, min_length=1, max_length=2048)
    source_params: SourceBody | None = None
    token_id: str | None = None
    ai_gateway_id: str | None = None
    public_endpoint_params: dict[str, Any] | None = None
    summarization: bool | None = None
    summarization_model: str | None = None
    system_prompt_index_summarization: str | None = None
    metadata: dict[str, Any] | None = None
    query_log: QueryLogBody | None = None
    cache: bool | None = None
    cache_threshold: CacheThreshold | None = None
    cache_ttl: Literal[600, 1800, 3600, 7200, 21600, 43200, 86400, 172800, 259200, 518400] | None = None
    sync_interval: Literal[900, 1800, 3600, 7200, 14400, 21600, 43200, 86400] | None = None


PLAIN = {
    "embedding_model": "embedding_model",
    "ai_search_model": "generation_model",
    "rewrite_model": "rewriting_model",
    "rewrite_query": "rewriting",
    "reranking_model": "reranking_model",
    "reranking_weight": "reranking_weight",
    "reranking_match_probability": "min_probability",
    "fusion_weight": "fusion_weight",
    "chunk": "chunked",
    "chunk_size": "chunk_size",
    "chunk_overlap": "chunk_overlap",
    "max_num_results": "top_k",
    "max_tokens": "max_tokens",
    "score_threshold": "min_score",
    "system_prompt_ai_search": "answer_prompt",
    "system_prompt_rewrite_query": "rewriting_prompt",
    "paused": "paused",
    "type": "source_kind",
    "source": "source",
    "sync_interval": "sync_interval",
    "token_id": "service_token",
    "cache": "cached",
    "cache_ttl": "cache_life",
}
"""Wire name -> name of the setting, where the value needs no translation."""


def check_name(name: object) -> str:
    """The instance id; raises ``InvalidOptionError``."""
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise InvalidOptionError(
            f"id: {name!r} must be 1 to 64 characters of a-z, 0-9, _ and single inner hyphens, for example my-docs"
        )
    return name


def merge_settings(settings: InstanceSettings, raw: dict[str, Any]) -> InstanceSettings:
    """The settings with what the request sent; null leaves a field as it is, but sets the default reranker again."""
    body = validate(InstanceBody, raw)
    check_source(body.source_params or SourceBody())
    changes: dict[str, Any] = {
        ours: getattr(body, wire) for wire, ours in PLAIN.items() if getattr(body, wire) is not None
    }
    if "reranking_model" in raw and raw["reranking_model"] is None:
        changes["reranking_model"] = ""
    changes |= (
        _chosen(body, raw, settings) | _reranking(body) | _sourced(body) | _logged(body.query_log or QueryLogBody())
    )
    if body.cache_threshold:
        changes["cache_likeness"] = LIKENESS[body.cache_threshold]
    if changes.get("embedding_model") == DEFAULT_EMBEDDER:
        changes["embedding_model"] = ""
    if body.hybrid_search_enabled is not None and body.index_method is None:
        changes |= {"keyword_index": body.hybrid_search_enabled}
    if body.index_method:
        sent = {"vector_index": body.index_method.vector, "keyword_index": body.index_method.keyword}
        changes |= {name: value for name, value in sent.items() if value is not None}
    changes |= _indexing(body.indexing_options or IndexingBody())
    if body.custom_metadata is not None:
        changes["fields"] = to_fields(body.custom_metadata)
    changes["extra"] = json.dumps({**json.loads(settings.extra), **_extra(body, raw)})
    options = body.retrieval_options
    merged = settings.choosing(**changes)
    if (merged.source_kind, merged.source) != (settings.source_kind, settings.source):  # an earlier release took more
        check_kind(merged.source_kind, merged.source)
    if options and options.boost_after_reranking is not None:
        merged = replace(merged, boost_last=options.boost_after_reranking)
    if options and options.boost_by is not None:
        return replace(merged, boosts=to_boosts(options.boost_by, _stand_in(merged)))
    kept = [BoostBody(field=one.field, direction=one.direction) for one in merged.boosts]
    to_boosts(kept, _stand_in(merged))  # a schema that no longer has their fields is refused
    return merged


def to_fields(bodies: list[FieldBody]) -> tuple[MetadataField, ...]:
    """The metadata schema; raises ``InvalidOptionError`` for reserved names and doubles."""
    names = [body.field_name.lower() for body in bodies]
    for name in names:
        if name in RESERVED or names.count(name) > 1:
            raise InvalidOptionError(f"custom_metadata: {name!r} is reserved or listed twice")
    return tuple(MetadataField(name, body.data_type) for name, body in zip(names, bodies, strict=True))


def instance_of(
    instance: Instance,
    doing: Activity,
    syncs: SyncState,
    *,
    endpoint: Endpoint | None = None,
    match_mode: MatchMode | None = None,
    fusion: FusionMethod | None = None,
    strict: bool = False,
) -> dict[str, object]:
    """The instance object (contract, 12.3), with ours: the counts of its items, and how its syncs go.

    ``match_mode`` and ``fusion`` are those in effect, by default those of the settings. ``strict``: the default
    embedding model has the name that it has at Cloudflare, since some clients refuse to read any other.
    """
    settings = instance.settings
    extra = {**ECHOED, **json.loads(settings.extra)}
    return {
        "id": instance.name,
        "namespace": instance.namespace,
        "status": doing.status,
        **FIXED,
        **extra,
        **{wire: getattr(settings, ours) for wire, ours in PLAIN.items()},
        "source": settings.source or None,
        "token_id": settings.service_token or None,
        "cache_threshold": next(wire for wire, ours in LIKENESS.items() if ours == settings.cache_likeness),
        "reranking": settings.reranking,
        "reranking_mode": settings.reranking_mode,
        "reranking_model": settings.reranking_model or None,
        "reranking_budget_ms": round(1000 * settings.reranking_budget) or None,
        "reranking_on_failure": "error" if settings.reranking_raises else "fall_back",
        "reranking_stages": stages_of(settings.reranking_stages),
        "system_prompt_ai_search": settings.answer_prompt or None,
        "system_prompt_rewrite_query": settings.rewriting_prompt or None,
        "index_method": {"vector": settings.vector_index, "keyword": settings.keyword_index},
        "hybrid_search_enabled": settings.vector_index and settings.keyword_index,
        "indexing_options": {
            "keyword_tokenizer": settings.tokenizer,
            "keyword_language": settings.analyser,
            "use_ocr": settings.ocr,
        },
        "retrieval_options": {
            "keyword_match_mode": match_mode or settings.match_mode_of(settings.retrieval_type),
            "boost_by": [{"field": one.field, "direction": one.direction} for one in settings.boosts],
            "boost_after_reranking": settings.boost_last,
        },
        **_defaults(settings, fusion, strict=strict),
        "query_log": {"enabled": settings.logged, "retention_days": settings.log_days},
        "custom_metadata": [{"field_name": one.name, "data_type": one.type} for one in settings.fields],
        **shown(endpoint, instance),
        "created_at": iso_time(instance.created_at),
        "modified_at": iso_time(instance.modified_at),
        "last_activity": iso_time(doing.last),
        "vectorize_name": instance.uid,
        "item_counts": counts_of(doing.items),
        "index_problem": asdict(doing.index_problem) if doing.index_problem else None,
        **syncs_of(syncs),
    }


def _defaults(settings: InstanceSettings, fusion: FusionMethod | None, *, strict: bool) -> dict[str, object]:
    """The embedding model and the fusion in effect, and where the latter and the match mode come from."""
    return {
        "embedding_model": settings.embedding_model or (CLOUDFLARES_EMBEDDER if strict else DEFAULT_EMBEDDER),
        "fusion_method": fusion or settings.fusion_of(),
        "max_tokens": settings.max_tokens or None,
        "keyword_match_mode_origin": _origin_of(settings.match_mode, inherited=settings.match_mode_inherited),
        "fusion_method_origin": _origin_of(settings.fusion_method, inherited=settings.fusion_inherited),
    }


def _origin_of(value: str | None, *, inherited: bool) -> str:
    """Where a setting comes from: a choice, the default, or the default of an earlier release."""
    return "default" if value is None else "earlier_default" if inherited else "chosen"


def fusion_of(row: Mapping[str, Any]) -> str:
    """How a hybrid search merges its lists; empty where there is one list."""
    if not row["hybrid_search_enabled"]:
        return ""
    method = str(row["fusion_method"])
    return f"{method}, weight of the cosine {row['fusion_weight']:g}" if method == "convex" else method


def earlier_of(row: Mapping[str, Any]) -> str:
    """What a hybrid search still takes from the defaults of an earlier release, and what new instances have."""
    if not row["hybrid_search_enabled"]:
        return ""
    words = row["keyword_match_mode_origin"] == "earlier_default"
    lists = row["fusion_method_origin"] == "earlier_default"
    old = ["keyword_match_mode and"] * words + ["fusion_method rrf"] * lists
    new = ["or"] * words + ["convex"] * lists
    return f"of an earlier release: {', '.join(old)} (new instances: {', '.join(new)})" if old else ""


def counts_of(items: ItemCounts) -> dict[str, int]:
    """How many items have each status."""
    return {**dict.fromkeys(get_args(ItemStatus), 0), **items.statuses}


def stats_of(stats: Stats, doing: Activity, syncs: SyncState) -> dict[str, object]:
    """What ``…/stats`` answers (contract, 12.4); a sync that failed is among the errors of the source."""
    source_errors = Counter(stats.source_errors)
    if syncs.failed and (failure := syncs.failed.failure):
        source_errors[failure.kind] += 1
    return {
        **counts_of(stats.items),
        "last_activity": iso_time(doing.last),
        "degraded": False,
        "file_embed_errors": stats.file_errors,
        "index_source_errors": dict(source_errors),
        **syncs_of(syncs),
        "engine": {
            "vectorize": {"vectorsCount": stats.vectors, "dimensions": stats.dimensions},
            "r2": {
                "payloadSizeBytes": stats.payload_bytes,
                "metadataSizeBytes": stats.metadata_bytes,
                "objectCount": stats.objects,
            },
        },
    }


def _indexing(body: IndexingBody) -> dict[str, Any]:
    """What was sent of how items are read and of their keywords; an empty language is that of the tokenizer alone."""
    changes: dict[str, Any] = {}
    if body.keyword_tokenizer:
        changes["tokenizer"] = body.keyword_tokenizer
    if body.keyword_language is not None:
        changes["analyser"] = body.keyword_language or None
    if body.use_ocr is not None:
        changes["ocr"] = body.use_ocr
    return changes


def _chosen(body: InstanceBody, raw: dict[str, Any], settings: InstanceSettings) -> dict[str, Any]:
    """What was sent of settings that are chosen or left alone; a default that is sent back as it was read stays one."""
    changes: dict[str, Any] = {}
    mode = body.retrieval_options.keyword_match_mode if body.retrieval_options else None
    read = raw.get("keyword_match_mode_origin", "chosen") != "chosen"
    if mode and not (read and mode == settings.match_mode_of(settings.retrieval_type)):
        changes["match_mode"] = mode
    read = raw.get("fusion_method_origin", "chosen") != "chosen"
    if body.fusion_method and not (read and body.fusion_method == settings.fusion_of()):
        changes["fusion_method"] = body.fusion_method
    return changes


def _reranking(body: InstanceBody) -> dict[str, Any]:
    """What was sent of the options of reranking; a budget of 0 is the server's."""
    changes: dict[str, Any] = {}
    if isinstance(body.reranking, bool):
        changes |= {"reranking": body.reranking, "reranking_mode": "fixed"}
    if mode := "auto" if body.reranking == "auto" else body.reranking_mode:
        changes["reranking_mode"] = mode
    if body.reranking_budget_ms is not None:
        changes["reranking_budget"] = body.reranking_budget_ms / 1000
    if body.reranking_on_failure is not None:
        changes["reranking_raises"] = body.reranking_on_failure == "error"
    if body.reranking_stages is not None:
        changes["reranking_stages"] = to_stages(body.reranking_stages)
    return changes


def _logged(body: QueryLogBody) -> dict[str, Any]:
    """What was sent of the query log."""
    sent = {"logged": body.enabled, "log_days": body.retention_days}
    return {name: value for name, value in sent.items() if value is not None}


def _sourced(body: InstanceBody) -> dict[str, Any]:
    """What was sent of a source's options: all of them at once, defaults filled in."""
    return {} if body.source_params is None else {"source_options": to_options(body.source_params)}


def _extra(body: InstanceBody, raw: dict[str, Any]) -> dict[str, Any]:
    sent = {name: raw[name] for name in ECHOED if raw.get(name) is not None}
    return {name: value if isinstance(value, dict) else getattr(body, name) for name, value in sent.items()}


def _stand_in(settings: InstanceSettings) -> Instance:
    """An instance with these settings, for checks that need only its schema."""
    return Instance("", "", "", "", settings, 0, 0)
