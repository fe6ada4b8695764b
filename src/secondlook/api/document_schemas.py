"""The schemas that answers of the OpenAPI document are made of."""

from collections.abc import Mapping
from typing import Any

Schema = dict[str, Any]
REF = "#/components/schemas/"

TEXT: Schema = {"type": "string"}
TEXT_OR_NULL: Schema = {"type": ["string", "null"]}
WHOLE: Schema = {"type": "integer"}
NUMBER: Schema = {"type": "number"}
SWITCH: Schema = {"type": "boolean"}
OBJECT: Schema = {"type": "object"}
UNIT: Schema = {"type": "number", "minimum": 0, "maximum": 1}
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
    "LabRun": shape(
        "A run of the Lab; one alone tells its report too, which is null until it is completed.",
        "report",
        id=TEXT,
        state={"enum": ["running", "completed", "cancelled", "error"]},
        reason=TEXT,
        query_set=TEXT,
        queries=WHOLE,
        done=WHOLE,
        created_at=MOMENT,
        ended_at={"type": ["string", "null"]},
        report={"anyOf": [ref("LabReport"), {"type": "null"}]},
    ),
    "LabReport": shape(
        "Every arm with its figures, and the verdict.",
        verdict=ref("Verdict"),
        baseline=TEXT,
        origin=TEXT,
        queries=WHOLE,
        synthetic=WHOLE,
        stale_judgments=WHOLE,
        judge={"type": ["object", "null"]},
        budget={"type": ["number", "null"]},
        concurrency=WHOLE,
        seconds=NUMBER,
        memory_mb=NUMBER,
        index_changed=SWITCH,
        chunks=WHOLE,
        arms=rows(ref("LabArm")),
    ),
    "Verdict": shape(
        "Whether reranking pays, in a sentence to quote, and the settings of the instance that follow from it.",
        "run",
        answer={"enum": ["on", "on with weight", "off", "not enough evidence"]},
        arm=TEXT_OR_NULL,
        weight={"type": ["number", "null"]},
        sentence=TEXT,
        settings=OBJECT,
        run=ref("LabRun"),
    ),
    "LabArm": shape(
        "One way to search: means over the queries, and how it compares with the baseline.",
        **{"ndcg@10": UNIT, "mrr@10": UNIT, "recall@50": UNIT},
        name=TEXT,
        model=TEXT_OR_NULL,
        spec={"type": ["object", "null"]},
        holes=UNIT,
        p50_ms=NUMBER,
        p95_ms=NUMBER,
        fell_back=WHOLE,
        on_front=SWITCH,
        flags=rows(TEXT),
        comparison={"type": ["object", "null"]},
        segments=rows(OBJECT),
        calibration={"type": ["object", "null"]},
    ),
    "LabQuery": shape(
        "One query under an arm and under the baseline.",
        query=TEXT,
        synthetic=SWITCH,
        segments=OBJECT,
        relevant=OBJECT,
        difference=NUMBER,
        arms=OBJECT,
    ),
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
