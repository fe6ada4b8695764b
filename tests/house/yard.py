"""Where things stand, and how sources and documents are read."""

import ast
import gc
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "secondlook"
DOCS = ROOT / "docs"
REFERENCE = DOCS / "reference"
HIDDEN = (".venv", ".git", "node_modules", "dist", "build", "sample", ".pytest_cache", ".hypothesis")

Function = ast.FunctionDef | ast.AsyncFunctionDef


def modules() -> list[Path]:
    """Every source file of the package."""
    return sorted(SOURCE.rglob("*.py"))


def documents() -> list[Path]:
    """Every Markdown file of the repository, without the sample corpus."""
    return sorted(path for path in ROOT.rglob("*.md") if not set(path.relative_to(ROOT).parts) & set(HIDDEN))


def parse(path: Path) -> ast.Module:
    """The file's syntax tree."""
    code = path.read_text(encoding="utf-8")
    enabled = gc.isenabled()
    gc.disable()  # a greenlet that is collected meanwhile makes CPython 3.11 lose count of its recursion: SystemError
    try:
        return ast.parse(code)
    finally:
        if enabled:
            gc.enable()


def functions(tree: ast.AST) -> Iterator[Function]:
    """Every function, methods and inner ones too."""
    for node in ast.walk(tree):
        if isinstance(node, Function):
            yield node


def docstrings(tree: ast.AST) -> set[int]:
    """The identities of the constants that are docstrings: text that stands alone as a statement."""
    return {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}


def rows(text: str) -> list[list[str]]:
    """The cells of every line of the tables, headings and rules left out, code marks taken off whole cells."""
    found = []
    lines = text.splitlines()
    for place, line in enumerate(lines):
        if not line.startswith("|") or set(line) <= set("|-: "):
            continue
        if place + 1 < len(lines) and lines[place + 1].startswith("|--"):
            continue
        cells = re.split(r"(?<!\\)\|", line.strip().strip("|"))
        found.append([cell.strip() for cell in cells])
    return found


def sections(text: str, mark: str) -> dict[str, str]:
    """What stands under each heading of that level, by heading without code marks."""
    parts = re.split(rf"^{mark} (.+)$", text, flags=re.MULTILINE)
    return {heading.replace("`", "").strip(): body for heading, body in zip(parts[1::2], parts[2::2], strict=True)}


def where(path: Path) -> str:
    """The path as a person would name it."""
    return path.relative_to(ROOT).as_posix()
