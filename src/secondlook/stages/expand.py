"""Widen each result by the chunks around it."""

from collections.abc import Sequence
from dataclasses import replace

from secondlook.domain.candidate import Ranking, Step
from secondlook.domain.chunk import Chunk
from secondlook.ports import Retriever
from secondlook.telemetry import Stopwatch


async def expand_candidates(ranking: Ranking, index: str, expand_by: int, retriever: Retriever) -> Ranking:
    """Each candidate's text with its neighbours' of the same item; scores and order stay."""
    with Stopwatch("expand") as watch:
        expanded = [
            replace(
                candidate,
                chunk=join_chunks(candidate.chunk, await retriever.fetch_neighbours(index, candidate.chunk, expand_by)),
            )
            for candidate in ranking.candidates
        ]
    return ranking.kept(expanded).noted(Step("expand", watch.milliseconds, len(expanded)))


def join_chunks(chunk: Chunk, neighbours: Sequence[Chunk]) -> Chunk:
    """One chunk that spans the neighbours, which come in order: a stretch of the document.

    Bytes that overlap count once. What stood between chunks of an earlier release was not kept: a line end takes the
    place of one character, and an empty line that of more.
    """
    if not neighbours:
        return chunk
    text, end = b"", neighbours[0].start
    for one in neighbours:
        content = one.text.encode()
        overlap = max(0, end - one.start)
        if text and one.start > end:
            text += (one.gap if one.gap is not None else "\n" if one.start == end + 1 else "\n\n").encode()
        text += content[overlap:]
        end = max(end, one.end)
    return replace(chunk, text=text.decode(errors="ignore"), start=neighbours[0].start, end=end)
