"""What the OpenAPI document says of answers, and the examples of bodies."""

from collections.abc import Iterable, Mapping
from typing import Any

Schema = dict[str, Any]
JSON = "application/json"
STREAM = "text/event-stream"
REF = "#/components/schemas/"

TEXT: Schema = {"type": "string"}
TEXT_OR_NULL: Schema = {"type": ["string", "null"]}
WHOLE: Schema = {"type": "integer"}
NUMBER: Schema = {"type": "number"}
SWITCH: Schema = {"type": "boolean"}
OBJECT: Schema = {"type": "object"}
UNIT: Schema = {"type": "number", "minimum": 0, "maximum": 1}
FRAMES: Schema = {"description": "Server-sent events, each with one line of data; the last one may be [DONE]."}
MOMENT: Schema = {"type": "string", "format": "date-time"}


def shape(description: str, optional: str = "", /, **fields: Schema) -> Schema:
    """An object with these fields, all of which are there but those named in ``optional``; more may be added."""
    needed = [name for name in fields if name not in optional.split()]
    return {"type": "object", "description": description, "properties": fields, "required": needed}


def rows(schema: Schema) -> Schema:
    """A list of these."""
    return {"type": "array", "items": schema}


def ref(name: str) -> Schema:
    """The schema of that name."""
    return {"$ref": f"{REF}{name}"}


SHAPES: Mapping[str, Schema] = {
    "ErrorLine": shape(
        "One error; detail is a sentence for a person.", "detail", code=WHOLE, message=TEXT, detail=TEXT
    ),
    "Failure": shape(
        "Every error.",
        success={"const": False},
        errors={**rows(ref("ErrorLine")), "minItems": 1},
        messages=rows({}),
        result={"type": "object", "maxProperties": 0},
    ),
    "ProtocolMessage": shape(
        "A message of JSON-RPC 2.0; a notification has no id.",
        "id params",
        jsonrpc={"const": "2.0"},
        id={"type": ["string", "integer"]},
        method=TEXT,
        params=OBJECT,
    ),
    "ProtocolError": shape(
        "An error of JSON-RPC 2.0; id is that of the message.",
        jsonrpc={"const": "2.0"},
        id={"type": ["string", "integer", "null"]},
        error=shape("", code=WHOLE, message=TEXT),
    ),
    "Success": shape(
        "The envelope of what went well.",
        success={"const": True},
        errors={**rows({}), "maxItems": 0},
        messages=rows({}),
        result={},
    ),
    "PageInfo": shape("Which page of a list this is.", count=WHOLE, page=WHOLE, per_page=WHOLE, total_count=WHOLE),
    "Receipt": shape(
        "What reranking did.",
        status=TEXT,
        reason=TEXT,
        model=TEXT,
        asked_model=TEXT,
        candidates_in=WHOLE,
        candidates_out=WHOLE,
        scored=WHOLE,
        truncated=WHOLE,
        windowed=WHOLE,
        cached=WHOLE,
        ms=NUMBER,
        stages=rows(OBJECT),
    ),
    "Chunk": shape(
        "A passage that was found.",
        "text instance_id explain",
        id=TEXT,
        type={"const": "text"},
        score=UNIT,
        text=TEXT,
        item=shape("Where it stands.", key=TEXT, timestamp=WHOLE, metadata=OBJECT),
        scoring_details=OBJECT,
        instance_id=TEXT,
        explain=OBJECT,
    ),
    "SearchResult": shape(
        "The result of a search; public endpoints leave the receipt out.",
        "reranking trace dropped errors",
        query_kind={"const": "text"},
        search_query=TEXT,
        chunks=rows(ref("Chunk")),
        reranking=ref("Receipt"),
        trace=rows(OBJECT),
        dropped=rows(OBJECT),
        errors=rows(OBJECT),
    ),
    "Completion": shape(
        "An answer; public endpoints leave the receipt out.",
        "usage reranking trace dropped errors",
        id=TEXT,
        object={"const": "chat.completion"},
        created=WHOLE,
        model=TEXT,
        choices={**rows(shape("", index=WHOLE, finish_reason=TEXT, message=OBJECT)), "minItems": 1},
        usage=OBJECT,
        chunks=rows(ref("Chunk")),
        reranking=ref("Receipt"),
        trace=rows(OBJECT),
        dropped=rows(OBJECT),
        errors=rows(OBJECT),
    ),
    "LegacyPage": shape(
        "The result of a search of AutoRAG; ai-search adds the response.",
        "response reranking trace dropped",
        object={"const": "vector_store.search_results.page"},
        search_query=TEXT,
        data=rows(
            shape("", "explain", file_id=TEXT, filename=TEXT, score=UNIT, attributes=OBJECT, content=rows(OBJECT))
        ),
        has_more=SWITCH,
        next_page=TEXT_OR_NULL,
        response=TEXT,
        reranking=ref("Receipt"),
        trace=rows(OBJECT),
        dropped=rows(OBJECT),
    ),
    "Why": shape(
        "Why an item is in the answer, or is not.", "rank", item=OBJECT, verdict=TEXT, reason=TEXT, rank=WHOLE
    ),
    "Rag": shape("An instance, as AutoRAG lists it.", id=TEXT, enable=SWITCH, paused=SWITCH, status=TEXT),
    "Instance": shape(
        "An instance with its settings.",
        id=TEXT,
        namespace=TEXT,
        status=TEXT,
        enable=SWITCH,
        paused=SWITCH,
        embedding_model=TEXT,
        reranking=SWITCH,
        reranking_model=TEXT_OR_NULL,
        max_num_results=WHOLE,
        score_threshold=UNIT,
        custom_metadata=rows(OBJECT),
        created_at=MOMENT,
        modified_at=MOMENT,
    ),
    "Stats": shape(
        "How many items are in which state, and what the index holds.",
        queued=WHOLE,
        running=WHOLE,
        completed=WHOLE,
        error=WHOLE,
        skipped=WHOLE,
        outdated=WHOLE,
        engine=OBJECT,
    ),
    "Item": shape(
        "A file of an instance.",
        "error",
        id=TEXT,
        key=TEXT,
        status=TEXT,
        error=TEXT,
        checksum=TEXT,
        namespace=TEXT,
        chunks_count={"type": ["integer", "null"]},
        file_size=WHOLE,
        created_at=MOMENT,
        metadata=OBJECT,
    ),
    "ItemChunk": shape("A passage of a file.", id=TEXT, text=TEXT, start_byte=WHOLE, end_byte=WHOLE, item=OBJECT),
    "ItemLine": shape("A line of the log of an item.", timestamp=MOMENT, action=TEXT, message=TEXT),
    "Job": shape(
        "A sync.",
        "ended_at end_reason",
        id=TEXT,
        source=TEXT,
        description=TEXT_OR_NULL,
        started_at=MOMENT,
        last_seen_at=MOMENT,
        ended_at=MOMENT,
        end_reason=TEXT_OR_NULL,
    ),
    "JobLine": shape("A line of the log of a sync.", id=WHOLE, created_at=NUMBER, message=TEXT, message_type=WHOLE),
    "Namespace": shape("A namespace.", name=TEXT, description=TEXT_OR_NULL),
    "ServiceToken": shape(
        "A token that is kept, without its key.", id=TEXT, name=TEXT, cf_api_id=TEXT, enabled=SWITCH, legacy=SWITCH
    ),
    "Model": shape(
        "A model that an instance can name; parameters and tokens are null where nobody told.",
        name=TEXT,
        aliases=rows(TEXT),
        task={"enum": ["embedding", "reranking"]},
        licence=TEXT,
        languages=rows(TEXT),
        multilingual=SWITCH,
        parameters={"type": ["integer", "null"]},
        max_tokens={"type": ["integer", "null"]},
        score_kind=TEXT_OR_NULL,
        status={"enum": ["built_in", "cached", "remote", "absent"]},
        note=TEXT,
    ),
    "Reranked": shape(
        "Documents in their new order, as Cohere has it.",
        id=TEXT,
        model=TEXT,
        results=rows(shape("", index=WHOLE, relevance_score=UNIT)),
        meta=OBJECT,
        secondlook=ref("Receipt"),
    ),
    "ScoredTexts": rows(shape("A text, best first.", "text", index=WHOLE, score=NUMBER, text=TEXT)),
    "RunResult": shape(
        "Contexts in their new order, as Workers AI has it.",
        response=rows(shape("", id=WHOLE, score=UNIT)),
        secondlook=ref("Receipt"),
    ),
    "Health": shape("That the server is there.", status={"const": "ok"}, version=TEXT),
    "Events": shape("What a search box tells.", events={**rows(OBJECT), "minItems": 1, "maxItems": 100}),
}


def wrapped(result: Schema) -> Schema:
    """The success envelope around that."""
    return {"allOf": [ref("Success"), {"type": "object", "properties": {"result": result}}]}


def listed(name: str, info: Schema | None = None) -> Schema:
    """The success envelope around a page of these."""
    inner = {"result": rows(ref(name)), "result_info": info or ref("PageInfo")}
    return {"allOf": [ref("Success"), {"type": "object", "properties": inner, "required": ["result_info"]}]}


INSTANCE, ITEM, JOB = wrapped(ref("Instance")), wrapped(ref("Item")), wrapped(ref("Job"))
NAMESPACE, TOKEN = wrapped(ref("Namespace")), wrapped(ref("ServiceToken"))
SEARCH, LEGACY = wrapped(ref("SearchResult")), wrapped(ref("LegacyPage"))

RESULTS: Mapping[str, Mapping[str, Schema]] = {
    "health": {JSON: ref("Health")},
    "metrics": {"text/plain": TEXT},
    "rerank_first": {JSON: ref("Reranked")},
    "rerank_second": {JSON: ref("Reranked")},
    "rerank_texts": {JSON: ref("ScoredTexts")},
    "rerank_binding": {JSON: ref("RunResult")},
    "run_model": {JSON: wrapped(ref("RunResult"))},
    "public_search": {JSON: SEARCH},
    "public_chat": {JSON: ref("Completion"), STREAM: FRAMES},
    "public_ai_search": {JSON: LEGACY, STREAM: FRAMES},
    "public_mcp": {JSON: {**OBJECT, "description": "A message of JSON-RPC 2.0."}},
    "public_stats": {JSON: ref("Success")},
    "public_asset": {"text/javascript": TEXT},
    "autorag_list": {JSON: wrapped(rows(ref("Rag")))},
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
    "namespaces_create": {JSON: NAMESPACE},
    "namespaces_list": {JSON: listed("Namespace")},
    "namespaces_read": {JSON: NAMESPACE},
    "namespaces_update": {JSON: NAMESPACE},
    "namespaces_delete": {JSON: wrapped(shape("The namespace that is gone.", name=TEXT))},
    "models_list": {JSON: wrapped(rows(ref("Model")))},
    "tokens_create": {JSON: TOKEN},
    "tokens_list": {JSON: listed("ServiceToken")},
    "tokens_get": {JSON: TOKEN},
    "tokens_replace": {JSON: TOKEN},
    "tokens_delete": {JSON: TOKEN},
}
"""Operation, by its short id -> what it answers when all goes well, by media type."""
STREAMED = {name for name, found in RESULTS.items() if STREAM in found and JSON in found}

ASKED: Schema = {"messages": [{"role": "user", "content": "When does lamp oil freeze?"}]}
EXAMPLES: Mapping[str, Schema] = {
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
    "jobs_create": {"description": "by hand"},
    "jobs_change": {"action": "cancel"},
    "namespaces_create": {"name": "team", "description": "of the team"},
    "namespaces_update": {"description": "of all teams"},
    "tokens_create": {"name": "crawler", "cf_api_id": "id-of-the-token", "cf_api_key": "key-of-the-token"},
    "tokens_replace": {"name": "crawler", "cf_api_id": "id-of-the-token", "cf_api_key": "a-new-key"},
}
"""Operation, by its short id -> a body that it takes."""

ERRORS: Mapping[int, str] = {
    400: "The request is not understood, or cannot be done as things are.",
    401: "There is no token, or it is not known.",
    402: "The provider of the model wants to be paid.",
    403: "The token may not do that, or a limit is reached.",
    404: "There is no such thing.",
    405: "The method is none of this path.",
    406: "The client takes no kind of answer that there is.",
    409: "It exists already, or is in use.",
    413: "It is too large.",
    415: "The body is of a kind that is not read.",
    424: "The model's guard refused.",
    429: "Too much at once: come again after Retry-After.",
    500: "Something failed here.",
    502: "The provider of the model failed.",
    503: "A part of the server is away.",
}


def answers(name: str, statuses: Iterable[int]) -> Schema:
    """The responses of an operation; every error has the same envelope, but those of the Model Context Protocol."""
    kinds = {kind: {"schema": one} for kind, one in RESULTS[name].items()}
    found: Schema = {"200": {"description": "It is done.", "content": kinds}}
    error = ref("Failure")
    if name == "public_mcp":
        found["202"] = {"description": "A notification, to which nothing is said."}
        error = {"anyOf": [error, ref("ProtocolError")]}
    for status in statuses:
        found[str(status)] = {"description": ERRORS[status], "content": {JSON: {"schema": error}}}
    return found
