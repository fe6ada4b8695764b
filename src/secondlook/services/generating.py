"""Answers that are begun, and timed as they are read."""

import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

from secondlook.domain.candidate import Ranking
from secondlook.domain.options import Generation
from secondlook.domain.query import Query
from secondlook.pipeline import answer
from secondlook.ports import Delta, Tools
from secondlook.stages.generate import make_prompt


@dataclass(slots=True)
class Spent:
    """Milliseconds from the first read of an answer's pieces; set while they are read.

    Attributes:
        first: until the first word, or call of a tool; None if none came.
        whole: until the end, or until it broke off; None before.
    """

    first: float | None = None
    whole: float | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """The ranking an answer stands on, the model that writes it, and the pieces as they come.

    ``sent`` are the messages that the model is sent, for a question that is explained.
    """

    ranking: Ranking
    model: str
    deltas: AsyncIterator[Delta]
    sent: tuple[Mapping[str, object], ...] = ()
    spent: Spent = field(default_factory=Spent)


def begin_answer(ranking: Ranking, query: Query, wanted: Generation, tools: Tools, *, explain: bool) -> Answer:
    """The answer to the query, in the words of the original one; the model is asked when the deltas are read."""
    generator = tools.generator
    explained = explain and ranking.candidates
    sent = generator.messages(make_prompt(ranking, query, wanted)) if explained else ()
    spent = Spent()
    deltas = timed(answer(ranking, query, wanted, tools), spent)
    return Answer(ranking, generator.name(wanted.model), deltas, tuple(sent), spent)


async def timed(deltas: AsyncIterator[Delta], spent: Spent) -> AsyncIterator[Delta]:
    """The same pieces; ``spent`` says how long they took."""
    began = time.perf_counter()
    try:
        async for delta in deltas:
            if spent.first is None and (delta.text or delta.tool_calls):
                spent.first = (time.perf_counter() - began) * 1000
            yield delta
    finally:
        spent.whole = (time.perf_counter() - began) * 1000
