"""Passages that repeat the query and add nothing: how to tell them."""

import re

from secondlook.domain.analysers import RUN, analyse
from secondlook.domain.chunk import Chunk
from secondlook.domain.stop_words import STOP_STRETCHES

SHARE = (0.8, 1.0)
"""From which share of a passage's words that are the query's it is an echo, and from which one wholly."""
ASKED_SHARE = (0.5, 0.8)
"""The same of words that stand in questions like the query, the rest being a greeting or a thank-you."""
COVERAGE = (0.5, 0.8)
"""From which share of the query's words that the passage holds it is an echo, and from which one wholly."""
SAME_QUESTION = 0.7
"""Share of a question's words that are the query's, from which on the question is the query in other words."""
FEWEST_WORDS = 3
"""A shorter query is looked up, not asked: its own words alone can be what was searched for."""
OPENERS = frozenset(
    (
        "how what when where which who whom whose why is are was were do does did can could should would will may must"
        " wie was wann wo welche welcher welches wer wen wem warum wieso weshalb woher wohin ist sind kann darf muss"
        " comment quand où quel quelle quels quelles qui pourquoi combien puis peut"
        " cómo qué cuándo dónde cuál cuáles quién cuánto puedo come cosa quando dove quale chi perché quanto posso"
        " como onde qual quem porque hoe wat wanneer waar welke waarom hur vad när var vilken vem varför hvordan hvad"
        " hva hvornår hvorfor jak co kiedy gdzie dlaczego как что когда где кто почему какой можно nasıl ne neden"
    ).split()
)
"""First words of questions."""
SPEAKERS = frozenset(
    "i my me we our you your ich mein meine wir je mon nous mi mio miei meu minha ik mijn jag min".split()
)
"""Words of somebody who tells of himself, which titles and names seldom hold."""
REPETITIONS = 1.8
"""How many times as long as the query a passage of its words is, at least, that repeats it."""
SENTENCE = re.compile(r"[^.!?。！？؟\n]+[.!?。！？؟]?")
QUESTION_MARKS = ("?", "？", "؟")
QUICK_LOOK = 600
"""Characters of a passage."""
WORDS = re.compile(r"\w+")


class Echoes:
    """Tells passages that echo one query.

    Where a person asks or tells something, a passage in the same words answers nothing. Where the query is a name or a
    title, that may be the whole text of what is searched for, as a product's name is: there only a passage that says
    it again and again is an echo. A passage that is its document's heading or file name is a title, never an echo.
    """

    def __init__(self, query: str) -> None:
        self._words = frozenset(_words(query))
        self._plain = frozenset(WORDS.findall(query.lower()))
        self._spaceless = bool(RUN.search(query))
        self._asks = len(self._words) >= FEWEST_WORDS and is_sentence(query)

    def find(self, chunk: Chunk) -> float:
        """How much the passage is an echo, from 0 to 1."""
        text = chunk.text
        if len(self._words) < FEWEST_WORDS or not self._may_echo(text):
            return 0.0
        said = [(_words(one), one.endswith(QUESTION_MARKS)) for one in SENTENCE.findall(text)]
        total = sum(len(words) for words, _ in said)
        repeated = total >= REPETITIONS * len(self._words)
        if not total or not (self._asks or repeated) or _is_title(chunk):
            return 0.0
        same = [sum(map(self._words.__contains__, words)) for words, _ in said]
        asked = sum(
            len(words)
            for (words, is_question), count in zip(said, same, strict=True)
            if is_question and count >= SAME_QUESTION * len(words)
        )
        held = self._words.intersection(word for words, _ in said for word in words)
        share = max(_ramp(sum(same) / total, SHARE), _ramp(asked / total, ASKED_SHARE))
        return share * _ramp(len(held) / len(self._words), COVERAGE)

    def _may_echo(self, text: str) -> bool:
        """A quick look at the beginning, which rules nearly all passages out: is enough of it the query's words?"""
        if self._spaceless:
            return True
        start = text[:QUICK_LOOK]
        least = SAME_QUESTION * ASKED_SHARE[0] if any(mark in start for mark in QUESTION_MARKS) else SHARE[0]
        found = WORDS.findall(start.lower())
        return sum(map(self._plain.__contains__, found)) >= least * len(found)


def is_sentence(query: str) -> bool:
    """Whether a query asks or tells something, as people do each other, rather than naming what is looked for."""
    if any(mark in query for mark in (*QUESTION_MARKS, *STOP_STRETCHES)):
        return True
    words = WORDS.findall(query.casefold())
    return words[:1] != [] and (words[0] in OPENERS or not SPEAKERS.isdisjoint(words))


def _is_title(chunk: Chunk) -> bool:
    text = chunk.text.strip()
    if "\n" in text:
        return False
    stem = chunk.item_key.rpartition("/")[2].rpartition(".")[0]
    return text.startswith("#") or (bool(stem) and _words(stem) == _words(text))


def _words(text: str) -> list[str]:
    return analyse(text, "simple", 2).split()


def _ramp(value: float, ends: tuple[float, float]) -> float:
    least, most = ends
    return min(1.0, max(0.0, (value - least) / (most - least)))
