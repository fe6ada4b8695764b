"""The clients that are not Python are pinned, and nothing that names a host is kept."""

import json
import re
import subprocess

from tests.clients.node import PACKAGE
from tests.house.yard import ROOT


def test_versions_are_exact() -> None:
    wanted = json.loads(PACKAGE.read_text(encoding="utf-8"))["dependencies"]
    assert wanted
    assert {name: version for name, version in wanted.items() if not re.fullmatch(r"\d+\.\d+\.\d+", version)} == {}


def test_no_lock_file_is_kept() -> None:
    ignored = subprocess.run(
        ["git", "check-ignore", "tests/clients/package-lock.json", "tests/clients/node_modules/any"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if ignored.returncode != 128:  # 128: no repository, as in an unpacked sdist
        assert len(ignored.stdout.splitlines()) == 2
