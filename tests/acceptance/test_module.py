"""``python -m secondlook`` is the command ``secondlook``."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.process


@pytest.mark.parametrize(
    ("words", "code"),
    [(["--version"], 0), (["--help"], 0), (["search", "--help"], 0), (["bogus"], 2), (["search"], 2), ([], 2)],
)
def test_the_module_is_the_command(words: list[str], code: int, tmp_path: Path) -> None:
    script = str(Path(sys.executable).with_name("secondlook"))
    done = [
        subprocess.run([*command, *words], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
        for command in ([sys.executable, "-m", "secondlook"], [script])
    ]
    assert [one.returncode for one in done] == [code, code]
    assert done[0].stdout == done[1].stdout
    assert done[0].stderr == done[1].stderr
    assert done[0].stdout or done[0].stderr
    assert "__main__" not in done[0].stdout + done[0].stderr
    assert list(tmp_path.iterdir()) == []
