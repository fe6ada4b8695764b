"""A full disk refuses what needs room with its reason, keeps nothing of it, and lets everything else go on."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from secondlook.stores.disk_reserve import DiskReserve
from tests.wire.conftest import NEW, Wire, error_of

pytestmark = pytest.mark.attack
HANDBOOK = f"{NEW}/handbook"
ASK = {"query": "lamp oil", "ai_search_options": {"retrieval": {"retrieval_type": "keyword"}}}
RESERVE = 1 << 20


class Disk:
    """Room beyond which nothing is written, as a quota."""

    free = 1 << 30


@pytest.fixture
def disk() -> Disk:
    return Disk()


@pytest.fixture
def wire(tmp_path: Path, disk: Disk) -> Iterator[Wire]:
    made = Wire(tmp_path, reserve=DiskReserve(RESERVE, lambda: disk.free))
    made.make()
    assert made.upload("oil.md", "Warm the lamp oil.").json()["result"]["status"] == "completed"
    yield made
    made.close()


def files(wire: Wire) -> list[bytes]:
    return sorted(path.read_bytes() for path in (wire.folder / "files").rglob("*") if path.is_file())


def test_an_upload_is_refused_and_nothing_of_it_stays(wire: Wire, disk: Disk) -> None:
    disk.free = RESERVE + 3
    for key in ("new.md", "oil.md"):
        answer = wire.upload(key, "The fog horn.")
        assert (answer.status_code, error_of(answer)[1]) == (507, 7507), answer.text
        assert "SECONDLOOK_DISK_RESERVE_MB keeps 1: delete items" in answer.text
    assert files(wire) == [b"Warm the lamp oil."]
    [item] = wire.get(f"{HANDBOOK}/items").json()["result"]
    assert (item["key"], item["status"]) == ("oil.md", "completed")


def test_everything_that_needs_no_room_goes_on(wire: Wire, disk: Disk) -> None:
    disk.free = 0
    assert len(wire.post(f"{HANDBOOK}/search", ASK).json()["result"]["chunks"]) == 1
    assert wire.ask("PUT", HANDBOOK, json={"max_num_results": 7}).status_code == 200
    [item] = wire.get(f"{HANDBOOK}/items").json()["result"]
    assert wire.get(f"{HANDBOOK}/items/{item['id']}/download").content == b"Warm the lamp oil."
    assert wire.ask("DELETE", f"{HANDBOOK}/items/{item['id']}").status_code == 200
    assert files(wire) == []
    assert wire.post(f"{HANDBOOK}/search", ASK).json()["result"]["chunks"] == []
    assert wire.ask("DELETE", HANDBOOK).status_code == 200


def test_an_index_without_room_says_so_and_the_item_comes_later(wire: Wire, disk: Disk) -> None:
    embed = wire.embedder.count_tokens

    def fill_up(text: str) -> int:
        disk.free = RESERVE
        return embed(text)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(wire.embedder, "count_tokens", fill_up)
        item = wire.upload("horn.md", "The fog horn.").json()["result"]
    assert (item["status"], item["chunks_count"]) == ("error", None)
    assert "the disk is full" in item["error"]
    assert b"The fog horn." in files(wire), "the upload was acknowledged and is kept"
    disk.free = 1 << 30
    answer = wire.ask("PATCH", f"{HANDBOOK}/items/{item['id']}", json={"next_action": "INDEX"})
    assert answer.status_code == 200, answer.text
    wire.run(wire.indexing.drain())
    assert wire.get(f"{HANDBOOK}/items/{item['id']}").json()["result"]["status"] == "completed"
