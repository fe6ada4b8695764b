"""Slow tests carry the mark of their kind, `make unit` leaves them all out, and no test waits for a time."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.house.yard import ROOT, functions, parse, where
from tests.kinds import MARKS, STARTED, kind_of, unmarked

TESTS = ROOT / "tests"
SLEEPS = TESTS / "house" / "sleeps.txt"
STARTERS: Mapping[str, str] = {
    "start_server": "server", "serve_s3": "server", "serve_process": "server", "run_cli": "process",
    "subprocess": "process", "open_browser": "browser", "need_catdoc": "system", "need_tesseract": "system",
}  # fmt: skip
"""What a module of tests calls, and the mark that it then holds at least once."""
FOLDERS: Mapping[str, set[str]] = {"dashboard": {"server", "node", "browser"}, "upgrade": {"server"}}


def modules_of_tests() -> list[Path]:
    return sorted(TESTS.rglob("test_*.py"))


def marks_in(tree: ast.AST) -> set[str]:
    """Every ``pytest.mark.x`` of a module."""
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
    return {one.attr for one in found if ast.unparse(one.value) == "pytest.mark"}


@pytest.mark.parametrize("path", modules_of_tests(), ids=where)
def test_a_module_that_starts_something_carries_its_mark(path: Path) -> None:
    tree = parse(path)
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    wanted = {kind for name, kind in STARTERS.items() if name in used} | FOLDERS.get(
        path.relative_to(TESTS).parts[0], set()
    )
    assert unmarked(marks_in(tree), dict.fromkeys(wanted, "what it calls")) == []


def test_the_marks_are_those_that_are_left_out_of_unit() -> None:
    told = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["pytest"]["ini_options"]
    assert told["markers"] == [f"{name}: {meaning}" for name, meaning in MARKS.items()]
    assert "--strict-markers" in told["addopts"]
    [line] = re.findall(r"^UNIT := (.*)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert set(line.split(" and ")) == {f"not {name}" for name in MARKS}


@pytest.mark.parametrize(
    ("command", "kind"),
    [
        (["/usr/bin/chromium", "--headless"], "browser"),
        (["/v/site-packages/playwright/driver/node", "run-driver"], "browser"),
        (["/usr/bin/node", "x.mjs"], "node"),
        (["tesseract", "stdin"], "system"),
        (["python", "-m", "secondlook", "serve"], "server"),
        (["python", "-m", "secondlook", "index"], "process"),
        (["python", "-P", "-m", "secondlook.ingest.child", "1"], None),
        (["python", "/v/bin/moto_server", "-p", "0"], "server"),
        (["python", "-m", "tests.llm_server"], "server"),
    ],
)
def test_processes_are_told_apart(command: list[str], kind: str | None) -> None:
    assert kind_of(command[0], command) == kind


@pytest.mark.process
def test_what_a_test_starts_is_heard() -> None:
    STARTED.take()
    subprocess.run([sys.executable, "-c", ""], check=True)
    assert set(STARTED.take()) == {"process"}
    assert unmarked({"parametrize"}, {"process": "python"}) == ["give it @pytest.mark.process: it needs python"]
    assert unmarked({"node"}, {"process": "python"}) == []
    assert len(unmarked({"node"}, {"browser": "chromium"})) == 1


def sleeps(path: Path) -> Iterator[str]:
    """File, function and time of each call of ``sleep`` that waits for longer than a turn of the event loop."""
    tree = parse(path)
    inside = [(one.name, {id(node) for node in ast.walk(one)}) for one in functions(tree)]
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or ast.unparse(node.func).rpartition(".")[2] != "sleep":
            continue
        if [ast.unparse(one) for one in node.args] != ["0"]:
            name = next((name for name, nodes in reversed(inside) if id(node) in nodes), "")
            yield f"{where(path)} {name} {ast.unparse(node.args[0])}"


def test_no_new_test_waits_for_a_time() -> None:
    """The list only shrinks: wait for a condition with ``tests.patience.until``, or for an event."""
    found = sorted(one for path in TESTS.rglob("*.py") for one in sleeps(path))
    kept = SLEEPS.read_text(encoding="utf-8").splitlines()
    new = [one for one in found if found.count(one) > kept.count(one)]
    gone = [one for one in kept if kept.count(one) > found.count(one)]
    assert new == [], "wait for a condition instead"
    assert gone == [], f"take them off {where(SLEEPS)}"
    assert len(kept) <= MOST_SLEEPS


MOST_SLEEPS = 42
"""As many as there were when the list was begun; lower it with the list."""
