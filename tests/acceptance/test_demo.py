"""The first thing that a new user sees: the demo over a new folder prints its table, and nothing went wrong."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.server

TROUBLE = re.compile(r"traceback|\berror\b|\bexception\b|\bwarning\b|could not", re.IGNORECASE)


def test_the_demo_over_a_new_folder_prints_no_trouble(tmp_path: Path) -> None:
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "SECONDLOOK_LOG_LEVEL": "info"}
    done = subprocess.run(
        [sys.executable, "-m", "secondlook", "demo", "--once", "--data-dir", str(tmp_path / "new" / "data")],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
        env=environment,
    )
    told = done.stdout + done.stderr
    assert done.returncode == 0, told
    assert "handbook/problems/nothing-arrives.md" in told
    said = [line for line in told.splitlines() if not re.search(r"(handbook|docs)/", line)]  # names of sample pages
    assert not [line for line in said if TROUBLE.search(line)], told
