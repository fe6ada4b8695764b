"""Text of websites in UTF-8: which encoding a page is in, as far as anybody says so, and else what its bytes tell."""

import codecs
import re
from collections.abc import Mapping, Sequence

HEAD = 4096
"""Bytes in which a page says how it is encoded; the standard looks at 1,024, and authors forget."""
MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
IN_HEADER = re.compile(r""";\s*charset\s*=\s*["']?([^"';\s]+)""", re.IGNORECASE)
IN_XML = re.compile(rb"""\A\s*<\?xml\s[^>]*?\bencoding\s*=\s*["']([^"'>]+)""")
SKIPPED = rb"<!--.*?(?:-->|\Z)|<(script|style|title|textarea|noscript|xmp|iframe)\b[^>]*>.*?(?:</\1|\Z)"
META = re.compile(SKIPPED + rb"""|<meta(?=[\s/])((?:[^>"']|"[^"]*"|'[^']*')*)>""", re.IGNORECASE | re.DOTALL)
"""A real ``meta`` element, its attributes as group 2; comments, and elements that hold no elements, come out whole."""
ATTRIBUTE = re.compile(rb"""([^\s"'>/=]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""")
IN_CONTENT = re.compile(rb"""charset\s*=\s*["']?([^"';\s]+)""", re.IGNORECASE)

LABELS: Mapping[str, str] = {
    "utf-8": "utf-8 utf8 unicode-1-1-utf-8 unicode11utf8 unicode20utf8 x-unicode20utf8",
    "utf-16-le": "utf-16 utf-16le unicode ucs-2 iso-10646-ucs-2 unicodefeff csunicode",
    "utf-16-be": "utf-16be unicodefffe",
    "cp1252": "windows-1252 cp1252 x-cp1252 iso-8859-1 iso8859-1 iso88591 iso_8859-1 iso_8859-1:1987 iso-ir-100 latin1"
    " latin-1 l1 cp819 ibm819 csisolatin1 ascii us-ascii ansi_x3.4-1968",
    "cp1250": "windows-1250 cp1250 x-cp1250",
    "cp1251": "windows-1251 cp1251 x-cp1251",
    "cp1253": "windows-1253 cp1253 x-cp1253",
    "cp1254": "windows-1254 cp1254 x-cp1254 iso-8859-9 iso8859-9 iso88599 iso_8859-9 iso-ir-148 latin5 l5 csisolatin5",
    "cp1255": "windows-1255 cp1255 x-cp1255",
    "cp1256": "windows-1256 cp1256 x-cp1256",
    "cp1257": "windows-1257 cp1257 x-cp1257",
    "cp1258": "windows-1258 cp1258 x-cp1258",
    "cp874": "windows-874 dos-874 tis-620 iso-8859-11 iso8859-11 iso885911",
    "iso8859-2": "iso-8859-2 iso8859-2 iso88592 iso_8859-2 iso-ir-101 latin2 l2 csisolatin2",
    "iso8859-3": "iso-8859-3 iso8859-3 iso88593 iso_8859-3 latin3 l3",
    "iso8859-4": "iso-8859-4 iso8859-4 iso88594 iso_8859-4 latin4 l4",
    "iso8859-5": "iso-8859-5 iso8859-5 iso88595 iso_8859-5 cyrillic",
    "iso8859-6": "iso-8859-6 iso8859-6 iso88596 iso_8859-6 arabic ecma-114 asmo-708",
    "iso8859-7": "iso-8859-7 iso8859-7 iso88597 iso_8859-7 greek greek8 ecma-118 elot_928",
    "iso8859-8": "iso-8859-8 iso8859-8 iso88598 iso_8859-8 iso-8859-8-i hebrew visual logical",
    "iso8859-10": "iso-8859-10 iso8859-10 iso885910 latin6 l6",
    "iso8859-13": "iso-8859-13 iso8859-13 iso885913",
    "iso8859-14": "iso-8859-14 iso8859-14 iso885914",
    "iso8859-15": "iso-8859-15 iso8859-15 iso885915 iso_8859-15 l9",
    "iso8859-16": "iso-8859-16",
    "koi8-r": "koi8-r koi8 koi koi8_r cskoi8r",
    "koi8-u": "koi8-u koi8-ru",
    "cp866": "ibm866 cp866 866",
    "mac-roman": "macintosh mac x-mac-roman",
    "mac-cyrillic": "x-mac-cyrillic x-mac-ukrainian",
    "gb18030": "gb18030 gbk gb2312 x-gbk gb_2312 gb_2312-80 chinese csgb2312 iso-ir-58",
    "big5hkscs": "big5 big5-hkscs cn-big5 x-x-big5 csbig5",
    "cp932": "shift_jis shift-jis sjis x-sjis ms932 ms_kanji windows-31j csshiftjis",
    "euc-jp": "euc-jp x-euc-jp cseucpkdfmtjapanese",
    "iso2022-jp": "iso-2022-jp csiso2022jp",
    "cp949": "euc-kr cseuckr ks_c_5601-1987 ks_c_5601-1989 ksc5601 ksc_5601 korean windows-949 iso-ir-149",
}
"""Names of encodings on the web, by Python's name of what they mean there (WHATWG Encoding, 4.2)."""
CODECS: Mapping[str, str] = {label: codec for codec, labels in LABELS.items() for label in labels.split()}


def to_utf8(body: bytes, content_type: str, *, markup: bool = True) -> bytes:
    """The text in UTF-8.

    What counts is, in this order: a byte order mark; the header; what a ``meta`` element or an XML declaration says,
    unless the bytes are UTF-8 with letters beyond ASCII; UTF-8; Windows-1252. What does not fit is passed over, so
    that a wrong name costs nothing. Where the text names its encoding itself, it names UTF-8 then.

    Args:
        markup: whether there may be elements in it; in plain text everything is prose.
    """
    marked = next((one for one in MARKS if body.startswith(one[0])), None)
    if not marked:
        codec, text = _decoded(body, content_type, markup=markup)
    elif marked[1] == "utf-8":
        codec, text = marked[1], ""
    else:
        codec, text = marked[1], body[len(marked[0]) :].decode(marked[1], errors="replace")
    found = body if codec == "utf-8" else text.encode(errors="replace")
    return _named_anew(found) if markup else found


def _decoded(body: bytes, content_type: str, *, markup: bool) -> tuple[str, str]:
    """How it is encoded, and the text."""
    in_header = IN_HEADER.search(content_type)
    told = CODECS.get(in_header.group(1).lower(), "") if in_header else ""
    inside = next((CODECS.get(body[at:end].decode("latin-1").lower(), "") for at, end in _places(body)), "")
    if not markup or inside.startswith("utf-16"):  # it could not have been read here, were it true
        inside = ""
    is_utf8 = not body.isascii() and _fits(body, "utf-8") is not None
    for codec in (told, "" if is_utf8 else inside, "utf-8"):
        if codec and (text := _fits(body, codec)) is not None:
            return codec, text
    return "cp1252", body.decode("cp1252", errors="replace")


def _fits(body: bytes, codec: str) -> str | None:
    try:
        return body.decode(codec)
    except UnicodeError:
        return None


def _named_anew(body: bytes) -> bytes:
    """The page, which is in UTF-8, saying so wherever its head says how it is encoded."""
    for at, end in reversed(_places(body)):
        if CODECS.get(body[at:end].decode("latin-1").lower()) != "utf-8":
            body = body[:at] + b"utf-8" + body[end:]
    return body


def _places(body: bytes) -> Sequence[tuple[int, int]]:
    """Where the name of an encoding stands in the head of a page, in order: from, to."""
    head = body[:HEAD]
    found = [declared.span(1)] if (declared := IN_XML.match(head)) else []
    for meta in META.finditer(head):
        if meta.group(2) is not None:
            found += _places_in(meta.group(2), meta.start(2))
    return found


def _places_in(attributes: bytes, offset: int) -> Sequence[tuple[int, int]]:
    """The same within the attributes of one ``meta``, which begin at ``offset``."""
    told = {one.group(1).lower(): one for one in reversed(list(ATTRIBUTE.finditer(attributes)))}
    if one := told.get(b"charset"):
        at, end = one.span(one.lastindex or 0)
        return [(offset + at, offset + end)]
    kind, content = told.get(b"http-equiv"), told.get(b"content")
    if not kind or not content or kind.group(kind.lastindex or 0).strip().lower() != b"content-type":
        return []
    at = content.start(content.lastindex or 0)
    inside = IN_CONTENT.search(content.group(content.lastindex or 0))
    return [(offset + at + inside.start(1), offset + at + inside.end(1))] if inside else []
