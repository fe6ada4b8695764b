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
        assert done.stderr.startswith(f"error: a server works on the data folder {data_dir} already")
        assert done.stderr.count("\n") == 1
        assert client.get("/health").status_code == 200


def test_a_killed_server_leaves_no_lock_and_no_loose_bytes(tmp_path: Path) -> None:
    start_server(tmp_path).kill()
    loose = tmp_path / "files" / "uid" / "written-but-never-named"
    loose.parent.mkdir(parents=True)
    loose.write_bytes(b"x")
    again = start_server(tmp_path)
    again.stop()
    assert not loose.exists()
