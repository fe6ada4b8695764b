"""Pages of HTML as Markdown: what a reader sees, with its headings, lists, tables and code."""

import re

from selectolax.lexbor import LexborHTMLParser, LexborNode

from secondlook.ingest.encoding import decode_page
from secondlook.ingest.formats.grids import Cell, span_of, spread
from secondlook.ingest.formats.inline import BLOCKS, clean, plain, raise_text
from secondlook.ingest.formats.listings import write_code
from secondlook.ingest.formats.reading import Reading, Wanted, check_size
from secondlook.ingest.formats.tables import write_table
from secondlook.ingest.formats.unseen import remove_unseen

HEADINGS = {f"h{level}": "#" * level for level in range(1, 7)}
LEFT = BLOCKS | HEADINGS.keys() | {"code"}
"""Elements whose end says something."""
SPACES = re.compile(r"  +")
NAMES = {"og:title": "title", "og:description": "description", "og:image": "image"}
"""The forms that stand for these names where they are missing (contract, 18.3)."""


def read_page(content: bytes, _wanted: Wanted) -> Reading:
    """The page's text as Markdown, its title, and what its ``<meta>`` elements say."""
    tree = LexborHTMLParser(decode_page(content).replace("\0", ""))
    title = plain(tree.css_first("head title"))
    fields = read_fields(tree)
    text = write_markdown(tree)
    if title and title.lower() not in text[: 2 * len(title) + 200].lower():
        text = f"# {title}\n\n{text}"
    return Reading(text, title=title, fields={**fields, "title": title} if title else fields)


def read_fields(tree: LexborHTMLParser) -> dict[str, str]:
    """Names and values of ``<meta>`` in the head; the first wins, and a plain name over its ``og:`` form."""
    found: dict[str, str] = {}
    for node in tree.css("head meta"):
        name = (node.attributes.get("name") or node.attributes.get("property") or "").strip().lower()
        value = (node.attributes.get("content") or "").strip()
        if name and value:
            found.setdefault(name, value)
    for form, name in NAMES.items():
        if form in found:
            found.setdefault(name, found[form])
    if (root := tree.root) and (language := (root.attributes.get("lang") or "").strip()):
        found.setdefault("language", language)
    return found


def write_markdown(tree: LexborHTMLParser) -> str:
    """What a reader sees of the page; it is changed on the way."""
    remove_unseen(tree)
    writer = _Writer()
    if tree.body:
        writer.write(tree.body)
    return writer.finish()


class _Writer:
    """Gathers blocks of Markdown."""

    def __init__(self) -> None:
        self._blocks: list[str] = []
        self._line: list[str] = []
        self._lists: list[int | None] = []
        self._mark = ""
        self._size = 0

    def write(self, top: LexborNode) -> None:
        """Take in a node and all inside, without recursion: pages nest as deep as they like."""
        waiting = [(top, True)]
        while waiting:
            node, opens = waiting.pop()
            tag = node.tag or ""
            if not opens:
                self._leave(tag)
            elif tag == "-text":
                self._line.append(clean(node.text_content or ""))
            else:
                if tag in LEFT:
                    waiting.append((node, False))
                if self._enter(node, tag):
                    waiting += [(child, True) for child in node.iter(include_text=True)][::-1]

    def finish(self) -> str:
        """All blocks, apart from each other but for the points of a list."""
        self._end()
        parts: list[str] = []
        for block in self._blocks:
            if parts:
                near = _is_point(block) and _is_point(parts[-1].rpartition("\n")[2])
                parts.append("\n" if near else "\n\n")
            parts.append(block)
        return "".join(parts)

    def _enter(self, node: LexborNode, tag: str) -> bool:
        """Take in the beginning of an element, and say whether to look inside."""
        if tag == "br":
            self._line.append("\n")
        elif tag == "img":
            self._line.append(clean(f" {node.attributes.get('alt') or ''} "))
        elif tag == "sup" and (raised := raise_text(self._line, node)) is not None:
            self._line.append(raised)
            return False
        elif tag == "pre":
            self._add_block(write_code(node))
            return False
        elif tag == "table" and (table := _read_table(node)):
            self._add_block(table)
            return False
        elif tag in HEADINGS or tag in BLOCKS:
            self._end()
            self._begin(node, tag)
        elif tag == "code":
            self._line.append("`")
        return not tag.startswith(("-", "_", "!"))

    def _leave(self, tag: str) -> None:
        """Take in the end of an element."""
        if tag in ("ul", "ol"):
            self._end()
            if self._lists:
                self._lists.pop()
        elif tag == "code":
            self._line.append("`")
        else:
            self._end()
            self._mark = ""

    def _begin(self, node: LexborNode, tag: str) -> None:
        if tag in HEADINGS:
            self._mark = HEADINGS[tag] + " "
        elif tag in ("ul", "ol"):
            self._lists.append(0 if tag == "ol" else None)
        elif tag == "li" and self._lists:
            if (number := self._lists[-1]) is not None:
                self._lists[-1] = number + 1
            point = "- " if number is None else f"{number + 1}. "
            self._mark = "  " * (min(len(self._lists), 8) - 1) + point

    def _end(self) -> None:
        """Close the block that is being written."""
        lines = [line.strip(" ") for line in SPACES.sub(" ", "".join(self._line)).split("\n")]
        text = "\n".join(lines).strip("\n").replace("``", "")
        self._line = []
        if text:
            one_line = self._mark.startswith("#")
            self._blocks.append(self._mark + (text.replace("\n", " ") if one_line else text))
            self._mark = ""

    def _add_block(self, block: str) -> None:
        self._end()
        if block:
            self._blocks.append(block)
            self._size += len(block)
            check_size(self._size)


def _read_table(node: LexborNode) -> str:
    """The table as one of Markdown; nothing if it only lays out the page, or holds other tables."""
    if any(inner.tag == "table" and inner.mem_id != node.mem_id for inner in node.traverse()):
        return ""
    rows = node.css("tr")
    if len(rows) == 1 and node.css_first("pre"):
        return ""
    groups: dict[int, list[list[Cell]]] = {}
    for row in rows:
        cells = [_read_cell(cell) for cell in row.iter() if cell.tag in ("td", "th")]
        groups.setdefault(row.parent.mem_id if row.parent else 0, []).append(cells)
    grid = spread(groups.values())
    if max((len(line) for line in grid), default=0) < 2:
        return ""
    caption = plain(node.css_first("caption"))
    table = write_table(grid)
    return f"{caption}\n\n{table}" if caption and table else table


def _read_cell(cell: LexborNode) -> Cell:
    attributes = cell.attributes
    return Cell(plain(cell), span_of(attributes.get("colspan")), span_of(attributes.get("rowspan")))


def _is_point(line: str) -> bool:
    return re.match(r" *(?:- |\d+\. )", line) is not None
