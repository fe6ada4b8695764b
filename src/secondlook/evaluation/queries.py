"""Judged queries: what somebody asked, and which passages answer it."""

import csv
import hashlib
import io
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from secondlook.domain.markdown import HEADING, lines_of
from secondlook.errors import CallerError
from secondlook.evaluation.datasets import HIGHEST, read_judged_queries

LONGEST = 2000
"""Characters of a query."""
MOST = 100_000
"""Queries of a set."""
WORDS = 4
"""Words of a heading that may stand for a query although it is no question."""
LONGEST_TEXT = 2**40
"""Bytes beyond which no text reaches."""
GRADES: Mapping[str, int] = {"click": 1, "thumbs_up": 1, "thumbs_down": 0}
"""What feedback of a query log says of a passage."""

QUESTION = re.compile(r"[^.!?*|`]{12,200}\?")
INDENTED = ("    ", "\t")
"""How lines of code begin that no fence marks."""
QUESTION_WORDS = frozenset(
    "who what when where which why how whom whose is are was were do does did can could should would will"
    " wer was wann wo welche welcher welches warum wie qui que quoi quand où quel quelle pourquoi comment"
    " quién qué cuándo dónde cuál cómo chi cosa quando dove quale perché come quem onde qual".split()
)
"""First words of questions, in the languages whose questions begin so."""
LONGEST_FIELD = 131_072
"""Characters of a field of CSV."""


@dataclass(frozen=True, slots=True)
class Judgment:
    """How well an item, or a span of it, answers a query.

    Attributes:
        item: the item's key.
        grade: 0 is not relevant.
        start, end: bytes of the item's converted text, the end exclusive; None for the whole item.
        mark: SHA-256 of that span in hexadecimal, or its beginning; empty if nobody noted it.
    """

    item: str
    grade: int = 1
    start: int | None = None
    end: int | None = None
    mark: str = ""

    @property
    def unit(self) -> str:
        """What is found or missed: the item, or the span of it."""
        return self.item if self.start is None else f"{self.item}#{self.start}-{self.end}"

    def covers(self, start: int, end: int) -> bool:
        """Whether a chunk there shows what was judged: the two share half of the shorter one."""
        if self.start is None or self.end is None:
            return True
        shared = min(end, self.end) - max(start, self.start)
        return 2 * shared >= min(end - start, self.end - self.start) > 0


@dataclass(frozen=True, slots=True)
class JudgedQuery:
    """A query with its judgments; ``synthetic`` ones were made from the documents, not asked by people.

    Judgments that speak of the same text are one unit, so that a perfect answer is worth 1: relevant spans of an item
    that overlap, with the highest of their grades, and a relevant item with all relevant spans of it.
    """

    text: str
    judgments: tuple[Judgment, ...]
    synthetic: bool = False

    @property
    def grades(self) -> dict[str, int]:
        """Unit -> the highest grade that it was given."""
        by_item: dict[str, list[Judgment]] = {}
        for one in self.judgments:
            by_item.setdefault(one.item, []).append(one)
        found: dict[str, int] = {}
        for judgments in by_item.values():
            for one in _units(judgments):
                found[one.unit] = max(one.grade, found.get(one.unit, one.grade))
        return found

    def unit_of(self, item: str, start: int, end: int) -> str:
        """The judged unit that a chunk shows, the best if there are several; the item's key if there is none."""
        units = _units([one for one in self.judgments if one.item == item])
        found = [one for one in units if one.covers(start, end)]
        return max(found, key=lambda one: one.grade).unit if found else item


def _units(judgments: Sequence[Judgment]) -> list[Judgment]:
    """Judgments of one item, those merged that speak of the same text and find it relevant."""
    if len(judgments) < 2:
        return list(judgments)
    relevant = [one for one in judgments if one.grade > 0]
    if whole := next((one for one in relevant if one.start is None), None):
        best = replace(whole, grade=max(one.grade for one in relevant))
        return [best, *(one for one in judgments if one.grade <= 0)]
    found: list[Judgment] = []
    for one in sorted(relevant, key=lambda one: one.start or 0):
        last = found[-1] if found else None
        if last and (one.start or 0) < (last.end or 0):
            end = max(last.end or 0, one.end or 0)
            found[-1] = Judgment(last.item, max(last.grade, one.grade), last.start, end)
        else:
            found.append(one)
    return [*found, *(one for one in judgments if one.grade <= 0)]


def judged(text: str, grades: Mapping[str, int], *, synthetic: bool = False) -> JudgedQuery:
    """A query of which whole items were judged."""
    return JudgedQuery(text, tuple(Judgment(item, grade) for item, grade in grades.items()), synthetic)


def mark_of(text: bytes) -> str:
    """By which a span is known again."""
    return hashlib.sha256(text).hexdigest()


def is_stale(judgment: Judgment, text: bytes) -> bool:
    """Whether the item's text is no longer the one that was judged there."""
    if not judgment.mark:
        return False
    return not mark_of(text[judgment.start or 0 : judgment.end]).startswith(judgment.mark)


def read_queries(path: Path) -> list[JudgedQuery]:
    """The queries of a file (see ``parse_queries``) or of a BEIR folder: ``queries.jsonl`` and ``qrels/test.tsv``.

    Raises:
        CallerError: the file cannot be read, or a line is not as said; the message names both.
    """
    if path.is_dir():
        found = read_judged_queries(path)
        for text, _ in found:
            _check_characters(text, "query", str(path))
        return [judged(text, judgments) for text, judgments in found]
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CallerError(f"could not read {path}: {error.strerror}") from error
    return parse_queries(content, str(path))


def parse_queries(content: bytes, name: str) -> list[JudgedQuery]:
    """The queries of a file by its name's end.

    ``.csv``: columns ``query``, ``item`` and perhaps ``grade``, ``start``, ``end``, ``hash``, one judgment a line.
    ``.jsonl``: an object a line, ``query`` with ``items``: keys, or objects with those columns, or an object of key
    and grade. Or ``query`` with ``feedback``, as the query log is exported.

    Raises:
        CallerError: a line is not as said; the message names it.
    """
    readers = {".csv": _read_csv, ".jsonl": _read_lines}
    end = Path(name).suffix.lower()
    if end not in readers:
        raise CallerError(f"{name}: give a .csv or .jsonl file, or a BEIR folder")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise CallerError(f"{name} is not UTF-8: {error}") from error
    found = merge(readers[end](text, name))
    if not found:
        raise CallerError(f"{name} contains no judged queries")
    if len(found) > MOST:
        raise CallerError(f"{name} contains {len(found):,} queries; the limit is {MOST:,}: draw a sample")
    return found


def read_rows(rows: Iterable[object], name: str, *, bare: bool = False) -> list[JudgedQuery]:
    """Objects as those of a ``.jsonl`` file; raises ``CallerError`` with the number of the bad one, from 1.

    ``bare`` ones need no items: somebody else will judge.
    """
    return merge([_read_row(row, f"{name}, line {number}", bare=bare) for number, row in enumerate(rows, 1)])


def merge(queries: Iterable[JudgedQuery]) -> list[JudgedQuery]:
    """One entry a text, with the judgments of all; it is synthetic if all were."""
    first: dict[str, JudgedQuery] = {}
    judgments: dict[str, dict[Judgment, None]] = {}
    for query in queries:
        before = first.setdefault(query.text, query)
        if query.synthetic < before.synthetic:
            first[query.text] = replace(before, synthetic=False)
        judgments.setdefault(query.text, {}).update(dict.fromkeys(query.judgments))
    return [replace(query, judgments=tuple(judgments[text])) for text, query in first.items()]


def drawn(queries: Sequence[JudgedQuery], most: int) -> list[JudgedQuery]:
    """At most so many of them, evenly from the whole."""
    number = min(most, len(queries))
    return [queries[at * len(queries) // number] for at in range(number)]


def from_headings(headings: Iterable[tuple[str, str]]) -> list[JudgedQuery]:
    """Known-item queries that ask for an item by a heading of it that is a question, or has four words or more.

    A heading that stands in several items is left out: nobody could tell which one is meant.

    Args:
        headings: the key of an item and a heading, or a sentence that is a question, in it.
    """
    owners: dict[str, set[str]] = {}
    for key, heading in headings:
        text = " ".join(heading.split()).strip("# ")
        if len(text) <= LONGEST and (text.endswith("?") or len(text.split()) >= WORDS):
            owners.setdefault(text, set()).add(key)
    return [judged(text, {next(iter(keys)): 1}, synthetic=True) for text, keys in owners.items() if len(keys) == 1]


def questions_in(text: str) -> list[str]:
    """The headings of a Markdown text, and its other lines' sentences that are questions; nothing out of code."""
    found: list[str] = []
    for line, is_code in lines_of(text):
        bare = line.rstrip("\r\n")
        if is_code or bare.startswith(INDENTED):
            continue
        if heading := HEADING.match(bare):
            found.append(heading.group(2))
        else:
            found += [one.strip() for one in QUESTION.findall(bare)]
    return found


def _read_csv(text: str, name: str) -> list[JudgedQuery]:
    csv.field_size_limit(LONGEST_FIELD)  # of the whole process, which others set too
    rows = csv.DictReader(io.StringIO(text, newline=""))
    found = []
    try:
        columns = rows.fieldnames or ()
        if not {"query", "item"} <= set(columns):
            raise CallerError(
                f"{name}: its first line must name the columns query and item (and grade), not {_short(columns)}"
            )
        for row in rows:
            where = f"{name}, line {rows.line_num}"
            given = {column: value.strip() for column, value in row.items() if column and (value or "").strip()}
            found.append(JudgedQuery(_checked(given.pop("query", ""), where), (_judgment(given, where),)))
    except csv.Error as error:
        raise CallerError(f"{name}, line {rows.reader.line_num}: not a valid CSV row ({error})") from error
    return found


def _read_lines(text: str, name: str) -> list[JudgedQuery]:
    found = []
    for number, line in enumerate(text.split("\n"), 1):  # others than this may stand in a text of JSON
        if line.strip():
            try:
                row = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise CallerError(f"{name}, line {number}: not JSON ({error})") from error
            found.append(_read_row(row, f"{name}, line {number}"))
    return [one for one in found if one.judgments]


def _read_row(row: object, where: str, *, bare: bool = False) -> JudgedQuery:
    if not isinstance(row, dict):
        raise CallerError(f"{where}: expected an object with query and items")
    query = _checked(row.get("query"), where)
    synthetic = row.get("synthetic") is True
    if isinstance(told := row.get("feedback"), list):
        return JudgedQuery(query, tuple(_told(one, where) for one in told), synthetic)
    items = row.get("items")
    if bare and not items:
        return JudgedQuery(query, (), synthetic)
    if not isinstance(items, list | dict) or not items:
        raise CallerError(f"{where}: items is {_short(items)}: give keys, or an object of key and grade")
    if isinstance(items, dict):
        items = [{"item": key, "grade": grade} for key, grade in items.items()]
    found = tuple(_judgment({"item": one} if isinstance(one, str) else one, where) for one in items)
    return JudgedQuery(query, found, synthetic)


def _told(row: object, where: str) -> Judgment:
    kind = row.get("kind") if isinstance(row, dict) else None
    if not isinstance(row, dict) or not isinstance(kind, str) or kind not in GRADES:
        raise CallerError(f"{where}: a feedback is {_short(row)}: its kind must be one of {', '.join(GRADES)}")
    return _judgment({**row, "item": row.get("key"), "grade": GRADES[kind]}, where)


def _judgment(row: object, where: str) -> Judgment:
    item = row.get("item") if isinstance(row, Mapping) else None
    if not isinstance(row, Mapping) or not isinstance(item, str) or not item.strip():
        raise CallerError(f"{where}: the item is {_short(item)}: give an item's key")
    mark = str(row.get("hash") or "")
    _check_characters(item, "item", where)
    _check_characters(mark, "hash", where)
    number: Callable[[str], int | None] = lambda name: (  # noqa: E731
        None if row.get(name) in (None, "") else _whole(row.get(name), name, where)
    )
    start, end, grade = number("start"), number("end"), number("grade")
    if (start is None) != (end is None) or (start is not None and end is not None and start >= end):
        raise CallerError(f"{where}: a span must start before it ends; this one is {start} to {end}")
    return Judgment(item.strip(), 1 if grade is None else grade, start, end, mark)


def _whole(value: object, name: str, where: str) -> int:
    try:
        found = int(str(value))
    except ValueError as error:
        raise CallerError(f"{where}: the {name} {_short(value)} is not a whole number") from error
    if found < 0:
        raise CallerError(f"{where}: the {name} {_short(found)} is below 0")
    most = HIGHEST if name == "grade" else LONGEST_TEXT
    if found > most:
        raise CallerError(f"{where}: the {name} {_short(found)} is too large; the maximum is {most:,}")
    return found


def _checked(query: object, where: str) -> str:
    if not isinstance(query, str) or not query.strip():
        raise CallerError(f"{where}: the query is {_short(query)}: give a text")
    if len(query) > LONGEST:
        raise CallerError(f"{where}: the query has {len(query):,} characters; the limit is {LONGEST:,}")
    _check_characters(query, "query", where)
    return " ".join(query.split())


def _check_characters(text: str, what: str, where: str) -> None:
    """JSON can hold halves of characters and NUL, which neither a search nor a database takes."""
    if not text.isascii() and any("\ud800" <= one <= "\udfff" for one in text):
        raise CallerError(f"{where}: the {what} {_short(text)} contains a lone surrogate")
    if "\0" in text:
        raise CallerError(f"{where}: the {what} {_short(text)} contains a NUL character")


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def segments_of(text: str, language: str) -> Sequence[tuple[str, str]]:
    """Kind and value of each group that the query belongs to: its language, its length, its form."""
    words = text.split()
    length = "1 to 3 words" if len(words) <= 3 else "4 to 8 words" if len(words) <= 8 else "more than 8 words"
    asks = text.rstrip().endswith(("?", "？")) or (words[0].lower() in QUESTION_WORDS if words else False)
    return ("language", language), ("length", length), ("form", "question" if asks else "keywords")
