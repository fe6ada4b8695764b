"""Two processes on one data folder: one server, and commands beside it that leave its queue alone."""

import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.acceptance.server_process import ServerProcess, run_cli, start_server

pytestmark = pytest.mark.server

BASE = "/accounts/default/ai-search/instances"
COMMAND = [sys.executable, "-m", "secondlook"]


def test_commands_work_beside_a_server_and_a_second_server_does_not(
    server: ServerProcess, token: str, data_dir: Path, tmp_path: Path
) -> None:
    page = tmp_path / "oil.md"
    page.write_text("Warm the lamp oil reservoir before lighting when the oil freezes.", encoding="utf-8")
    assert run_cli("index", "beside", str(page), data_dir=data_dir) == "1 of 1 file indexed into beside"
    headers = {"authorization": f"Bearer {token}"}
    with httpx.Client(base_url=server.url, headers=headers, timeout=60) as client:
        body = {"query": "frozen lamp oil", "score_threshold": 0}
        found = client.post(f"{BASE}/beside/search", json=body).json()["result"]["chunks"]
        assert [chunk["item"]["key"] for chunk in found] == ["oil.md"]
        second = [*COMMAND, "serve", "--port", "0", "--data-dir", str(data_dir)]
        done = subprocess.run(second, capture_output=True, text=True, timeout=120, check=False)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith(f"error: a server is already running on the data folder {data_dir}")
        assert done.stderr.count("\n") == 1
        assert client.get("/health").status_code == 200


def test_what_a_command_deletes_leaves_no_ghost_in_the_server(
    server: ServerProcess, token: str, data_dir: Path, tmp_path: Path
) -> None:
    for name in ("oil", "fog", "bell"):
        (tmp_path / f"{name}.md").write_text(f"The keeper writes about the {name} of the lamp.", encoding="utf-8")
    run_cli("index", "ghost", str(tmp_path), data_dir=data_dir)
    run_cli("index", "other", str(tmp_path / "oil.md"), data_dir=data_dir)
    headers = {"authorization": f"Bearer {token}"}
    with httpx.Client(base_url=server.url, headers=headers, timeout=60) as client:

        def found(name: str = "ghost") -> list[str]:
            body = {"query": "what does the keeper write about the lamp?", "score_threshold": 0}
            chunks = client.post(f"{BASE}/{name}/search", json=body).json()["result"]["chunks"]
            return sorted(chunk["item"]["key"] for chunk in chunks)

        assert found() == ["bell.md", "fog.md", "oil.md"], "the server has the index in memory now"
        assert run_cli("items", "delete", "ghost", "fog.md", "--yes", data_dir=data_dir) == "1 item deleted from ghost"
        assert found() == ["bell.md", "oil.md"]
        assert "2 items" in run_cli("items", "list", "ghost", "--server", server.url, token=token)
        assert "Server     running" in run_cli("status", data_dir=data_dir)
        uid = client.get(f"{BASE}/ghost").json()["result"]["vectorize_name"]
        assert open_files(server, uid)
        run_cli("instances", "delete", "ghost", "--yes", data_dir=data_dir)
        assert client.post(f"{BASE}/ghost/search", json={"query": "lamp"}).status_code == 404
        assert "ghost" not in [one["id"] for one in client.get(BASE, params={"per_page": 100}).json()["result"]]
        assert found("other") == ["oil.md"]
        assert open_files(server, uid) == [], "the room on the disk is free again"
        run_cli("index", "ghost", str(tmp_path / "bell.md"), data_dir=data_dir)
        assert found() == ["bell.md"], "a new instance of the same name has nothing of the old one"
        assert "Traceback" not in "".join(server.said)


def open_files(server: ServerProcess, name: str) -> list[str]:
    """The files with that name in their path that the server has open, deleted ones too."""
    files = [str(one.readlink()) for one in Path(f"/proc/{server.process.pid}/fd").iterdir() if one.is_symlink()]
    return [one for one in files if name in one]


def test_a_killed_server_leaves_no_lock_and_no_loose_bytes(tmp_path: Path) -> None:
    start_server(tmp_path).kill()
    loose = tmp_path / "files" / "uid" / "written-but-never-named"
    loose.parent.mkdir(parents=True)
    loose.write_bytes(b"x")
    again = start_server(tmp_path)
    again.stop()
    assert not loose.exists()
