"""A data folder is refused where using it would lose what it holds."""

from pathlib import Path

import pytest

from secondlook.errors import SetupError
from secondlook.stores.data_folder import check_catalog, prepare_folder

DERIVED = ("files", "indexes")


def put(path: Path, content: bytes = b"x") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def test_a_new_folder_and_one_with_a_catalogue_are_used(tmp_path: Path) -> None:
    check_catalog(tmp_path, "catalog.sqlite", *DERIVED)
    (tmp_path / "files" / "uid").mkdir(parents=True)
    put(tmp_path / "cache" / "models" / "one")
    check_catalog(tmp_path, "catalog.sqlite", *DERIVED)
    put(tmp_path / "files" / "uid" / "blob")
    put(tmp_path / "catalog.sqlite")
    check_catalog(tmp_path, "catalog.sqlite", *DERIVED)


def test_a_new_folder_is_for_its_user_alone(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared").chmod(0o750)
    for name, mode in (("new", 0o700), ("shared", 0o750)):
        prepare_folder(tmp_path / name, "indexes")
        assert (tmp_path / name).stat().st_mode & 0o777 == mode
        assert (tmp_path / name / "indexes").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("state", ["missing", "empty"])
@pytest.mark.parametrize("held", ["files/uid/blob", "indexes/uid.sqlite"])
def test_files_without_a_catalogue_are_not_taken_for_orphans(tmp_path: Path, state: str, held: str) -> None:
    put(tmp_path / held)
    if state == "empty":
        put(tmp_path / "catalog.sqlite", b"")
    with pytest.raises(SetupError, match=f"is {state}, but "):
        check_catalog(tmp_path, "catalog.sqlite", *DERIVED)
    assert (tmp_path / held).is_file()


def test_an_empty_catalogue_with_its_log_is_one(tmp_path: Path) -> None:
    put(tmp_path / "files" / "uid" / "blob")
    put(tmp_path / "catalog.sqlite", b"")
    put(tmp_path / "catalog.sqlite-wal")
    check_catalog(tmp_path, "catalog.sqlite", *DERIVED)
