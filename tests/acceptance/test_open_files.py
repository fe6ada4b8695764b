"""However many instances there are, few files are open, and a start waits for none of them."""

from pathlib import Path

import httpx
import pytest

from tests.acceptance.server_process import ServerProcess, run_cli, start_server

pytestmark = [pytest.mark.server, pytest.mark.slow]

FEW = 128
MANY = 60


def names() -> list[str]:
    return [f"kept-{at}" for at in range(MANY)]


def count_open(server: ServerProcess) -> int:
    return len([*Path(f"/proc/{server.process.pid}/fd").iterdir()])


def search(client: httpx.Client, name: str) -> list[str]:
    answer = client.post(f"/instances/{name}/search", json={"query": f"lamp oil of {name}"})
    assert answer.status_code == 200, answer.text
    return [one["item"]["key"] for one in answer.json()["result"]["chunks"]]


def test_many_instances_need_few_open_files(tmp_path: Path) -> None:
    data = tmp_path / "data"
    secret = run_cli("token", "create", "--name", "t", "--quiet", data_dir=data)
    head = {"Authorization": f"Bearer {secret}"}
    server = start_server(data, open_files=FEW)
    try:
        base = f"{server.url}/client/v4/accounts/acc/ai-search"
        with httpx.Client(base_url=base, headers=head, timeout=60) as client:
            for name in names():
                made = client.post("/instances", json={"id": name, "index_method": {"vector": False, "keyword": True}})
                assert made.status_code in (200, 201), made.text
                file = {"file": ("a.md", f"The lamp oil of {name}.", "text/markdown")}
                answer = client.post(f"/instances/{name}/items", files=file, data={"wait_for_completion": "true"})
                assert answer.json()["result"]["status"] == "completed", answer.text
                assert search(client, name) == ["a.md"]
            assert [search(client, name) for name in names()] == [["a.md"]] * MANY
            assert count_open(server) < FEW
    finally:
        server.stop()
    again = start_server(data, open_files=FEW)
    try:
        assert httpx.get(f"{again.url}/health").status_code == 200
        base = f"{again.url}/client/v4/accounts/acc/ai-search"
        with httpx.Client(base_url=base, headers=head, timeout=60) as client:
            assert [search(client, name) for name in reversed(names())] == [["a.md"]] * MANY
        assert not [line for line in again.said if "Could not check" in line]
        assert count_open(again) < FEW
    finally:
        again.stop()
