"""From bytes to characters."""

import re

DECLARED = re.compile(rb"""<meta[^>]{0,200}charset\s*=\s*["']?([\w-]{1,40})""", re.IGNORECASE)
"""What a page says of itself within its first kilobyte (HTML standard, 13.2.3.2)."""


def decode(content: bytes) -> str:
    """UTF-8, or UTF-16 with its mark; what is neither is Latin-1."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", errors="replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def decode_page(content: bytes) -> str:
    """As ``decode``, but what is no UTF-8 is in the encoding that the page declares, or in that of Windows."""
    found = DECLARED.search(content[:1024])
    if content.startswith((b"\xff\xfe", b"\xfe\xff")) or _is_utf8(content):
        return decode(content)
    try:
        return content.decode(found.group(1).decode() if found else "cp1252", errors="replace")
    except LookupError:
        return content.decode("cp1252", errors="replace")


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True
