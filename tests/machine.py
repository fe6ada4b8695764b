"""Programs of the machine that a test drives: without one the test is skipped and names the package, or in CI fails."""

import importlib.util
import os
import sys
from types import ModuleType
from typing import NoReturn

import pytest

from tests.house.yard import ROOT
from tests.kinds import PROGRAMS, STARTED


def load_script(name: str) -> ModuleType:
    """A script of ``requirements/``, which is no package."""
    path = ROOT / "requirements" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"secondlook_{name}", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # its dataclass looks its module up there
    spec.loader.exec_module(module)
    return module


SYSTEM = load_script("system")


def need(program: str) -> str:
    """Where the program of ``requirements/system.txt`` is."""
    [one] = [one for one in SYSTEM.read_table() if one.program == program]
    STARTED.note(PROGRAMS[program], program)
    found: str | None = one.found
    return found or miss(f"{program} is missing: apt-get install {one.package}")


def miss(reason: str) -> NoReturn:
    """Skip the test, or in CI fail it."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)
