"""What ``logs`` says of an instance."""

import json
import re
from pathlib import Path

from tests.unit.conftest import Cli


def test_the_log_of_an_instance_and_of_an_item(cli: Cli, stocked: Path) -> None:
    lines = cli("logs", "docs", "--data-dir", stocked).out.splitlines()
    assert all(re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ  \S+\.md  \w+: ", one) for one in lines)
    assert lines == sorted(lines, key=lambda one: one[:20])
    assert any("bad.md  fail: file_is_corrupt" in one for one in lines)
    assert cli("logs", "docs", "-n", 2, "--data-dir", stocked).out.splitlines() == lines[-2:]
    of_oil = json.loads(cli("logs", "docs", "--item", "oil.md", "--json", "--data-dir", stocked).out)
    assert {one["of"] for one in of_oil} == {"oil.md"}
    assert [one["text"].split(":")[0] for one in of_oil] == ["queue", "read", "split", "embed", "store"]


def test_what_has_no_log(cli: Cli, stocked: Path) -> None:
    assert "no item 'nope'" in cli("logs", "docs", "--item", "nope", "--data-dir", stocked).err
    assert cli("logs", "nope", "--data-dir", stocked).code == 2
