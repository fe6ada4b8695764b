"""The clients that are not Python are pinned, and nothing that names a host is kept."""

import json
import re
import subprocess

import pytest

from tests.clients import node
from tests.clients.node import PACKAGE
from tests.clients.packages import WANTED
from tests.house.yard import ROOT
from tests.machine import need


def test_versions_are_exact() -> None:
    wanted = json.loads(PACKAGE.read_text(encoding="utf-8"))["dependencies"]
    assert wanted
    assert {name: version for name, version in wanted.items() if not re.fullmatch(r"\d+\.\d+\.\d+", version)} == {}


def test_versions_of_python_packages_are_exact() -> None:
    lines = WANTED.read_text(encoding="utf-8").split()
    assert len(lines) > 9
    assert [line for line in lines if not re.fullmatch(r"[a-z0-9-]+==[0-9][0-9a-z.]*", line)] == []


@pytest.mark.process
@pytest.mark.system
def test_no_lock_file_is_kept() -> None:
    need("git")
    ignored = subprocess.run(
        ["git", "check-ignore", "tests/clients/package-lock.json", "tests/clients/node_modules/any",
         "build/clients/any"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if ignored.returncode != 128:  # 128: no repository, as in an unpacked sdist
        assert len(ignored.stdout.splitlines()) == 3


@pytest.mark.node
def test_without_node_tests_are_skipped_and_fail_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(node, "find_spec", lambda name: None)
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="put one on the PATH, or run `make setup`"):
        node.ready()
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match=r"no Node 22\.12 or newer"):
        node.ready()
