"""Rich Text Format, by striprtf: paragraphs, and rows of tables as tables."""

from striprtf.striprtf import rtf_to_text

from secondlook.errors import FileUnreadableError
from secondlook.ingest.formats.reading import Reading, Wanted
from secondlook.ingest.formats.tables import write_table

CELL = "|"
"""What striprtf puts behind each cell."""


def read_rtf(content: bytes, _wanted: Wanted) -> Reading:
    """Paragraphs and tables, without headings, footnotes and pictures; raises ``FileUnreadableError``."""
    try:
        text = rtf_to_text(content.decode("latin-1"), errors="replace")  # type: ignore[no-untyped-call]
    except (ValueError, LookupError, IndexError, OverflowError) as error:
        raise FileUnreadableError("file_is_corrupt", f"could not read the document ({error})") from error
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")  # letters beyond 16 bits come in halves
    parts: list[str] = []
    rows: list[list[str]] = []
    for line in [*whole.splitlines(), ""]:
        row = line.strip()
        if row.endswith(CELL):
            rows.append([cell.strip() for cell in row.removesuffix(CELL).split(CELL)])
            continue
        if rows:
            parts.append(write_table(rows))
            rows = []
        if row:
            parts.append(row)
    return Reading("\n\n".join(part for part in parts if part))
