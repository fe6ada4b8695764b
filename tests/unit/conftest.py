"""What unit tests share: the command line, run in this process."""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from secondlook import console
from secondlook.cli import main


@dataclass
class Done:
    """What a command left behind."""

    code: object
    out: str
    err: str


Cli = Callable[..., Done]


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], cache_dir: Path) -> Cli:
    """Runs one command in this process."""
    for name in [one for one in os.environ if one.startswith("SECONDLOOK_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("SECONDLOOK_CACHE_DIR", str(cache_dir))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("COLUMNS", "200")
    for one in (console.out, console.err):  # which asked for the width of this terminal when they were imported
        monkeypatch.setattr(one, "width", 200)

    def run(*arguments: object) -> Done:
        monkeypatch.setattr(sys, "argv", ["secondlook", *(str(one) for one in arguments)])
        code: object = 0
        try:
            main()
        except SystemExit as stop:
            code = stop.code or 0
        captured = capsys.readouterr()
        return Done(code, captured.out, captured.err)

    return run


@pytest.fixture(scope="session")
def stocked(tmp_path_factory: pytest.TempPathFactory, cache_dir: Path) -> Path:
    """A data folder to read: ``docs`` of the account ``default`` with an item in error, ``tea`` of ``kitchen``."""
    data = tmp_path_factory.mktemp("stocked")
    pages = data / "pages"
    pages.mkdir()
    (pages / "fog.md").write_text("# Fog\n\nTwo blasts of the fog horn every ninety seconds.", encoding="utf-8")
    (pages / "oil.md").write_text("# Oil\n\nWarm the lamp oil before lighting.", encoding="utf-8")
    (pages / "bad.md").write_bytes(bytes(range(256)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SECONDLOOK_CACHE_DIR", str(cache_dir))
        patch.setenv("HF_HUB_OFFLINE", "1")
        for words in (("docs", pages), ("tea", pages / "fog.md", "--account", "kitchen")):
            patch.setattr(sys, "argv", ["secondlook", "index", *map(str, words), "--data-dir", str(data / "data")])
            with pytest.raises(SystemExit) as ended:
                main()
            assert ended.value.code == 0
    return data / "data"
