"""Documents of every format, made here: real files of the libraries that write them, and crooked ones by hand."""

import io
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import docx
import msoffcrypto.format.ooxml
import numbers_parser
import openpyxl
import xlwt
from PIL import Image, ImageDraw, ImageFont
from reportlab.lib.pagesizes import A4
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas
from xlwt.CompoundDoc import XlsDoc

from tests.machine import need

OFFICE = "http://schemas.openxmlformats.org"
RELS = f"{OFFICE}/package/2006/relationships"
SLIDE = (
    f'xmlns:a="{OFFICE}/drawingml/2006/main" xmlns:p="{OFFICE}/presentationml/2006/main"'
    f' xmlns:r="{OFFICE}/officeDocument/2006/relationships"'
)
ODF = "urn:oasis:names:tc:opendocument:xmlns"
ODT = (
    f'xmlns:office="{ODF}:office:1.0" xmlns:text="{ODF}:text:1.0" xmlns:table="{ODF}:table:1.0"'
    f' xmlns:manifest="{ODF}:manifest:1.0"'
)
Page = Sequence[tuple[int, str]]
"""Lines, each with the size of its letters in points."""


def need_tesseract() -> None:
    """Go on where Tesseract is; without it the test is skipped, or in CI fails."""
    need("tesseract")


def need_catdoc() -> None:
    """The same of catdoc."""
    need("catdoc")


def make_pdf(*pages: Page, password: str = "", picture: bytes = b"") -> bytes:
    """A PDF of these pages, and one more that shows the picture."""
    target = io.BytesIO()
    encrypt = StandardEncryption(password, canPrint=0) if password else None
    canvas = Canvas(target, pagesize=A4, encrypt=encrypt)
    for page in pages:
        at = 800
        for size, line in page:
            canvas.setFont("Helvetica", size)
            canvas.drawString(50, at, line)
            at -= 2 * size
        canvas.showPage()
    if picture:
        canvas.drawImage(ImageReader(io.BytesIO(picture)), 50, 400, 500, 150)
        canvas.showPage()
    canvas.save()
    return target.getvalue()


def make_picture(text: str, kind: str = "PNG") -> bytes:
    """A picture of the text, black on white."""
    picture = Image.new("RGB", (1000, 300), "white")
    ImageDraw.Draw(picture).text((40, 100), text, fill="black", font=ImageFont.load_default(60))
    target = io.BytesIO()
    picture.save(target, kind)
    return target.getvalue()


def make_docx() -> bytes:
    """A document with a title, headings, a list, a table and words in bold."""
    document = docx.Document()
    document.add_heading("Lamp manual", 1)
    document.add_paragraph("Warm the reservoir to 12 °C.")
    document.add_heading("Oil", 2)
    line = document.add_paragraph("Use ")
    line.add_run("grade B").bold = True
    line.add_run(" in winter.")
    document.add_paragraph("Check the wick", style="List Bullet")
    document.add_paragraph("Trim it", style="List Bullet")
    table = document.add_table(2, 2)
    for at, text in enumerate(("Grade", "Freezes", "B", "-20")):
        table.cell(at // 2, at % 2).text = text
    target = io.BytesIO()
    document.save(target)
    return target.getvalue()


def make_xlsx(sheets: Mapping[str, Sequence[Sequence[object]]]) -> bytes:
    """A workbook of these sheets."""
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def make_numbers(sheets: Mapping[str, Mapping[str, Sequence[Sequence[object]]]], password: str | None = None) -> bytes:
    """A document of Numbers: sheet -> table -> rows."""
    book = numbers_parser.Document(num_rows=1, num_cols=1)
    for at, (name, tables) in enumerate(sheets.items()):
        first = next(iter(tables))
        if at:
            book.add_sheet(name, first, num_rows=1, num_cols=1)
        sheet = book.sheets[at]
        sheet.name, sheet.tables[0].name = name, first
        for place, (title, rows) in enumerate(tables.items()):
            table = sheet.tables[0] if not place else sheet.add_table(title, num_rows=1, num_cols=1)
            for row, values in enumerate(rows):
                for column, value in enumerate(values):
                    table.write(row, column, value)
    with tempfile.TemporaryDirectory() as folder:
        book.save(Path(folder) / "a.numbers", password=password)
        return (Path(folder) / "a.numbers").read_bytes()


def make_xls(name: str, rows: Sequence[Sequence[object]]) -> bytes:
    """A workbook of before 2007, as ``.xls`` and ``.et`` are."""
    book = xlwt.Workbook()
    sheet = book.add_sheet(name)
    for at, row in enumerate(rows):
        for place, value in enumerate(row):
            sheet.write(at, place, value)
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def make_doc(paragraphs: Sequence[str], *, encrypted: bool = False) -> bytes:
    """A document of Word 97, by hand: nothing that is free and small writes them (MS-DOC, 2.5.1)."""
    body = "\r".join([*paragraphs, ""]).encode("cp1252")
    head = bytearray(1536)
    struct.pack_into("<HH", head, 0, 0xA5EC, 0xC1)
    struct.pack_into("<H", head, 10, 0x100 if encrypted else 0)
    struct.pack_into("<II", head, 24, len(head), len(head) + len(body))
    return _make_compound("WordDocument", bytes(head) + body)


def make_ppt(slides: Sequence[Sequence[str]]) -> bytes:
    """A presentation of PowerPoint 97, by hand (MS-PPT, 2.4 and 2.9)."""

    def record(kind: int, content: bytes, version: int = 0) -> bytes:
        return struct.pack("<HHI", version, kind, len(content)) + content

    inner = b""
    for slide in slides:
        inner += record(1011, bytes(20))
        inner += b"".join(record(3999, bytes(4)) + record(4008, text.encode("cp1252")) for text in slide)
    return _make_compound("PowerPoint Document", record(1000, record(4080, inner, 15), 15))


def _make_compound(name: str, stream: bytes) -> bytes:
    """A container with one stream of that name (MS-CFB); xlwt writes one, and gives it the name of a workbook."""
    target = io.BytesIO()
    XlsDoc().save(target, stream + bytes(4096))
    content = bytearray(target.getvalue())
    at = content.find("Workbook".encode("utf-16-le"))
    told = name.encode("utf-16-le")
    content[at : at + 66] = told.ljust(64, b"\0") + struct.pack("<H", len(told) + 2)
    return bytes(content)


def make_xlsb(name: str, rows: Sequence[Sequence[str]]) -> bytes:
    """A binary workbook with one sheet of texts, by hand: nothing that is free writes them (MS-XLSB)."""

    def record(kind: int, content: bytes = b"") -> bytes:
        mark = bytes([kind]) if kind < 0x80 else bytes([kind & 0x7F | 0x80, kind >> 7])
        return mark + bytes([len(content)]) + content

    def number(*values: int) -> bytes:
        return b"".join(value.to_bytes(4, "little") for value in values)

    def wide(text: str) -> bytes:
        return number(len(text)) + text.encode("utf-16-le")

    sheet = record(129) + record(148, number(0, len(rows) - 1, 0, len(rows[0]) - 1)) + record(145)
    for at, row in enumerate(rows):
        sheet += record(0, number(at) + b"\0" * 13)
        sheet += b"".join(record(6, number(place, 0) + wide(text)) for place, text in enumerate(row))
    book = record(131) + record(143) + record(156, number(0, 1) + wide("r1") + wide(name)) + record(144) + record(132)
    relations = f'<Relationships xmlns="{RELS}"><Relationship Id="r1" Target="worksheets/sheet1.bin"/></Relationships>'
    return make_zip(
        {
            "[Content_Types].xml": "<Types/>",
            "xl/workbook.bin": book,
            "xl/_rels/workbook.bin.rels": relations,
            "xl/worksheets/sheet1.bin": sheet + record(146) + record(130),
        }
    )


def encrypt_office(content: bytes) -> bytes:
    """The same document of Office under a password."""
    target = io.BytesIO()
    msoffcrypto.format.ooxml.OOXMLFile(io.BytesIO(content)).encrypt("secret", target)
    return target.getvalue()


def make_zip(entries: Mapping[str, str | bytes]) -> bytes:
    """An archive of these entries, packed as well as can be."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return target.getvalue()


def make_word(body: str, **entries: str) -> bytes:
    """A document of Word with that body of XML, by hand."""
    main = f'<w:document xmlns:w="{OFFICE}/wordprocessingml/2006/main"><w:body>{body}</w:body></w:document>'
    return make_zip(
        {
            "[Content_Types].xml": f'<Types xmlns="{OFFICE}/package/2006/content-types"/>',
            "_rels/.rels": f'<Relationships xmlns="{RELS}"><Relationship Id="r1" Target="word/document.xml"'
            f' Type="{OFFICE}/officeDocument/2006/relationships/officeDocument"/></Relationships>',
            "word/document.xml": main,
            **entries,
        }
    )


def paragraphs(number: int) -> str:
    """Paragraphs of Word, each with words of its own, so that they do not pack too well."""
    return "".join(f"<w:p><w:r><w:t>Lamp {at} {at * 7919 % 104729:x}</w:t></w:r></w:p>" for at in range(number))


def make_pptx(slides: Sequence[str], notes: str = "", hidden: Sequence[int] = ()) -> bytes:
    """A presentation of slides with these shapes, shown last to first as the file has them; notes for the first.

    ``hidden`` are places in the file, from 1.
    """
    entries: dict[str, str] = {"[Content_Types].xml": "<Types/>"}
    shown, relations = "", ""
    for at, shapes in enumerate(slides, 1):
        show = ' show="0"' if at in hidden else ""
        entries[f"ppt/slides/slide{at}.xml"] = (
            f"<p:sld {SLIDE}{show}><p:cSld><p:spTree>{shapes}</p:spTree></p:cSld></p:sld>"
        )
        shown = f'<p:sldId id="{255 + at}" r:id="r{at}"/>' + shown
        relations += f'<Relationship Id="r{at}" Target="slides/slide{at}.xml"/>'
    entries["ppt/presentation.xml"] = f"<p:presentation {SLIDE}><p:sldIdLst>{shown}</p:sldIdLst></p:presentation>"
    entries["ppt/_rels/presentation.xml.rels"] = f'<Relationships xmlns="{RELS}">{relations}</Relationships>'
    if notes:
        entries["ppt/notesSlides/notesSlide1.xml"] = f"<p:notes {SLIDE}>{shape(notes, 'body')}</p:notes>"
        entries["ppt/slides/_rels/slide1.xml.rels"] = (
            f'<Relationships xmlns="{RELS}"><Relationship Id="n" Target="../notesSlides/notesSlide1.xml"/>'
            f'<Relationship Id="x" Target="../../../../etc/passwd"/></Relationships>'
        )
    return make_zip(entries)


def shape(text: str, kind: str = "") -> str:
    """A shape of a slide: a placeholder of that kind, or a free one."""
    holder = f'<p:nvSpPr><p:nvPr><p:ph type="{kind}"/></p:nvPr></p:nvSpPr>' if kind else ""
    lines = "".join(f"<a:p><a:r><a:t>{line}</a:t></a:r></a:p>" for line in text.split("\n"))
    return f"<p:sp>{holder}<p:txBody>{lines}</p:txBody></p:sp>"


def make_odt(body: str, manifest: str = "") -> bytes:
    """A text document of LibreOffice with that body."""
    return make_zip(
        {
            "mimetype": "application/vnd.oasis.opendocument.text",
            "content.xml": _document(f"<office:text>{body}</office:text>"),
            "META-INF/manifest.xml": f"<manifest:manifest {ODT}>{manifest}</manifest:manifest>",
        }
    )


def make_ods(rows: Sequence[Sequence[str]], manifest: str = "") -> bytes:
    """A spreadsheet of LibreOffice with one sheet."""
    cells = "".join(
        "<table:table-row>"
        + "".join(
            f'<table:table-cell office:value-type="string"><text:p>{cell}</text:p></table:table-cell>' for cell in row
        )
        + "</table:table-row>"
        for row in rows
    )
    return make_zip(
        {
            "mimetype": "application/vnd.oasis.opendocument.spreadsheet",
            "content.xml": _document(
                f'<office:spreadsheet><table:table table:name="Stock">{cells}</table:table></office:spreadsheet>'
            ),
            "META-INF/manifest.xml": f"<manifest:manifest {ODT}>{manifest}</manifest:manifest>",
        }
    )


def _document(body: str) -> str:
    return f"<office:document-content {ODT}><office:body>{body}</office:body></office:document-content>"


ENCRYPTED = '<manifest:file-entry manifest:full-path="content.xml"><manifest:encryption-data/></manifest:file-entry>'
"""What the list of parts of an encrypted document says."""


def huge_picture(side: int) -> bytes:
    """A PNG of a few kilobytes that claims so many pixels a side."""

    def part(name: bytes, content: bytes) -> bytes:
        return len(content).to_bytes(4) + name + content + zlib.crc32(name + content).to_bytes(4)

    head = side.to_bytes(4) * 2 + b"\x08\x06\0\0\0"
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", head) + part(b"IDAT", zlib.compress(b"\0" * 4096)) + part(b"IEND", b"")
