"""Where a page says how it is encoded, what that name stands for, as browsers take both, and text with a flaw."""

import codecs
import re
from collections.abc import Mapping, Sequence

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

ELSE = "cp1252"
"""What text without a name is in most often: that of Windows in the West, a superset of Latin-1's letters."""
MARKS: Sequence[tuple[bytes, str]] = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
"""Byte order marks and the encoding that they tell of; that of UTF-32 begins like that of UTF-16."""
HEAD = 4096
"""Bytes in which a page says how it is encoded; the standard looks at 1,024, and authors forget."""
IN_XML = re.compile(rb"""\A\s*<\?xml\s[^>]*?\bencoding\s*=\s*["']([^"'>]+)""")
SKIPPED = rb"<!--.*?(?:-->|\Z)|<(script|style|title|textarea|noscript|xmp|iframe)\b[^>]*>.*?(?:</\1|\Z)"
META = re.compile(SKIPPED + rb"""|<meta(?=[\s/])((?:[^>"']|"[^"]*"|'[^']*')*)>""", re.IGNORECASE | re.DOTALL)
"""A real ``meta`` element, its attributes as group 2; comments, and elements that hold no elements, come out whole."""
ATTRIBUTE = re.compile(rb"""([^\s"'>/=]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""")
IN_CONTENT = re.compile(rb"""charset\s*=\s*["']?([^"';\s]+)""", re.IGNORECASE)


def codec_of(label: str) -> str:
    """Python's codec for a label such as ``iso-8859-1``, which is ``cp1252``; nothing for one that is none of the web.

    Python's own names would not do: it has codecs for host names and escapes, some of which take quadratic time.
    """
    return CODECS.get(label.strip().lower(), "")


def find_mark(content: bytes) -> tuple[bytes, str]:
    """The byte order mark that the text begins with and Python's codec for it; two empty ones if there is none."""
    return next((one for one in MARKS if content.startswith(one[0])), (b"", ""))


def looks_binary(content: bytes) -> bool:
    """Whether the bytes are no text: there is a NUL in their head, and no mark of an encoding that has such."""
    return b"\0" in content[:8192] and find_mark(content)[1] in ("", "utf-8")


def declared_codec(body: bytes) -> str:
    """Python's codec for what a page or XML says first of its encoding; nothing where it says nothing that counts.

    UTF-16 does not: it could not have been read here, were it true.
    """
    name = next((body[at:end] for at, end in places_declared(body)), b"")
    codec = codec_of(name.decode("latin-1"))
    return "" if codec.startswith("utf-16") else codec


def read_utf8(content: bytes) -> str | None:
    """The text with U+FFFD for what is broken; None if more is broken than whole beyond ASCII: that is not UTF-8.

    Text in another encoding hardly ever makes a whole character of UTF-8 by chance, so a flaw costs one character.
    """
    try:
        return content.decode()
    except UnicodeDecodeError:
        text = content.decode(errors="replace")
    broken = text.count("\ufffd") - content.count("\ufffd".encode())
    whole = len(text) - len(text.encode("ascii", errors="ignore")) - broken
    return text if whole >= broken else None


def guess_text(content: bytes, *declared: str) -> str:
    """Text that is whole in no encoding that was named, as it was most likely meant, with U+FFFD for each flaw.

    UTF-8, if ``read_utf8`` takes it so; else the first that was named, but for UTF-8, which servers call whatever they
    have; else that of Windows.

    Args:
        declared: codecs of Python, the most trusted first; empty ones count as none.
    """
    if (text := read_utf8(content)) is not None:
        return text
    named = next((one for one in declared if one not in ("", "utf-8")), ELSE)
    return content.decode(named, errors="replace")


def places_declared(body: bytes) -> Sequence[tuple[int, int]]:
    """Where the name of an encoding stands in the head of a page or of XML, in order: from, to.

    (HTML standard, 13.2.3.2; XML 1.0, 4.3.3.)
    """
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
