"""The OpenAPI document names every route once, and tells of its body, its answers and its errors."""

import re
import warnings
from collections.abc import Iterator, Mapping
from typing import Any, cast

from pydantic import BaseModel

from secondlook.api.document import BODIES, SHAPES, operations, short
from secondlook.api.document_summaries import SUMMARIES
from tests.wire.conftest import NEW, Wire, error_of

HERE = {"account": "acc", "namespace": "default", "name": "handbook", "model": "@cf/baai/bge-reranker-base"}
REF = "#/components/schemas/"


def document(wire: Wire) -> dict[str, Any]:
    """What the server tells of itself."""
    found: dict[str, Any] = wire.get("/openapi.json").json()
    return found


def refs(value: object) -> Iterator[str]:
    """The names of all schemas that are spoken of."""
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"].removeprefix(REF)
        for one in value.values():
            yield from refs(one)
    elif isinstance(value, list):
        for one in value:
            yield from refs(one)


def test_operations(wire: Wire) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        paths = document(wire)["paths"]
    found = [(path, verb, one) for path, verbs in paths.items() for verb, one in verbs.items()]
    ids = [one["operationId"] for *_, one in found]
    assert len(ids) == len(set(ids)) > 90
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", one) and len(one) < 50 for one in ids)
    assert {"instances_search", "namespaced_instances_chat", "items_upload_at_root", "autorag_ai_search"} <= set(ids)
    for path, verb, one in found:
        declared = {row["name"] for row in one.get("parameters", []) if row["in"] == "path"}
        assert declared == set(re.findall(r"{(\w+)}", path)), (verb, path)


def test_every_operation_says_what_it_does(wire: Wire) -> None:
    found = list(operations(document(wire)))
    said = {short(one["operationId"]): one["summary"] for _, one in found}
    assert said == dict(SUMMARIES)
    for path, one in found:
        same = [two for two in said if said[two] == one["summary"]]
        assert len(same) == 1 or {two.partition("_")[0] for two in same} <= {"jobs", "autorag"}, (path, same)
        assert one["summary"] == one["summary"].strip(".") and len(one["summary"].split()) > 1


def test_links_lead_to_operations_and_name_their_parameters(wire: Wire) -> None:
    told = document(wire)
    known = {
        one["operationId"]: {row["name"] for row in one.get("parameters", []) if row["in"] == "path"}
        for _, one in operations(told)
    }
    found = [
        (one["operationId"], link)
        for _, one in operations(told)
        for link in one["responses"]["200"].get("links", {}).values()
    ]
    assert len(found) > 80
    for source, link in found:
        assert set(link["parameters"]) == known[link["operationId"]], (source, link)
        asked = {one.rpartition(".")[2] for one in link["parameters"].values() if one.startswith("$request.path.")}
        assert asked <= known[source]


def test_every_body_answer_and_error_is_told(wire: Wire) -> None:
    told = document(wire)
    schemas = told["components"]["schemas"]
    assert set(refs(told)) == set(schemas)
    for path, verbs in told["paths"].items():
        for verb, one in verbs.items():
            bodiless = short(one["operationId"]) in ("autorag_sync", "instances_purge_cache", "lab_apply")
            takes = verb in ("post", "put", "patch") and not bodiless
            assert ("requestBody" in one) == takes, (verb, path)
            assert one["responses"]["200"]["content"], (verb, path)
            assert "422" not in one["responses"]
            errors = {status for status in one["responses"] if status >= "400"}
            assert path == "/health" or "401" in errors
            assert all("Failure" in refs(one["responses"][status]) for status in errors)
            open_to_all = path in ("/health", "/sign-in") or path.startswith("/public/")
            assert ("security" in one) != open_to_all, (verb, path)


def test_what_is_told_of_a_body_holds(wire: Wire) -> None:
    schemas = document(wire)["components"]["schemas"]
    search = schemas["ai_search.wire.SearchBody"]["properties"]
    assert search["reranking"]["anyOf"] == [{"$ref": f"{REF}RerankBody"}, {"type": "boolean"}, {"type": "null"}]
    assert search["explain"]["type"] == ["boolean", "null"]
    assert schemas["WhyBody"]["properties"]["item_key"]["type"] == "string"
    assert schemas["WhyBody"]["required"] == ["item_key"]
    assert schemas["instances_create.InstanceBody"]["required"] == ["id"]
    assert "required" not in schemas["InstanceBody"]
    wire.fill()
    path = f"{NEW}/handbook/search"
    for given in (True, False, None, {"enabled": True}):
        assert wire.post(path, {"query": "oil", "reranking": given, "explain": None}).status_code == 200
    assert error_of(wire.post(path, {"query": "oil", "reranking": 3}))[0] == 400


def test_every_field_of_every_body_is_told(wire: Wire) -> None:
    told = document(wire)
    for _, operation in operations(told):
        model = BODIES.get(short(operation["operationId"]))
        if model:
            [media] = operation["requestBody"]["content"].values()
            schema = told["components"]["schemas"][media["schema"]["$ref"].removeprefix(REF)]
            assert set(schema["properties"]) == set(names(model))


def names(model: type[BaseModel]) -> Iterator[str]:
    """The fields as the wire has them."""
    for name, field in model.model_fields.items():
        alias = cast(Any, field.validation_alias)
        yield alias.choices[0] if alias else name


def test_the_examples_work(wire: Wire) -> None:
    wire.fill()
    rows = wire.get(f"{NEW}/handbook/items").json()["result"]
    item = next(one["id"] for one in rows if one["key"] == "winter/oil.md")
    ran = set()
    for path, one in operations(document(wire)):
        name = short(one["operationId"])
        if name not in BODIES or name in ran or path.startswith("/public/"):
            continue
        [media] = one["requestBody"]["content"].values()
        verb = next(verb for verb, found in document(wire)["paths"][path].items() if found == one)
        place = places(wire, name, item)
        sent = {"code": wire.services.sign_in.offer("acc")} if name == "sign_in" else media["example"]
        answer = wire.ask(verb.upper(), path.format(**place), json=sent)
        ran.add(name)
        assert answer.status_code == 200, (name, answer.text)
    assert ran == {name for name in BODIES if not name.startswith("public_")}


def places(wire: Wire, name: str, item: str) -> Mapping[str, str]:
    """What stands in the path: things that are there."""
    found = {**HERE, "item_id": item}
    if name == "openai_chat":  # the account of a token for all accounts
        wire.post("/accounts/default/ai-search/instances", {"id": "handbook"})
    if name == "namespaces_update":
        found["namespace"] = "team"  # of the example of namespaces_create
    if name == "query_sets_judge":
        found["set_name"] = "winter"  # of the example of query_sets_create
    if name == "queries_feedback":
        wire.ask("PUT", f"{NEW}/handbook", json={"query_log": {"enabled": True}})
    if name == "jobs_change":
        wire.make("later")
        wire.embedder.fails = True
        wire.upload("a.md", "Words.", name="later")
        wire.embedder.fails = False
        wire.run(wire.indexing.stop())  # nobody indexes: the job runs until it is cancelled
        found |= {"name": "later", "job_id": wire.post(f"{NEW}/later/jobs", {}).json()["result"]["id"]}
    if name == "lab_change":
        wire.run(wire.indexing.start())
        wire.make("tried")
        wire.upload("a.md", "Words.", name="tried")
        queries = [{"query": f"words {at}", "items": ["a.md"]} for at in range(200)]
        run = wire.post(f"{NEW}/tried/lab/runs", {"queries": queries}).json()["result"]
        found |= {"name": "tried", "run_id": run["id"]}
    if name == "tokens_replace":
        sent = {"name": "one", "cf_api_id": "a", "cf_api_key": "b"}
        found["token_id"] = wire.post("/accounts/acc/ai-search/tokens", sent).json()["result"]["id"]
    return found


def test_no_schema_of_an_answer_is_loose() -> None:
    assert all(one.get("required") or one["type"] == "array" for one in SHAPES.values())
