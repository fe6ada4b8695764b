"""A chunk's text cut into excerpts that can be quoted as they are: sentences, list items, table rows, code."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from secondlook.domain.chunk import Chunk

LONGEST = 700
"""Characters of an excerpt."""
MOST_LINES = 12
"""Lines of code, of a list or of a table that are quoted together."""
SHORT_LINE = 45
"""Characters; a paragraph of lines this short is a list of facts and not prose that was wrapped."""

FENCE = re.compile(r"\s{0,3}(`{3,}|~{3,})")
HEADING = re.compile(r"\s{0,3}(#{1,6})\s+(.*?)\s*#*\s*$")
UNDERLINE = re.compile(r"\s{0,3}(=+|-{2,})\s*$")
RULE = re.compile(r"\s{0,3}(?:[-*_]\s*){3,}$")
MARKER = re.compile(r"\s*(?:(?:[-*+•‣·]|\d{1,3}[.)]|[a-z]\))\s+|[•‣·]\s*|[（(]?\d{1,2}[)）、]\s*)(?=\S)")
TABLE = re.compile(r"\s*\||[^|`]+\s\|\s")
SEPARATOR = re.compile(r"\s*\|?[\s:|-]*-[\s:|-]*\|?\s*$")
PICTURE = re.compile(r"\s*(?:!\[[^\]]*\]\([^)]*\)|<!--.*?-->|</?\w+[^>]*>)\s*$")
CLOSERS = "\"')]}*_»”’」』）】》`"
END = re.compile(rf"[.!?…؟۔।]+[{re.escape(CLOSERS)}]*\s+|[。！？｡]+[{re.escape(CLOSERS)}]*\s*")
ABBREVIATION = re.compile(
    r"(?:^|[\s(„“\"'])(?:e\.\s?g|i\.\s?e|etc|vs|cf|Dr|Mr|Mrs|Ms|Prof|No|Fig|approx|St|Jr|Inc|Ltd|z\.\s?B|d\.\s?h|u\.\s?a"
    r"|bzw|ca|Nr|Abs|Art|usw|Hr|Fr|Str|Abb|vgl|p\.\s?ex|M|Mme|art|pág|núm|т\.\s?е|т\.\s?д|т\.\s?п|г|ул|им|руб|тел|стр"
    r"|\d{1,2}|[^\W\d_])\.$",
)
"""What ends in a full stop that ends no sentence: an abbreviation, an initial, or a day of the month."""
QUESTION = re.compile(rf"[?？؟;][{re.escape(CLOSERS)}\s]*$")
GREEK = re.compile("[\u0370-\u03ff]")
CODE_FILES = frozenset(
    ".bat .c .cpp .css .cxx .dart .el .go .h .hpp .java .js .json .jsonl .jsx .php .ps1 .py .rb .rs .sh .sql .swift"
    " .toml .ts .tsx .yaml .yml .ini .conf .env .properties".split()
)
LETTER = re.compile(r"\w")
LINES = (("fence", FENCE), ("heading", HEADING), ("", RULE), ("", PICTURE), ("table", TABLE), ("item", MARKER))
"""What a line is by its beginning, the first that fits."""


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A stretch of a chunk's text.

    Attributes:
        text: as it stands in the chunk.
        header: the first two lines of its table, for a row.
        start, end: characters of the chunk's text that it covers.
        context: the headings above, the lead-in of its list, and what stands for the whole document.
        asked: the question that it follows, as on a page of questions and answers.
        distance: how many excerpts lie between it and that question, or the heading.
        code: whether line breaks and signs count.
        quotable: False for headings and questions, which answer nothing.
    """

    text: str
    start: int
    end: int
    header: str = ""
    context: str = ""
    asked: str = ""
    distance: int = 0
    code: bool = False
    quotable: bool = True


@dataclass(slots=True)
class _Place:
    """Where the reader of a chunk is: the headings above, and what it last read."""

    headings: dict[int, str] = field(default_factory=dict)
    lead: str = ""
    asked: str = ""
    distance: int = 0

    def enter(self, level: int, heading: str) -> None:
        """A new section begins."""
        self.headings = {one: text for one, text in self.headings.items() if one < level} | {level: heading}
        self.asked, self.lead, self.distance = (heading if is_question(heading) else ""), "", 0

    def context(self) -> str:
        return " ".join([*self.headings.values(), self.lead])


@dataclass(frozen=True, slots=True)
class _Block:
    kind: str
    start: int
    end: int


def find_excerpts(chunk: Chunk) -> list[Excerpt]:
    """Everything in the chunk that can be quoted, in order; headings and questions are marked as not quotable.

    A sentence that ends in a colon is quoted together with the list, the table or the code that it announces.
    """
    text, place = chunk.text, _Place()
    is_code = any(chunk.item_key.lower().endswith(one) for one in CODE_FILES)
    found: list[Excerpt] = []
    lead: int | None = None
    for block in _blocks(text, is_code):
        if block.kind in ("prose", "heading"):
            lead, place.lead = None, ""
        found += _read(text, block, place)
        if block.kind == "prose" and found and found[-1].quotable and _leads_in(found[-1].text):
            lead, place.lead = len(found) - 1, found[-1].text
        elif lead is not None:
            found[lead] = _extended(text, found[lead], block)
    return [replace(one, context=f"{chunk.context} {one.context}") for one in found if LETTER.search(one.text)]


def is_question(text: str) -> bool:
    """Whether it asks; a Greek question ends in a semicolon."""
    end = QUESTION.search(text)
    return bool(end) and (";" not in end[0] or bool(GREEK.search(text)))  # type: ignore[index]  # there is a match


def split_sentences(text: str, start: int = 0) -> Iterator[tuple[int, int]]:
    """Begin and end of each sentence, counted from ``start``; a full stop before a small letter ends none."""
    begin = 0
    for end in END.finditer(text):
        after = text[end.end() : end.end() + 2].lstrip("\"'([„“«¿¡")[:1]
        if end[0][0] in ".…" and (after.islower() or ABBREVIATION.search(text[begin : end.start() + 1])):
            continue
        yield from _trimmed(text, begin, end.end(), start)
        begin = end.end()
    yield from _trimmed(text, begin, len(text), start)


def _trimmed(text: str, begin: int, end: int, start: int) -> Iterator[tuple[int, int]]:
    piece = text[begin:end]
    left = len(piece) - len(piece.lstrip())
    if piece.strip():
        yield start + begin + left, start + begin + len(piece.rstrip())


def _blocks(text: str, is_code: bool) -> Iterator[_Block]:
    """Stretches of one kind, in order; blank lines, rules and pictures are left out."""
    kind, begin, last, fence = "", 0, 0, ""
    at = 0
    for line in text.splitlines(keepends=True):
        here, at = at, at + len(line)
        bare = line.rstrip()
        if fence:
            last = here + len(bare)
            if bare.strip().startswith(fence) and not bare.strip().strip(fence[0]):
                yield _Block("fence", begin, last)
                kind, fence = "", ""
            continue
        wanted = _kind_of(bare, kind, is_code)
        if wanted == "underline":
            yield _Block("heading", begin, here + len(bare))
            kind = ""
            continue
        if kind and (wanted != kind or wanted in ("heading", "item")) and not (kind == "item" and wanted == "more"):
            yield _Block(kind, begin, last)
            kind = ""
        if wanted == "fence":
            fence = FENCE.match(bare)[1]  # type: ignore[index]  # that is what made it a fence
        if wanted and not kind:
            kind, begin = ("prose" if wanted == "more" else wanted), here
        last = here + len(bare)
    if kind:
        yield _Block(kind, begin, last)


def _kind_of(line: str, now: str, is_code: bool) -> str:
    """What the line is, after a block of kind ``now``; empty for what separates blocks."""
    if is_code or not line.strip():
        return "code" if line.strip() else ""
    if now == "prose" and UNDERLINE.match(line):
        return "underline"
    if now == "table" and "|" in line:
        return "table"
    other = "more" if now == "item" else "prose"
    return next((kind for kind, sign in LINES if sign.match(line)), other)


def _read(text: str, block: _Block, place: _Place) -> Iterator[Excerpt]:
    """The excerpts of a block; headings and questions change the place."""
    if block.kind == "heading":
        whole = text[block.start : block.end]
        match = HEADING.match(whole)
        heading = match[2] if match else whole.split("\n")[0].strip()
        level = len(match[1]) if match else 1 if "=" in whole.rsplit("\n", 1)[-1] else 2
        place.enter(level, heading)
        yield Excerpt(heading, block.start, block.end, quotable=False)
        return
    spans = {"table": _rows, "fence": _code, "code": _code}.get(block.kind, _prose)
    for start, end, shown in spans(text, block):
        header, row = shown.rsplit("\n", 1) if block.kind == "table" and "\n" in shown else ("", shown)
        excerpt = Excerpt(row, start, end, header, code=block.kind in ("fence", "code"))
        if not excerpt.code and is_question(shown):
            place.asked, place.distance = shown, 0
            yield replace(excerpt, quotable=False)
            continue
        yield replace(excerpt, context=f"{place.context()} {header}", asked=place.asked, distance=place.distance)
        place.distance += 1


def _prose(text: str, block: _Block) -> Iterator[tuple[int, int, str]]:
    """Sentences; short lines that are no sentences are quoted line by line, or together where they are few."""
    start = block.start
    if block.kind == "item" and (marker := MARKER.match(text, start)):
        start = marker.end()
    lines = text[start : block.end].splitlines()
    short = sum(len(line) < SHORT_LINE for line in lines[:-1])
    if block.kind == "prose" and len(lines) > 1 and 2 * short >= len(lines) - 1 and not _flows(lines):
        if len(lines) <= MOST_LINES and block.end - start <= LONGEST and not any(map(is_question, lines)):
            yield from _shown(text, start, block.end)
            return
        for line in re.finditer(r"[^\n]+", text[start : block.end]):
            yield from _shown(text, start + line.start(), start + line.end())
        return
    for begin, end in split_sentences(text[start : block.end], start):
        yield from _shown(text, begin, end)


def _flows(lines: list[str]) -> bool:
    """Whether the lines are sentences: most end one, or the next line goes on with a small letter."""
    goes_on = sum(line.lstrip("> ")[:1].islower() for line in lines[1:])
    ends = sum(bool(END.search(f"{line} ", max(0, len(line) - 3))) for line in lines)
    return 2 * goes_on >= len(lines) - 1 or 2 * ends >= len(lines)


def _shown(text: str, start: int, end: int) -> Iterator[tuple[int, int, str]]:
    shown = re.sub(r"\n[ \t]*>[ \t]?", "\n", text[start:end]).removeprefix(">").strip()
    if len(shown) > LONGEST:
        shown = shown[:LONGEST].rsplit(None, 1)[0] + " …"
    if shown:
        yield start, end, shown


def _rows(text: str, block: _Block) -> Iterator[tuple[int, int, str]]:
    """Each row of a table under the table's header, if that is in the chunk."""
    spans = [(block.start + one.start(), block.start + one.end()) for one in _lines(text[block.start : block.end])]
    shown = [text[start:end].strip() for start, end in spans]
    has_header = len(shown) > 2 and bool(SEPARATOR.match(shown[1]))
    head = "\n".join(shown[:2]) + "\n" if has_header else ""
    for (start, end), row in list(zip(spans, shown, strict=True))[2 if has_header else 0 :]:
        if not SEPARATOR.match(row):
            yield start, end, head + row


def _code(text: str, block: _Block) -> Iterator[tuple[int, int, str]]:
    """A short block as it is, a longer one by its paragraphs, at most ``MOST_LINES`` lines each."""
    spans = [(block.start + one.start(), block.start + one.end()) for one in _lines(text[block.start : block.end])]
    if block.kind == "fence":
        closed = len(spans) > 1 and FENCE.match(text[spans[-1][0] : spans[-1][1]])
        spans = spans[1 : -1 if closed else None]
    part: list[tuple[int, int]] = []
    for span in spans:
        if len(part) == MOST_LINES or (len(spans) > MOST_LINES and part and "\n\n" in text[part[-1][1] : span[0]]):
            yield part[0][0], part[-1][1], text[part[0][0] : part[-1][1]]
            part = []
        part.append(span)
    if part:
        yield part[0][0], part[-1][1], text[part[0][0] : part[-1][1]]


def _lines(text: str) -> Iterator[re.Match[str]]:
    return re.finditer(r"[^\n]*\S[^\n]*", text)


def _leads_in(text: str) -> bool:
    return text.rstrip("*_ ").endswith((":", "："))


def _extended(text: str, lead: Excerpt, block: _Block) -> Excerpt:
    """The lead-in down to the end of the block, unless that is too long to quote."""
    whole = text[lead.start : block.end]
    if len(whole) > LONGEST or whole.count("\n") > 2 * MOST_LINES:
        return lead
    return replace(lead, text=whole, end=block.end)
