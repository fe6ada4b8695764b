"""Code on pages: its lines as a reader sees them, and its language."""

import re
from collections.abc import Iterable, Iterator
from itertools import islice

from selectolax.lexbor import LexborNode

from secondlook.ingest.formats.inline import BLOCKS, FEW, INVISIBLE

LANGUAGE = re.compile(r"(?:^|\s)lang(?:uage)?-([A-Za-z0-9+#._-]{1,30})(?=\s|$)")
"""The class by which the HTML standard (4.5.15) and highlighters tell of the language."""
FENCE = re.compile(r"^`{3,}", re.MULTILINE)
LINES = frozenset("line code-line token-line view-line ec-line cl".split())
"""Classes of elements that highlighters make of lines; style sheets show them as blocks."""
NEAR = 4
"""Levels from the numbers of lines up to their cell or box."""
GUTTER = frozenset("lineno linenos line-number line-numbers linenumber hljs-ln-numbers gutter lnt ln".split())
"""Classes of the numbers beside them."""


def write_code(node: LexborNode) -> str:
    """The ``<pre>`` as a fenced block, its language after the fence; nothing if it holds no code."""
    code = read_code(node).strip("\n")
    if not code.strip() or _is_gutter(node, code):
        return ""
    longest = max((len(one) for one in FENCE.findall(code)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{_language(node)}\n{code}\n{fence}"


def read_code(node: LexborNode) -> str:
    """The text with a new line at each ``<br>`` and where a block or an element of a line begins and ends."""
    code = _Code()
    waiting: list[tuple[LexborNode, bool, int]] = [(node, True, 0)]
    while waiting:
        one, opens, size = waiting.pop()
        tag = one.tag or ""
        if not opens:
            code.leave_block(size)
        elif tag == "-text":
            text = one.text_content or ""
            code.add(text if text.isascii() else INVISIBLE.sub("", text))
        elif tag == "br":
            code.add("\n")
        else:
            classes = frozenset((one.attributes.get("class") or "").split())
            if classes & GUTTER:
                continue
            if one.mem_id != node.mem_id and (tag in BLOCKS or classes & LINES) and tag not in ("td", "th"):
                code.enter_block()
                waiting.append((one, False, code.size))
            waiting.extend([(child, True, 0) for child in one.iter(include_text=True)][::-1])
    return "".join(code.pieces)


class _Code:
    """Gathers lines; the end of a block owes a new line to whatever comes next."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.size = 0
        self._owed = False

    def add(self, text: str) -> None:
        """Take in text, on a line of its own behind a block."""
        if not text:
            return
        if self._owed and not text.startswith("\n"):
            self._put("\n")
        self._owed = False
        self._put(text)

    def enter_block(self) -> None:
        """Begin a line, unless one has just begun."""
        if self._owed or (self.pieces and not self.pieces[-1].endswith("\n")):
            self._put("\n")
        self._owed = False

    def leave_block(self, size: int) -> None:
        """End the line of a block that began at that size; an empty one is an empty line."""
        self._owed = self.size == size or not self.pieces[-1].endswith("\n")

    def _put(self, text: str) -> None:
        self.pieces.append(text)
        self.size += len(text)


def _language(node: LexborNode) -> str:
    for one in (node, node.css_first("code")):
        if one and (found := LANGUAGE.search(one.attributes.get("class") or "")):
            return found.group(1) if found.group(1).lower() not in ("none", "plaintext", "text") else ""
    return ""


def _is_gutter(node: LexborNode, code: str) -> bool:
    """Whether these are the numbers of lines: from some number up, one a line, and as many stand right beside them."""
    numbers = [one.strip() for one in code.split("\n")]
    if len(numbers) < 2 or not all(
        one.isdecimal() and len(one) < 7 and int(one) == int(numbers[0][:6]) + at for at, one in enumerate(numbers)
    ):
        return False
    beside = _code_beside(node)
    lines = read_code(beside) if beside else ""
    return lines.strip("\n").count("\n") < len(numbers) <= lines.count("\n") + 1


def _code_beside(node: LexborNode) -> LexborNode | None:
    """The ``<pre>`` that comes next, or begins what comes next to the cell or box that the node fills alone."""
    one = node
    for _ in range(NEAR):
        found = _first_shown(_following(one))
        if found:
            while found and found.tag != "pre":
                found = _first_shown(found.iter(include_text=True))
            return found
        parent = one.parent
        first = _first_shown(parent.iter(include_text=True)) if parent else None
        if not parent or not first or first.mem_id != one.mem_id:
            return None
        one = parent
    return None


def _following(node: LexborNode) -> Iterator[LexborNode]:
    found = node.next
    while found:
        yield found
        found = found.next


def _first_shown(nodes: Iterable[LexborNode]) -> LexborNode | None:
    """The first of a few that is no comment and no blanks."""
    return next((one for one in islice(nodes, FEW) if not _is_blank(one)), None)


def _is_blank(node: LexborNode) -> bool:
    if node.tag == "-text":
        return not (node.text_content or "").strip()
    return (node.tag or "-").startswith(("-", "_", "!"))
