"""What the OpenAPI document says of answers, and the examples of bodies."""

from collections.abc import Iterable, Mapping

from secondlook.api.document_openai import ASKED, OPENAI_EXAMPLES, OPENAI_RESULTS
from secondlook.api.document_parts import (
    FRAMES,
    JSON,
    OBJECT,
    STREAM,
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
from secondlook.api.document_queries import QUERY_EXAMPLES, QUERY_RESULTS

INSTANCE, ITEM, JOB = wrapped(ref("Instance")), wrapped(ref("Item")), wrapped(ref("Job"))
NAMESPACE, TOKEN = wrapped(ref("Namespace")), wrapped(ref("ServiceToken"))
SEARCH, LEGACY = wrapped(ref("SearchResult")), wrapped(ref("LegacyPage"))

RESULTS: Mapping[str, Mapping[str, Schema]] = {
    **QUERY_RESULTS,
    **OPENAI_RESULTS,
    "health": {JSON: ref("Health")},
    "sign_in": {JSON: wrapped(ref("Session"))},
    "accounts_list": {JSON: listed("Account")},
    "metrics": {"text/plain": TEXT},
    "rerank_first": {JSON: ref("Reranked")},
    "rerank_second": {JSON: ref("Reranked")},
    "rerank_texts": {JSON: {"anyOf": [ref("ScoredTexts"), ref("Reranked")]}},
    "rerank_info": {JSON: shape("", model_id=TEXT, model_type=OBJECT, max_input_length=WHOLE, version=TEXT)},
    "rerank_binding": {JSON: ref("RunResult")},
    "run_model": {JSON: wrapped(ref("RunResult"))},
    "public_search": {JSON: SEARCH},
    "public_chat": {JSON: ref("Completion"), STREAM: FRAMES},
    "public_ai_search": {JSON: LEGACY, STREAM: FRAMES},
    "public_mcp": {JSON: {**OBJECT, "description": "A JSON-RPC 2.0 message."}},
    "public_stats": {JSON: ref("Success")},
    "public_asset": {"text/javascript": TEXT},
    "autorag_list": {JSON: listed("Rag")},
    "autorag_search": {JSON: LEGACY},
    "autorag_ai_search": {JSON: LEGACY, STREAM: FRAMES},
    "autorag_sync": {JSON: wrapped(shape("", job_id=TEXT))},
    "autorag_files": {JSON: wrapped(rows(shape("", key=TEXT, error=TEXT)))},
    "autorag_jobs": {JSON: listed("Job")},
    "autorag_job": {JSON: JOB},
    "autorag_logs": {JSON: listed("JobLine")},
    "instances_create": {JSON: INSTANCE},
    "instances_list": {JSON: listed("Instance")},
    "instances_read": {JSON: INSTANCE},
    "instances_update": {JSON: INSTANCE},
    "instances_delete": {JSON: INSTANCE},
    "instances_stats": {JSON: wrapped(ref("Stats"))},
    "instances_purge_cache": {JSON: ref("Success")},
    "instances_search": {JSON: SEARCH},
    "instances_why": {JSON: wrapped(ref("Why"))},
    "instances_chat": {JSON: ref("Completion"), STREAM: FRAMES},
    "joint_search": {JSON: SEARCH},
    "joint_chat": {JSON: ref("Completion"), STREAM: FRAMES},
    "items_list": {JSON: listed("Item")},
    "items_upload": {JSON: ITEM},
    "items_reindex_by_key": {JSON: ITEM},
    "items_get": {JSON: ITEM},
    "items_reindex": {JSON: ITEM},
    "items_delete": {JSON: wrapped(shape("", key=TEXT))},
    "items_download": {"*/*": {}},
    "items_chunks": {JSON: listed("ItemChunk", shape("", count=WHOLE, total=WHOLE, limit=WHOLE, offset=WHOLE))},
    "items_logs": {
        JSON: listed("ItemLine", shape("", count=WHOLE, per_page=WHOLE, cursor=TEXT_OR_NULL, truncated=SWITCH))
    },
    "jobs_create": {JSON: JOB},
    "jobs_list": {JSON: listed("Job")},
    "jobs_get": {JSON: JOB},
    "jobs_change": {JSON: JOB},
    "jobs_logs": {JSON: listed("JobLine")},
    "jobs_events": {STREAM: {**FRAMES, "description": "Events `log`, `job` and `end`; a line's number is its id."}},
    "lab_begin": {JSON: wrapped(ref("LabRun"))},
    "lab_list": {JSON: listed("LabRun")},
    "lab_verdict": {JSON: wrapped(ref("Verdict"))},
    "lab_online": {JSON: wrapped(ref("Trials"))},
    "lab_get": {JSON: wrapped(ref("LabRun"))},
    "lab_change": {JSON: wrapped(ref("LabRun"))},
    "lab_delete": {JSON: wrapped(ref("LabRun"))},
    "lab_queries": {JSON: listed("LabQuery")},
    "lab_page": {"text/html": TEXT},
    "lab_apply": {JSON: wrapped(shape("", applied=SWITCH, settings=OBJECT))},
    "namespaces_create": {JSON: NAMESPACE},
    "namespaces_list": {JSON: listed("Namespace")},
    "namespaces_read": {JSON: NAMESPACE},
    "namespaces_update": {JSON: NAMESPACE},
    "namespaces_delete": {JSON: wrapped(shape("The deleted namespace.", name=TEXT))},
    "items_bulk": {
        JSON: wrapped(shape("", done=rows(TEXT), failed=rows(shape("", id=TEXT, message=TEXT)))),
    },
    "models_list": {JSON: wrapped(rows(ref("Model")))},
    "models_download": {JSON: wrapped(ref("ModelDownload"))},
    "models_cancel": {JSON: wrapped(ref("ModelDownload"))},
    "access_list": {JSON: listed("AccessToken")},
    "access_create": {JSON: wrapped(ref("AccessToken"))},
    "access_revoke": {JSON: wrapped(ref("AccessToken"))},
    "sources_test": {JSON: wrapped(ref("SourceTest"))},
    "tokens_create": {JSON: TOKEN},
    "tokens_list": {JSON: listed("ServiceToken")},
    "tokens_get": {JSON: TOKEN},
    "tokens_replace": {JSON: TOKEN},
    "tokens_delete": {JSON: TOKEN},
}
"""Operation, by its short id -> what it answers when all goes well, by media type."""
STREAMED = {name for name, found in RESULTS.items() if STREAM in found and JSON in found}

EXAMPLES: Mapping[str, Schema] = {
    **QUERY_EXAMPLES,
    **OPENAI_EXAMPLES,
    "sign_in": {"code": "the code of the link"},
    "rerank_first": {"query": "frozen oil", "documents": ["Warm the oil.", "Sound the horn."], "top_n": 1},
    "rerank_second": {"query": "frozen oil", "documents": ["Warm the oil.", "Sound the horn."], "top_n": 1},
    "rerank_texts": {"query": "frozen oil", "texts": ["Warm the oil.", "Sound the horn."]},
    "rerank_binding": {"inputs": {"query": "frozen oil", "contexts": [{"text": "Warm the oil."}]}},
    "run_model": {"query": "frozen oil", "contexts": [{"text": "Warm the oil."}], "top_k": 1},
    "public_search": {"query": "frozen oil"},
    "public_chat": ASKED,
    "public_ai_search": ASKED,
    "autorag_search": {"query": "frozen oil", "max_num_results": 5},
    "autorag_ai_search": {"query": "When does lamp oil freeze?"},
    "instances_create": {"id": "field-notes", "reranking": True},
    "instances_update": {"max_num_results": 5},
    "instances_search": {
        "query": "frozen oil",
        "ai_search_options": {"retrieval": {"max_num_results": 5}, "reranking": {"enabled": True}},
    },
    "instances_why": {"query": "frozen oil", "item_key": "winter/oil.md"},
    "instances_chat": ASKED,
    "joint_search": {"query": "frozen oil", "ai_search_options": {"instance_ids": ["handbook"]}},
    "joint_chat": {**ASKED, "ai_search_options": {"instance_ids": ["handbook"]}},
    "items_reindex_by_key": {"key": "winter/oil.md"},
    "items_reindex": {"next_action": "INDEX"},
    "jobs_create": {"description": "manual sync"},
    "jobs_change": {"action": "cancel"},
    "lab_begin": {"queries": [{"query": "frozen oil", "items": ["winter/oil.md"]}], "arms": [{"window": 20}]},
    "lab_change": {"action": "cancel"},
    "namespaces_create": {"name": "team", "description": "Documents of the team"},
    "namespaces_update": {"description": "Documents of all teams"},
    "items_bulk": {"action": "sync", "item_ids": ["0123456789abcdef"]},
    "models_download": {"name": "cross-encoder/ms-marco-MiniLM-L-6-v2"},
    "models_cancel": {"name": "cross-encoder/ms-marco-MiniLM-L-6-v2"},
    "access_create": {"name": "search box", "permission": "run"},
    "sources_test": {"type": "folder", "source": "/srv/handbook"},
    "tokens_create": {"name": "crawler", "cf_api_id": "id-of-the-token", "cf_api_key": "key-of-the-token"},
    "tokens_replace": {"name": "crawler", "cf_api_id": "id-of-the-token", "cf_api_key": "a-new-key"},
}
"""Operation, by its short id -> a body that it takes."""

ERRORS: Mapping[int, str] = {
    400: "The request is invalid, or conflicts with the current state.",
    401: "The token is missing, unknown or revoked.",
    402: "The model's provider requires payment.",
    403: "The token lacks permission, or a limit was reached.",
    404: "Not found.",
    405: "This path does not support the method.",
    406: "The client accepts none of the available content types.",
    409: "It already exists, or is in use.",
    413: "The request or file is too large.",
    415: "The content type of the body is not supported.",
    424: "The model's content filter blocked the request or answer.",
    429: "Too many requests: wait as long as Retry-After says.",
    500: "Internal error.",
    502: "The model's provider failed.",
    503: "A part of the server is unavailable.",
}


def answers(name: str, statuses: Iterable[int]) -> Schema:
    """The responses of an operation; every error has the same envelope, but those of the Model Context Protocol."""
    kinds = {kind: {"schema": one} for kind, one in RESULTS[name].items()}
    found: Schema = {"200": {"description": "Success.", "content": kinds}}
    error = ref("Failure")
    if name == "public_mcp":
        found["202"] = {"description": "Accepted: a notification has no response."}
        error = {"anyOf": [error, ref("ProtocolError")]}
    for status in statuses:
        found[str(status)] = {"description": ERRORS[status], "content": {JSON: {"schema": error}}}
    return found
