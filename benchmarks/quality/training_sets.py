"""Judged queries to learn the reranker from: headings and sentences of documentation, and SciFact's train split.

Nothing here reads a test query. Each set becomes one folder in BEIR layout.
"""

import json
import random
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

HEADING = re.compile(r"^(#{1,4}) +(.+?)#* *$")
FENCE = re.compile(r"^ *(```|~~~)")
SENTENCE = re.compile(r"(?<=[.!?]) +(?=[A-Z])")
LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)|\{[:%{ ]+[^}]*\}+|[`*_|]|<[^>]*>")
DULL = frozenset(
    "introduction overview summary example examples usage note notes prerequisites next steps see also conclusion"
    " limitations parameters request response fields syntax options settings configuration description".split()
)
MIN_BODY, MAX_BODY = 200, 4000


@dataclass(frozen=True)
class Section:
    """The text under a heading, without the heading itself."""

    key: str
    title: str
    heading: str
    body: str


def read_sections(corpus: Path) -> Iterator[Section]:
    """The sections of every page that have enough text to be an answer."""
    for line in corpus.read_text(encoding="utf-8").splitlines():
        page = json.loads(line)
        for number, (heading, body) in enumerate(split_page(page["text"])):
            text = body.strip()
            if len(text) >= MIN_BODY:
                yield Section(f"{page['_id']}#{number}", page["title"], heading, text[:MAX_BODY])


def split_page(text: str) -> Iterator[tuple[str, str]]:
    """Headings with the text below each; what stands in code fences is text."""
    heading, lines, fenced = "", [], False
    for line in text.splitlines():
        fenced ^= bool(FENCE.match(line))
        found = None if fenced else HEADING.match(line)
        if found:
            yield heading, "\n".join(lines)
            heading, lines = plain(found.group(2)), []
        else:
            lines.append(line)
    yield heading, "\n".join(lines)


def plain(text: str) -> str:
    """The words of a line of Markdown."""
    return " ".join(LINK.sub(r" \1 ", text).split())


def ask_heading(section: Section) -> str:
    """The heading as a query, with the page's title where the heading alone says little; empty if neither says much."""
    words = section.heading.lower().split()
    if len(words) >= 3 and not set(words) <= DULL:
        return section.heading
    joined = f"{section.title} {section.heading}".strip()
    return joined if len(words) >= 1 and len(joined.split()) >= 3 and section.title != section.heading else ""


def take_sentence(section: Section, chance: random.Random) -> tuple[str, str]:
    """A sentence of the body as a query, and the body without it; empty if none is fit."""
    found = [one.strip() for one in SENTENCE.split(section.body)]
    fit = [one for one in found if 6 <= len(plain(one).split()) <= 25 and "\n" not in one and one[:1].isalpha()]
    if len(found) < 4 or not fit:
        return "", section.body
    chosen = chance.choice(fit)
    return plain(chosen), section.body.replace(chosen, "", 1)


def write_sections(sources: list[Path], folder: Path) -> None:
    """Sections with their headings, and of three in four one query, of three kinds in turn.

    ``h``: the heading, which is taken out of this one passage. ``s``: a sentence, taken out
    too. ``k``: the longest words of a sentence that is taken out. The passages that compete
    keep their headings, as in a real corpus, so that a heading alone wins nothing.
    """
    chance = random.Random(7)
    documents, queries, judgments = [], [], []
    for source in sources:
        for count, section in enumerate(read_sections(source / "corpus.jsonl")):
            key = f"{source.name}/{section.key}"
            kind = ("h", "s", "k", "")[count % 4]
            text, body = "", f"{section.heading}\n{section.body}".strip()
            if kind == "h" and (text := ask_heading(section)):
                body = section.body
            elif kind in ("s", "k"):
                sentence, rest = take_sentence(section, chance)
                body = f"{section.heading}\n{rest}".strip()
                text = sentence if kind == "s" or not sentence else shorten(sentence)
            documents.append({"_id": key, "title": section.title, "text": body})
            if text:
                queries.append({"_id": f"{kind}:{key}", "text": text})
                judgments.append(f"{kind}:{key}\t{key}\t1")
    write_set(folder, documents, queries, judgments)


def write_topics(source: Path, folder: Path, most: int) -> None:
    """Pages as topics: the first sentence is the query, and every other section, its title hidden, is relevant."""
    pages: dict[str, list[Section]] = {}
    for section in read_sections(source / "corpus.jsonl"):
        pages.setdefault(section.key.rsplit("#", 1)[0], []).append(section)
    documents, queries, judgments = [], [], []
    many = sorted((key for key, found in pages.items() if len(found) >= 4), key=lambda key: zlib.crc32(key.encode()))
    for key in many[:most]:
        first, *rest = pages[key]
        sentence = plain(SENTENCE.split(first.body.strip().split("\n")[0])[0])
        if 6 <= len(sentence.split()) <= 30:
            queries.append({"_id": f"t:{key}#", "text": sentence})
            judgments += [f"t:{key}#\t{section.key}\t1" for section in rest]
        documents += [{"_id": one.key, "title": "", "text": f"{one.heading}\n{one.body}"} for one in rest]
    write_set(folder, documents, queries, judgments)


def shorten(sentence: str, most: int = 5) -> str:
    """The longest words, as one types into a search box."""
    words = [word.strip(".,;:()\"'").lower() for word in sentence.split()]
    longest = set(sorted(words, key=len)[-most:])
    return " ".join(dict.fromkeys(word for word in words if word in longest))


def write_set(folder: Path, documents: list[dict[str, str]], queries: list[dict[str, str]], judged: list[str]) -> None:
    """One BEIR folder."""
    (folder / "qrels").mkdir(parents=True, exist_ok=True)
    for name, rows in (("corpus", documents), ("queries", queries)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    (folder / "qrels" / "train.tsv").write_text(
        "query-id\tcorpus-id\tscore\n" + "".join(line + "\n" for line in judged), encoding="utf-8"
    )
