"""Rewrite the query so that it stands alone."""

from dataclasses import replace

from secondlook.domain.candidate import Ranking, Step
from secondlook.domain.options import Rewriting
from secondlook.domain.query import Message
from secondlook.domain.replies import plain_reply
from secondlook.errors import GeneratorError
from secondlook.ports import Generator, Prompt
from secondlook.telemetry import Stopwatch

PROMPT = (
    "Rewrite the user's last question as one search query that can be understood without the conversation."
    " Keep names, numbers and codes as they are. Answer with the query alone."
)
LONGEST = 500


async def rewrite_query(ranking: Ranking, options: Rewriting, generator: Generator) -> Ranking:
    """The ranking with its query's text rewritten; a model that fails leaves the query as it is.

    The first message of a conversation stands alone already and is not rewritten. The model
    sees what user and assistant said; system messages and calls of tools are for the answer.
    """
    query, note = ranking.query, ""
    if sum(turn.role in ("user", "assistant") for turn in query.messages) == 1:
        return ranking.noted(Step("rewrite", 0.0, 0, "the first message stays as it is"))
    with Stopwatch("rewrite") as watch:
        said = [turn for turn in query.messages if turn.role in ("user", "assistant") and turn.content]
        turns = [Message(turn.role, turn.content) for turn in said] or [Message("user", query.text)]
        prompt = Prompt((Message("system", options.prompt or PROMPT), *turns), query.text, (), options.model)
        try:
            pieces = [delta.text async for delta in generator.stream(prompt)]
        except GeneratorError as error:
            note = f"fell back to the query as given: {error}"
        else:
            text = plain_reply("".join(pieces))
            if text and len(text) <= LONGEST:
                query = replace(query, text=text)
            else:
                note = "fell back to the query as given: the model gave no usable query"
    return replace(ranking, query=query).noted(Step("rewrite", watch.milliseconds, 0, note))
