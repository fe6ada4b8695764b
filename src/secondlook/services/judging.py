"""A language model that grades passages, and one that asks questions; both are labelled wherever they are used."""

import asyncio
import hashlib
import re
from collections.abc import Sequence

from secondlook.domain.chunk import Chunk
from secondlook.domain.query import Message
from secondlook.domain.replies import plain_reply, without_thoughts
from secondlook.errors import GeneratorError
from secondlook.evaluation.queries import LONGEST, JudgedQuery, Judgment, mark_of
from secondlook.ledgers import LabBook
from secondlook.ports import Generator, Prompt

GRADING = (
    "You grade search results. Given a query and a passage, answer with one digit and nothing else:\n"
    "0: the passage has nothing to do with the query;\n"
    "1: it is about the same matter, and does not answer the query;\n"
    "2: it answers the query in part, or the answer is hidden among other things;\n"
    "3: it answers the query fully and is about it.\n"
    "Judge what the passage says, not how well it is written."
)
ASKING = (
    "Write one question that a person might type into a search box, and that the passage answers. Do not copy its"
    " wording, and do not speak of the passage. Answer with the question alone."
)
VERSION = 2
"""Of the prompts and of how answers are read: grades given under another are not taken for these."""
RELEVANT = 2
"""From which grade a passage answers a query."""
AT_ONCE = 4
ALONE = re.compile(r"[\s*\"'`(\[]*([0-3])[\s*\"'`)\].]*")
"""A digit, and nothing else that says anything."""
NAMED = re.compile(r"\b(?:grade|score|rating)\b[\s*\"'`]*(?::|=|is)[\s*\"'`]*([0-3])(?![\d.,]*\d)", re.IGNORECASE)
"""A digit that is called the grade."""
AGAIN = "Answer with one digit from 0 to 3 and nothing else."


class Judge:
    """Grades from 0 to 3; the same pair is asked once, ever."""

    def __init__(self, generator: Generator, book: LabBook, model: str = "") -> None:
        self._generator = generator
        self._book = book
        self._model = model
        self._places = asyncio.Semaphore(AT_ONCE)

    @property
    def name(self) -> str:
        """The model that grades, and the version of what it is told."""
        return f"{self._generator.name(self._model)}/{VERSION}"

    async def grade_all(self, query: str, passages: Sequence[str]) -> list[int | None]:
        """A grade a passage, in order; None where the model gave none. Raises ``GeneratorError``."""
        return list(await asyncio.gather(*(self.grade(query, one) for one in passages)))

    async def grade(self, query: str, passage: str) -> int | None:
        """0 to 3, None if the model gives none when it is asked a second time either. Raises ``GeneratorError``."""
        mark = hashlib.sha256(f"{query}\0{passage}".encode()).hexdigest()
        known = await self._book.grade(self.name, mark)
        if known is not None:
            return known
        async with self._places:
            text = f"Query: {query}\n\nPassage:\n{passage}\n\nGrade:"
            turns = Message("system", GRADING), Message("user", text)
            said = await _said(self._generator, turns, self._model)
            found = read_grade(said)
            if found is None:
                more = Message("assistant", said), Message("user", AGAIN)
                found = read_grade(await _said(self._generator, (*turns, *more), self._model))
        if found is not None:
            await self._book.keep_grade(self.name, mark, found)
        return found


def read_grade(said: str) -> int | None:
    """The grade that a model's words say: a lone digit, or the last one that they call the grade; None for others.

    The digits of a scale or of a passage are no grade, and neither is a grade that is beyond the scale.
    """
    words = without_thoughts(said)
    if alone := ALONE.fullmatch(words):
        return int(alone[1])
    named = NAMED.findall(words)
    return int(named[-1]) if named else None


async def ask_about(generator: Generator, chunks: Sequence[Chunk], model: str = "") -> list[JudgedQuery]:
    """A question for each chunk that it answers, labelled as made; chunks for which the model has none are left out.

    Raises:
        GeneratorError: the model fails, or there is none that could ask.
    """
    places = asyncio.Semaphore(AT_ONCE)

    async def one(chunk: Chunk) -> JudgedQuery | None:
        async with places:
            turns = (Message("system", ASKING), Message("user", chunk.passage))
            said = plain_reply(await _said(generator, turns, model))
        if not 8 <= len(said) <= LONGEST:
            return None
        span = Judgment(chunk.item_key, 1, chunk.start, chunk.end, mark_of(chunk.text.encode()))
        return JudgedQuery(said, (span,), synthetic=True)

    found = await asyncio.gather(*map(one, chunks))
    return [query for query in found if query]


async def _said(generator: Generator, turns: tuple[Message, ...], model: str) -> str:
    prompt = Prompt(turns, turns[-1].content, (), model, (("temperature", 0),))
    said = "".join([delta.text async for delta in generator.stream(prompt)])
    if not said.strip():
        raise GeneratorError("the language model returned an empty answer: choose another one")
    return said
