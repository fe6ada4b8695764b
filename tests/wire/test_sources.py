"""Sources on the wire: what an instance may name, what it then shows, and the items that come of it."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from secondlook.errors import SourceError
from secondlook.sources.opening import find_folder
from tests.wire.conftest import NEW, Wire, error_of

ITEMS = f"{NEW}/handbook/items"
FRAMING = {"web_crawler": {"parse_options": {"include_headers": {"Host": "elsewhere.example"}}}}


@pytest.fixture
def docs(wire: Wire) -> Path:
    path = wire.folder / "source" / "docs"
    path.mkdir(parents=True)
    (path / "a.md").write_text("Warm the lamp oil.")
    (path / "b.md").write_text("Two blasts of the fog horn.")
    return path


def synced(wire: Wire) -> dict[str, Any]:
    """The job at its end."""
    job = wire.post(f"{NEW}/handbook/jobs", {}).json()["result"]
    wire.run(wire.services.syncing.wait())
    result: dict[str, Any] = wire.get(f"{NEW}/handbook/jobs/{job['id']}").json()["result"]
    return result


def test_a_folder_is_followed(wire: Wire, docs: Path) -> None:
    made = wire.make(source=str(docs), score_threshold=0.0)
    assert (made["type"], made["source"]) == ("folder", str(docs))
    assert synced(wire)["end_reason"] == "completed"
    wire.upload("own.md", "mine")
    rows = {row["key"]: row for row in wire.get(ITEMS).json()["result"]}
    assert {key: row["source_id"] for key, row in rows.items()} == {
        "a.md": f"folder:{docs}", "b.md": f"folder:{docs}", "own.md": "builtin",
    }  # fmt: skip
    assert rows["a.md"]["metadata"]["timestamp"] == (docs / "a.md").stat().st_mtime_ns // 1_000_000
    listed = wire.get(ITEMS, source=f"folder:{docs}").json()
    assert {row["key"] for row in listed["result"]} == {"a.md", "b.md"}
    assert [row["key"] for row in wire.get(ITEMS, source="builtin").json()["result"]] == ["own.md"]


def test_what_a_source_brought_is_downloaded_there(wire: Wire, docs: Path) -> None:
    wire.make(source=str(docs))
    synced(wire)
    item = wire.get(ITEMS, key="a.md").json()["result"][0]
    refused = wire.get(f"{ITEMS}/{item['id']}/download")
    assert error_of(refused) == (400, 7059, "content_download_not_available_for_external_source_items")


def test_one_item_is_synced(wire: Wire, docs: Path) -> None:
    wire.make(source=str(docs))
    synced(wire)
    item = wire.get(ITEMS, key="a.md").json()["result"][0]
    (docs / "a.md").write_text("Warm the lamp oil slowly.")
    body = {"next_action": "INDEX", "wait_for_completion": True}
    answer = wire.ask("PATCH", f"{ITEMS}/{item['id']}", json=body).json()["result"]
    assert (answer["status"], answer["file_size"]) == ("completed", 25)
    assert wire.ask("PUT", ITEMS, json={**body, "key": "b.md"}).json()["result"]["status"] == "completed"
    (docs / "a.md").unlink()
    gone = wire.ask("PATCH", f"{ITEMS}/{item['id']}", json=body)
    assert error_of(gone) == (503, 7044, "unable_to_sync_item")
    assert wire.get(ITEMS, key="a.md").json()["result"][0]["error"].startswith("file_not_found: ")


@pytest.mark.parametrize(
    ("sent", "error"),
    [
        ({"source": "/etc"}, (400, 7047, "invalid_url_location")),
        ({"type": "folder", "source": "/"}, (400, 7047, "invalid_url_location")),
        ({"type": "folder", "source": "docs"}, (400, 7111, "source_is_neither_a_url_nor_a_bucket")),
        ({"type": "web-crawler", "source": "harbour"}, (400, 7111, "source_is_neither_a_url_nor_a_bucket")),
        ({"source": "no-such-bucket"}, (400, 7111, "source_is_neither_a_url_nor_a_bucket")),
        ({"source": "No Bucket"}, (400, 7111, "source_is_neither_a_url_nor_a_bucket")),
        ({"type": "folder"}, (400, 7052, "type_and_source_are_required_for_non_managed_instances")),
        (
            {"source": "https://x.example", "source_params": FRAMING},
            (400, 7040, "invalid_custom_header"),
        ),
    ],
)  # fmt: skip
def test_sources_that_nobody_may_have(
    wire: Wire, docs: Path, sent: dict[str, Any], error: tuple[int, int, str]
) -> None:
    assert error_of(wire.post(NEW, {"id": "handbook", **sent})) == error
    wire.make("later")
    if sent.get("source"):
        assert error_of(wire.ask("PUT", f"{NEW}/later", json=sent)) == error


def test_rules_and_lasting_errors_are_told(wire: Wire, docs: Path) -> None:
    wire.make(source=str(docs), source_params={"exclude_items": ["b.*"]})
    job = synced(wire)
    lines = [row["message"] for row in wire.get(f"{NEW}/handbook/jobs/{job['id']}/logs", per_page=100).json()["result"]]
    assert "b.md: Skipped by rule: b.*" in lines
    wire.make("bucket", type="r2", source="lamps")
    job = wire.post(f"{NEW}/bucket/jobs", {}).json()["result"]
    wire.run(wire.services.syncing.wait())
    reason = wire.get(f"{NEW}/bucket/jobs/{job['id']}").json()["result"]["end_reason"]
    assert reason.startswith("external_source_missing_api_token: ")
    assert wire.get(f"{NEW}/bucket").json()["result"]["paused"] is True
    assert error_of(wire.post(f"{NEW}/bucket/jobs", {})) == (400, 7032, "ai_search_is_paused")


def test_the_schedule_begins_with_the_instance(wire: Wire, docs: Path) -> None:
    wire.run(wire.services.syncing.start())
    wire.make(source=str(docs))

    async def first_job() -> None:
        made = await wire.services.instances.get("acc", "default", "handbook")
        while not (await wire.services.syncing.list(made, 1, 0))[1]:
            await asyncio.sleep(0.01)
        await wire.services.syncing.wait()

    wire.run(first_job())
    [job] = wire.get(f"{NEW}/handbook/jobs").json()["result"]
    assert (job["source"], job["end_reason"]) == ("schedule", "completed")


def test_another_source_other_rules_and_resuming_are_followed_at_once(wire: Wire, docs: Path) -> None:
    other = docs.parent / "other"
    other.mkdir()
    (other / "c.md").write_text("c")
    wire.make(source=str(docs))

    def keys_after(**change: Any) -> set[str]:
        assert wire.ask("PUT", f"{NEW}/handbook", json=change).status_code == 200
        wire.run(wire.services.syncing.wait())
        return {row["key"] for row in wire.get(ITEMS).json()["result"]}

    assert keys_after(score_threshold=0.1) == set()  # nothing about the source
    assert keys_after(source_params={"exclude_items": ["b.md"]}) == {"a.md"}
    assert keys_after(source=str(other)) == {"c.md"}
    assert keys_after(paused=True, source=str(docs)) == {"c.md"}
    assert keys_after(paused=False) == {"a.md"}


TEST = "/client/v4/accounts/acc/ai-search/sources/test"


def test_a_source_is_tested_before_an_instance_has_it(wire: Wire, docs: Path) -> None:
    found = wire.post(TEST, {"type": "folder", "source": str(docs)}).json()["result"]
    assert (found["reachable"], sorted(found["keys"]), found["message"]) == (True, ["a.md", "b.md"], "")
    missing = wire.post(TEST, {"type": "folder", "source": f"{docs}/none"}).json()["result"]
    assert (missing["reachable"], missing["field"], missing["kind"]) == (False, "source", "bucket_not_found")
    assert missing["message"].endswith("does not exist.")
    outside = wire.post(TEST, {"type": "folder", "source": "/etc"}).json()["result"]
    assert (outside["reachable"], outside["kind"]) == (False, "bucket_unauthorized")
    assert wire.get(NEW).json()["result"] == []


def test_a_bucket_without_credentials_blames_them(wire: Wire) -> None:
    found = wire.post(TEST, {"type": "r2", "source": "reports"}).json()["result"]
    assert (found["field"], found["kind"]) == ("token_id", "external_source_missing_api_token")
    assert found["message"].startswith("No credentials for the bucket")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"type": "ftp", "source": "x"}, "type"),
        ({"type": "r2"}, "source"),
        ({"type": "r2", "source": "x" * 5, "credentials": {"access_key": "a"}}, "credentials.secret_key"),
        ({"type": "web-crawler", "source": "no-address"}, "source"),
        (
            {"type": "folder", "source": "/x", "source_params": {"include_items": ["a"] * 11}},
            "source_params.include_items",
        ),
    ],
)
def test_tests_of_sources_that_are_refused(wire: Wire, body: dict[str, Any], field: str) -> None:
    answer = wire.post(TEST, body)
    assert answer.status_code == 400
    assert [one["field"] for one in answer.json()["errors"][0]["fields"]] == [field]


def test_credentials_that_are_tried_are_kept_nowhere(wire: Wire) -> None:
    keys = {"access_key": "AKIA-TRIED", "secret_key": "secret-that-was-tried"}
    answer = wire.post(TEST, {"type": "r2", "source": "Not A Name", "credentials": keys})
    assert answer.json()["result"]["kind"] == "bucket_name_invalid"
    assert "secret-that-was-tried" not in answer.text
    with wire.database() as database:
        assert "AKIA-TRIED" not in "\n".join(database.iterdump())
    assert list((wire.folder / "secrets").glob("*")) == []


def test_an_address_that_an_earlier_release_took_hides_nothing(wire: Wire) -> None:
    wire.make(public_endpoint_params={"enabled": True})
    with wire.database() as database:
        database.execute(
            "UPDATE instances SET settings = json_set(settings, '$.source_kind', 'web-crawler', '$.source', 'http://[::1')"
        )
    assert [one["source"] for one in wire.get(NEW).json()["result"]] == ["http://[::1"]
    changed = wire.ask("PUT", f"{NEW}/handbook", json={"max_num_results": 7})
    assert changed.json()["result"]["max_num_results"] == 7
    assert changed.json()["result"]["public_endpoint_params"]["authorized_hosts"] == []
    refused = wire.ask("PUT", f"{NEW}/handbook", json={"source": "http://[::2"})
    assert error_of(refused)[:2] == (400, 7111)


@pytest.mark.parametrize("name", ["a\0b", "a" * 300, "a/" * 3000, "gone"])
def test_a_folder_that_cannot_be_is_not_found(tmp_path: Path, name: str) -> None:
    with pytest.raises(SourceError, match="does not exist"):
        find_folder(f"{tmp_path}/{name}", [tmp_path])
