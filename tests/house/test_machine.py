"""A bare machine: what tests need of the system is installed, named or missed aloud, and steps print what matters."""

import io
import os
import re
import stat
import sys
from pathlib import Path

import pytest

from tests.house.yard import ROOT
from tests.machine import SYSTEM, load_script, miss, need

STEP = load_script("step")
BIN = "/usr/bin:/bin"
APT = """#!/bin/sh
echo "Reading package lists... WARNING: noise of apt"
for one in "$@"; do
  case "$one" in {known}) printf '#!/bin/sh\\n' > {folder}/$one; chmod +x {folder}/$one;; esac
done
exit {status}
"""


class Screen(io.StringIO):
    """A terminal, or none, that keeps what is printed."""

    def __init__(self, *, terminal: bool = False) -> None:
        super().__init__()
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH with ``sh`` and what Python needs and none of the programs; a program can be put there."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("sh", "chmod", "printf", "cat"):
        (folder / name).symlink_to(Path("/bin") / name)
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    return folder


def put_apt(folder: Path, *known: str, status: int = 0) -> None:
    """An ``apt-get`` that brings these programs, each from the package of its name."""
    script = folder / "apt-get"
    script.write_text(APT.format(folder=folder, known="|".join(known) or "-", status=status), encoding="utf-8")
    script.chmod(script.stat().st_mode | stat.S_IXUSR)


def test_who_may_not_install_reads_one_line_a_program(bare: Path) -> None:
    screen = Screen()
    assert SYSTEM.main(screen) == 0
    lines = screen.getvalue().splitlines()
    assert lines == [
        f"{one.program} is missing, so {one.purpose} are skipped: apt-get install {one.package}"
        for one in SYSTEM.read_table()
    ]
    assert len(lines) >= 4


def test_in_ci_a_missing_program_is_an_error(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    screen = Screen()
    assert SYSTEM.main(screen) == 1
    assert "CI is set" in screen.getvalue()


@pytest.mark.process
def test_root_installs_what_is_missing_without_noise(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setenv("CI", "true")
    put_apt(bare, *(one.package for one in SYSTEM.read_table() if one.package == one.program))
    (bare / "tesseract").symlink_to("/bin/true")
    screen = Screen()
    assert SYSTEM.main(screen) == 0
    assert re.fullmatch(r"Installing chromium, catdoc, git, curl with apt-get … \d:\d\d\n", screen.getvalue())


@pytest.mark.process
def test_what_apt_says_is_shown_when_it_fails(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    put_apt(bare, status=100)
    screen = Screen()
    assert SYSTEM.main(screen) == 0
    assert "failed after" in screen.getvalue()
    assert "Reading package lists" in screen.getvalue()
    assert "catdoc is missing" in screen.getvalue()


@pytest.mark.system
def test_a_test_without_its_program_names_the_package(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(pytest.skip.Exception, match="tesseract is missing: apt-get install tesseract-ocr"):
        need("tesseract")
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="catdoc is missing: apt-get install catdoc"):
        need("catdoc")
    with pytest.raises(pytest.fail.Exception, match="no Node"):
        miss("no Node")


@pytest.mark.process
def test_a_step_is_one_line_and_shows_everything_when_it_fails() -> None:
    quiet, loud, moving = Screen(), Screen(), Screen(terminal=True)
    code = "import sys; print('WARNING: Location is ignored'); sys.exit(int(sys.argv[1]))"
    assert STEP.run("Installing", [sys.executable, "-c", code, "0"], screen=quiet) == 0
    assert re.fullmatch(r"Installing … \d:\d\d\n", quiet.getvalue())
    assert STEP.run("Installing", [sys.executable, "-c", code, "3"], screen=loud) == 3
    assert re.match(r"Installing … failed after \d:\d\d:\nWARNING", loud.getvalue())
    assert STEP.run("Installing", [sys.executable, "-c", code, "0"], screen=moving) == 0
    assert re.fullmatch(r"(\rInstalling … \d:\d\d)+\n", moving.getvalue())
    assert STEP.run("Installing", ["/no/such/program"], screen=quiet) == 127


def test_ci_and_the_makefile_share_one_list() -> None:
    makefile, ci = ((ROOT / name).read_text(encoding="utf-8") for name in ("Makefile", ".ci/run"))
    assert re.search(r"^test: system ", makefile, re.MULTILINE)
    assert "make test" in ci
    assert [one for one in ("apt-get", "chromium", "catdoc", "tesseract") if one in ci] == []


def test_pip_runs_as_a_quiet_step_that_fails_aloud() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    recipes = re.sub(r"\\\n\s*", " ", makefile).splitlines()
    assert [line for line in recipes if "$(PIP) install" in line and "$(STEP)" not in line] == []
    assert "--quiet" not in next(line for line in recipes if line.startswith("PIP"))


def test_make_says_what_to_do_next() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for verb in ("setup", "unit", "test"):
        [recipe] = re.findall(rf"^{verb}:.*\n((?:\t.*\n)+)", makefile, re.MULTILINE)
        assert "Next: make" in recipe.splitlines()[-1], verb
