"""Text within a line of a page: its blanks, characters that nobody sees, and what is raised."""

import re
from collections.abc import Sequence

from selectolax.lexbor import LexborNode

BLOCKS = frozenset(
    "address article aside blockquote body button center dd details div dl dt fieldset figcaption figure footer form"
    " header hr html li main ol p section summary table tbody td tfoot th thead tr ul caption".split()
)
BLANKS = re.compile(r" [ \t\n\r\f\u00a0]+|[\t\n\r\f\u00a0][ \t\n\r\f\u00a0]*")
"""Runs of blanks that are not one space already."""
INVISIBLE = re.compile("[\u00ad\u2060\ufeff\U000e0000-\U000e007f]|(?<![\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff])\u200b")
"""Soft hyphens, joiners and marks without width, and the hidden letters of Unicode's tags; a blank without width stays
where it parts words, as in Thai, Lao, Burmese and Khmer."""
FEW = 60
"""Nodes that are looked at to judge a short piece, so that nested ones cost no quadratic time."""
SHORT = 12
"""Characters; what is raised and longer is no exponent or note's mark, but text."""
EXPONENT = re.compile(r"[+-]?\d+(?:[.,/]\d+)?|[nxyijkmpqtT](?:[+-]\d+)?")
"""Letters but for those of ordinals, such as 1e or 2o."""
BASE = re.compile(r"(?:(?<![^\W\d_])[^\W\d_]{1,3}|[\d)\]])\Z")
"""What has an exponent: a number, a bracket, a unit or variable of three letters at most."""
PRICE = re.compile(r"[$€£¥]\s?\d[\d.,]*\Z")
NOTE = re.compile(r"footnote|noteref|reference|citation")
TAIL = 16
"""Characters before something raised that say what it is."""


def clean(text: str) -> str:
    """The text with single blanks and without what nobody sees."""
    return BLANKS.sub(" ", text if text.isascii() else INVISIBLE.sub("", text))


def plain(node: LexborNode | None) -> str:
    """The text inside on one line, with a blank where a block or line begins or ends."""
    if node and (only := node.first_child) and only.tag == "-text" and not only.next and node.tag not in ("sup", "img"):
        return clean(only.text_content or "").strip()
    pieces: list[str] = []
    waiting: list[LexborNode | None] = [node]
    while waiting:
        one = waiting.pop()
        tag = one.tag if one else "br"
        raised = raise_text(pieces, one) if one and tag == "sup" else None
        if one is None or tag == "br":
            pieces.append(" ")
        elif tag == "-text":
            pieces.append(clean(one.text_content or ""))
        elif tag == "img":
            pieces.append(clean(f" {one.attributes.get('alt') or ''} "))
        elif raised is not None:
            pieces.append(raised)
        else:
            if tag in BLOCKS:
                pieces.append(" ")
                waiting.append(None)
            waiting.extend([*one.iter(include_text=True)][::-1])
    return BLANKS.sub(" ", "".join(pieces)).strip()


def raise_text(line: Sequence[str], node: LexborNode) -> str | None:
    """What a ``<sup>`` becomes behind the pieces of its line: ``^6``, ``[1]`` of a note, or its text; None if long.

    A number behind a price is its hundredths; behind a word it is a note's.
    """
    text = short_text(node).replace("\u2212", "-").replace("–", "-")
    if not text or len(text) > SHORT:
        return None
    if _is_note(node):
        return f"[{text.strip('[]')}]"
    if not EXPONENT.fullmatch(figure := text.replace(" ", "")):
        return text
    before = _tail(line)
    if PRICE.search(before):
        return f".{figure}"
    if BASE.search(before):
        return f"^{figure}"
    return f"[{text}]" if text.isdecimal() and before.strip() else text


def short_text(node: LexborNode) -> str:
    """The text on one line; nothing if there are many nodes inside."""
    pieces = []
    for at, one in enumerate(node.traverse(include_text=True)):
        if at > FEW:
            return ""
        if one.tag == "-text":
            pieces.append(INVISIBLE.sub("", one.text_content or ""))
    return " ".join("".join(pieces).split())


def _is_note(node: LexborNode) -> bool:
    """Whether it links within a page, or stands in such a link, or says that it refers to a note."""
    inside = node.first_child
    holds_more = inside is not None and (inside.tag != "-text" or inside.next is not None)
    for one in (node, node.parent, node.css_first("a") if holds_more else None):
        if one is None:
            continue
        attributes = one.attributes
        said = f"{attributes.get('class')} {attributes.get('role')} {attributes.get('epub:type')}".lower()
        if NOTE.search(said) or (one.tag == "a" and "#" in (attributes.get("href") or "")):
            return True
    return False


def _tail(line: Sequence[str]) -> str:
    found = ""
    for piece in reversed(line):
        found = piece[-TAIL:] + found
        if len(found) >= TAIL:
            break
    return found
