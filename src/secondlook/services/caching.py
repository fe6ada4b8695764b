"""Answers kept for questions in like words: what they depend on, and when they may be kept."""

import time
import zlib
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, replace
from hashlib import blake2b

from pydantic import TypeAdapter, ValidationError

from secondlook.domain.answer import LEAST, Likeness, Question
from secondlook.domain.candidate import Ranking, Reuse, Step
from secondlook.domain.instance import Instance
from secondlook.domain.options import Generation, Plan
from secondlook.domain.query import Query
from secondlook.errors import BackendError, SecondlookError
from secondlook.ledgers import Answers
from secondlook.ports import Delta, Tools
from secondlook.telemetry import cache_reads

LONGEST_QUESTION = 4096
"""Characters; a longer one is a document, which nobody asks twice, and takes long to compare."""


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer: the ranking, and the pieces of what the model said if it was asked."""

    ranking: Ranking
    deltas: tuple[Delta, ...] = ()


@dataclass(frozen=True, slots=True)
class Slot:
    """Where the answer to a question belongs, and what may be taken from there."""

    question: Question
    query: Query
    least: float
    life: float
    rewritten: bool


CODEC = TypeAdapter(Kept)


class AnswerCache:
    """Kept answers of all instances; whatever fails in here is a miss."""

    def __init__(self, answers: Answers, tools: Tools) -> None:
        self._answers = answers
        self._tools = tools

    async def slot(
        self, instance: Instance, plan: Plan, query: Query, likeness: Likeness, *, generation: Generation | None = None
    ) -> Slot | None:
        """The place of this question's answer.

        None where there is none: its index cannot be read, or the query is a document. Of a truncated one the model
        hears the whole, so that the text searched for does not tell two of them apart.
        """
        if query.truncated or len(query.text) > LONGEST_QUESTION:
            return None
        try:
            state = await self._tools.retriever.read_generation(plan.index)
        except BackendError:
            return None
        told = (plan, generation, _conversation(plan, query, generation), self._models(plan, generation))
        scope = blake2b(repr(told).encode(), digest_size=16).hexdigest()
        question = Question(plan.index, f"{state}/{instance.modified_at}", scope, query.text)
        return Slot(question, query, LEAST[likeness], instance.settings.cache_life, plan.rewriting is not None)

    async def recall(self, slot: Slot) -> Kept | None:
        """The kept answer with a trace and a mark that say so; None is a miss."""
        began = time.perf_counter()
        found = kept = None
        with suppress(BackendError):  # the store tells the log
            found = await self._answers.find(slot.question, least=slot.least, life=slot.life)
            kept = decode(found.content) if found else None
        cache_reads.labels("answers", "hit" if kept else "miss").inc()
        if not found or not kept:
            return None
        ranking = kept.ranking
        note = f"cached {found.age:.0f} s ago for a question with {100 * found.likeness:.0f} % similarity"
        step = Step("cache", (time.perf_counter() - began) * 1000, len(ranking.candidates), note)
        text = ranking.query.text if slot.rewritten else slot.query.text  # never expose another user's wording
        query = replace(slot.query, text=text)
        reuse = Reuse(found.likeness, found.age)
        return replace(kept, ranking=replace(ranking, query=query, trace=(step,), reuse=reuse))

    async def keep(self, slot: Slot, ranking: Ranking, deltas: tuple[Delta, ...] = ()) -> None:
        """Keep a whole answer, unless the index has changed since the question came."""
        if not is_whole(ranking):
            return
        with suppress(BackendError):  # the store tells the log
            state = await self._tools.retriever.read_generation(slot.question.index)
            if slot.question.epoch.partition("/")[0] == str(state):
                await self._answers.keep(slot.question, encode(Kept(ranking, deltas)))

    async def recorded(self, slot: Slot, ranking: Ranking, deltas: AsyncIterator[Delta]) -> AsyncIterator[Delta]:
        """The same pieces; once the model has come to its end, they are kept."""
        said: list[Delta] = []
        async for delta in deltas:
            said.append(delta)
            yield delta
        if said and said[-1].finish_reason == "stop":
            await self.keep(slot, ranking, tuple(said))

    async def forget(self, instance: Instance) -> None:
        """Forget every answer of the instance; raises ``BackendError`` when that cannot be done."""
        await self._answers.forget(instance.uid)

    def _models(self, plan: Plan, generation: Generation | None) -> tuple[str, ...]:
        """The identities of all models that have a part in the answer; another revision answers anew."""
        names = [one.model for one in plan.reranking.cascade] if plan.reranking else []
        if plan.reranking and plan.reranking.multilingual:
            names.append(plan.reranking.multilingual)
        generator = self._tools.generator
        return (
            self._tools.embedder.identity,
            *(self._identity(name) for name in names),
            generator.name(plan.rewriting.model) if plan.rewriting else "",
            generator.name(generation.model) if generation else "",
        )

    def _identity(self, name: str) -> str:
        if not name:
            return self._tools.rerankers.default.identity
        try:
            return self._tools.rerankers.find(name).identity
        except SecondlookError as error:
            return type(error).__name__


def is_whole(ranking: Ranking) -> bool:
    """Whether nothing failed or came late on the way: what is less than whole is not served again."""
    if ranking.receipt.status == "fell_back" or ranking.failures:
        return False
    ran = [one for one in ranking.receipt.stages if one.status != "skipped"]
    late = any(one.status == "fell_back" or one.scored < one.candidates_in for one in ran)
    return not late and not any(step.note.startswith("fell back") for step in ranking.trace)


def encode(kept: Kept) -> bytes:
    """The answer without the conversation, and without what was dropped."""
    ranking = replace(kept.ranking, query=Query(kept.ranking.query.text), trace=(), dropped=())
    return zlib.compress(CODEC.dump_json(replace(kept, ranking=ranking)), 1)


def decode(content: bytes) -> Kept:
    """Raises ``BackendError`` for bytes that no ``encode`` of this release wrote."""
    try:
        return CODEC.validate_json(zlib.decompress(content))
    except (zlib.error, ValidationError) as error:
        raise BackendError(f"could not read a cached answer: {type(error).__name__}") from error


def _conversation(plan: Plan, query: Query, generation: Generation | None) -> tuple[object, ...]:
    """All that was said before the question, if a model will hear it."""
    if generation is None and plan.rewriting is None:
        return ()
    turns = list(query.messages)
    while turns and turns[-1].role != "user":
        turns.pop()
    return (*turns[:-1], *query.messages[len(turns) :])
