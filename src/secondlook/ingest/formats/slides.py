"""Slides of PowerPoint: titles as headings, texts, tables and notes."""

from collections.abc import Iterator
from posixpath import join, normpath
from xml.etree.ElementTree import Element
from zipfile import ZipFile

from secondlook.errors import FileUnreadableError
from secondlook.ingest.formats.formulas import linear
from secondlook.ingest.formats.grids import Cell, span_of, spread
from secondlook.ingest.formats.package import attribute, bare, named, open_package, read_tree
from secondlook.ingest.formats.reading import Reading, Wanted, join_pages
from secondlook.ingest.formats.tables import write_table

MAIN = "ppt/presentation.xml"
TITLES = ("title", "ctrTitle")
UNREAD = ("sldNum", "dt", "ftr", "hdr", "sldImg")
"""Kinds of placeholders that repeat on each slide."""


def read_slides(content: bytes, _wanted: Wanted) -> Reading:
    """The slides in the order of the show; raises ``FileUnreadableError``."""
    archive = open_package(content)
    if MAIN not in archive.namelist():
        raise FileUnreadableError("file_is_corrupt", "the archive contains no presentation")
    targets = _relations(archive, MAIN)
    pages, hidden = [], []
    for number, one in enumerate(named(read_tree(archive, MAIN), "sldId"), 1):
        if name := targets.get(_relation_of(one)):
            slide = read_tree(archive, name)
            is_shown = slide.get("show") not in ("0", "false")
            pages.append(_write_slide(archive, name, slide, number) if is_shown else "")  # it keeps its number
            hidden += [] if is_shown else [str(number)]
    text, starts = join_pages(pages)
    notes = [f"hidden slides were skipped: {', '.join(hidden)[:200]}"] if hidden else []
    return Reading(text if _has_words(pages) else "", pages=starts, notes=notes)


def _has_words(pages: list[str]) -> bool:
    return any(page not in ("", f"## Slide {number}") for number, page in enumerate(pages, 1))


def _write_slide(archive: ZipFile, name: str, slide: Element, number: int) -> str:
    title, parts = "", []
    for shape in _shapes(slide):
        kind = _placeholder(shape)
        if kind in UNREAD:
            continue
        if bare(shape) == "tbl":
            parts.append(write_table(spread([[_cells(row) for row in named(shape, "tr")]])))
        elif kind in TITLES and not title:
            title = _text(shape, " ")
        else:
            parts.append(_text(shape, "\n"))
    notes = [
        _text(shape, "\n")
        for target in _relations(archive, name).values()
        if target.startswith("ppt/notesSlides/")
        for shape in _shapes(read_tree(archive, target))
        if _placeholder(shape) == "body"
    ]
    said = [f"Notes: {text}" for text in notes if text.strip()]
    return "\n\n".join([f"## {title or f'Slide {number}'}", *(part for part in parts if part.strip()), *said])


def _shapes(root: Element) -> list[Element]:
    """Shapes with text, and tables, in the order of the file."""
    return [one for one in _seen(root) if bare(one) in ("sp", "tbl")]


def _seen(root: Element) -> Iterator[Element]:
    """The element and all inside, in order; of what is there in two forms the first (ECMA-376, part 3, 7.6)."""
    waiting = [root]
    while waiting:
        one = waiting.pop()
        yield one
        inner = list(one)
        if bare(one) == "AlternateContent" and any(bare(child) == "Choice" for child in inner):
            inner = [child for child in inner if bare(child) == "Choice"][:1]
        waiting += [] if bare(one) == "oMath" else inner[::-1]


def _cells(row: Element) -> list[Cell]:
    """The cells of a row but for those that others span."""
    return [
        Cell(_text(cell, " "), span_of(cell.get("gridSpan")), span_of(cell.get("rowSpan")))
        for cell in named(row, "tc")
        if not any(cell.get(merged) in ("1", "true") for merged in ("hMerge", "vMerge"))
    ]


def _placeholder(shape: Element) -> str:
    """The kind of placeholder; nothing for a free shape, ``body`` if it says none."""
    found = next(named(shape, "ph"), None)
    return "" if found is None else found.get("type", "body")


def _text(shape: Element, between: str) -> str:
    """The paragraphs that have text."""
    lines = ["".join(_runs(paragraph)).strip() for paragraph in _seen(shape) if bare(paragraph) == "p"]
    return between.join(line for line in lines if line)


def _runs(paragraph: Element) -> list[str]:
    texts = {"br": lambda _: " ", "t": lambda one: one.text or "", "oMath": linear}
    return [texts[bare(one)](one) for one in _seen(paragraph) if bare(one) in texts]


def _relation_of(slide: Element) -> str:
    """The attribute ``r:id``; a slide has a plain ``id`` too."""
    return next((value for key, value in slide.attrib.items() if key.endswith("}id")), "")


def _relations(archive: ZipFile, name: str) -> dict[str, str]:
    """Parts that the part names, by their ids; nothing outside the archive."""
    folder, _, last = name.rpartition("/")
    rels = f"{folder}/_rels/{last}.rels"
    known = set(archive.namelist())
    if rels not in known:
        return {}
    found = {}
    for one in named(read_tree(archive, rels), "Relationship"):
        target = attribute(one, "Target")
        path = target.lstrip("/") if target.startswith("/") else normpath(join(folder, target))
        if path in known:
            found[attribute(one, "Id")] = path
    return found
