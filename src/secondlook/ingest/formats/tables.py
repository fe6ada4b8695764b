"""Rows of cells as a table of Markdown."""

import re
from collections.abc import Sequence

ROWS_A_HEAD = 25
"""Rows under one head; a long table gets it again, so that each chunk knows what its columns are."""
BLANKS = re.compile(r"\s+")


def write_table(rows: Sequence[Sequence[str]]) -> str:
    """The rows, the first as their head; columns that are empty throughout at the right are left out."""
    width = max((at + 1 for row in rows for at, cell in enumerate(row) if cell.strip()), default=0)
    filled = [_cells(row, width) for row in rows if any(cell.strip() for cell in row)]
    if not filled or not width:
        return ""
    head = [_line(filled[0]), "|" + " --- |" * width]
    body = [_line(row) for row in filled[1:]]
    parts = [body[start : start + ROWS_A_HEAD] for start in range(0, len(body), ROWS_A_HEAD)] or [[]]
    return "\n\n".join("\n".join([*head, *part]) for part in parts)


def _cells(row: Sequence[str], width: int) -> list[str]:
    cells = [BLANKS.sub(" ", cell).strip().replace("|", "\\|") for cell in row[:width]]
    return cells + [""] * (width - len(cells))


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
