"""Instances on the command line: listed, shown, and deleted once somebody confirms it."""

import io
import json
import re
import sys
from pathlib import Path

import pytest

from secondlook.instance_commands import facts_of, trouble_of
from tests.unit.conftest import Cli, Done


def test_instances_of_all_accounts_are_listed(cli: Cli, stocked: Path) -> None:
    done = cli("instances", "list", "--data-dir", stocked)
    assert (done.code, done.err) == (0, "")
    assert re.search(r"docs +default +3 +0 +1 +uploads", done.out)
    assert re.search(r"tea +kitchen +1 +0 +0 +uploads", done.out)
    only = cli("instances", "list", "--account", "kitchen", "--json", "--data-dir", stocked)
    assert [(one["id"], one["account"], one["item_counts"]["completed"]) for one in json.loads(only.out)] == [
        ("tea", "kitchen", 1)
    ]
    none = cli("instances", "list", "--account", "nobody", "--data-dir", stocked)
    assert none.out == "No instances in account 'nobody'. `secondlook index` creates one.\n"


def test_an_instance_is_shown(cli: Cli, stocked: Path) -> None:
    shown = cli("instances", "show", "docs", "--data-dir", stocked).out
    assert re.search(r"^Items +2 completed, 1 error$", shown, re.MULTILINE)
    assert re.search(r"^Last sync +never$", shown, re.MULTILINE)
    whole = json.loads(cli("instances", "show", "docs", "--json", "--data-dir", stocked).out)
    assert whole["id"] == "docs" and whole["chunk_size"] == 256
    gone = cli("instances", "show", "nope", "--data-dir", stocked)
    assert (gone.code, gone.out, gone.err.count("\n")) == (2, "", 1)
    assert "nope" in gone.err


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ("n\n", "error: not confirmed. Nothing was deleted.\n"),
        ("", "error: there is nobody to confirm it. Pass --yes.\n"),
    ],
)
def test_nothing_is_deleted_unless_somebody_confirms_it(
    cli: Cli, stocked: Path, monkeypatch: pytest.MonkeyPatch, answer: str, error: str
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(answer))
    done = cli("instances", "delete", "docs", "--data-dir", stocked)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("Delete the instance 'docs' of account 'default' and 3 items? This cannot be undone.")
    assert done.err.endswith(error)
    assert "docs" in cli("instances", "list", "--data-dir", stocked).out


def test_what_is_missing_cannot_be_deleted(cli: Cli, stocked: Path) -> None:
    done = cli("instances", "delete", "nope", "--yes", "--data-dir", stocked)
    assert (done.code, done.out) == (2, "")
    assert done.err == "error: there is no instance 'nope' in namespace 'default': check the name\n"


def test_an_instance_is_deleted(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "oil.md").write_text("Lamp oil.", encoding="utf-8")
    data = tmp_path / "data"
    for how in ("--yes", "asked"):
        assert cli("index", "docs", tmp_path / "oil.md", "--data-dir", data).code == 0
        monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
        done = cli("instances", "delete", "docs", *(("--yes",) if how == "--yes" else ()), "--data-dir", data)
        assert (done.code, done.out) == (0, "docs is deleted (1 item)\n")
        assert list((data / "indexes").iterdir()) == [] and list((data / "files").rglob("*.*")) == []
        assert cli("search", "docs", "oil", "--data-dir", data).code == 2
    assert cli("instances", "list", "--data-dir", data) == Done(
        0, "No instances. `secondlook index` creates one.\n", ""
    )


@pytest.mark.parametrize("command", ["list", "show", "delete"])
def test_nothing_is_created_where_there_is_no_data(cli: Cli, tmp_path: Path, command: str) -> None:
    words = () if command == "list" else ("docs",)
    done = cli("instances", command, *words, "--data-dir", tmp_path / "none")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"error: there is no data folder {tmp_path}/none")
    assert not (tmp_path / "none").exists()


def test_a_failing_source_is_said(cli: Cli, stocked: Path) -> None:
    row = json.loads(cli("instances", "show", "docs", "--json", "--data-dir", stocked).out) | {"account": "default"}
    assert trouble_of(row) == ""
    row |= {"paused": True, "sync_error": {"kind": "unreachable", "message": "the site does not answer"}}
    assert trouble_of(row) == "Syncs fail: the site does not answer. Syncs are paused."
    assert ("Problem", trouble_of(row)) in facts_of(row)
