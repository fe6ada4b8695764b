"""``check`` finds every kind of damage, says where it is, and repairs what can be repaired."""

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from secondlook.stores.lock import FileLock
from tests.unit.conftest import Cli


@pytest.fixture
def data(stocked: Path, tmp_path: Path) -> Path:
    """A copy to damage."""
    return Path(shutil.copytree(stocked, tmp_path / "data"))


def rows(data: Path, sql: str) -> list[tuple[str, ...]]:
    with closing(sqlite3.connect(data / "catalog.sqlite")) as connection:
        return connection.execute(sql).fetchall()


def index_of(data: Path, name: str) -> Path:
    [(uid,)] = rows(data, f"SELECT uid FROM instances WHERE name = '{name}'")
    return data / "indexes" / f"{uid}.sqlite"


def change(path: Path, sql: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(sql)


def test_a_sound_folder(cli: Cli, data: Path) -> None:
    done = cli("check", "--data-dir", data)
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines() == ["Checked 2 instances, 4 items, 4 stored files.", "Everything is sound."]
    assert json.loads(cli("check", "--json", "--data-dir", data).out) == {
        "sound": True, "instances": 2, "items": 4, "files": 4, "findings": [],
    }  # fmt: skip


def drop_item(path: Path) -> None:
    change(path, "DELETE FROM chunks WHERE item_key = 'oil.md'")


def change_text(path: Path) -> None:
    change(path, "UPDATE chunks SET metadata = '{}' WHERE item_key = 'oil.md'")


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:5000])


DAMAGE: list[tuple[Callable[[Path], object], str]] = [
    (Path.unlink, "default/docs: index: its file is missing"),
    (truncate, "default/docs: index: database disk image is malformed"),
    (lambda path: path.write_bytes(b""), "default/docs: index: its file is empty"),
    (lambda path: path.write_text("nothing"), "default/docs: index: file is not a database"),
    (lambda path: (path.unlink(), path.mkdir()), "default/docs: index: a folder is in the place of its file"),
    (drop_item, "default/docs"),
    (change_text, "default/docs oil.md: item: chunk 0: its text changed on the disk"),
]


@pytest.mark.parametrize(("damage", "said"), DAMAGE)
def test_a_damaged_index_is_found_and_repaired(
    cli: Cli, data: Path, damage: Callable[[Path], object], said: str
) -> None:
    damage(index_of(data, "docs"))
    before = cli("check", "--data-dir", data)
    assert before.code == 1
    assert said in before.out and "Run with --repair" in before.out and "kitchen" not in before.out
    repaired = cli("check", "--repair", "--data-dir", data)
    assert repaired.code == 0, repaired.out + repaired.err
    assert "(repaired)" in repaired.out and "could not" not in repaired.out
    assert cli("check", "--data-dir", data).code == 0
    assert "oil.md" in cli("search", "docs", "lamp oil", "--data-dir", data).out


@pytest.mark.parametrize("damage", ["missing", "flipped"])
def test_a_damaged_file_fails_its_item_until_it_is_uploaded_again(
    cli: Cli, data: Path, tmp_path: Path, damage: str
) -> None:
    [(blob,)] = rows(data, "SELECT blob FROM items WHERE key = 'oil.md'")
    path = data / "files" / blob
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes().replace(b"lamp", b"lump"))
    done = cli("check", "--repair", "--json", "--data-dir", data)
    assert done.code == 1
    [finding] = json.loads(done.out)["findings"]
    assert (finding["part"], finding["instance"], finding["key"], finding["repaired"]) == (
        "file", "default/docs", "oil.md", False,
    )  # fmt: skip
    assert rows(data, "SELECT status FROM items WHERE key = 'oil.md'") == [("error",)]
    assert "oil.md" in cli("search", "docs", "lamp oil", "--data-dir", data).out, "its chunks are sound"
    page = tmp_path / "oil.md"
    page.write_text("# Oil\n\nWarm the lamp oil before lighting.", encoding="utf-8")
    assert cli("index", "docs", page, "--data-dir", data).code == 0
    assert cli("check", "--data-dir", data).code == 0


@pytest.mark.parametrize("damage", ["garbage", "missing", "empty", "inside"])
def test_a_damaged_catalogue_is_told_and_nothing_is_changed(cli: Cli, data: Path, damage: str) -> None:
    path = data / "catalog.sqlite"
    if damage == "inside":
        content = path.read_bytes()
        path.write_bytes(content[:8192] + b"\xa5" * 4096 + content[12288:])
    elif damage == "garbage":
        path.write_bytes(b"no catalogue" * 999)
    else:
        path.unlink()
    if damage == "empty":
        path.touch()
    files = sorted(str(one) for one in (data / "files").rglob("*"))
    done = cli("check", "--repair", "--data-dir", data)
    assert done.code == (2 if damage == "missing" else 1), done.out + done.err
    assert "catalog" in done.out + done.err
    assert files == sorted(str(one) for one in (data / "files").rglob("*"))


def test_a_damaged_answer_cache_is_removed(cli: Cli, data: Path) -> None:
    (data / "answers.sqlite").write_bytes(b"no answers" * 999)
    assert "data folder: answers: answers.sqlite: file is not a database" in cli("check", "--data-dir", data).out
    assert cli("check", "--repair", "--data-dir", data).code == 0
    assert cli("check", "--data-dir", data).code == 0


def test_nothing_is_repaired_beside_a_server(cli: Cli, data: Path) -> None:
    index_of(data, "docs").unlink()
    with FileLock(data / "server.lock") as lock:
        assert lock.take()
        done = cli("check", "--repair", "--data-dir", data)
    assert done.code == 2 and "a server is already running" in done.err
    assert not index_of(data, "docs").exists()


def test_nothing_is_created_where_there_is_no_data(cli: Cli, tmp_path: Path) -> None:
    done = cli("check", "--data-dir", tmp_path / "none")
    assert (done.code, done.out) == (2, "") and done.err.startswith("error: there is no data folder")
    assert not (tmp_path / "none").exists()
