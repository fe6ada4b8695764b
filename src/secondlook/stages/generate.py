"""Answer from the ranking."""

import time
from collections.abc import AsyncIterator

from secondlook.domain.candidate import Ranking
from secondlook.domain.options import Generation
from secondlook.domain.query import Message, Query
from secondlook.ports import Delta, Generator, Prompt
from secondlook.telemetry import record_span

NOTHING_FOUND = "Nothing was found in the documents for this question."
NO_EVIDENCE = "No passage found for this question was relevant enough to answer it."
SEARCH_FAILED = "The documents could not be searched, so this question cannot be answered right now."


async def generate_answer(
    ranking: Ranking, query: Query, options: Generation, generator: Generator
) -> AsyncIterator[Delta]:
    """The answer's pieces; with no candidates the model is not called and the answer says why."""
    if not ranking.candidates:
        nothing = NO_EVIDENCE if ranking.receipt.below else NOTHING_FOUND
        yield Delta(SEARCH_FAILED if ranking.failures else nothing, "stop")
        return
    prompt = make_prompt(ranking, query, options)
    began, pieces = time.time_ns(), 0
    try:
        async for delta in generator.stream(prompt):
            pieces += 1
            yield delta
    finally:
        record_span("generate", began, time.time_ns(), chunks=len(prompt.chunks), pieces=pieces)


def make_prompt(ranking: Ranking, query: Query, options: Generation) -> Prompt:
    """What the generator is given: the conversation under its system prompt, and the chunks of the ranking."""
    turns = query.messages or (Message("user", query.text),)
    if options.system_prompt and not any(turn.role == "system" for turn in turns):
        turns = (Message("system", options.system_prompt), *turns)
    chunks = tuple(candidate.chunk for candidate in ranking.candidates)
    return Prompt(turns, query.text, chunks, options.model, options.forwarded)
