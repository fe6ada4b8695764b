"""PDF documents: their text by page, large lines as headings, scanned pages recognised where that is wanted."""

import ctypes
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import pypdfium2
from pypdfium2 import raw

from secondlook.errors import FileUnreadableError
from secondlook.ingest.formats.pictures import can_recognise, recognise
from secondlook.ingest.formats.reading import Reading, Wanted, check_size, join_pages

WRONG_PASSWORD = 4
"""``FPDF_ERR_PASSWORD`` of fpdfview.h."""
LARGER = 1.15
"""Times the size of the running text from which a line is a heading."""
LONGEST_HEADING = 150
MOST_HEADINGS = 0.5
"""Share of the lines; where more are large, size says nothing."""
LEVELS = 3
DPI = 200
LARGEST_SIDE = 4000
"""Pixels of a page that is to be recognised; A4 has 2,339 at that resolution."""
BROKEN_WORD = ("\ufffe\n", "\x02\n")
"""How pdfium tells a word that was parted at the end of a line."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line and the size of its letters in points, 0 if unknown."""

    text: str
    size: float


def read_pdf(content: bytes, wanted: Wanted) -> Reading:
    """The pages in order; raises ``FileUnreadableError``."""
    try:
        document = pypdfium2.PdfDocument(content)
    except pypdfium2.PdfiumError as error:
        if getattr(error, "err_code", 0) == WRONG_PASSWORD or "password" in str(error).lower():
            raise FileUnreadableError(
                "file_is_password_locked", "the document is encrypted: save it without a password and upload it again"
            ) from error
        raise FileUnreadableError("invalid_pdf", f"could not open the document ({error})") from error
    pages, size, scanned = [], 0, 0
    for number in range(len(document)):
        try:
            page = document[number]
        except pypdfium2.PdfiumError as error:
            raise FileUnreadableError("invalid_pdf", f"could not read page {number + 1} ({error})") from error
        lines = read_lines(page)
        if not lines:
            scanned += 1
            if wanted.ocr:
                lines = [Line(text, 0) for text in recognise(draw(page), wanted, dpi=DPI).splitlines()]
        pages.append(lines)
        check_size(size := size + sum(len(line.text) for line in lines))
        page.close()
    if scanned and scanned == len(pages) and not wanted.ocr:
        advice = "" if can_recognise() else ", and install Tesseract OCR"
        raise FileUnreadableError(
            "markdown_conversion_empty",
            f"its pages are images without text: turn on use_ocr for the instance{advice}",
        )
    text, starts = join_pages(write_pages(pages))
    return Reading(text, pages=starts)


def read_lines(page: pypdfium2.PdfPage) -> list[Line]:
    """The lines of the page that have text, top to bottom as the file has them."""
    textpage = page.get_textpage()
    text = textpage.get_text_range().replace("\r\n", "\n").replace("\r", "\n")
    for mark in BROKEN_WORD:
        text = text.replace(mark, "")
    sizes = _sizes(textpage)
    textpage.close()
    lines = [line.strip() for line in text.replace("\0", "").replace("\ufffe", "").split("\n")]
    return [Line(line, sizes.get(_mark(line), 0)) for line in lines if line]


def write_pages(pages: Sequence[Sequence[Line]]) -> list[str]:
    """The text of each page, lines that stand out by size as headings."""
    letters: Counter[float] = Counter()
    for line in (line for page in pages for line in page):
        letters[line.size] += len(line.text)
    running = letters.most_common(1)[0][0] if letters else 0
    large = [line for page in pages for line in page if _is_heading(line, running)]
    total = sum(len(page) for page in pages)
    if not running or len(large) > max(1, MOST_HEADINGS * total):
        return ["\n".join(line.text for line in page) for page in pages]
    sizes = sorted({line.size for line in large}, reverse=True)
    levels = {size: "#" * min(place, LEVELS) for place, size in enumerate(sizes, 1)}
    return [_write_page(page, running, levels) for page in pages]


def draw(page: pypdfium2.PdfPage) -> bytes:
    """The page as a grey picture in the format PGM."""
    scale = min(DPI / 72, LARGEST_SIDE / max(1.0, *page.get_size()))
    bitmap = page.render(scale=scale, grayscale=True)
    rows = bytes(bitmap.buffer)
    packed = b"".join(rows[at * bitmap.stride : at * bitmap.stride + bitmap.width] for at in range(bitmap.height))
    return b"P5 %d %d 255\n" % (bitmap.width, bitmap.height) + packed


def _write_page(page: Sequence[Line], running: float, levels: dict[float, str]) -> str:
    """Neighbouring lines of one large size are one heading."""
    text, before = "", 0.0
    for line in page:
        if not _is_heading(line, running):
            text += ("\n\n" if before else "\n") + line.text
            before = 0.0
        elif line.size == before:
            text += f" {line.text}"
        else:
            text += f"\n\n{levels[line.size]} {line.text}"
            before = line.size
    return text.strip("\n")


def _is_heading(line: Line, running: float) -> bool:
    return line.size > LARGER * running > 0 and len(line.text) <= LONGEST_HEADING and any(map(str.isalpha, line.text))


def _sizes(textpage: pypdfium2.PdfTextPage) -> dict[str, float]:
    """The size of the letters of each line, rounded to half points, by the line's letters.

    The place of a letter in the text and on the page may differ, so lines are told apart by what they say.
    """
    found: dict[str, float] = {}
    line: list[str] = []
    size = 0.0
    for at in range(raw.FPDFText_CountChars(textpage)):
        code = raw.FPDFText_GetUnicode(textpage, at)
        if code in (10, 13):
            found.setdefault("".join(line), size)
            line, size = [], 0.0
        elif code > 32:
            size = size or _size_at(textpage, at)
            line.append(chr(code) if code < 0x110000 else "")
    found.setdefault("".join(line), size)
    return found


def _size_at(textpage: pypdfium2.PdfTextPage, at: int) -> float:
    """Points, as they are drawn: the matrix of the text may enlarge them."""
    matrix = raw.FS_MATRIX()
    size = float(raw.FPDFText_GetFontSize(textpage, at))
    if raw.FPDFText_GetMatrix(textpage, at, ctypes.byref(matrix)):
        size *= math.hypot(matrix.c, matrix.d)
    return round(2 * size) / 2


def _mark(line: str) -> str:
    return "".join(letter for letter in line if ord(letter) > 32)
