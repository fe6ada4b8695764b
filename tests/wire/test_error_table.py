"""The table of errors: each line that a request can meet in managing is reached by one, word for word."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from secondlook.services.instances import Limits
from tests.wire.conftest import LEGACY, NEW, Wire, error_of

NAMESPACES = "/client/v4/accounts/acc/ai-search/namespaces"
TOKENS = "/client/v4/accounts/acc/ai-search/tokens"
ITEMS, JOBS = f"{NEW}/handbook/items", f"{NEW}/handbook/jobs"
SITE = {"id": "site", "source": "https://harbour.example"}
SENT = {"name": "bucket", "cf_api_id": "id", "cf_api_key": "key"}
INDEX = {"next_action": "INDEX"}


def crawled(**options: Any) -> dict[str, Any]:
    crawler = {"parse_type": "discover", "parse_options": options}
    return {**SITE, "source_params": {"web_crawler": crawler}}


@dataclass(frozen=True)
class Sent:
    """One request over ``filled``, and what must have happened before it."""

    method: str
    path: str
    json: object = None
    before: Callable[[Wire], object] | None = None
    headers: Mapping[str, str] | None = None

    def to(self, wire: Wire) -> httpx.Response:
        more = {"headers": dict(self.headers)} if self.headers else {}
        return wire.ask(self.method, self.path, json=self.json, **more)


def job(wire: Wire) -> None:
    """A job that has ended, under a name that is known."""
    wire.post(JOBS, {})
    wire.run(wire.services.syncing.wait())
    with wire.database() as connection:
        connection.execute("UPDATE jobs SET id = 'j'")


def pause(wire: Wire) -> None:
    wire.ask("PUT", f"{NEW}/handbook", json={"paused": True})


def token_in_use(wire: Wire) -> None:
    made = wire.post(TOKENS, SENT).json()["result"]["id"]
    wire.ask("PUT", f"{NEW}/handbook", json={"token_id": made})
    with wire.database() as connection:
        connection.execute("UPDATE service_tokens SET id = 't'")
        connection.execute("UPDATE instances SET settings = replace(settings, ?, 't')", [made])


def full_disk(wire: Wire) -> None:
    """From now on no item can be changed, and the one that is asked for is called ``i``."""
    with wire.database() as connection:
        connection.execute("UPDATE items SET id = 'i' WHERE key = 'winter/oil.md'")
        connection.execute("CREATE TRIGGER full BEFORE UPDATE ON items BEGIN SELECT RAISE(FAIL, 'disk is full'); END")


def lost_catalogue(wire: Wire) -> None:
    with wire.database() as connection:
        connection.execute("DROP TABLE job_lines")
        connection.execute("DROP TABLE jobs")


def spent(wire: Wire) -> None:
    for _ in range(3):
        wire.post(f"{NEW}/handbook/search", {"query": "oil"})


QUERY = {"query": "oil"}
LINES: Mapping[tuple[int, int, str], Sent] = {
    (401, 10000, "Authentication error"): Sent("GET", NEW, headers={"Authorization": "Bearer wrong"}),
    (404, 7002, "ai_search_not_found"): Sent("GET", f"{NEW}/nope"),
    (503, 7017, "unable_to_connect_to_ai_search"): Sent("GET", JOBS, before=lost_catalogue),
    (404, 7063, "namespace_not_found"): Sent("GET", f"{NAMESPACES}/nope/instances/handbook"),
    (400, 7010, "invalid_model"): Sent("PUT", f"{NEW}/handbook", {"reranking_model": "no/such"}),
    (400, 7012, "ai_search_instance_invalid_token"): Sent("PUT", f"{NEW}/handbook", {"token_id": "nope"}),
    (403, 7013, "max_instances_reached"): Sent("POST", NEW, {"id": "c"}, lambda wire: wire.make("b")),
    (400, 7022, "ai_search_with_this_name_already_exist"): Sent("POST", NEW, {"id": "handbook"}),
    (400, 7036, "invalid_chunk_size"): Sent("POST", NEW, {"id": "b", "chunk_size": 5000}),
    (400, 7040, "invalid_custom_header"): Sent("POST", NEW, crawled(include_headers={"a b": "1"})),
    (400, 7045, "specific_sitemaps_only_valid_when_parse_type_is_sitemap"): Sent(
        "POST", NEW, crawled(specific_sitemaps=["https://harbour.example/s.xml"])
    ),
    (400, 7052, "type_and_source_are_required_for_non_managed_instances"): Sent("POST", NEW, {"id": "b", "type": "r2"}),
    (403, 7062, "max_namespaces_reached"): Sent(
        "POST", NAMESPACES, {"name": "two"}, lambda wire: wire.post(NAMESPACES, {"name": "one"})
    ),
    (409, 7064, "namespace_already_exists"): Sent(
        "POST", NAMESPACES, {"name": "one"}, lambda wire: wire.post(NAMESPACES, {"name": "one"})
    ),
    (400, 7065, "cannot_modify_default_namespace"): Sent("DELETE", f"{NAMESPACES}/default"),
    (400, 7066, "namespace_not_empty"): Sent(
        "DELETE",
        f"{NAMESPACES}/one",
        before=lambda wire: [
            wire.post(NAMESPACES, {"name": "one"}),
            wire.post(f"{NAMESPACES}/one/instances", {"id": "b"}),
        ],
    ),
    (404, 7075, "token_not_found"): Sent("GET", f"{TOKENS}/nope"),
    (409, 7076, "token_in_use_by_instances"): Sent("DELETE", f"{TOKENS}/t", before=token_in_use),
    (400, 7032, "ai_search_is_paused"): Sent("PUT", ITEMS, {"key": "winter/oil.md", **INDEX}, pause),
    (404, 7041, "item_not_found"): Sent("GET", f"{ITEMS}/nope"),
    (503, 7044, "unable_to_sync_item"): Sent("PATCH", f"{ITEMS}/i", INDEX, full_disk),
    (400, 7055, "file_field_is_required"): Sent("POST", ITEMS, {"file": "x"}),
    (400, 7058, "invalid_metadata_filter"): Sent("GET", f"{ITEMS}?metadata_filter=[]"),
    (429, 7020, "sync_in_cooldown"): Sent("POST", JOBS, {}, job),
    (404, 7021, "job_not_found"): Sent("GET", f"{JOBS}/nope"),
    (400, 7046, "job_cannot_be_cancelled"): Sent("PATCH", f"{JOBS}/j", {"action": "cancel"}, job),
    (429, 7069, "monthly_query_quota_exceeded"): Sent("POST", f"{NEW}/handbook/search", QUERY, spent),
}
"""Those of uploads, 7054, 7056, 7060 and 7072, have their tests in ``test_items.py``."""


@pytest.fixture
def bounded(tmp_path: Path) -> Iterator[Wire]:
    """``handbook`` with pages, and little room for more."""
    wire = Wire(tmp_path, limits=Limits(instances=2, namespaces=1), monthly_queries=3)
    wire.fill()
    yield wire
    wire.close()


@pytest.mark.parametrize("line", LINES, ids=lambda line: str(line[1]))
def test_each_line_is_reached(bounded: Wire, line: tuple[int, int, str]) -> None:
    sent = LINES[line]
    if sent.before:
        sent.before(bounded)
    answer = sent.to(bounded)
    assert error_of(answer) == line
    assert answer.json()["errors"][0]["detail"]


def test_legacy_lines(bounded: Wire) -> None:
    sync = Sent("PATCH", f"{LEGACY}/handbook/sync")
    assert error_of(bounded.ask("PATCH", f"{LEGACY}/nope/sync")) == (404, 7002, "autorag_not_found")
    assert sync.to(bounded).status_code == 200
    assert error_of(sync.to(bounded)) == (429, 7020, "sync_in_cooldown")
    pause(bounded)
    assert error_of(sync.to(bounded)) == (400, 7032, "autorag_is_paused")
    lost_catalogue(bounded)
    bounded.ask("PUT", f"{NEW}/handbook", json={"paused": False})
    assert error_of(sync.to(bounded)) == (503, 7017, "unable_to_connect_to_autorag")


@pytest.mark.parametrize("path", [f"{NEW}/none", f"{LEGACY}/none/jobs", f"{NEW}?per_page=x", "/nowhere"])
def test_the_detail_is_in_the_chain_that_wrangler_prints(wire: Wire, path: str) -> None:
    [line] = wire.ask("GET", path).json()["errors"]
    assert line["detail"]
    assert line["error_chain"] == [{"code": line["code"], "message": line["detail"]}]


def test_public_endpoints_tell_no_detail_in_the_chain_either(filled: Wire) -> None:
    params = {"enabled": True, "allowed_overrides": ["reranker"]}
    answer = filled.ask("PUT", f"{NEW}/handbook", json={"public_endpoint_params": params}).json()["result"]
    body = {"query": "oil", "ai_search_options": {"reranking": {"enabled": True, "model": "no/such"}}}
    refused = filled.post(f"/public/{answer['public_endpoint_id']}/search", body).json()["errors"]
    assert [line["code"] for line in refused] == [7010]
    assert not {"detail", "error_chain"} & set(refused[0])
