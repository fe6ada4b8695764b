"""Links of the OpenAPI document: which operation goes on with what another one answered (OpenAPI 3.1, Link Object)."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

ID = "$response.body#/result/id"
ONE_INSTANCE = (
    "instances_read",
    "instances_update",
    "instances_stats",
    "instances_search",
    "instances_chat",
    "instances_why",
    "instances_purge_cache",
    "queries_feedback",
    "queries_list",
    "queries_top",
    "queries_metrics",
    "queries_clear",
    "items_upload",
    "items_list",
    "items_reindex_by_key",
    "jobs_create",
    "jobs_list",
    "instances_delete",
)
ONE_ITEM = ("items_get", "items_reindex", "items_download", "items_chunks", "items_logs", "items_delete")
ONE_JOB = ("jobs_get", "jobs_logs", "jobs_change", "jobs_events")
LINKS: Mapping[str, tuple[str, str, Sequence[str]]] = {
    "instances_create": ("name", ID, ONE_INSTANCE),
    "items_upload": ("item_id", ID, ONE_ITEM),
    "jobs_create": ("job_id", ID, ONE_JOB),
    "tokens_create": ("token_id", ID, ("tokens_get", "tokens_replace", "tokens_delete")),
    "namespaces_create": (
        "namespace",
        "$response.body#/result/name",
        ("namespaces_read", "namespaces_update", "joint_search", "namespaced_instances_create", "namespaces_delete"),
    ),
}
"""Operation, by its short id -> the parameter that its answer fills in, where it lies there, and the operations."""


def links(operation_id: str, name: str, path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each operation that goes on from there, with the parameters of the path that both have.

    Args:
        name: the short id of ``operation_id``.
    """
    if name not in LINKS:
        return
    filled, where, targets = LINKS[name]
    before, _, after = operation_id.partition(name)
    kept = [one for one in ("account", "namespace", "name") if f"{{{one}}}" in path and one != filled]
    for target in targets:
        parameters = {one: f"$request.path.{one}" for one in kept} | {filled: where}
        yield target, {"operationId": f"{before}{target}{after}", "parameters": parameters}
