"""Name the sentence of each result that carries its relevance."""

import asyncio
import re
from dataclasses import replace

from secondlook.domain.candidate import Candidate, Ranking, Step
from secondlook.domain.options import Plan
from secondlook.ports import Passage, Tools
from secondlook.telemetry import Stopwatch, tenant

RESULTS = 10
SENTENCES = 20
"""Read of each result at most."""
PATIENCE = 10.0
"""Seconds; an explanation may take longer than the search, but not for ever."""
BORDER = re.compile(r"(?<=[.!?…])\s+|(?<=[。！？])|\n+")


async def find_sentences(ranking: Ranking, plan: Plan, tools: Tools) -> Ranking:
    """The first results with the sentence that the reranker scores highest when it reads each alone.

    It is the reranker that made the order, and it is given the same evidence with each
    sentence. Without a rerank, or when it fails now, no sentence is named and nothing
    else changes.
    """
    line = ranking.receipt.last
    if line is None:
        return ranking
    note = ""
    with Stopwatch("explain") as watch:
        head = [one for one in ranking.candidates[:RESULTS] if one.evidence.relevance is not None]
        read = [(one, text) for one in head for text in split_sentences(one.chunk.text)[:SENTENCES]]
        token = tenant.set(plan.index)
        try:
            reranker = tools.rerankers.find(line.served) if line.served else tools.rerankers.default
            async with asyncio.timeout(PATIENCE):
                passages = [Passage(text, None, one.evidence) for one, text in read]
                values = (await reranker.score(ranking.query.text, passages)).values
            best = _best(read, values)
        except Exception as error:  # whatever a model throws must not fail a search
            best, note = {}, f"no sentences: {str(error) or type(error).__name__}"
        finally:
            tenant.reset(token)
        told = ranking.kept(_told(one, best) for one in ranking.candidates)
    return told.noted(Step("explain", watch.milliseconds, len(told.candidates), note))


def split_sentences(text: str) -> list[str]:
    """The sentences of a text, in order; lines end them too."""
    return [one.strip() for one in BORDER.split(text) if one.strip()]


def _best(read: list[tuple[Candidate, str]], values: tuple[float, ...]) -> dict[str, tuple[float, str]]:
    """Score and text of the best sentence, the first of equals, by chunk."""
    best: dict[str, tuple[float, str]] = {}
    for (one, text), value in zip(read, values, strict=True):
        if one.chunk.id not in best or value > best[one.chunk.id][0]:
            best[one.chunk.id] = value, text
    return best


def _told(candidate: Candidate, best: dict[str, tuple[float, str]]) -> Candidate:
    if candidate.chunk.id not in best:
        return candidate
    value, text = best[candidate.chunk.id]
    return replace(candidate, evidence=replace(candidate.evidence, sentence=text, sentence_relevance=value))
