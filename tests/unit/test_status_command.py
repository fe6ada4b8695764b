"""What ``status`` says of a data folder."""

import json
from pathlib import Path

from secondlook.stores.lock import FileLock
from tests.unit.conftest import Cli


def test_the_status_of_a_data_folder(cli: Cli, stocked: Path) -> None:
    done = cli("status", "--data-dir", stocked)
    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    assert lines[0].startswith(f"Data       {stocked} (") and "indexes" in lines[0]
    assert lines[1:5] == [
        "Server     not running", "Instances  2", "Items      4, 1 failed", "Queue      0 items waiting"
    ]  # fmt: skip
    assert lines[5].startswith("Models     2 of ") and "secondlook/late-interaction" in lines[5]
    assert lines[6:] == ["  default/docs: 3 items, 1 failed", "  kitchen/tea: 1 item"]
    told = json.loads(cli("status", "--account", "kitchen", "--json", "--data-dir", stocked).out)
    assert [one["id"] for one in told["instances"]] == ["tea"] and told["disk"]["indexes"] > 0


def test_whether_a_server_works_on_it(cli: Cli, stocked: Path) -> None:
    with FileLock(stocked / "server.lock") as lock:
        assert lock.take()
        assert "Server     running" in cli("status", "--data-dir", stocked).out
    assert "Server     not running" in cli("status", "--data-dir", stocked).out


def test_nothing_is_created_where_there_is_no_data(cli: Cli, tmp_path: Path) -> None:
    done = cli("status", "--data-dir", tmp_path / "none")
    assert (done.code, done.out) == (2, "") and done.err.startswith("error: there is no data folder")
    assert not (tmp_path / "none").exists()
