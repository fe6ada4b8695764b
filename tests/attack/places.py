"""What the OpenAPI document names, filled: every operation once, and something in every place."""

from collections.abc import Iterator, Mapping
from typing import Any

from tests.wire.conftest import BGE, NEW, Wire

DOCUMENT = "/openapi.json"
TOKENS = "/client/v4/accounts/acc/ai-search/tokens"


def fill(wire: Wire) -> Mapping[str, str]:
    """Something in every place; the ids by the names of the parts of paths."""
    public = {"enabled": True, "mcp": {"disabled": False}, "rate_limit": {"requests": 1_000_000}}
    wire.fill(public_endpoint_params=public)
    made = wire.post(TOKENS, {"name": "one", "cf_api_id": "a", "cf_api_key": "b"}).json()["result"]
    queries = [{"query": "frozen oil", "items": ["winter/oil.md"]}]
    run = wire.post(f"{NEW}/handbook/lab/runs", {"queries": queries, "arms": [{}]}).json()["result"]
    wire.run(wire.services.lab.wait(run["id"]))
    wire.post(f"{NEW}/handbook/query-sets", {"name": "set"})
    job = wire.post(f"{NEW}/handbook/jobs", {}).json()["result"]
    item = wire.get(f"{NEW}/handbook/items").json()["result"][0]
    return {
        "account": "acc",
        "namespace": "default",
        "name": "handbook",
        "model": BGE,
        "version": "1",
        "label": wire.get(f"{NEW}/handbook").json()["result"]["public_endpoint_id"],
        "token_id": made["id"],
        "run_id": run["id"],
        "job_id": job["id"],
        "item_id": item["id"],
        "set_name": "set",
    }


def operations(document: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Method, path and operation of each in the document; of those that exist several times, the first."""
    seen = set()
    for path, verbs in document["paths"].items():
        for method, operation in verbs.items():
            name = operation["operationId"].removesuffix("_at_root")
            for word in ("namespaced_", "_alias", "_binding"):
                name = name.replace(word, "")
            if name not in seen:
                seen.add(name)
                yield method.upper(), path, operation
