"""Documents that keep up: links, commands, decisions, the map, and what is said to be compatible."""

import importlib.util
import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer

from secondlook.api.ai_search.instances import ECHOED, InstanceBody
from secondlook.api.ai_search.wire import RerankBody, RetrievalBody, RewriteBody
from secondlook.cli import app
from tests.house.yard import DOCS, ROOT, documents, functions, parse, rows, where

_SPEC = importlib.util.spec_from_file_location("make_compatibility", DOCS / "make_compatibility.py")
if _SPEC is None or _SPEC.loader is None:
    raise ImportError("docs/make_compatibility.py")
COMPATIBLE = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(COMPATIBLE)
DECISIONS = sorted((DOCS / "decisions").glob("*.md"))
COMPATIBILITY = (DOCS / "compatibility.md").read_text(encoding="utf-8")
PARTS = ["Context", "Decision", "Consequences", "Refused"]
FENCED = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("path", documents(), ids=where)
def test_links_lead_somewhere(path: Path) -> None:
    text = FENCED.sub("", path.read_text(encoding="utf-8"))
    targets = [one.partition("#")[0] for one in re.findall(r"\]\(([^)\s]+)\)", text)]
    inside = [one for one in targets if one and not re.match(r"[a-z]+:", one)]
    assert [one for one in inside if not (path.parent / one).exists()] == []


def test_the_index_names_every_document() -> None:
    text = (DOCS / "README.md").read_text(encoding="utf-8")
    named = set(re.findall(r"\]\(([^)]+\.md)\)", text))
    there = {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")} - {"README.md"}
    assert named == there


def command_lines(text: str) -> list[str]:
    """Lines of code that begin with ``secondlook``, and code spans that do."""
    lines = [line.strip().removeprefix("$ ") for line in text.splitlines()]
    spans = re.findall(r"`(secondlook [^`]+)`", text)
    return [line for line in (*lines, *spans) if re.match(r"secondlook [a-z]", line)]


@pytest.mark.parametrize("path", documents(), ids=where)
def test_commands_exist(path: Path) -> None:
    for line in command_lines(path.read_text(encoding="utf-8")):
        unknown = unknown_words(shlex.split(line, comments=True)[1:])
        assert not unknown, f"{line}: {unknown}"


def unknown_words(words: list[str]) -> list[str]:
    """The command or the flags that are not there."""
    command: Any = typer.main.get_command(app)
    rest = list(words)
    while rest and hasattr(command, "commands") and not rest[0].startswith("-"):
        name = rest.pop(0)
        if name not in command.commands:
            return [name]
        command = command.commands[name]
    flags = {flag for one in command.params for flag in (*one.opts, *one.secondary_opts)} | {"--help"}
    return [word for word in rest if word.startswith("--") and word not in flags]


def test_unknown_words_are_found() -> None:
    assert unknown_words(["serve", "--port", "1"]) == []
    assert unknown_words(["token", "creat"]) == ["creat"]
    assert unknown_words(["search", "a", "b", "--reranked"]) == ["--reranked"]


def test_the_quickstart_and_the_readme_hold_commands() -> None:
    for path in (ROOT / "README.md", DOCS / "quickstart.md"):
        assert len(command_lines(path.read_text(encoding="utf-8"))) >= 4


def test_no_two_decisions_have_the_same_number() -> None:
    numbers = [path.name[:5] for path in DECISIONS]
    assert numbers and len(set(numbers)) == len(numbers)


@pytest.mark.parametrize("path", DECISIONS, ids=where)
def test_a_decision_is_short_and_whole(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 60
    assert lines[0].startswith(f"# {path.name[:4]} ")
    assert [line.removeprefix("## ") for line in lines if line.startswith("## ")] == PARTS


def test_the_map_fits_and_shows_every_floor() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 150
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    layers = next(one["layers"] for one in contracts if one["type"] == "layers")
    floors = [name for layer in layers for name in layer.split(" | ")]
    table = " ".join(row[0] for row in rows(text))
    assert [name for name in floors if f"`{name}.py`" not in table and f"`{name}/`" not in table] == []


def test_contributing_names_the_verbs() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    verbs = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    told = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert {row[0].strip("`").removeprefix("make ") for row in rows(told) if row[0].startswith("`make ")} == verbs


def test_every_row_of_compatibility_names_tests_that_exist() -> None:
    found = [row for part in COMPATIBLE.read_parts() for row in part["rows"]]
    assert len(found) > 100
    for what, state, _, named in found:
        assert state in COMPATIBLE.STATES, what
        path, _, test = named.partition("::")
        assert test in {one.name for one in functions(parse(ROOT / "tests" / path))}, f"{what}: {named}"


def test_compatibility_is_made_from_its_rows() -> None:
    assert COMPATIBLE.make_page(COMPATIBILITY) == COMPATIBILITY, "run `make docs`"


@pytest.mark.parametrize("body", [RetrievalBody, RewriteBody, RerankBody, InstanceBody])
def test_compatibility_names_every_field(body: type[Any]) -> None:
    fields = set(body.model_fields) - {"id"} | (set(ECHOED) if body is InstanceBody else set())
    named = set(re.findall(r"\w+", " ".join(row[0] for row in rows(COMPATIBILITY))))
    assert sorted(fields - named) == []
