"""Office documents are ZIP archives of XML: both are opened with limits, and nothing is ever written."""

import io
import zipfile
from collections.abc import Iterator
from xml.etree import ElementTree
from xml.etree.ElementTree import Element
from xml.parsers import expat

from secondlook.errors import FileUnreadableError

MOST_ENTRIES = 10_000
LARGEST_ENTRY = 64 << 20
LARGEST_ARCHIVE = 256 << 20
"""Bytes once unpacked; pictures count too. A real document of 4 MiB stays far below."""
LARGEST_RATIO = 400
"""Times that a large entry may grow; real XML grows up to some 50 times."""
SMALL_ENTRY = 4 << 20
"""Bytes below which an entry may grow as it likes."""
DEEPEST = 300
"""Levels of XML; Office nests some 30."""
MANIFEST = "META-INF/manifest.xml"
DAMAGED = (zipfile.BadZipFile, RuntimeError, EOFError, ValueError, OSError)
"""What ``zipfile`` raises; of a version or compression that it does not know it tells by a kind of ``RuntimeError``."""


def open_package(content: bytes) -> zipfile.ZipFile:
    """The archive, once its directory keeps every limit.

    ``zipfile`` gives no more of an entry than the directory says, so what is checked here holds.

    Raises:
        FileUnreadableError: it is broken, encrypted, or a bomb.
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
    except DAMAGED as error:
        raise FileUnreadableError("file_is_corrupt", f"could not open the archive ({error})") from error
    entries = archive.infolist()
    if len(entries) > MOST_ENTRIES:
        raise _bomb(f"{len(entries):,} entries")
    for entry in entries:
        if entry.flag_bits & 1:
            raise locked()
        if entry.file_size > LARGEST_ENTRY or (
            entry.file_size > SMALL_ENTRY and entry.file_size > LARGEST_RATIO * max(1, entry.compress_size)
        ):
            raise _bomb(f"an entry of {entry.file_size:,} bytes")
    if (total := sum(entry.file_size for entry in entries)) > LARGEST_ARCHIVE:
        raise _bomb(f"{total:,} bytes")
    return archive


def check_parts(archive: zipfile.ZipFile) -> None:
    """Nothing if no part of XML declares entities or nests without end, for libraries that would follow.

    Raises:
        FileUnreadableError
    """
    for name in archive.namelist():
        if name.endswith((".xml", ".rels")):
            check_markup(read_part(archive, name))


def check_unlocked(archive: zipfile.ZipFile) -> None:
    """Nothing unless the document's own list of its parts tells of encryption (OpenDocument 1.3, part 2, 4.8.1).

    Raises:
        FileUnreadableError
    """
    if MANIFEST in archive.namelist():
        for _ in named(read_tree(archive, MANIFEST), "encryption-data"):
            raise locked()


def read_part(archive: zipfile.ZipFile, name: str) -> bytes:
    """The bytes of one entry; raises ``FileUnreadableError``."""
    try:
        return archive.read(name)
    except KeyError as error:
        raise FileUnreadableError("file_is_corrupt", f"the document lacks its part {name}") from error
    except DAMAGED as error:
        raise FileUnreadableError("file_is_corrupt", f"could not unpack its part {name} ({error})") from error


def read_tree(archive: zipfile.ZipFile, name: str) -> Element:
    """The root of a part of XML; raises ``FileUnreadableError``."""
    content = read_part(archive, name)
    check_markup(content)
    return ElementTree.fromstring(content)


def check_markup(content: bytes) -> None:
    """Nothing if the XML is whole, declares no document type and has no more than ``DEEPEST`` levels.

    Entities are declared in a document type, so there are none that could multiply.

    Raises:
        FileUnreadableError
    """
    depth = 0

    def open_element(_name: str, _attributes: object) -> None:
        nonlocal depth
        depth += 1
        if depth > DEEPEST:
            raise FileUnreadableError("file_is_corrupt", f"its XML is nested more than {DEEPEST} levels deep")

    def close_element(_name: str) -> None:
        nonlocal depth
        depth -= 1

    def refuse(*_declared: object) -> None:
        raise FileUnreadableError(
            "file_is_corrupt", "its XML declares a document type, which office programs never write"
        )

    parser = expat.ParserCreate()
    parser.StartElementHandler = open_element
    parser.EndElementHandler = close_element
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(content, True)
    except expat.ExpatError as error:
        raise FileUnreadableError("file_is_corrupt", f"its XML is broken ({error})") from error


def bare(element: Element) -> str:
    """The element's name without its namespace."""
    return str(element.tag).rpartition("}")[2]


def attribute(element: Element, name: str) -> str:
    """The attribute of that bare name, or nothing."""
    return next((value for key, value in element.attrib.items() if key.rpartition("}")[2] == name), "")


def is_on(switch: Element) -> bool:
    """What an element such as ``<w:vanish/>`` says, which may be switched off by its value."""
    return attribute(switch, "val") not in ("0", "false", "off")


def named(element: Element, name: str) -> Iterator[Element]:
    """Every element of that bare name inside, in order."""
    return (one for one in element.iter() if bare(one) == name)


def locked() -> FileUnreadableError:
    """What to raise for an encrypted document."""
    return FileUnreadableError(
        "file_is_password_locked", "the document is encrypted: save it without a password and upload it again"
    )


def _bomb(what: str) -> FileUnreadableError:
    return FileUnreadableError(
        "over_size", f"the archive unpacks to {what}, which no real document needs: it was not opened"
    )
