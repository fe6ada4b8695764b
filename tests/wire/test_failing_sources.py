"""A source that fails: the instance, its stats and its jobs say so and why, until a sync completes."""

import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from tests.web_site import Reply, WebSite, serve_site
from tests.wire.conftest import NEW, Wire, error_of

ONE = f"{NEW}/handbook"


@pytest.fixture
def site() -> Iterator[WebSite]:
    with serve_site() as found:
        yield found


def synced(wire: Wire) -> dict[str, Any]:
    """A job of the schedule, which knows no cooldown, at its end."""

    async def work() -> str:
        made = await wire.services.instances.get("acc", "default", "handbook")
        job = await wire.services.syncing.begin(made, trigger="schedule")
        await wire.services.syncing.wait()
        return job.id

    result: dict[str, Any] = wire.get(f"{ONE}/jobs/{wire.run(work())}").json()["result"]
    return result


def shown(wire: Wire) -> dict[str, Any]:
    """The instance, which is the same alone and in the list, but for values that only the list tells as null."""
    one: dict[str, Any] = wire.get(ONE).json()["result"]
    [listed] = wire.get(NEW).json()["result"]
    assert {name: value for name, value in listed.items() if value is not None or name in one} == one
    return one


def check_told(wire: Wire, kind: str, *words: str) -> dict[str, Any]:
    """The instance after a sync that failed, which says so everywhere in the same words."""
    job = synced(wire)
    assert job["status"] == "failed" and job["error"]["kind"] == kind, job
    message = job["error"]["message"]
    assert job["end_reason"] == f"{kind}: {message}"
    assert all(word in message for word in words), message
    one = shown(wire)
    assert one["last_sync"] == job
    assert one["sync_error"] == {**job["error"], "job_id": job["id"], "at": job["ended_at"]}
    stats = wire.get(f"{ONE}/stats").json()["result"]
    assert (stats["last_sync"], stats["sync_error"]) == (job, one["sync_error"])
    assert stats["index_source_errors"] == {kind: 1}
    return one


@pytest.mark.parametrize(
    ("source", "kind", "words"),
    [
        ("http://10.0.0.1/", "invalid_url", ("10.0.0.1", "SECONDLOOK_FETCH_ALLOW")),
        ("http://no-such-host.invalid/", "unreachable_dns", ("no-such-host.invalid",)),
        ("http://127.0.0.1:9/", "network_connection_lost", ("127.0.0.1",)),
    ],
)
def test_websites_that_cannot_be_reached(wire: Wire, source: str, kind: str, words: tuple[str, ...]) -> None:
    made = wire.make(source=source)
    assert (made["last_sync"], made["sync_error"]) == (None, None)
    one = check_told(wire, kind, *words)
    assert one["paused"] is False, "it may pass: the next sync tries again"


@pytest.mark.parametrize("parse_type", ["sitemap", "discover"])
@pytest.mark.parametrize(("status", "kind"), [(401, "http_4xx"), (403, "http_4xx"), (500, "http_5xx")])
def test_websites_that_refuse(wire: Wire, site: WebSite, parse_type: str, status: int, kind: str) -> None:
    site.sitemap("/", at="/sitemap.xml")
    for path in ("/", "/sitemap.xml", "/robots.txt"):
        site.pages[path] = Reply(status=status)
    wire.make(source=site.url, source_params={"web_crawler": {"parse_type": parse_type}})
    job = synced(wire)
    assert (job["status"], shown(wire)["sync_error"]["kind"]) == ("failed", job["error"]["kind"])


def test_a_bucket_without_credentials_pauses_its_instance(wire: Wire) -> None:
    wire.make(type="r2", source="lamps")
    one = check_told(wire, "external_source_missing_api_token", "lamps", "token_id")
    assert one["paused"] is True
    assert error_of(wire.post(f"{ONE}/jobs", {})) == (400, 7032, "ai_search_is_paused")


def test_a_folder_that_is_gone_is_told_until_a_sync_completes(wire: Wire) -> None:
    folder = wire.folder / "source" / "docs"
    folder.mkdir(parents=True)
    (folder / "a.md").write_text("Warm the lamp oil.")
    wire.make(source=str(folder))
    good = synced(wire)
    assert (good["status"], good["error"]) == ("completed", None)
    one = shown(wire)
    assert (one["last_sync"], one["sync_error"], one["item_counts"]["completed"]) == (good, None, 1)
    shutil.rmtree(folder)
    assert check_told(wire, "bucket_not_found", str(folder))["paused"] is True
    folder.mkdir()
    (folder / "a.md").write_text("Warm the lamp oil.")
    resumed = wire.ask("PUT", ONE, json={"paused": False}).json()["result"]
    assert resumed["last_sync"]["status"] in ("running", "completed")
    wire.run(wire.services.syncing.wait())
    one = shown(wire)
    assert (one["last_sync"]["status"], one["sync_error"], one["paused"]) == ("completed", None, False)
    assert wire.get(f"{ONE}/stats").json()["result"]["index_source_errors"] == {}


def test_an_instance_without_a_source_has_no_sync(wire: Wire) -> None:
    wire.make()
    one = shown(wire)
    assert (one["last_sync"], one["sync_error"]) == (None, None)
    assert one["item_counts"] == dict.fromkeys(one["item_counts"], 0)
