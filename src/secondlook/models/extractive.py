"""Answers made of sentences that stand in the chunks: nothing is invented."""

import math
import re
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from secondlook.domain.chunk import Chunk
from secondlook.errors import GeneratorError
from secondlook.ports import Delta, Prompt

NAME = "secondlook/extractive"
MOST_SENTENCES = 3
RANK_PRIOR = 0.85
"""Each place further down the ranking weighs a sentence by this factor."""

SENTENCE_END = re.compile(r"(?<=[.!?])[\"')\]]*\s+(?=[\"'(\[]?[A-Z0-9])")
ABBREVIATION = re.compile(r"(?:\b(?:e\.g|i\.e|etc|vs|cf|Dr|Mr|Mrs|Ms|No|Fig|approx|St)|(?<!°)\b[A-Z])\.$")
MARKS = re.compile(r"^\s*(?:#{1,6}\s+|[-*+]\s+|\d+[.)]\s+|>\s+)")
WORD = re.compile(r"\w+")
STOP = frozenset(
    (
        "a an and are as at be but by can do does for from how i if in is it its me my of on or our should so "
        "that the their them then there these they this to was we were what when where which who why will "
        "with you your"
    ).split()
)


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence as it stands in a chunk, without list and heading marks."""

    text: str
    key: str
    rank: int
    stems: frozenset[str]


class ExtractiveGenerator:
    """The built-in generator: the best sentences of the best chunks, each with its citation."""

    def name(self, asked: str) -> str:
        """Always itself: a language model is not there to be asked."""
        return NAME

    async def stream(self, prompt: Prompt) -> AsyncIterator[Delta]:
        """One delta a sentence, then the end with word counts as usage.

        Raises:
            GeneratorError: there are no chunks, as when a query is to be rewritten: it can only quote.
        """
        if not prompt.chunks:
            raise GeneratorError("the extractive generator only quotes: set SECONDLOOK_LLM_URL to a language model")
        chosen = choose_sentences(prompt.question, prompt.chunks)
        text = "Nothing in the documents answers this question."
        if chosen:
            text = ""
            for place, sentence in enumerate(chosen):
                piece = f"{' ' if place else ''}{sentence.text} [{sentence.key}]"
                text += piece
                yield Delta(piece)
        else:
            yield Delta(text)
        read = sum(len(chunk.text.split()) for chunk in prompt.chunks) + len(prompt.question.split())
        yield Delta("", "stop", read, len(text.split()))


def choose_sentences(question: str, chunks: Sequence[Chunk]) -> list[Sentence]:
    """At most ``MOST_SENTENCES``, best first.

    score = sum of idf over the question's stems in the sentence, over the square root of
    its length, times 0.85 to the power of the chunk's rank - 1; idf counts sentences.
    A sentence that repeats most of a chosen one is left out.
    """
    sentences = [one for rank, chunk in enumerate(chunks) for one in split_sentences(chunk, rank)]
    counts = Counter(stem for one in sentences for stem in one.stems)
    wanted = _stems(question)

    def score(one: Sentence) -> float:
        shared = sum(math.log(1 + len(sentences) / counts[stem]) for stem in wanted & one.stems)
        return shared / math.sqrt(8 + len(one.stems)) * float(RANK_PRIOR**one.rank)

    chosen: list[Sentence] = []
    best = 0.0
    for one in sorted(sentences, key=score, reverse=True):
        best = best or score(one)
        if len(chosen) == MOST_SENTENCES or not score(one) or score(one) < best / 2:
            break
        if all(len(one.stems & other.stems) < 0.7 * min(len(one.stems), len(other.stems)) for other in chosen):
            chosen.append(one)
    return chosen


def split_sentences(chunk: Chunk, rank: int) -> list[Sentence]:
    """The chunk's sentences; headings, tables and code are no sentences."""
    found = []
    fenced = False
    for block in re.split(r"\n\s*\n|\n(?=\s*(?:[-*+]|\d+[.)]|#{1,6}|>|\|)\s)|\n(?=```)", chunk.text):
        fenced ^= block.count("```") % 2 == 1
        if fenced or "```" in block or block.lstrip().startswith(("#", "|")):
            continue
        for text in _sentences(MARKS.sub("", " ".join(block.split()))):
            stems = _stems(text)
            if len(stems) >= 3:
                found.append(Sentence(text, chunk.item_key, rank, frozenset(stems)))
    return found


def _sentences(text: str) -> list[str]:
    parts: list[str] = []
    for piece in SENTENCE_END.split(text):
        if parts and ABBREVIATION.search(parts[-1]):
            parts[-1] += " " + piece
        else:
            parts.append(piece)
    return [part.strip() for part in parts if part.strip()]


def _stems(text: str) -> set[str]:
    """Content words without their commonest endings."""
    words = (word for word in WORD.findall(text.lower()) if word not in STOP)
    return {re.sub(r"(?:ing|ed|es|s)$", "", word) if len(word) > 4 else word for word in words}
