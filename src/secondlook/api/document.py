"""The OpenAPI document: what FastAPI finds in the routes, with the bodies that are read by hand and all answers."""

import re
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from typing import Any, cast

from fastapi import FastAPI
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from secondlook.api import autorag, openai, rerank, sign_in
from secondlook.api.ai_search import (
    access_tokens,
    instances,
    items,
    jobs,
    lab,
    models,
    namespaces,
    queries,
    query_sets,
    source_test,
    tokens,
    wire,
)
from secondlook.api.document_links import links
from secondlook.api.document_parts import JSON, Schema
from secondlook.api.document_schemas import SHAPES
from secondlook.api.document_shapes import EXAMPLES, STREAMED, answers
from secondlook.api.document_summaries import SUMMARIES

REF = "#/components/schemas/"
BODIES: Mapping[str, type[BaseModel]] = {
    "sign_in": sign_in.SignInBody,
    "rerank_first": rerank.CohereBody,
    "rerank_second": rerank.CohereBody,
    "rerank_texts": rerank.EitherBody,
    "rerank_binding": rerank.BindingBody,
    "run_model": rerank.RunBody,
    "openai_chat": openai.OpenAIBody,
    "public_openai_chat": openai.OpenAIBody,
    "public_search": wire.SearchBody,
    "public_chat": wire.ChatBody,
    "public_ai_search": wire.ChatBody,
    "autorag_search": autorag.SearchBody,
    "autorag_ai_search": autorag.SearchBody,
    "instances_create": instances.InstanceBody,
    "instances_update": instances.InstanceBody,
    "instances_search": wire.SearchBody,
    "instances_why": wire.WhyBody,
    "instances_chat": wire.ChatBody,
    "joint_search": wire.SearchBody,
    "joint_chat": wire.ChatBody,
    "items_reindex_by_key": items.ActionBody,
    "items_reindex": items.ActionBody,
    "queries_feedback": queries.FeedbackBody,
    "query_sets_create": query_sets.SetBody,
    "query_sets_judge": query_sets.JudgmentBody,
    "jobs_create": jobs.JobBody,
    "jobs_change": jobs.ActionBody,
    "lab_begin": lab.RunBody,
    "lab_change": lab.ActionBody,
    "namespaces_create": namespaces.NamespaceBody,
    "namespaces_update": namespaces.NamespaceBody,
    "items_bulk": items.BulkBody,
    "models_download": models.DownloadBody,
    "models_cancel": models.CancelBody,
    "access_create": access_tokens.AccessTokenBody,
    "sources_test": source_test.SourceTestBody,
    "tokens_create": tokens.TokenBody,
    "tokens_replace": tokens.TokenBody,
}
"""Operation, by its short id -> what reads its body."""
NEEDED: Mapping[str, Mapping[str, Schema]] = {
    "instances_create": {"id": {"type": "string", "pattern": "^[a-z0-9_]+(-[a-z0-9_]+)*$", "maxLength": 64}},
    "openai_chat": {"model": {"type": "string", "minLength": 1}},
    "items_reindex_by_key": {"key": {"type": "string", "minLength": 1}},
    "namespaces_create": {"name": {"type": "string", "pattern": "^[a-z0-9]([a-z0-9-]{0,26}[a-z0-9])?$"}},
}
"""Fields that one operation needs of a body in which another may leave them out."""
OPTIONAL = ("jobs_create",)
"""Operations whose body may be left out."""
UPLOAD: Schema = {
    "type": "object",
    "required": ["file"],
    "properties": {
        "file": {"type": "string", "format": "binary", "description": "The file. Its name becomes the item's key."},
        "metadata": {"type": "string", "contentMediaType": JSON, "description": "A JSON object as a string."},
        "wait_for_completion": {"type": "string", "enum": ["true", "false", "1", "0"]},
    },
}
FREE: Mapping[str, Schema] = {
    "items_upload": {"content": {"multipart/form-data": {"schema": UPLOAD}}, "required": True},
    "public_mcp": {"content": {JSON: {"schema": {"$ref": f"{REF}ProtocolMessage"}}}, "required": True},
    "public_stats": {"content": {JSON: {"schema": {"$ref": f"{REF}Events"}}}, "required": True},
}
"""Bodies that no model reads."""
OPEN = ("health", "sign_in")
"""Operations that need no token, besides those of public endpoints."""
METHODS = ("get", "put", "post", "delete", "patch")


def describe(app: FastAPI) -> None:
    """Make ``/openapi.json`` tell of bodies, answers, errors and the token; it is made once, when it is asked for."""
    plain = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = complete(plain())
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # as FastAPI's own documentation has it


def complete(document: dict[str, Any]) -> dict[str, Any]:
    """The document of FastAPI, with what it cannot see."""
    schemas, refs = body_schemas()
    parts = document.setdefault("components", {})
    parts["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    for path, operation in operations(document):
        name = short(operation["operationId"])
        operation["summary"] = SUMMARIES[name]
        if body := body_of(name, schemas, refs):
            operation["requestBody"] = body
        operation["responses"] = answers(name, statuses(name))
        if found := dict(links(operation["operationId"], name, path)):
            operation["responses"]["200"]["links"] = found
        if name not in OPEN and not path.startswith("/public/"):
            operation["security"] = [{"token": []}]
    parts["schemas"] = {**deepcopy(SHAPES), **dict(sorted(schemas.items()))}  # who has the document may change it
    return document


def operations(document: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each path with each operation there."""
    for path, verbs in document["paths"].items():
        for verb in METHODS:
            if verb in verbs:
                yield path, verbs[verb]


def short(operation_id: str) -> str:
    """The id without what tells the copies of an operation apart."""
    name = operation_id.removesuffix("_at_root").removeprefix("namespaced_")
    return re.sub(r"^(autorag|joint)_(alias|binding)_", r"\1_", name)


def statuses(name: str) -> Sequence[int]:
    """The statuses of the errors that an operation may answer with."""
    family = name.partition("_")[0]
    if name == "health":
        return ()
    if name == "metrics":
        return 401, 403
    if name == "sign_in":
        return 400, 401, 429, 500, 503
    found = {400, 401, 403, 404, 429, 500, 503}
    if name in STREAMED or name == "public_mcp":
        found |= {402, 413, 424, 502}
    if name in BODIES or name in FREE:
        found |= {413}
    if family in ("instances", "namespaces", "tokens"):
        found |= {409}
    if name == "public_mcp":
        found |= {405, 406, 415}
    return sorted(found)


def body_of(name: str, schemas: dict[str, Schema], refs: Mapping[type[BaseModel], str]) -> Schema | None:
    """The request body of an operation, with an example that works once there is the instance ``handbook``."""
    if name in FREE:
        return FREE[name]
    if name not in BODIES:
        return None
    kind = refs[BODIES[name]]
    if name in NEEDED:
        kind, before = f"{name}.{kind.rpartition('.')[2]}", schemas[kind]
        if kind not in schemas:
            wanted = {**before["properties"]}
            for field, schema in NEEDED[name].items():
                wanted[field] = {**_not_null(wanted[field]), **schema}
            schemas[kind] = {**before, "properties": wanted, "required": list(NEEDED[name])}
    media: Schema = {"schema": {"$ref": f"{REF}{kind}"}, "example": EXAMPLES[name]}
    return {"content": {JSON: media}, "required": name not in OPTIONAL}


def body_schemas() -> tuple[dict[str, Schema], Mapping[type[BaseModel], str]]:
    """The schemas of all bodies by their name, and the name of each model."""
    models = list(dict.fromkeys(BODIES.values()))
    found, made = models_json_schema([(one, "validation") for one in models], ref_template=f"{REF}{{model}}")
    schemas = {_named(name): _tidy(schema) for name, schema in made["$defs"].items()}
    return schemas, {one: _named(found[one, "validation"]["$ref"].removeprefix(REF)) for one in models}


def _named(name: str) -> str:
    """A name without the package: two models of one name are told apart by their module."""
    return name.removeprefix("secondlook__api__").replace("__", ".")


def _tidy(schema: Any) -> Any:
    """A schema as bodies are read: null is the same as leaving a field out; names are short, and noise is left out."""
    if isinstance(schema, list):
        return [_tidy(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    made = {name: _tidy(value) for name, value in schema.items() if name != "title" or not isinstance(value, str)}
    if isinstance(ref := made.get("$ref"), str):
        made["$ref"] = REF + _named(ref.removeprefix(REF))
    if isinstance(made.get("default"), dict | list) or made.get("default", 0) is None:
        del made["default"]
    if isinstance(fields := made.get("properties"), dict):
        needed = made.get("required", ())
        made["properties"] = {
            name: value if name in needed else _or_null(cast(Schema, value)) for name, value in fields.items()
        }
    return made


def _or_null(schema: Schema) -> Schema:
    if "anyOf" in schema:
        null = [] if {"type": "null"} in schema["anyOf"] else [{"type": "null"}]
        return {**schema, "anyOf": [*schema["anyOf"], *null]}
    if isinstance(schema.get("type"), str) and "enum" not in schema and "const" not in schema:
        return {**schema, "type": [schema["type"], "null"]}
    return {"anyOf": [schema, {"type": "null"}]}


def _not_null(schema: Schema) -> Schema:
    if isinstance(schema.get("type"), list):
        return {**schema, "type": next(one for one in schema["type"] if one != "null")}
    kinds = [one for one in schema.get("anyOf", ()) if one != {"type": "null"}]
    return kinds[0] if len(kinds) == 1 else schema
