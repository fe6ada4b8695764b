"""The pages' sources: types hold against the API as it is, nothing names a host, and the first load is small."""

import json
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import httpx
import pytest

from tests.acceptance.server_process import ServerProcess
from tests.dashboard.conftest import UI
from tests.house.yard import ROOT

pytestmark = [pytest.mark.server, pytest.mark.node, pytest.mark.browser]

FIRST_LOAD = 300_000
"""Bytes of the first page as they are sent."""


def test_types_hold_against_the_api(built: ModuleType) -> None:
    """A path, a verb or a body that the API has not does not compile."""
    made = subprocess.run(
        [sys.executable, str(UI / "schema.py")], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert made.returncode == 0, made.stderr
    [program, _] = built.find_node()
    compiler = built.MODULES / "typescript" / "bin" / "tsc"
    done = subprocess.run(
        [program, str(compiler), "--noEmit", "-p", str(UI)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_versions_are_exact_and_no_host_is_named() -> None:
    told = json.loads((UI / "package.json").read_text(encoding="utf-8"))
    versions = {**told["dependencies"], **told["devDependencies"]}
    assert [name for name, one in versions.items() if not re.fullmatch(r"\d+\.\d+\.\d+", one)] == []
    lock = (UI / "package-lock.json").read_text(encoding="utf-8")
    assert "resolved" not in lock
    assert "://" not in lock


def test_the_first_load_is_small(server: ServerProcess) -> None:
    """Page, scripts, styles and the list of instances, in gzip."""
    client = httpx.Client(base_url=server.url, headers={"Accept-Encoding": "gzip"})
    page = client.get("/dashboard/").text
    paths = set(re.findall(r'(?:src|href)="(/dashboard/[^"]+)"', page))
    folder = ROOT / "src" / "secondlook" / "dashboard" / "static" / "assets"
    paths |= {f"/dashboard/assets/{path.name}" for path in folder.glob("instances-*.js")}
    sizes = {path: int(client.get(path).headers["content-length"]) for path in paths}
    assert len(sizes) > 3
    assert sum(sizes.values()) < FIRST_LOAD


def test_no_mark_of_another_company(built: ModuleType) -> None:
    shown = "".join(path.read_text(encoding="utf-8") for path in (UI / "src").rglob("*.tsx"))
    assert not re.search(r"cloudflare-logo|CloudflareLogo|PoweredBy", shown)
    assert "Secondlook" in (UI / "index.html").read_text(encoding="utf-8")


def test_a_build_that_fails_says_why(built: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(built, "find_node", lambda: None)
    assert "there is no Node" in built.build()
    monkeypatch.setattr(built, "HERE", tmp_path)
    assert built.build() == "its sources are not here"
    assert (built.TARGET / "index.html").is_file()
