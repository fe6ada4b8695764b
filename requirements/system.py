"""Install the programs that the tests drive, where this user may; else say what is missing and what that means.

    python3 requirements/system.py

``system.txt`` beside this file lists them. With ``CI`` set a missing program is an error. Needs nothing but Python.
"""

import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

sys.path.insert(0, str(Path(__file__).parent))
import step

TABLE = Path(__file__).with_name("system.txt")
ALSO: Mapping[str, Sequence[str]] = {"chromium": ("chromium-browser", "google-chrome", "google-chrome-stable")}
"""Other names of a program, any of which will do."""


@dataclass(frozen=True)
class Needed:
    """A program, the Debian package that brings it, and what needs it."""

    program: str
    package: str
    purpose: str

    @property
    def found(self) -> str | None:
        """Where it is on the PATH."""
        names = (self.program, *ALSO.get(self.program, ()))
        return next((path for name in names if (path := shutil.which(name))), None)


def read_table() -> Sequence[Needed]:
    """Every line of ``system.txt``."""
    lines = TABLE.read_text(encoding="utf-8").splitlines()
    return [Needed(*line.split("\t")) for line in lines if line and not line.startswith("#")]


def missing() -> list[Needed]:
    """What is not on the PATH."""
    return [one for one in read_table() if one.found is None]


def install(packages: Sequence[str], *, screen: TextIO = sys.stderr) -> int:
    """apt-get's exit status; it asks no questions, and prints nothing unless it fails."""
    os.environ["DEBIAN_FRONTEND"] = "noninteractive"
    title = f"Installing {', '.join(packages)} with apt-get"
    script = 'apt-get update && apt-get install --yes --no-install-recommends "$@"'
    return step.run(title, ["sh", "-c", script, "sh", *packages], screen=screen)


def main(screen: TextIO = sys.stderr) -> int:
    """0 if all is there or can be done without, 1 in CI where something is missing."""
    if (wanted := missing()) and shutil.which("apt-get") and os.geteuid() == 0:
        install([one.package for one in wanted], screen=screen)
        wanted = missing()
    for one in wanted:
        print(f"{one.program} is missing, so {one.purpose} are skipped: apt-get install {one.package}", file=screen)
    if wanted and os.environ.get("CI"):
        print("CI is set, and nothing may be skipped there: install what is missing.", file=screen)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
