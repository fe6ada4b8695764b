"""Text documents of LibreOffice (OpenDocument)."""

from collections.abc import Iterator
from xml.etree.ElementTree import Element

from secondlook.ingest.formats.grids import Cell, span_of, spread
from secondlook.ingest.formats.package import attribute, bare, check_unlocked, open_package, read_tree
from secondlook.ingest.formats.reading import Reading, Wanted
from secondlook.ingest.formats.tables import write_table

UNREAD = frozenset(
    "tracked-changes annotation sequence-decls forms note-citation ruby-text title covered-table-cell".split()
)
"""Elements whose text is no part of the document's."""
MOST_REPEATS = 64
"""Times that a cell or blank may be repeated; sheets fill their whole width that way."""


def read_writing(content: bytes, _wanted: Wanted) -> Reading:
    """Headings, paragraphs, lists, tables and notes; raises ``FileUnreadableError``."""
    archive = open_package(content)
    check_unlocked(archive)
    root = read_tree(archive, "content.xml")
    body = next((one for one in root.iter() if bare(one) == "text" and bare(one) != bare(root)), root)
    return Reading("\n\n".join(block for block in _blocks(body, 0) if block.strip()))


def _blocks(element: Element, depth: int, *, in_cell: bool = False) -> Iterator[str]:
    """``depth`` counts the lists around; the XML's own depth was checked. A table in a cell is the words in it."""
    for child in element:
        name = bare(child)
        if name in UNREAD:
            continue
        if name == "h":
            level = attribute(child, "outline-level")
            yield "#" * (min(int(level), 6) if level.isdecimal() and len(level) < 3 else 1) + f" {_line(child)}"
        elif name == "p":
            yield _line(child)
        elif name == "list":
            yield "\n".join(_points(child, depth, in_cell=in_cell))
        elif name == "table" and not in_cell:
            yield write_table(spread([[list(_cells(row)) for row in _rows(child)]]))
        else:
            yield from _blocks(child, depth, in_cell=in_cell)


def _points(element: Element, depth: int, *, in_cell: bool) -> Iterator[str]:
    for item in element:
        inner = [block for block in _blocks(item, depth + 1, in_cell=in_cell) if block.strip()]
        for at, block in enumerate(inner):
            nested = block.lstrip().startswith("- ")
            yield block if nested else "  " * min(depth, 8) + ("- " if at == 0 else "  ") + block


def _rows(table: Element) -> Iterator[Element]:
    """The rows, in whatever groups, but not those of tables in their cells."""
    for child in table:
        if bare(child) == "table-row":
            yield child
        else:
            yield from _rows(child)


def _cells(row: Element) -> Iterator[Cell]:
    """The cells of a row but for those that others cover."""
    for cell in row:
        if bare(cell) == "table-cell":
            text = " ".join(block for block in _blocks(cell, 0, in_cell=True) if block.strip())
            across = span_of(attribute(cell, "number-columns-spanned"))
            down = span_of(attribute(cell, "number-rows-spanned"))
            times = attribute(cell, "number-columns-repeated")
            repeats = min(int(times), MOST_REPEATS) if times.isdecimal() and len(times) < 9 else 1
            yield from [Cell(text, across, max(down, 1))] * repeats


def _line(paragraph: Element) -> str:
    return " ".join("".join(_pieces(paragraph)).split())


def _pieces(element: Element) -> Iterator[str]:
    yield element.text or ""
    for child in element:
        name = bare(child)
        if name in ("s", "tab", "line-break"):
            yield " "
        elif name not in UNREAD:
            yield from _pieces(child)
        yield child.tail or ""
