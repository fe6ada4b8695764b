"""Cells that span columns and rows, spread out into a plain grid."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import NamedTuple

from secondlook.ingest.formats.reading import check_size

MOST_ACROSS, MOST_DOWN = 1000, 65534
"""Columns and rows that a cell may span (HTML standard, 4.9.11)."""
LONGEST_LABEL = 200
"""Characters of a cell that is repeated in each place that it spans; a longer one is no label of its rows."""
LEAST = 3
"""Bytes that a place takes in the text of a table."""


class Cell(NamedTuple):
    """A cell and how many columns and rows it spans; ``down`` 0 is all rows to the end of its group."""

    text: str
    across: int = 1
    down: int = 1


class _Placed(NamedTuple):
    start: int
    end: int
    last: int
    """The last row of its group that it reaches."""
    text: str


def span_of(value: str | None, default: int = 1) -> int:
    """The number that an attribute gives, as HTML reads it; ``default`` if it is none."""
    if not value:
        return default
    text = value.strip()
    return int(text[:6]) if text[:6].isdecimal() else default


def spread(groups: Iterable[Sequence[Sequence[Cell]]]) -> list[list[str]]:
    """The groups' rows with each cell's text in every place that it spans; rows without own cells are left out.

    Cells that span rows end with their group. A cell alone in its row that spans its whole width is a title, and stands
    once. Columns in which no cell begins are none. The work is bounded by what the table becomes.

    Raises:
        FileUnreadableError: the table becomes too large.
    """
    rows: list[tuple[list[_Placed], list[_Placed]]] = []
    size = 0
    for own, above in chain.from_iterable(_place(group) for group in groups):
        rows.append((own, above))
        check_size(size := size + LEAST * (len(own) + len(above)))
    columns = sorted({one.start for own, _ in rows for one in own})
    check_size(LEAST * len(columns) * len(rows))
    grid, size = [], 0
    for own, above in rows:
        line = [""] * len(columns)
        for one in [*own, *above]:
            first, end = bisect_left(columns, one.start), bisect_left(columns, one.end)
            is_title = len(own) == 1 and not above and end - first == len(columns)
            if is_title or (end - first > 1 and len(one.text) > LONGEST_LABEL):
                end = min(end, first + 1)
            for at in range(first, end):
                line[at] = line[at] or one.text
            check_size(size := size + len(one.text) * (end - first))
        grid.append(line)
    return grid


def _place(rows: Sequence[Sequence[Cell]]) -> Iterator[tuple[list[_Placed], list[_Placed]]]:
    """For each row that has cells, these with their columns, and those from above that reach into it, left to right."""
    above: list[_Placed] = []
    for at, row in enumerate(rows):
        if not row:
            continue
        if any(one.last < at for one in above):
            above = [one for one in above if one.last >= at]
        own: list[_Placed] = []
        deep: list[_Placed] = []
        column, passed = 0, 0
        for cell in row:
            while passed < len(above) and above[passed].start <= column:
                column = max(column, above[passed].end)
                passed += 1
            end = column + min(max(cell.across, 1), MOST_ACROSS)
            down = min(cell.down, MOST_DOWN) if cell.down > 0 else len(rows)
            own.append(_Placed(column, end, at, cell.text))
            if down > 1:
                last = min(at + down, len(rows)) - 1
                deep.append(_Placed(column, end, last, cell.text if len(cell.text) <= LONGEST_LABEL else ""))
            column = end
        yield own, above
        if deep:
            above = sorted([*above, *deep], key=lambda one: one.start)
