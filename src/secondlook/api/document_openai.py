"""What the OpenAPI document says of the routes that clients of OpenAI call."""

from collections.abc import Mapping

from secondlook.api.document_parts import FRAMES, JSON, OBJECT, STREAM, TEXT, WHOLE, Schema, ref, rows, shape

CHOICE = shape("", "logprobs", index=WHOLE, finish_reason=TEXT, message=OBJECT, logprobs={})
OPENAI_SHAPES: Mapping[str, Schema] = {
    "OpenAICompletion": shape(
        "An answer in OpenAI's format; `chunks` and what follows are extra keys. Public endpoints omit the receipt.",
        "usage reranking thresholds messages errors query_id search_query trace dropped generation",
        id=TEXT,
        object={"const": "chat.completion"},
        created=WHOLE,
        model={**TEXT, "description": "The instance, as the request named it."},
        generation_model={**TEXT, "description": "The language model that wrote the answer."},
        choices={**rows(CHOICE), "minItems": 1},
        usage=OBJECT,
        chunks=rows(ref("Chunk")),
        messages=rows(OBJECT),
        reranking=ref("Receipt"),
        thresholds=rows(ref("Threshold")),
        errors=rows(OBJECT),
        query_id=TEXT,
        search_query=TEXT,
        trace=rows(OBJECT),
        dropped=rows(OBJECT),
        generation=OBJECT,
    ),
    "OpenAIModel": shape("An instance as a model.", id=TEXT, object={"const": "model"}, created=WHOLE, owned_by=TEXT),
}
COMPLETION: Mapping[str, Schema] = {JSON: ref("OpenAICompletion"), STREAM: FRAMES}
OPENAI_RESULTS: Mapping[str, Mapping[str, Schema]] = {
    "openai_chat": COMPLETION,
    "public_openai_chat": COMPLETION,
    "openai_models": {JSON: shape("", object={"const": "list"}, data=rows(ref("OpenAIModel")))},
    "openai_model": {JSON: ref("OpenAIModel")},
}
ASKED: Schema = {"messages": [{"role": "user", "content": "When does lamp oil freeze?"}]}
OPENAI_EXAMPLES: Mapping[str, Schema] = {
    "openai_chat": {"model": "handbook", **ASKED},
    "public_openai_chat": {"model": "handbook", **ASKED},
}
