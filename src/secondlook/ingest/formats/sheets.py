"""Spreadsheets and separated values as tables."""

import csv
import datetime as dt
import io

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, PasswordError, SheetVisibleEnum

from secondlook.errors import FileUnreadableError
from secondlook.ingest.encoding import decode
from secondlook.ingest.formats.grids import LONGEST_LABEL
from secondlook.ingest.formats.package import check_unlocked, locked, open_package
from secondlook.ingest.formats.reading import Reading, Wanted, check_size
from secondlook.ingest.formats.separators import find_separator
from secondlook.ingest.formats.tables import write_table
from secondlook.ingest.kinds import ARCHIVES, TEXT_LIMIT

MOST_CELLS = 5_000_000
"""A sheet is a full rectangle in memory; real ones of 4 MiB have some hundred thousand cells."""


def read_sheets(content: bytes, _wanted: Wanted) -> Reading:
    """Each sheet as a heading and a table; raises ``FileUnreadableError``."""
    if content.startswith(ARCHIVES):
        check_unlocked(open_package(content))
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(content))
        parts, size = [], 0
        hidden = [one.name for one in book.sheets_metadata if one.visible != SheetVisibleEnum.Visible]
        for name in book.sheet_names:
            if name in hidden:
                continue
            sheet = book.get_sheet_by_name(name)
            if sheet.height * sheet.width > MOST_CELLS:
                raise FileUnreadableError(
                    "markdown_too_large",
                    f"sheet {name!r} spans {sheet.height:,} rows of {sheet.width:,} columns: clear the cells"
                    " far from its table",
                )
            rows = [[cell_text(cell) for cell in row] for row in sheet.to_python()]
            _fill_merged(rows, sheet)
            table = write_table(rows)
            if table:
                parts.append(f"## {name}\n\n{table}")
                check_size(size := size + len(table))
    except PasswordError as error:
        raise locked() from error
    except (CalamineError, ValueError, OSError) as error:
        raise FileUnreadableError("file_is_corrupt", f"could not read the workbook ({error})") from error
    notes = [f"hidden sheets were skipped: {', '.join(hidden)[:200]}"] if hidden else []
    return Reading("\n\n".join(parts), notes=notes)


def read_rows(content: bytes, _wanted: Wanted) -> Reading:
    """Separated values as one table; raises ``FileUnreadableError``."""
    csv.field_size_limit(TEXT_LIMIT)
    delimiter, text = find_separator(decode(content).replace("\0", ""))
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    except csv.Error as error:
        raise FileUnreadableError("file_is_corrupt", f"could not read the rows ({error})") from error
    if max((len(row) for row in rows), default=0) * len(rows) > MOST_CELLS:
        raise FileUnreadableError("markdown_too_large", f"more than {MOST_CELLS:,} cells: split the file")
    return Reading(write_table(rows))


def _fill_merged(rows: list[list[str]], sheet: CalamineSheet) -> None:
    """Write a merged cell's text in each place that it spans, but for long ones and titles over the whole width."""
    first_row, first_column = sheet.start or (0, 0)
    room = MOST_CELLS
    for (top, left), (bottom, right) in sheet.merged_cell_ranges or ():
        above, start, end = max(top - first_row, 0), max(left - first_column, 0), right - first_column + 1
        spanned = rows[above : max(bottom - first_row + 1, 0)]
        text = spanned[0][start] if spanned and start < min(end, len(spanned[0])) else ""
        if not text or len(text) > LONGEST_LABEL or end - start >= len(spanned[0]):
            continue
        end = min(end, len(spanned[0]))
        room -= len(spanned) * (end - start)
        if room < 0:
            return
        for row in spanned:
            row[start:end] = [cell or text for cell in row[start:end]]


def cell_text(cell: object) -> str:
    """What a table shows of a value: whole numbers without a point, midnight as a date."""
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return str(int(cell))
    if isinstance(cell, dt.datetime) and cell.time() == dt.time():
        return cell.date().isoformat()
    if isinstance(cell, dt.datetime):
        return cell.isoformat(" ", "seconds")
    return str(cell)
