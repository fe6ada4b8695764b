"""From bytes to characters."""

import codecs

from secondlook.domain.charsets import declared_codec, guess_text

MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""First bytes and the encoding that they tell of; that of the widest begins like the next."""


def decode(content: bytes, declared: str = "") -> str:
    """What its mark tells; else UTF-8, else the declared encoding; what is whole in neither is guessed.

    Args:
        declared: a codec of Python; empty for none.
    """
    for mark, name in MARKS:
        if content.startswith(mark):
            return content.decode(name, errors="replace")
    for codec in ("utf-8", declared):
        try:
            if codec:
                return content.decode(codec)
        except UnicodeError:
            continue
    return guess_text(content, declared)


def decode_page(content: bytes) -> str:
    """As ``decode``, with the encoding that the page or the XML declares itself."""
    return decode(content, declared_codec(content))
