"""Answers made of excerpts that stand in the chunks: nothing is invented, and nothing is stitched together."""

import math
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace

from secondlook.domain.analysers import Term, analyse, find_terms
from secondlook.domain.chunk import Chunk
from secondlook.domain.instance import Analyser
from secondlook.domain.language import UNKNOWN, detect_language
from secondlook.errors import GeneratorError
from secondlook.models.excerpts import Excerpt, find_excerpts, is_question
from secondlook.ports import Delta, Prompt

NAME = "secondlook/extractive"
FORM = 2
"""Rises when the form of the answers changes, so that cached answers of the earlier form are not served."""
EXCERPTS = "No language model is connected; these are excerpts from the documents."
NOTHING = "No language model is connected, and nothing was found that clearly answers this question."
CLOSEST = f"{NOTHING} The closest passage:"
MOST_EXCERPTS = 3
RANK_PRIOR = 0.85
"""Each place further down the ranking weighs an excerpt by this factor."""
ABOVE = 0.6
"""Weight of a word that only the heading, the document's title or the lead-in of a list holds."""
ASKED = 0.9
"""Weight of a word that only the question above an excerpt holds."""
DISTANCE = 0.8
"""Each excerpt further below its heading or question weighs the words of these by this factor."""
LEAST_COVERED = 0.3
"""Share of the question's terms, by their weight, that an excerpt and what stands above it must exceed."""
LEAST_COVERED_OF_FEW = 0.5
"""The same for a question of at most ``FEW`` terms."""
FEW = 3
GRAM = 2
"""Letters of a term in scripts that put no spaces between words."""
READ_FOR_LANGUAGE = 2000
"""Characters of the chunks that tell the language of a question too short to tell its own."""
ANALYSERS: Mapping[str, Analyser] = {
    "ar": "arabic", "de": "german", "el": "greek", "en": "english", "es": "spanish", "fr": "french", "hi": "hindi",
    "it": "italian", "ja": "cjk", "ko": "cjk", "nl": "dutch", "pl": "polish", "pt": "portuguese", "ru": "russian",
    "uk": "simple", "zh": "cjk",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Quote:
    """An excerpt of a chunk, with its score for the question."""

    excerpt: Excerpt
    chunk: Chunk
    score: float

    @property
    def lines(self) -> str:
        """As a quotation in Markdown."""
        text = "\n".join(filter(None, (self.excerpt.header, self.excerpt.text)))
        if self.excerpt.code:
            text = f"```\n{text}\n```"
        return "\n".join(f"> {line}".rstrip() for line in text.split("\n"))


@dataclass(frozen=True, slots=True)
class _Read:
    """An excerpt with the terms of it, of what stands above, and of the question it follows."""

    excerpt: Excerpt
    chunk: Chunk
    rank: int
    own: frozenset[str]
    above: frozenset[str]
    asked: frozenset[str]


class ExtractiveGenerator:
    """The built-in generator: the best excerpts of the best chunks, each under the name of its document."""

    def name(self, asked: str) -> str:
        """Always itself: there is no language model to ask."""
        return NAME

    def messages(self, prompt: Prompt) -> Sequence[Mapping[str, object]]:
        """None: nothing is sent anywhere."""
        return ()

    async def stream(self, prompt: Prompt) -> AsyncIterator[Delta]:
        """A line that says what this is, one delta a document, then the end with word counts as usage.

        Raises:
            GeneratorError: there are no chunks, as when a query is to be rewritten: it can only quote.
        """
        if not prompt.chunks:
            raise GeneratorError("the extractive generator only quotes: set SECONDLOOK_LLM_URL to a language model")
        written = 0
        for piece in write_answer(prompt.question, prompt.chunks):
            written += len(piece.split())
            yield Delta(piece)
        read = sum(len(chunk.text.split()) for chunk in prompt.chunks) + len(prompt.question.split())
        yield Delta("", "stop", read, written)


def write_answer(question: str, chunks: Sequence[Chunk]) -> list[str]:
    """The pieces of the answer: what it is, then each document with its quotations."""
    found = choose_excerpts(question, chunks)
    head = EXCERPTS
    if not found:
        closest = find_closest(question, chunks)
        head, found = (CLOSEST, [closest]) if closest else (NOTHING, [])
    by_key: dict[str, list[Quote]] = {}
    for one in found:
        by_key.setdefault(one.chunk.item_key, []).append(one)
    quoted = ["\n\n".join((f"\n\nFrom {key}:", *(one.lines for one in quotes))) for key, quotes in by_key.items()]
    return [head, *quoted]


def choose_excerpts(question: str, chunks: Sequence[Chunk]) -> list[Quote]:
    """At most ``MOST_EXCERPTS`` that answer the question, best first; none if the best covers too little of it.

    score = sum of idf over the question's terms in the excerpt, over the square root of
    its length, times 0.85 to the power of the chunk's rank - 1; idf counts excerpts. Terms
    that only stand above the excerpt count less, the less the further above. Left out are
    excerpts below half of the best, and those that repeat a chosen one.
    """
    judge = _Judge(question, chunks)
    ordered = sorted(judge.read, key=judge.score, reverse=True)
    if not ordered or not judge.accepts(ordered[0]):
        return []
    best = judge.score(ordered[0])
    chosen: list[_Read] = []
    for one in ordered:
        if len(chosen) == MOST_EXCERPTS or judge.score(one) < best / 2:
            break
        if judge.accepts(one) and not any(_repeats(one, other) for other in chosen):
            chosen.append(one)
    return [Quote(one.excerpt, one.chunk, judge.score(one)) for one in chosen]


def find_closest(question: str, chunks: Sequence[Chunk]) -> Quote | None:
    """The best excerpt of the first chunk that has any."""
    judge = _Judge(question, chunks)
    first = min((one.rank for one in judge.read), default=None)
    there = [one for one in judge.read if one.rank == first]
    best = max(there, key=judge.score, default=None)  # the first of equals
    return Quote(best.excerpt, best.chunk, judge.score(best)) if best else None


def analyser_for(question: str, chunks: Sequence[Chunk]) -> Analyser:
    """By the language of the question, or of the chunks where the question is too short to tell."""
    language = detect_language(question)
    if language == UNKNOWN:
        language = detect_language(" ".join(chunk.text for chunk in chunks)[:READ_FOR_LANGUAGE])
    return ANALYSERS.get(language, "english")


class _Judge:
    """What a question asks for, and how much of it an excerpt holds."""

    def __init__(self, question: str, chunks: Sequence[Chunk]) -> None:
        self._analyser = analyser_for(question, chunks)
        told = [(rank, chunk, one) for rank, chunk in enumerate(chunks) for one in find_excerpts(chunk)]
        if not any(one.quotable for _, _, one in told):  # a heading alone says more than nothing
            told = [(rank, chunk, replace(one, quotable=not is_question(one.text))) for rank, chunk, one in told]
        self.read = [self._take(one, chunk, rank) for rank, chunk, one in told if one.quotable]
        counts = Counter(term for one in self.read for term in one.own)
        known = set(counts).union(*(one.above | one.asked for one in self.read))
        self._wanted: dict[frozenset[str], float] = {}
        for term in find_terms(question, self._analyser, GRAM):
            meant = _meant(term, known)
            number = max((counts[one] for one in meant), default=0)
            self._wanted[meant or frozenset((term.text,))] = math.log(1 + max(1, len(self.read)) / max(1, number))

    def score(self, one: _Read) -> float:
        """How well the excerpt answers; 0 if no term of the question is in it or above it."""
        held = sum(weight * self._share(terms, one) for terms, weight in self._wanted.items())
        return held / math.sqrt(8 + len(one.own)) * float(RANK_PRIOR**one.rank)

    def accepts(self, one: _Read) -> bool:
        """Whether the excerpt and what stands above it hold enough of the question's terms, by weight."""
        around = one.own | one.above | one.asked
        held = sum(weight for terms, weight in self._wanted.items() if terms & around)
        least = LEAST_COVERED_OF_FEW if len(self._wanted) <= FEW else LEAST_COVERED
        return held > least * sum(self._wanted.values())

    def _share(self, terms: frozenset[str], one: _Read) -> float:
        if terms & one.own:
            return 1.0
        near = float(DISTANCE**one.excerpt.distance)
        return ASKED * near if terms & one.asked else ABOVE * near if terms & one.above else 0.0

    def _take(self, one: Excerpt, chunk: Chunk, rank: int) -> _Read:
        return _Read(one, chunk, rank, self._terms(one.text), self._terms(one.context), self._terms(one.asked))

    def _terms(self, text: str) -> frozenset[str]:
        return frozenset(analyse(text, self._analyser, GRAM).split())


def _meant(term: Term, known: set[str]) -> frozenset[str]:
    """The known terms that the question's term stands for."""
    if term.prefix:
        return frozenset(one for one in known if one.startswith(term.text))
    return frozenset((term.text,))


def _repeats(one: _Read, other: _Read) -> bool:
    """Whether both say much the same, or are one stretch of text."""
    first, second = one.excerpt, other.excerpt
    if one.chunk.id == other.chunk.id and first.start < second.end and second.start < first.end:
        return True
    return len(one.own & other.own) >= 0.7 * min(len(one.own), len(other.own))
