"""A folder gives its own files, and never another's."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from secondlook.domain.source import Entry
from secondlook.errors import ItemSourceError, SourceError
from secondlook.sources.folder import Folder
from secondlook.sources.opening import find_folder


def keys(folder: Folder) -> list[str]:
    async def run() -> list[str]:
        return [entry.key async for entry in folder.list({})]

    return sorted(asyncio.run(run()))


def read(folder: Folder, key: str) -> bytes:
    return asyncio.run(folder.fetch(Entry(key))).content


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made = tmp_path / "docs"
    made.mkdir()
    (made / "a.md").write_text("lamp oil")
    (tmp_path / "secret.md").write_text("secret")
    return made


def test_links_lead_nowhere_outside(root: Path, tmp_path: Path) -> None:
    (root / "out.md").symlink_to(tmp_path / "secret.md")
    (root / "up").symlink_to(tmp_path)
    (root / "circle").symlink_to(root)
    (root / "dead.md").symlink_to(root / "none.md")
    (root / "in.md").symlink_to(root / "a.md")
    folder = Folder(root)
    assert keys(folder) == ["a.md", "in.md"]
    assert folder.notes() == ["3 links skipped: leading out of the folder, or to a folder"]
    assert read(folder, "in.md") == b"lamp oil"
    for key in ("out.md", "up/secret.md", "../secret.md", str(tmp_path / "secret.md"), "dead.md"):
        with pytest.raises(ItemSourceError, match=r"^file_not_found: ") as caught:
            read(folder, key)
        assert caught.value.gone


def test_what_is_no_file_is_left_out(root: Path) -> None:
    os.mkfifo(root / "pipe.md")
    (root / ".git").mkdir()
    (root / ".git" / "config.md").write_text("x")
    (root / ".env").write_text("x")
    folder = Folder(root)
    assert keys(folder) == [".env", "a.md"]
    with pytest.raises(ItemSourceError, match=r"^unsupported_type: "):
        read(folder, "pipe.md")


SCRIPT = """
import asyncio, concurrent.futures.thread, os, sys
from pathlib import Path
from secondlook.errors import SourceError
from secondlook.sources.folder import Folder

async def work():
    folder = Folder(Path("."))
    memos = {"closed/old.md": "1", "closed/deep/older.md": "failed: ", "closed.md": "3", "gone.md": "4"}
    try:
        found = [entry async for entry in folder.list(memos)]
    except SourceError as error:
        return print(error)
    print(*sorted(f"{one.key}={one.unchanged}" for one in found), *folder.notes(), sep="|")

os.chdir(sys.argv[1])
if os.geteuid() == 0:
    os.setuid(65534)  # root reads everything
asyncio.run(work())
"""


def as_nobody(folder: Path) -> str:
    """What somebody who is not root sees of the folder."""
    done = subprocess.run([sys.executable, "-c", SCRIPT, str(folder)], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.mark.process
def test_a_folder_that_cannot_be_read_is_no_empty_one(root: Path) -> None:
    root.chmod(0o711)
    assert as_nobody(root).startswith("bucket_unauthorized: ")


@pytest.mark.process
def test_a_folder_inside_that_cannot_be_read_keeps_what_is_known_of_it(root: Path) -> None:
    root.chmod(0o755)
    (root / "closed").mkdir(0o700)
    (root / "closed" / "new.md").touch()
    (root / "z").mkdir(0o755)
    (root / "z" / "last.md").touch()
    if os.geteuid() != 0:
        (root / "closed").chmod(0)
    assert as_nobody(root) == (
        "a.md=False|closed/deep/older.md=True|closed/old.md=True|z/last.md=False"
        "|could not read the folder closed (Permission denied); items read from it before are kept"
    )


def test_what_is_too_large_is_known_without_reading_it(root: Path) -> None:
    with (root / "large.md").open("wb") as file:
        file.truncate((10 << 20) + 1)

    async def run() -> list[Entry]:
        return [entry async for entry in Folder(root).list({})]

    [large] = [one for one in asyncio.run(run()) if one.key == "large.md"]
    assert large.error == "over_size: large.md has 10,485,761 bytes; the limit is 10,485,760" and large.gone


def test_a_folder_that_is_gone_is_no_empty_one(root: Path) -> None:
    with pytest.raises(SourceError, match=r"^bucket_not_found: ") as caught:
        keys(Folder(root / "none"))
    assert caught.value.lasting


def test_many_files(root: Path) -> None:
    for number in range(1200):
        (root / f"{number}.md").touch()
    assert len(keys(Folder(root))) == 1201


def test_roots(root: Path, tmp_path: Path) -> None:
    (tmp_path / "docs-too").mkdir()
    (root / "away").symlink_to(tmp_path / "docs-too")
    assert find_folder(str(root), [tmp_path]) == root.resolve()
    assert find_folder(str(root), [root]) == root.resolve()
    for source in ("/etc", str(tmp_path), str(tmp_path / "docs-too"), str(root / ".."), str(root / "away"), "docs"):
        with pytest.raises(SourceError, match=r"^bucket_unauthorized: .*SECONDLOOK_FOLDER_ROOTS"):
            find_folder(source, [root])
    with pytest.raises(SourceError, match=r"^bucket_unauthorized: .*SECONDLOOK_FOLDER_ROOTS"):
        find_folder(str(root), [])
    with pytest.raises(SourceError, match=r"^bucket_not_found: "):
        find_folder(str(root / "a.md"), [root])
