"""What the name of an encoding in a header or a page stands for, as browsers take it."""

import codecs
import re

AS_BROWSERS = {
    "ascii": "cp1252", "iso8859-1": "cp1252", "iso8859-9": "cp1254", "iso8859-11": "cp874", "tis-620": "cp874",
    "shift_jis": "cp932", "gb2312": "gb18030", "gbk": "gb18030", "euc_kr": "cp949", "big5": "big5hkscs",
}  # fmt: skip
"""Encodings that stand for a larger one (WHATWG, Encoding Standard, 4.2): Windows writes its own under their names."""
WINDOWS = re.compile(r"(?:windows|dos)-(\d{3,4})j?\Z")
TAKEN = re.compile(r"cp\d{3,4}|iso8859-\d{1,2}|koi8-[rtu]|mac-(?:roman|cyrillic)|gb18030|big5hkscs|euc_jp|utf-8")
"""No others: Python's codecs for host names and escapes are no text, and some take quadratic time."""
OTHER_NAMES = {
    "windows-31j": "cp932", "iso-8859-8-i": "iso8859-8", "logical": "iso8859-8", "visual": "iso8859-8",
    "koi8-ru": "koi8-u", "mac": "macintosh", "unicode-1-1-utf-8": "utf-8", "cseuckr": "euc_kr", "cn-big5": "big5",
}  # fmt: skip
"""Labels of the standard that Python has under other names alone."""


def codec_of(label: str) -> str:
    """Python's codec for a label such as ``iso-8859-1``, which is ``cp1252``; nothing for one that no page has."""
    name = label.strip().lower().removeprefix("x-")
    name = OTHER_NAMES.get(name) or WINDOWS.sub(r"cp\1", name)
    try:
        found = codecs.lookup(name).name
    except (LookupError, ValueError):
        return ""
    found = AS_BROWSERS.get(found, found)
    return found if TAKEN.fullmatch(found) else ""
