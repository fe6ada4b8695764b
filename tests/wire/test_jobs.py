"""Jobs, syncs and logs, in both generations."""

import json
from typing import Any

import pytest

from secondlook.models.fakes import FakeEmbedder
from secondlook.services.intake import LONGEST_KEY
from tests.wire.conftest import LEGACY, NEW, Wire, error_of

JOBS = f"{NEW}/handbook/jobs"
ITEMS = f"{NEW}/handbook/items"
RAGS = f"{LEGACY}/handbook"


def ended(wire: Wire) -> None:
    wire.run(wire.services.syncing.wait())


def failed(wire: Wire, *keys: str) -> None:
    """Items in error, whose next try goes well."""
    assert isinstance(wire.embedder, FakeEmbedder)
    wire.embedder.fails = True
    for key in keys:
        assert wire.upload(key, "lamp oil").json()["result"]["status"] == "error"
    wire.embedder.fails = False


def test_a_job_from_its_beginning_to_its_end(wire: Wire) -> None:
    wire.make()
    failed(wire, "a.md")
    made = wire.post(JOBS, {"description": "after deploy"}).json()["result"]
    assert (made["source"], made["description"]) == ("user", "after deploy")
    assert made["started_at"].endswith("Z") and "ended_at" not in made
    ended(wire)
    job = wire.get(f"{JOBS}/{made['id']}").json()["result"]
    assert (job["id"], job["end_reason"]) == (made["id"], "completed")
    assert job["ended_at"] >= job["started_at"]
    assert wire.get(ITEMS).json()["result"][0]["status"] == "completed"
    logs = wire.get(f"{JOBS}/{made['id']}/logs", per_page=2).json()
    assert logs["result_info"] == {"count": 2, "page": 1, "per_page": 2, "total_count": 3}
    [first, second] = logs["result"]
    assert set(first) == {"id", "created_at", "message", "message_type"}
    assert (second["message"], second["message_type"]) == ("a.md: completed", 0)
    assert first["id"] < second["id"]
    assert isinstance(first["created_at"], int)


def events(wire: Wire, job_id: str, **headers: str) -> list[tuple[str, str, dict[str, Any]]]:
    """Name, id and data of each event."""
    answer = wire.ask("GET", f"{JOBS}/{job_id}/events", headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
    assert answer.headers["cache-control"] == "no-store"
    found = []
    for block in answer.text.removesuffix("\n\n").split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.split("\n"))
        found.append((fields["event"], fields.get("id", ""), json.loads(fields["data"])))
    return found


def test_a_job_is_followed_by_events(wire: Wire) -> None:
    wire.make()
    failed(wire, "a.md")
    job = wire.post(JOBS, {"description": "after deploy"}).json()["result"]
    told = events(wire, job["id"])
    assert told[-1][0] == "end" and told[-1][2] == wire.get(f"{JOBS}/{job['id']}").json()["result"]
    states = [data for name, _, data in told if name == "job"]
    assert (states[-1]["items"], states[-1]["job"]["end_reason"]) == ({"completed": 1}, "completed")
    lines = [data for name, _, data in told if name == "log"]
    assert lines == wire.get(f"{JOBS}/{job['id']}/logs").json()["result"]
    assert [number for name, number, _ in told if name == "log"] == [str(line["id"]) for line in lines]
    again = events(wire, job["id"], **{"Last-Event-ID": str(lines[0]["id"])})
    assert [data for name, _, data in again if name == "log"] == lines[1:]
    assert [name for name, _, _ in again][-1] == "end"
    for bad in ("x", "-1", "9" * 30):
        answer = wire.ask("GET", f"{JOBS}/{job['id']}/events", headers={"Last-Event-ID": bad})
        assert error_of(answer)[:2] == (400, 7400)
    missing = wire.get(f"{JOBS}/nope/events")
    assert error_of(missing) == error_of(wire.get(f"{JOBS}/nope")), "no stream is begun"


def test_lists_of_jobs(wire: Wire) -> None:
    wire.make()
    assert wire.get(JOBS).json()["result_info"] == {"count": 0, "page": 1, "per_page": 20, "total_count": 0}
    first = wire.post(JOBS).json()["result"]
    ended(wire)
    body = wire.get(JOBS, page=1, per_page=1).json()
    assert [row["id"] for row in body["result"]] == [first["id"]]
    assert wire.get(JOBS, page=2).json()["result"] == []
    for bad in ({"page": 0}, {"per_page": 101}, {"page": 10**20}):
        assert error_of(wire.get(JOBS, **bad))[:2] == (400, 7400)


def test_a_second_sync_comes_too_soon(wire: Wire) -> None:
    wire.make()
    assert wire.post(JOBS, {}).status_code == 200
    for answer in (wire.post(JOBS, {}), wire.ask("PATCH", f"{RAGS}/sync")):
        assert error_of(answer) == (429, 7020, "sync_in_cooldown")
        assert 1 <= int(answer.headers["retry-after"]) <= 30


def test_a_job_that_ended_cannot_be_cancelled(wire: Wire) -> None:
    wire.make()
    job = wire.post(JOBS, {}).json()["result"]
    ended(wire)
    answer = wire.ask("PATCH", f"{JOBS}/{job['id']}", json={"action": "cancel"})
    assert error_of(answer) == (400, 7046, "job_cannot_be_cancelled")
    for bad in ({}, {"action": "explode"}):
        assert error_of(wire.ask("PATCH", f"{JOBS}/{job['id']}", json=bad))[:2] == (400, 7400)
    for method, tail in (("GET", ""), ("PATCH", ""), ("GET", "/logs")):
        answer = wire.ask(method, f"{JOBS}/nope{tail}", json={"action": "cancel"})
        assert error_of(answer) == (404, 7021, "job_not_found")


def test_a_job_is_cancelled(wire: Wire) -> None:
    wire.make()
    failed(wire, "a.md", "b.md")
    wire.run(wire.indexing.stop())  # nobody indexes: the job runs until it is cancelled
    job = wire.post(JOBS, {}).json()["result"]
    cancelled = wire.ask("PATCH", f"{JOBS}/{job['id']}", json={"action": "cancel"}).json()["result"]
    assert cancelled["end_reason"] == "cancelled"
    assert wire.get(f"{JOBS}/{job['id']}").json()["result"] == cancelled


@pytest.mark.parametrize("base", [LEGACY, "/accounts/acc/ai-search/rags"])
def test_legacy_sync_and_jobs(wire: Wire, base: str) -> None:
    wire.make()
    failed(wire, "a.md")
    job_id = wire.ask("PATCH", f"{base}/handbook/sync").json()["result"]["job_id"]
    ended(wire)
    listed = wire.get(f"{base}/handbook/jobs").json()
    assert [row["id"] for row in listed["result"]] == [job_id]
    assert listed["result_info"]["total_count"] == 1
    job = wire.get(f"{base}/handbook/jobs/{job_id}").json()["result"]
    assert {"id", "source", "started_at", "ended_at", "last_seen_at", "end_reason"} <= set(job)
    logs = wire.get(f"{base}/handbook/jobs/{job_id}/logs", page=1, per_page=1).json()
    assert logs["result_info"] == {"count": 1, "page": 1, "per_page": 1, "total_count": 3}
    assert error_of(wire.get(f"{base}/handbook/jobs/nope")) == (404, 7021, "job_not_found")


def test_legacy_files(filled: Wire) -> None:
    filled.upload("empty.md", b"")

    def listed(**query: Any) -> dict[str, Any]:
        answer = filled.get(f"{RAGS}/files", **query)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    assert listed(status="error")["result"] == [
        {"key": "empty.md", "error": "file_content_empty: the file contains no text"}
    ]
    assert listed(search="OIL", per_page=1)["result_info"] == {
        "count": 1, "page": 1, "per_page": 1, "total_count": 2,
    }  # fmt: skip
    assert {"key": "winter/oil.md", "error": ""} in listed()["result"]
    assert error_of(filled.get(f"{RAGS}/files", status="outdated"))[:2] == (400, 7400)


def test_legacy_errors_have_their_own_words(wire: Wire) -> None:
    for method, tail in (
        ("PATCH", "sync"),
        ("GET", "files"),
        ("GET", "jobs"),
        ("GET", "jobs/x"),
        ("GET", "jobs/x/logs"),
    ):
        assert error_of(wire.ask(method, f"{LEGACY}/nope/{tail}")) == (404, 7002, "autorag_not_found")
    wire.make(paused=True)
    assert error_of(wire.ask("PATCH", f"{RAGS}/sync")) == (400, 7032, "autorag_is_paused")
    with wire.database() as connection:
        connection.execute("ALTER TABLE jobs RENAME TO gone")
    assert error_of(wire.get(f"{RAGS}/jobs")) == (503, 7017, "unable_to_connect_to_autorag")


def test_a_paused_instance_syncs_nothing_and_takes_uploads(filled: Wire) -> None:
    item = filled.get(ITEMS).json()["result"][0]
    assert filled.ask("PUT", f"{NEW}/handbook", json={"paused": True}).json()["result"]["paused"] is True
    for answer in (
        filled.post(JOBS, {}),
        filled.ask("PATCH", f"{ITEMS}/{item['id']}", json={"next_action": "INDEX"}),
        filled.ask("PUT", ITEMS, json={"key": item["key"], "next_action": "INDEX"}),
    ):
        assert error_of(answer) == (400, 7032, "ai_search_is_paused")
    assert filled.upload("new.md", "lamp oil").json()["result"]["status"] == "completed"
    filled.ask("PUT", f"{NEW}/handbook", json={"paused": False})
    assert filled.post(JOBS, {}).status_code == 200


def test_logs_of_an_item(wire: Wire) -> None:
    wire.make()
    item = wire.upload("signals/fog.md", "Two blasts.").json()["result"]
    path = f"{ITEMS}/{item['id']}/logs"
    body = wire.get(path).json()
    assert body["result_info"] == {"count": 5, "per_page": 50, "cursor": None, "truncated": False}
    assert [row["action"] for row in body["result"]] == ["store", "embed", "split", "read", "queue"]
    row = body["result"][1]
    assert set(row) == {"timestamp", "action", "message", "fileKey", "chunkCount", "processingTimeMs", "errorType"}
    assert (row["fileKey"], row["chunkCount"], row["errorType"]) == ("signals/fog.md", 1, None)
    assert row["processingTimeMs"] >= 0 and row["timestamp"].endswith("Z")

    first = wire.get(path, limit=2).json()
    assert first["result_info"]["truncated"] is True
    second = wire.get(path, limit=2, cursor=first["result_info"]["cursor"]).json()
    third = wire.get(path, limit=2, cursor=second["result_info"]["cursor"]).json()
    assert third["result_info"] == {"count": 1, "per_page": 2, "cursor": None, "truncated": False}
    assert first["result"] + second["result"] + third["result"] == body["result"]
    for bad in ({"limit": 0}, {"limit": 101}, {"cursor": "x"}, {"cursor": "-1"}, {"cursor": "9" * 30}):
        assert error_of(wire.get(path, **bad))[:2] == (400, 7400)
    assert error_of(wire.get(f"{ITEMS}/nope/logs"))[:2] == (404, 7041)


def test_the_log_tells_an_error_and_what_came_after(wire: Wire) -> None:
    wire.make()
    failed(wire, "a.md")
    item = wire.get(ITEMS).json()["result"][0]
    wire.ask("PATCH", f"{ITEMS}/{item['id']}", json={"next_action": "INDEX", "wait_for_completion": True})
    rows = wire.get(f"{ITEMS}/{item['id']}/logs").json()["result"]
    kind = "error_embedding_data_with_workers_ai"
    [fault] = [row for row in rows if row["action"] == "fail"]
    assert (fault["errorType"], fault["message"]) == (kind, f"{kind}: the embedder is down")
    actions = [row["action"] for row in reversed(rows)]
    once = ["read", "split", "retry"]  # that it failed, and then that it is tried again
    again = ["retry", *once]
    last = ["retry", "read", "split", "fail"]
    assert actions == ["queue", *once, *again, *again, *again, *last, "queue", "read", "split", "embed", "store"]
    retries = [row["message"] for row in reversed(rows) if row["action"] == "retry"]
    assert retries[0].startswith("attempt 1 of 5 failed; retrying in ") and retries[1] == "attempt 2 of 5"


def test_metadata_beyond_its_envelope(wire: Wire) -> None:
    wire.make()
    key = "k" * (LONGEST_KEY - 3) + ".md"
    answer = wire.upload(key, "text", metadata={"note": "ä" * 5100})
    assert error_of(answer) == (400, 7056, "invalid_metadata_format")
    assert "the limit is 10,240" in answer.json()["errors"][0]["detail"]
    assert wire.get(ITEMS).json()["result"] == []
    assert wire.upload(key, "text", metadata={"note": "ä" * 4900}).status_code == 200
