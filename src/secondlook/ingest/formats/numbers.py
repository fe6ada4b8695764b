"""Spreadsheets of Apple Numbers, by numbers-parser where it is installed."""

import io
import warnings
import zipfile
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from secondlook.errors import FileUnreadableError
from secondlook.ingest.formats.package import locked, open_package
from secondlook.ingest.formats.reading import Reading, Wanted, check_size
from secondlook.ingest.formats.sheets import MOST_CELLS, cell_text
from secondlook.ingest.formats.tables import write_table

if TYPE_CHECKING:
    from numbers_parser import Document, Table

LOCKS = (".iwpv2", ".iwph")
"""Entries of a document that a password protects."""
MISSING = (
    "reading Numbers spreadsheets requires numbers-parser: pip install 'secondlook[numbers]' and"
    " index the item again, or export it as .xlsx"
)


def read_numbers(content: bytes, _wanted: Wanted) -> Reading:
    """Each table under its sheet's heading, and its own where a sheet has several; raises ``FileUnreadableError``."""
    if find_spec("numbers_parser") is None:
        raise FileUnreadableError("unable_to_convert_to_markdown", MISSING)
    if any(name.endswith(LOCKS) for name in open_package(content).namelist()):
        raise locked()
    parts, size = [], 0
    for sheet in _open(content).sheets:
        tables = [(table.name, write_table(_rows(table))) for table in sheet.tables]
        told = [(name, text) for name, text in tables if text]
        if told:
            parts.append(f"## {sheet.name}")
        for name, text in told:
            parts += [f"### {name}", text] if len(told) > 1 else [text]
            check_size(size := size + len(text))
    return Reading("\n\n".join(parts))


def _open(content: bytes) -> "Document":
    """The document. The library opens files by name alone, and this process can write none, so it is handed ours."""
    from numbers_parser import Document, FileError, FileFormatError, UnsupportedError, constants, iwork

    def open_given(_opener: object, given: Path | io.BytesIO) -> zipfile.ZipFile:
        return open_package(content if isinstance(given, Path) else given.read())

    iwork.IWork._open_zipfile = open_given
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of versions that it does not know; they are read all the same
            return Document(constants.DEFAULT_DOCUMENT)
    except (FileError, FileFormatError, UnsupportedError, LookupError, ValueError, TypeError) as error:
        raise FileUnreadableError("file_is_corrupt", f"could not read the spreadsheet ({error})") from error


def _rows(table: "Table") -> list[list[str]]:
    if table.num_rows * table.num_cols > MOST_CELLS:
        raise FileUnreadableError("markdown_too_large", f"more than {MOST_CELLS:,} cells: split the file")
    return [[_text(value) for value in row] for row in table.rows(values_only=True)]


def _text(value: object) -> str:
    if value is None:
        return ""
    # the document has decimals of 34 digits, which come as the nearest binary fraction but one
    return cell_text(float(f"{value:.15g}") if isinstance(value, float) else value)
