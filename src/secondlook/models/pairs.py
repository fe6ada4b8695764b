"""Pairs of query and passage, read by one reader and scored by any runtime, in the workers all models share."""

import os
from collections.abc import Sequence

from secondlook.models.batching import Scheduler, Session
from secondlook.models.reading import Reader


class PairModel:
    """A model in memory. Inference is done by ``scheduler``, or by one of its own with ``threads`` workers."""

    def __init__(
        self, reader: Reader, session: Session, *, threads: int | None = None, scheduler: Scheduler | None = None
    ) -> None:
        self.reader = reader
        self._session = session
        self._own = scheduler is None
        self._scheduler = scheduler or Scheduler(threads or os.cpu_count() or 1)

    async def score_pairs(
        self, query: str, passages: Sequence[str], *, max_tokens: int = 512
    ) -> list[tuple[float, bool]]:
        """The first logit of each pair, and whether the passage was cut; the query never is.

        Raises:
            QueryTooLongError: the query leaves no room for a passage.
            OverloadedError: too much work waits.
        """
        self._scheduler.admit("passage")
        asked = await self._scheduler.read(lambda: self.reader.ask(query, max_tokens))
        rows = await self._scheduler.read_in_turns(lambda some: self.reader.pair(asked, some), passages)
        logits = await self._scheduler.infer(
            self._session,
            [ids for ids, _, _ in rows],
            [types for _, types, _ in rows],
            finish=lambda place, out: float(out[0]),
        )
        return list(zip(logits, (cut for _, _, cut in rows), strict=True))

    def close(self) -> None:
        """Stop the workers, if they are this model's own."""
        if self._own:
            self._scheduler.close()
