"""Data folders of earlier commits: this code opens and searches them, loses nothing and says what it rebuilds."""

import hashlib
import json
import sqlite3
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.acceptance.server_process import ServerProcess, run_cli, start_server
from tests.house.yard import ROOT
from tests.patience import until
from tests.s3_server import serve_s3
from tests.upgrade.make_folder import LEFT_OUT, check_paths, feedback_of, pack

pytestmark = pytest.mark.server

FOLDERS = sorted(path.parent for path in Path(__file__).parent.glob("*/expected.json"))
MOST_BYTES = 1 << 20
CLOCKS = ("last_activity", "modified_at", "ms", "status")
"""What may change by itself between two looks at an instance."""
TELLS = {
    "schema": "Upgrading the catalogue",
    "keywords": "rebuilt",
    "models": "indexed again",
    "answers": "starts empty",
}
"""What the output must say for each part of a folder that is not as it was."""
CHUNKS = """
    SELECT chunks.rowid, id, item_id, item_key, context, text, position, start, end, timestamp, metadata, truncated,
        vectors.vector, stored.data
    FROM chunks LEFT JOIN vectors USING (rowid) LEFT JOIN stored USING (rowid)
    WHERE item_id IN ({marks}) ORDER BY chunks.id"""
Told = dict[str, Any]


@dataclass
class Opened:
    """A copy of a kept folder, with a server of the present code over it."""

    folder: Path
    expected: Told
    items: Mapping[str, Sequence[str]]
    before: Mapping[str, str]
    server: ServerProcess
    client: httpx.Client

    def get(self, path: str, **query: object) -> Any:
        answer = self.client.get(path, params=query)  # type: ignore[arg-type]  # numbers and texts
        assert answer.status_code == 200, (path, answer.text)
        return answer.json()["result"]

    def search(self, name: str, query: str) -> list[str]:
        """Keys of the results, best first."""
        answer = self.client.post(f"/instances/{name}/search", json={"query": query, "query_log": False})
        assert answer.status_code == 200, answer.text
        assert answer.json()["result"].get("errors", []) == []
        return [chunk["item"]["key"] for chunk in answer.json()["result"]["chunks"]]


def unpack(kept: Path, target: Path) -> Told:
    """What is expected of the folder; its query log is brought to this day, for a log forgets by age."""
    with tarfile.open(kept / "data.tar.xz") as archive:
        archive.extractall(target, filter="data")
    expected: Told = json.loads((kept / "expected.json").read_text(encoding="utf-8"))
    later = int(datetime.now(UTC).timestamp() * 1000) - expected["made_at"]
    with closing(sqlite3.connect(target / "catalog.sqlite", isolation_level=None)) as catalog:
        for table, columns in expected["dated"].items():
            for column in columns:
                catalog.execute(f"UPDATE {table} SET {column} = {column} + ?", [later])
        catalog.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return expected


def completed(folder: Path) -> dict[str, list[str]]:
    """Ids of the indexed items, by instance."""
    found: dict[str, list[str]] = {}
    with closing(sqlite3.connect(folder / "catalog.sqlite")) as catalog:
        for uid, item in catalog.execute("SELECT instance_uid, id FROM items WHERE status = 'completed' ORDER BY id"):
            found.setdefault(uid, []).append(item)
    return found


def parts(folder: Path, items: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """The parts that a later release could have to rebuild, those of the indexes for these items, as they are now."""
    found: dict[str, str] = {}
    with closing(sqlite3.connect(folder / "catalog.sqlite")) as catalog:
        found["schema"] = repr(catalog.execute("SELECT * FROM schema_version").fetchall())
    for uid, ids in items.items():
        with closing(sqlite3.connect(folder / "indexes" / f"{uid}.sqlite")) as index:
            made = index.execute("SELECT name, sql FROM sqlite_master WHERE name LIKE 'fts%' ORDER BY 1").fetchall()
            found[f"keywords {uid}"] = repr(made)
            rows = index.execute(CHUNKS.format(marks=", ".join("?" * len(ids))), ids)
            found[f"models {uid}"] = hashlib.sha256(repr(rows.fetchall()).encode()).hexdigest()
    with closing(sqlite3.connect(folder / "answers.sqlite")) as answers:
        found["answers"] = repr(answers.execute("SELECT value FROM made_with").fetchall())
    return found


@pytest.fixture(scope="module", params=FOLDERS, ids=lambda one: one.name)
def opened(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    """The folder, once its source is in step, its queue is empty and every index has been searched."""
    folder = tmp_path_factory.mktemp("upgrade") / "data"
    expected = unpack(request.param, folder)
    items = completed(folder)
    before = parts(folder, items)
    with serve_s3() as s3:
        s3.make_bucket("lighthouse")
        for key, text in expected["bucket"].items():
            s3.put("lighthouse", key, text.encode(), "text/markdown", author="mason")
        server = start_server(folder, SECONDLOOK_S3_ENDPOINT=s3.url, SECONDLOOK_SYNC_COOLDOWN="0")
        headers = {"Authorization": f"Bearer {expected['token']}"}
        base = f"{server.url}/client/v4/accounts/default/ai-search"
        with httpx.Client(base_url=base, headers=headers, timeout=60) as client:
            yield Opened(folder, expected, items, before, server, client)
        server.stop()


def named(told: Told) -> list[tuple[str, Told]]:
    """Every instance of a folder."""
    return sorted(told["instances"].items())


def without_new(now: object, before: object) -> object:
    """What is shown now, without the keys that the release of the folder did not have."""
    if not (isinstance(now, dict) and isinstance(before, dict)):
        return now
    return {key: without_new(value, before[key]) for key, value in now.items() if key in before}


def test_settings_are_as_they_were(opened: Opened) -> None:
    found = {one["id"]: one for one in opened.get("/instances", per_page=100)}
    assert set(found) == {*opened.expected["instances"], "waiting"}
    for name, told in named(opened.expected):
        now = opened.get(f"/instances/{name}")
        changed = {
            field: (value, now.get(field))
            for field, value in told["settings"].items()
            if field not in CLOCKS and without_new(now.get(field), value) != value
        }
        assert changed == {}, name
    assert opened.get("/namespaces") == opened.expected["namespaces"]
    assert opened.get("/tokens") == opened.expected["service_tokens"]


def test_a_match_mode_that_was_the_default_stays_and_is_named_so(opened: Opened) -> None:
    origins = {"and": "earlier_default", "or": "chosen"}  # the default was "and" for as long as rows did not say
    for name, told in named(opened.expected):
        if "keyword_match_mode_origin" not in told["settings"]:
            mode = told["settings"]["retrieval_options"]["keyword_match_mode"]
            assert opened.get(f"/instances/{name}")["keyword_match_mode_origin"] == origins[mode], name


def test_the_fusion_that_was_the_default_stays_and_is_named_so(opened: Opened) -> None:
    origins = {"rrf": "earlier_default", "max": "chosen"}  # the default was "rrf" for as long as rows did not say
    for name, told in named(opened.expected):
        if "fusion_method_origin" not in told["settings"]:
            found, method = opened.get(f"/instances/{name}"), told["settings"]["fusion_method"]
            assert (found["fusion_method"], found["fusion_method_origin"]) == (method, origins[method]), name


def test_every_index_is_searched(opened: Opened) -> None:
    asked = [(name, told["query"], told["first"]) for name, told in named(opened.expected) if "query" in told]
    assert {name: opened.search(name, query)[:1] for name, query, _ in asked} == {name: [one] for name, _, one in asked}
    assert len(asked) >= 6


def test_items_are_as_they_were(opened: Opened) -> None:
    for name, told in named(opened.expected):
        found = {one["key"]: one for one in opened.get(f"/instances/{name}/items", per_page=50)}
        assert set(found) == set(told["items"]), name
        for key, item in told["items"].items():
            assert {field: found[key][field] for field in item} == item, (name, key)


def test_what_waited_is_indexed(opened: Opened) -> None:
    assert opened.expected["left"]
    wanted = dict.fromkeys(opened.expected["uploaded"], "completed")

    def statuses() -> dict[str, str]:
        return {one["key"]: one["status"] for one in opened.get("/instances/waiting/items", per_page=50)}

    until(lambda: not {"queued", "running", "outdated"} & set(statuses().values()))
    assert statuses() == wanted


def test_the_query_log_and_what_was_said_of_it(opened: Opened) -> None:
    fields = ("id", "query", "results", "kind", "public")
    for name, told in named(opened.expected):
        found = {one["id"]: one for one in opened.get(f"/instances/{name}/queries", per_page=100)}
        for line in told["queries"]:
            now = found[line["id"]]
            assert [now[field] for field in fields] == [line[field] for field in fields], name
    lines = [json.loads(line) for line in feedback_of(opened.folder)]
    then = [json.loads(line) for line in opened.expected["judged"]]
    assert [(one["query"], one["feedback"]) for one in lines] == [(one["query"], one["feedback"]) for one in then]
    assert len(then) >= 10


def test_runs_of_the_lab_and_their_calibrations(opened: Opened) -> None:
    for name, told in named(opened.expected):
        assert opened.get(f"/instances/{name}/lab/runs") == told["runs"], name
    [run] = opened.expected["instances"]["station"]["runs"]
    path = f"/instances/station/lab/runs/{run['id']}"
    assert opened.get(path)["report"]["queries"] == run["queries"]
    assert len(opened.get(f"{path}/queries", per_page=100)) > 30
    body = {"query": "what to do when the lamp oil freezes", "query_log": False}
    body |= {
        "ai_search_options": {"reranking": {"enabled": True, "match_probability": 0.5}, "cache": {"enabled": False}}
    }
    receipt = opened.client.post("/instances/station/search", json=body).json()["result"]["reranking"]
    assert receipt["status"] == "ran"
    assert receipt["threshold"] not in (None, 0.5)  # the score that the calibration holds for that probability
    measured = {arm["model"] for arm in opened.get(path)["report"]["arms"]}
    if receipt["model"] not in measured:
        assert receipt["reason"].startswith("the threshold rests on a calibration of late-interaction@")


def test_the_endpoint_answers_at_its_domain(opened: Opened) -> None:
    asked = {"query": "what to do when the lamp oil freezes"}
    for url, host in (
        (f"{opened.server.url}/search", opened.expected["domain"]),
        (f"{opened.server.url}/public/{opened.expected['public_id']}/search", "127.0.0.1"),
    ):
        answer = httpx.post(url, json=asked, headers={"Host": host}, timeout=60)
        assert answer.status_code == 200, answer.text
        assert answer.json()["result"]["chunks"][0]["item"]["key"] == "winter/oil.md"
    assert httpx.post(f"{opened.server.url}/search", json=asked, timeout=60).status_code in (401, 404)


def test_a_source_that_has_not_changed_brings_nothing_new(opened: Opened) -> None:
    before = opened.get("/instances/bucket/items", per_page=50)
    job = opened.client.post("/instances/bucket/jobs").json()["result"]
    path = f"/instances/bucket/jobs/{job['id']}"
    until(lambda: opened.get(path).get("ended_at"))
    assert opened.get(path)["end_reason"] == "completed"
    assert len(opened.get("/instances/bucket/jobs")) >= len(opened.expected["instances"]["bucket"]["jobs"]) + 1
    after = opened.get("/instances/bucket/items", per_page=50)
    assert [(one["id"], one["chunks_count"]) for one in after] == [(one["id"], one["chunks_count"]) for one in before]
    assert {one["status"] for one in after} == {"completed"}


def test_what_is_rebuilt_is_said(opened: Opened) -> None:
    test_what_waited_is_indexed(opened)
    test_every_index_is_searched(opened)
    after = parts(opened.folder, opened.items)
    changed = {part.split()[0] for part, told in opened.before.items() if after.get(part) != told}
    said = "".join(opened.server.said)
    assert {part for part in changed if TELLS[part] not in said} == set(), said
    assert "Traceback" not in said


def test_commands_search_it(opened: Opened) -> None:
    told = opened.expected["instances"]["station"]
    found = json.loads(run_cli("search", "station", told["query"], "--json", data_dir=opened.folder))
    assert told["first"] in json.dumps(found)
    assert "kept" in run_cli("token", "list", data_dir=opened.folder)


@pytest.mark.parametrize("kept", FOLDERS, ids=lambda one: one.name)
def test_a_folder_is_small_and_packed_the_same_again(kept: Path, tmp_path: Path) -> None:
    assert sum(path.stat().st_size for path in kept.iterdir()) < MOST_BYTES
    with tarfile.open(kept / "data.tar.xz") as archive:
        archive.extractall(tmp_path / "data", filter="data")
    assert not {path.name for path in (tmp_path / "data").iterdir()} & set(LEFT_OUT)
    check_paths(tmp_path / "data", ROOT, Path.home())
    pack(tmp_path / "data", tmp_path / "again.tar.xz")
    assert (tmp_path / "again.tar.xz").read_bytes() == (kept / "data.tar.xz").read_bytes()


def test_there_is_a_folder() -> None:
    assert "1c616b2" in {path.name for path in FOLDERS}
