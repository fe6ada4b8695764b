"""From bytes to characters."""

import codecs

from secondlook.domain.charsets import codec_of, guess_text, places_declared

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
        declared: the encoding's name as a page has it, in the sense of ``codec_of``.
    """
    for mark, name in MARKS:
        if content.startswith(mark):
            return content.decode(name, errors="replace")
    named = codec_of(declared)
    if named.startswith("utf-16"):  # in which nobody could have declared it so
        named = ""
    for codec in ("utf-8", named):
        try:
            if codec:
                return content.decode(codec)
        except UnicodeError:
            continue
    return guess_text(content, named)


def decode_page(content: bytes) -> str:
    """As ``decode``, with the encoding that the page or the XML declares itself."""
    name = next((content[at:end].decode("latin-1") for at, end in places_declared(content)), "")
    return decode(content, name)
