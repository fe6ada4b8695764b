"""From bytes to characters."""

from secondlook.domain.charsets import declared_codec, find_mark, guess_text


def decode(content: bytes, declared: str = "") -> str:
    """What its mark tells; else UTF-8, else the declared encoding; what is whole in neither is guessed.

    Args:
        declared: a codec of Python; empty for none.
    """
    mark, marked = find_mark(content)
    if mark:
        return content[len(mark) :].decode(marked, errors="replace")
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
