"""What the OpenAPI document says of the query log, of feedback and of measures over time."""

from collections.abc import Mapping

from secondlook.api.document_parts import (
    JSON,
    MOMENT,
    NUMBER,
    OBJECT,
    SWITCH,
    TEXT,
    TEXT_OR_NULL,
    WHOLE,
    Schema,
    listed,
    ref,
    rows,
    shape,
    wrapped,
)

WHOLE_OR_NULL: Schema = {"type": ["integer", "null"]}
NUMBER_OR_NULL: Schema = {"type": ["number", "null"]}
COUNTS: Schema = {"type": "object", "additionalProperties": WHOLE}
TIMES: Schema = {"type": "object", "additionalProperties": shape("", p50=NUMBER, p95=NUMBER)}

QUERY_SHAPES: Mapping[str, Schema] = {
    "LoggedQuery": shape(
        "A search in the query log; ms is the whole, stages its parts.",
        "search_query error",
        id=TEXT,
        at=MOMENT,
        kind={"enum": ["search", "chat", "shadow"]},
        public=SWITCH,
        query=TEXT,
        search_query=TEXT,
        results=WHOLE,
        cached=SWITCH,
        top_changed={"type": ["boolean", "null"]},
        ms=NUMBER,
        stages={"type": "object", "additionalProperties": NUMBER},
        options=OBJECT,
        chunks=rows(ref("LoggedChunk")),
        reranking={"type": ["object", "null"]},
        error=TEXT,
    ),
    "LoggedChunk": shape(
        "A result of a logged search; its bytes and hash find the text again after another chunking.",
        id=TEXT,
        item=shape("", key=TEXT),
        start_byte=WHOLE,
        end_byte=WHOLE,
        hash=TEXT,
        rank=WHOLE,
        score=NUMBER,
        retrieval_rank=WHOLE_OR_NULL,
        retrieval_score=NUMBER_OR_NULL,
        reranking_score=NUMBER_OR_NULL,
    ),
    "Feedback": shape(
        "What was kept of what somebody made of a result.",
        at=MOMENT,
        kind={"enum": ["click", "thumbs_up", "thumbs_down"]},
        query_id=TEXT_OR_NULL,
        query=TEXT,
        item_key=TEXT_OR_NULL,
        chunk_id=TEXT_OR_NULL,
        start_byte=WHOLE_OR_NULL,
        end_byte=WHOLE_OR_NULL,
        hash=TEXT_OR_NULL,
        position=WHOLE_OR_NULL,
    ),
    "TopQuery": shape(
        "A query that was asked often, whatever its case and spaces.",
        query=TEXT,
        count=WHOLE,
        mean_ms=NUMBER,
        no_results=WHOLE,
        last_at=MOMENT,
    ),
    "QueryBucket": shape(
        "Searches from a moment on: counts, and milliseconds by stage.",
        at=MOMENT,
        count=WHOLE,
        chats=WHOLE,
        no_results=WHOLE,
        failed=WHOLE,
        cached=WHOLE,
        reranked=WHOLE,
        top_changed=WHOLE,
        fallbacks=COUNTS,
        ms=TIMES,
    ),
    "QueryMetrics": shape(
        "How searches went over time.",
        period={"enum": ["hour", "day", "week", "month", "year"]},
        **{"from": MOMENT},
        to=MOMENT,
        bucket_seconds=WHOLE,
        total=ref("QueryBucket"),
        buckets=rows(ref("QueryBucket")),
    ),
}
QUERY_RESULTS: Mapping[str, Mapping[str, Schema]] = {
    "queries_feedback": {JSON: wrapped(ref("Feedback"))},
    "queries_list": {JSON: listed("LoggedQuery")},
    "queries_clear": {JSON: ref("Success")},
    "queries_top": {JSON: wrapped(rows(ref("TopQuery")))},
    "queries_metrics": {JSON: wrapped(ref("QueryMetrics"))},
}
"""Operation, by its short id -> what it answers, as in ``document_shapes``."""
QUERY_EXAMPLES: Mapping[str, Schema] = {
    "queries_feedback": {"query": "frozen oil", "item_key": "winter/oil.md", "kind": "thumbs_up", "position": 1},
}
