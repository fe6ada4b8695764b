"""What is installed: pinned with hashes, by files alone, and bounded where a new release may break the server."""

import re
import tomllib

import pytest

from tests.house.yard import ROOT

PINNED = sorted(path for path in (ROOT / "requirements").glob("*.txt") if path.name != "system.txt")
BOUNDED = ("fastapi", "httpx", "uvicorn", "httpcore", "mcp", "sqlalchemy")
BUILD = ("pip", "setuptools", "hatchling", "editables")


@pytest.mark.parametrize("path", PINNED, ids=lambda path: path.name)
def test_every_requirement_is_pinned_with_a_hash(path: object) -> None:
    text = (ROOT / "requirements" / str(path)).read_text(encoding="utf-8")
    rows = re.sub(r" *\\\n *", " ", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE)).splitlines()
    loose = [row for row in rows if not re.match(r"[\w.-]+(\[\w,-]+\])?==\S+ .*--hash=sha256:[0-9a-f]{64}", row)]
    assert rows
    assert loose == []


def test_make_installs_nothing_but_what_a_file_pins() -> None:
    recipes = re.sub(r"\\\n\s*", " ", (ROOT / "Makefile").read_text(encoding="utf-8"))
    installs = re.findall(r"(?:PIP\)|-m pip)[^;\n]* install ([^;\n']*)", recipes)
    assert len(installs) >= 5
    assert [one for one in installs if "-r " not in one and "--no-deps --no-build-isolation -e ." not in one] == []


def test_what_builds_comes_first_and_new() -> None:
    text = (ROOT / "requirements" / "build.txt").read_text(encoding="utf-8")
    assert [name for name in BUILD if not re.search(rf"^{name}==", text, re.MULTILINE)] == []
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert makefile.index("requirements/build.txt;") < makefile.index("-r requirements/run.txt")


def test_libraries_that_a_release_may_break_have_an_upper_bound() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    named = {re.split(r"[\[<>=]", one)[0]: one for one in project["project"]["dependencies"]}
    assert [name for name in BOUNDED if "<" not in named[name]] == []
    assert all("<" in one for one in project["build-system"]["requires"])
