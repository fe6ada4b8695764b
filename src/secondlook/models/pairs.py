"""Pairs of query and passage, read by one reader and scored by any runtime, in the workers all models share."""

from collections.abc import Sequence

from secondlook.models.batching import Scheduler, Session
from secondlook.models.reading import Reader


async def score_pairs(
    reader: Reader, session: Session, scheduler: Scheduler, query: str, passages: Sequence[str], *, max_tokens: int
) -> list[tuple[float, bool]]:
    """The first logit of each pair, and whether the passage was cut; the query never is.

    Raises:
        QueryTooLongError: the query leaves no room for a passage.
        OverloadedError: too much work waits.
    """
    scheduler.admit("passage")
    asked = await scheduler.read(lambda: reader.ask(query, max_tokens))
    rows = await scheduler.read_each(lambda passage: reader.pair(asked, passage), passages)
    logits = await scheduler.infer(
        session,
        [ids for ids, _, _ in rows],
        [types for _, types, _ in rows],
        finish=lambda place, out: float(out[0]),
    )
    return list(zip(logits, (cut for _, _, cut in rows), strict=True))
