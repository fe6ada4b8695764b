"""Documents of Word, by way of the HTML that mammoth makes of them."""

import io
from xml.etree import ElementTree
from xml.etree.ElementTree import Element
from zipfile import ZipFile

import mammoth
from selectolax.lexbor import LexborHTMLParser

from secondlook.errors import FileUnreadableError
from secondlook.ingest.formats.markup import write_markdown
from secondlook.ingest.formats.package import bare, check_parts, open_package, read_part, read_tree
from secondlook.ingest.formats.reading import Reading, Wanted
from secondlook.ingest.formats.word_parts import hidden_styles, make_ready

NEEDED = ("name", "basedOn", "pPr", "numPr", "numId", "ilvl")
"""What mammoth wants to know of a style; the other thousands of elements cost it most of its time."""

STYLES = "p[style-name='Title'] => h1:fresh"
"""What mammoth does not know of itself; the name is the same in every language of Word."""
UNREAD = ("word/stylesWithEffects", "word/theme", "docProps/", "customXml/")
"""Parts that say nothing about text."""


def read_word(content: bytes, _wanted: Wanted) -> Reading:
    """Headings, paragraphs, lists, tables and notes; pictures are left out.

    Raises:
        FileUnreadableError: it is broken, locked or a bomb.
    """
    archive = open_package(content)
    names = archive.namelist()
    if "[Content_Types].xml" not in names or not any(name.startswith("word/") for name in names):
        raise FileUnreadableError("file_is_corrupt", "the archive contains no Word document")
    check_parts(archive)
    found = mammoth.convert_to_html(
        io.BytesIO(slim(archive)),
        style_map=STYLES,
        convert_image=mammoth.images.img_element(lambda _image: {}),
        external_file_access=False,
    )
    return Reading(write_markdown(LexborHTMLParser(found.value)))


def slim(archive: ZipFile) -> bytes:
    """The same document without its pictures and hidden text, and of its styles only what decides about text."""
    target = io.BytesIO()
    names = [name for name in dict.fromkeys(archive.namelist()) if not name.startswith(UNREAD)]
    styles = {name: read_tree(archive, name) for name in names if name.startswith("word/styles") and _is_xml(name)}
    hidden = {one for root in styles.values() for one in hidden_styles(root)}
    with ZipFile(target, "w") as other:
        for name in names:
            if name in styles:
                _keep_needed(styles[name])
                other.writestr(name, ElementTree.tostring(styles[name]))
            elif name.startswith("word/") and _is_xml(name):
                other.writestr(name, make_ready(read_part(archive, name), hidden))
            elif name.endswith((".xml", ".rels")):
                other.writestr(name, read_part(archive, name))
    return target.getvalue()


def _is_xml(name: str) -> bool:
    return name.endswith(".xml")


def _keep_needed(root: Element) -> None:
    """Take away all but the styles, and in them all but ``NEEDED``."""
    for child in list(root):
        if bare(child) != "style":
            root.remove(child)
    for style in root.iter():
        for child in list(style):
            if style is not root and bare(child) not in NEEDED:
                style.remove(child)
