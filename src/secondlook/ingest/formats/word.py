"""Documents of Word, by way of the HTML that mammoth makes of them."""

import io
from zipfile import ZipFile

import mammoth
from selectolax.lexbor import LexborHTMLParser

from secondlook.errors import FileUnreadableError
from secondlook.ingest.formats.markup import write_markdown
from secondlook.ingest.formats.package import check_parts, open_package
from secondlook.ingest.formats.reading import Reading, Wanted


def read_word(content: bytes, _wanted: Wanted) -> Reading:
    """Headings, paragraphs, lists, tables and notes; pictures are left out.

    Raises:
        FileUnreadableError: it is broken, locked or a bomb.
    """
    archive = open_package(content)
    _check_kind(archive)
    check_parts(archive)
    found = mammoth.convert_to_html(
        io.BytesIO(content), convert_image=mammoth.images.img_element(lambda _image: {}), external_file_access=False
    )
    return Reading(write_markdown(LexborHTMLParser(found.value)))


def _check_kind(archive: ZipFile) -> None:
    names = archive.namelist()
    if "[Content_Types].xml" not in names or not any(name.startswith("word/") for name in names):
        raise FileUnreadableError("file_is_corrupt", "the archive holds no document of Word")
