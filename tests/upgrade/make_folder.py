"""Make and pack the data folder of this commit: ``python -m tests.upgrade.make_folder``.

It lands in ``tests/upgrade/<first seven digits of the commit>/``: ``data.tar.xz`` with the folder as a server that was
killed leaves it, and ``expected.json`` with what a later commit must find in it. The token in there opens nothing else.
"""

import argparse
import io
import json
import lzma
import shutil
import sqlite3
import subprocess
import tarfile
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx

from tests.acceptance.server_process import ServerProcess, run_cli, start_server
from tests.patience import until
from tests.s3_server import S3Server, serve_s3
from tests.upgrade.corpus import BROKEN, BUCKET, INSTANCES, JUDGED, WAITING

HERE = Path(__file__).parent
DOMAIN = "search.example.org"
LEFT_OUT = ("cache", "server.lock", "uploads.lock")
"""What a server makes again by itself and what differs by machine."""
DATED = {"query_log": ["at"], "query_feedback": ["at"]}
"""What a log forgets by its age: whoever opens the folder brings these up to date."""
PATIENCE = 120.0
WAITING_ITEMS = 24


class Maker:
    """The API of a server of this commit."""

    def __init__(self, server: ServerProcess, token: str) -> None:
        self.server = server
        self.client = httpx.Client(
            base_url=f"{server.url}/client/v4/accounts/default/ai-search",
            headers={"Authorization": f"Bearer {token}"}, timeout=PATIENCE,
        )  # fmt: skip

    def call(self, method: str, path: str, body: object = None, **more: Any) -> Any:
        """The result of a request that must go well."""
        answer = self.client.request(method, path, json=body, **more)
        assert answer.status_code == 200, (method, path, answer.text)
        return answer.json().get("result", answer.json())

    def upload(self, name: str, key: str, content: bytes, *, wait: bool = True, **metadata: str) -> Any:
        """The uploaded item."""
        fields = {"wait_for_completion": str(wait).lower(), "metadata": json.dumps(metadata)}
        path = f"/instances/{name}/items"
        answer = self.client.post(path, files={"file": (key, content)}, data=fields)
        assert answer.status_code == 200, answer.text
        return answer.json()["result"]


def fill(api: Maker, s3: S3Server) -> dict[str, Any]:
    """Instances, logs, runs, an endpoint and a source; what is not in the API's answers later is returned."""
    for name, settings, documents, query, _ in INSTANCES:
        api.call("POST", "/instances", {"id": name, **settings})
        for key, text in documents.items():
            item = api.upload(name, key, text.encode(), author="keeper")
            assert item["status"] == "completed", item
        for _ in range(2):
            api.call("POST", f"/instances/{name}/search", {"query": query})
    item = api.upload("station", "broken.pdf", BROKEN)
    assert item["status"] == "error", item
    follow_bucket(api, s3)
    search_and_judge(api)
    run_lab(api)
    return publish(api)


def follow_bucket(api: Maker, s3: S3Server) -> None:
    """An instance with a bucket as its source, synced once, in a namespace's neighbour."""
    s3.make_bucket("lighthouse")
    for key, text in BUCKET.items():
        s3.put("lighthouse", key, text.encode(), "text/markdown", author="mason")
    token = api.call("POST", "/tokens", {"name": "bucket", "cf_api_id": "key", "cf_api_key": "nobody's"})
    body = {"id": "bucket", "type": "r2", "source": "lighthouse", "token_id": token["id"], "sync_interval": 86400}
    api.call("POST", "/instances", {**body, "source_params": {"prefix": "2026/"}})
    jobs = "/instances/bucket/jobs"
    [job] = until(lambda: [one for one in api.call("GET", jobs) if one.get("ended_at")])
    assert job["end_reason"] == "completed", job


def search_and_judge(api: Maker) -> None:
    """A query log with clicks and thumbs, a chat, kept answers and a search of several instances."""
    for text, key in JUDGED:
        found = api.call("POST", "/instances/station/search", {"query": text})
        feedback = {"query": text, "item_key": key, "kind": "click", "position": 1}
        if key in {one["item"]["key"] for one in found["chunks"]}:
            api.call("POST", "/instances/station/feedback", feedback)
    api.call("POST", "/instances/station/feedback", {"query": JUDGED[0][0], "kind": "thumbs_up"})
    api.call("POST", "/instances/station/search", {"query": "submarine telegraph tariff"})
    chat = {"messages": [{"role": "user", "content": "What do I do when the lamp oil freezes?"}]}
    api.call("POST", "/instances/station/chat/completions", chat)


def run_lab(api: Maker) -> None:
    """Runs of the Lab, with calibrations; a threshold by probability and a trial on those who search follow them."""
    queries = [{"query": before + text, "items": [key]} for text, key in JUDGED for before in ("", "say ", "rules: ")]
    done = measure(api, "station", {"queries": queries, "arms": [{}, {"weight": 0.5}]})
    assert any((arm["calibration"] or {}).get("pairs", 0) >= 50 for arm in done["report"]["arms"]), done
    measure(api, "turm", {"queries": [{"query": "Besucher Turm", "items": ["besuch.md"]}]})
    api.call("PUT", "/instances/station", {"reranking_match_probability": 0.1})
    api.call("PUT", "/instances/vectors", {"reranking_mode": "shadow", "query_log": {"enabled": True}})


def measure(api: Maker, name: str, body: object) -> Any:
    """A completed run of the Lab."""
    path = f"/instances/{name}/lab/runs"
    run = f"{path}/{api.call('POST', path, body)['id']}"
    until(lambda: api.call("GET", run)["ended_at"])
    done = api.call("GET", run)
    assert done["state"] == "completed", done
    return done


def publish(api: Maker) -> dict[str, Any]:
    """Endpoints of an instance, with a domain, and of a namespace; and a second namespace."""
    params = {"enabled": True, "custom_domains": [DOMAIN], "authorized_hosts": ["example.org"]}
    made = api.call("PUT", "/instances/station", {"public_endpoint_params": params})
    public = httpx.post(f"{api.server.url}/search", json={"query": JUDGED[0][0]}, headers={"Host": DOMAIN}, timeout=30)
    assert public.status_code == 200, public.text
    events = [{"inputQuery": JUDGED[0][0], "totalResult": 3, "clickPosition": 1}]
    told = httpx.post(f"{api.server.url}/stats", json={"events": events}, headers={"Host": DOMAIN}, timeout=30)
    assert told.status_code < 300, told.text
    api.call("POST", "/namespaces", {"name": "harbour", "description": "Ashore"})
    api.call("POST", "/namespaces/harbour/instances", {"id": "quay"})
    return {"domain": DOMAIN, "public_id": made["public_endpoint_id"]}


def look(api: Maker) -> dict[str, Any]:
    """All that a later commit must find, as this one tells it."""
    found: dict[str, Any] = {"instances": {}, "namespaces": api.call("GET", "/namespaces")}
    keys = {name: (query, key) for name, _, _, query, key in INSTANCES}
    for one in api.call("GET", "/instances", params={"per_page": 100}):
        path = f"/instances/{one['id']}"
        items = api.call("GET", f"{path}/items", params={"per_page": 50})
        told: dict[str, Any] = {
            "settings": api.call("GET", path),
            "items": {item["key"]: {name: item[name] for name in ("id", "status", "metadata")} for item in items},
            "runs": api.call("GET", f"{path}/lab/runs"),
            "jobs": api.call("GET", f"{path}/jobs"),
            "queries": api.call("GET", f"{path}/queries", params={"per_page": 100}),
        }
        if one["id"] in keys:
            query, key = keys[one["id"]]
            results = api.call("POST", f"{path}/search", {"query": query, "query_log": False})["chunks"]
            assert results and results[0]["item"]["key"] == key, (one["id"], results)
            told |= {"query": query, "first": key}
        found["instances"][one["id"]] = told
    found["service_tokens"] = api.call("GET", "/tokens")
    return found


def feedback_of(folder: Path) -> list[str]:
    """What the log of an instance tells of clicks and thumbs, a line a query."""
    return run_cli("queries", "export", "station", "--judged", data_dir=folder).splitlines()


def leave_waiting(api: Maker) -> list[str]:
    """Keys of items that are uploaded right before the server is killed."""
    keys = [f"waiting/{number}.md" for number in range(WAITING_ITEMS)]
    api.call("POST", "/instances", {"id": "waiting"})
    for key in keys:
        api.upload("waiting", key, WAITING.format(key).encode(), wait=False)
    api.server.kill()
    return keys


def waiting_in(folder: Path) -> list[str]:
    """Keys of what still is in the queue."""
    with closing(sqlite3.connect(folder / "catalog.sqlite")) as catalog:
        rows = catalog.execute("SELECT key FROM items WHERE status IN ('queued', 'running') ORDER BY key").fetchall()
    return [key for [key] in rows]


def pack(folder: Path, target: Path) -> None:
    """The same bytes for the same folder, whoever packs it and when."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for path in sorted(folder.rglob("*")):
            inside = path.relative_to(folder)
            if inside.parts[0] in LEFT_OUT:
                continue
            entry = tarfile.TarInfo(inside.as_posix())
            if path.is_dir():
                entry.type, entry.mode = tarfile.DIRTYPE, 0o755
                archive.addfile(entry)
                continue
            content = path.read_bytes()
            entry.size, entry.mode = len(content), 0o644
            archive.addfile(entry, io.BytesIO(content))
    target.write_bytes(lzma.compress(buffer.getvalue(), preset=9 | lzma.PRESET_EXTREME))


def settle(folder: Path) -> None:
    """Write-ahead logs go into their files, and what was deleted goes: the folder is smaller and says the same."""
    for path in sorted(folder.rglob("*.sqlite")):
        with closing(sqlite3.connect(path, isolation_level=None)) as opened:
            opened.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            opened.execute("VACUUM")
            opened.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        for suffix in ("-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)


def check_paths(folder: Path, *names: Path) -> None:
    """Raises if one of these machine paths is written anywhere."""
    for path in folder.rglob("*"):
        if path.is_file() and path.relative_to(folder).parts[0] not in LEFT_OUT:
            told = [str(one) for one in names if str(one).encode() in path.read_bytes()]
            assert not told, (path, told)


def make(target: Path) -> None:
    """The packed folder and what is expected of it, written to ``target``."""
    with tempfile.TemporaryDirectory() as place, serve_s3() as s3:
        folder = Path(place) / "data"
        token = run_cli("token", "create", "--name", "kept", "--quiet", data_dir=folder)
        run_cli("token", "create", "--name", "reader", "--permission", "run", "--quiet", data_dir=folder)
        server = start_server(folder, SECONDLOOK_S3_ENDPOINT=s3.url, SECONDLOOK_SYNC_COOLDOWN="0")
        try:
            api = Maker(server, token)
            public = fill(api, s3)
            now = int(time.time() * 1000)
            expected = {"made_at": now, "token": token, "dated": DATED, "bucket": BUCKET, **public, **look(api)}
            uploaded = leave_waiting(api)
        finally:
            server.kill()
        left = waiting_in(folder)
        assert left, "all was indexed before the server was killed: upload more"
        expected = {**expected, "uploaded": uploaded, "left": left, "judged": feedback_of(folder)}
        settle(folder)
        check_paths(folder, Path(place), Path.home(), HERE)
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        pack(folder, target / "data.tar.xz")
        (target / "expected.json").write_text(json.dumps(expected, indent=1, ensure_ascii=False, sort_keys=True) + "\n")


def main() -> None:
    """Named by the commit that is checked out, unless another name is given."""
    parser = argparse.ArgumentParser(description=__doc__)
    commit = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False).stdout[:7]
    parser.add_argument("--name", default=commit)
    target = HERE / parser.parse_args().name
    make(target)
    print(f"{target.name}: {(target / 'data.tar.xz').stat().st_size} bytes")


if __name__ == "__main__":
    main()
