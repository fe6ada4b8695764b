"""Text of websites in UTF-8: which encoding a page is in, as far as anybody says so, and else what its bytes tell."""

import re

from secondlook.domain.charsets import codec_of, declared_codec, find_mark, guess_text, places_declared, read_utf8

IN_HEADER = re.compile(r""";\s*charset\s*=\s*["']?([^"';\s]+)""", re.IGNORECASE)


def to_utf8(body: bytes, content_type: str, *, markup: bool = True) -> bytes:
    """The text in UTF-8.

    What counts is, in this order: a byte order mark; the header; what a ``meta`` element or an XML declaration says,
    unless the bytes are UTF-8 with letters beyond ASCII; UTF-8. What does not fit is passed over, so that a wrong name
    costs nothing; UTF-8 fits with a few flaws too. What fits nothing is guessed, and a flaw costs one character. Where
    the text names its encoding itself, it names UTF-8 then.

    Args:
        markup: whether there may be elements in it; in plain text everything is prose.
    """
    mark, codec = find_mark(body)
    text = body[len(mark) :].decode(codec, errors="replace") if codec else _decode(body, content_type, markup=markup)
    found = (mark if codec == "utf-8" else b"") + text.encode(errors="replace")
    return _named_anew(found) if markup else found


def _decode(body: bytes, content_type: str, *, markup: bool) -> str:
    in_header = IN_HEADER.search(content_type)
    told = codec_of(in_header.group(1)) if in_header else ""
    inside = declared_codec(body) if markup else ""
    is_utf8 = not body.isascii() and _is_whole(body)
    for codec in (told, "" if is_utf8 else inside):
        if codec and (text := _read(body, codec)) is not None:
            return text
    return guess_text(body, told, inside)


def _read(body: bytes, codec: str) -> str | None:
    if codec == "utf-8":
        return read_utf8(body)
    try:
        return body.decode(codec)
    except UnicodeError:
        return None


def _is_whole(body: bytes) -> bool:
    try:
        return bool(body.decode())
    except UnicodeDecodeError:
        return False


def _named_anew(body: bytes) -> bytes:
    """The page, which is in UTF-8, saying so wherever its head says how it is encoded."""
    for at, end in reversed(places_declared(body)):
        if codec_of(body[at:end].decode("latin-1")) != "utf-8":
            body = body[:at] + b"utf-8" + body[end:]
    return body
