"""Writes the tables of docs/compatibility.md from docs/compatibility.toml.

    python docs/make_compatibility.py

What stands outside the two marks of the page is written by hand.
"""

import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROWS = HERE / "compatibility.toml"
PAGE = HERE / "compatibility.md"
BEGIN = "<!-- made from compatibility.toml: begin -->\n"
END = "<!-- end -->\n"
STATES = ("same", "differs", "absent")


def read_parts() -> list[dict[str, Any]]:
    """The parts with their rows: what, state, note, test."""
    parts: list[dict[str, Any]] = tomllib.loads(ROWS.read_text(encoding="utf-8"))["part"]
    return parts


def make_tables(parts: list[dict[str, Any]]) -> str:
    """How many rows there are of each state, then one table a part."""
    counts = Counter(row[1] for part in parts for row in part["rows"])
    lines = [f"{sum(counts.values())} rows: " + ", ".join(f"{counts[state]} {state}" for state in STATES) + ".", ""]
    for part in parts:
        lines += [f"## {part['title']}", ""]
        if "intro" in part:
            lines += [part["intro"], ""]
        lines += [f"| {part['heading']} | State | Note | Test |", "|--|--|--|--|"]
        for what, state, note, test in part["rows"]:
            lines.append(f"| {what} | {state} | {note} | `{test}` |".replace("|  |", "| |"))
        lines.append("")
    return "\n".join(lines) + "\n"


def make_page(page: str) -> str:
    """The page with its tables as they are now."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{make_tables(read_parts())}{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(make_page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
