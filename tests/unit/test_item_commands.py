"""Items on the command line: listed with their errors, shown by key or id, deleted from searches at once."""

import json
import re
from pathlib import Path

from tests.unit.conftest import Cli


def test_items_are_listed_with_their_errors(cli: Cli, stocked: Path) -> None:
    done = cli("items", "list", "docs", "--data-dir", stocked)
    assert (done.code, done.err) == (0, "")
    assert re.search(r"fog\.md +completed +1 +5\d", done.out)
    assert "bad.md: file_is_corrupt" in done.out and done.out.endswith("\n3 items\n")
    failed = cli("items", "list", "docs", "--status", "error", "--json", "--data-dir", stocked)
    assert [one["key"] for one in json.loads(failed.out)] == ["bad.md"]
    assert cli("items", "list", "docs", "--search", "zz", "--data-dir", stocked).out == "No items in docs that match.\n"
    wrong = cli("items", "list", "docs", "--status", "lost", "--data-dir", stocked)
    assert (wrong.code, wrong.err.count("\n")) == (2, 1) and "See `secondlook items list --help`." in wrong.err


def test_an_item_is_shown_by_key_or_id(cli: Cli, stocked: Path) -> None:
    by_key = cli("items", "show", "docs", "oil.md", "--data-dir", stocked).out
    [item_id] = re.findall(r"^Id +(\w+)$", by_key, re.MULTILINE)
    assert cli("items", "show", "docs", item_id, "--data-dir", stocked).out == by_key
    assert re.search(r"^Status +completed$", by_key, re.MULTILINE)
    bad = json.loads(cli("items", "show", "docs", "bad.md", "--json", "--data-dir", stocked).out)
    assert bad["error"].startswith("file_is_corrupt")
    gone = cli("items", "show", "docs", "nope.md", "--data-dir", stocked)
    assert (gone.code, gone.err) == (
        2, "error: no item 'nope.md' in docs. `secondlook items list docs` shows all.\n"
    )  # fmt: skip


def test_items_are_deleted(cli: Cli, tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / f"{name}.md").write_text(f"The bell of {name} rings.", encoding="utf-8")
    data = tmp_path / "data"
    cli("index", "docs", *(tmp_path / f"{name}.md" for name in "abc"), "--data-dir", data)
    missing = cli("items", "delete", "docs", "a.md", "nope.md", "--yes", "--data-dir", data)
    assert missing.code == 2 and "no item 'nope.md'" in missing.err
    assert cli("items", "list", "docs", "--data-dir", data).out.endswith("3 items\n"), "all or none"
    done = cli("items", "delete", "docs", "a.md", "b.md", "a.md", "--yes", "--data-dir", data)
    assert (done.code, done.out) == (0, "2 items deleted from docs\n")
    found = json.loads(cli("search", "docs", "bell rings", "--json", "--data-dir", data).out)
    assert {one["item"] for one in found["results"]} <= {"c.md"}
    assert cli("items", "list", "docs", "--data-dir", data).out.endswith("1 item\n")
