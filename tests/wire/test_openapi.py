"""The OpenAPI document names every route once."""

import re
import warnings

from tests.wire.conftest import Wire


def test_operations(wire: Wire) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        paths = wire.get("/openapi.json").json()["paths"]
    operations = [(path, verb, one) for path, verbs in paths.items() for verb, one in verbs.items()]
    ids = [one["operationId"] for *_, one in operations]
    assert len(ids) == len(set(ids)) > 90
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", one) and len(one) < 50 for one in ids)
    assert {"instances_search", "namespaced_instances_chat", "items_upload_at_root", "autorag_ai_search"} <= set(ids)
    for path, verb, one in operations:
        declared = {row["name"] for row in one.get("parameters", []) if row["in"] == "path"}
        assert declared == set(re.findall(r"{(\w+)}", path)), (verb, path)
