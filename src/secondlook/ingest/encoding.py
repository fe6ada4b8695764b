"""From bytes to characters."""

import codecs

from secondlook.domain.charsets import codec_of, places_declared

MARKS = ((codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
"""First bytes and the encoding that they tell of; that of the widest begins like the next."""
ELSE = "cp1252"
"""What text without a name is in most often: that of Windows in the West, a superset of Latin-1's letters."""
WHOLE_TO_BROKEN = 4
"""Whole characters beyond ASCII for each broken one, from where on text is UTF-8 with a flaw and nothing else."""


def decode(content: bytes, declared: str = "") -> str:
    """UTF-8, or UTF-16 and 32 with their mark; what is neither is in the declared encoding, or in that of Windows.

    Args:
        declared: the encoding's name as a page has it, in the sense of ``codec_of``.
    """
    for mark, name in MARKS:
        if content.startswith(mark):
            return content.decode(name, errors="replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    named = codec_of(declared)
    if named and not named.startswith("utf-16"):  # in which nobody could have declared it so
        return content.decode(named, errors="replace")
    mended = content.decode("utf-8-sig", errors="replace")
    broken = mended.count("\ufffd")
    whole = len(mended) - len(mended.encode("ascii", errors="ignore")) - broken
    return mended if whole >= WHOLE_TO_BROKEN * broken else content.decode(ELSE, errors="replace")


def decode_page(content: bytes) -> str:
    """As ``decode``, with the encoding that the page or the XML declares itself."""
    name = next((content[at:end].decode("latin-1") for at, end in places_declared(content)), "")
    return decode(content, name)
