"""A cross-encoder: query and passage are read together, and a sigmoid makes the logit a score."""

import asyncio
import math
import statistics
from collections.abc import Sequence
from typing import Protocol

from secondlook.domain.options import LongPassages
from secondlook.errors import QueryTooLongError, RerankerError
from secondlook.models.reading import Reader
from secondlook.models.scores import to_units
from secondlook.ports import Passage, ScoreKind, Scores

TEMPLATE = "pair"
"""How query and passage are put together: as the tokenizer's own template for pairs does."""


class PairScorer(Protocol):
    """What gives a logit for a pair: an encoder with a head, or an exported graph."""

    @property
    def identity(self) -> str:
        """Name, revision, runtime, precision."""

    @property
    def reader(self) -> Reader:
        """How it reads texts and pairs."""

    async def score_pairs(self, query: str, passages: Sequence[str], *, max_tokens: int) -> list[tuple[float, bool]]:
        """The logit of each pair, and whether the passage was cut."""

    def close(self) -> None:
        """Stop the workers."""


SPECIAL = 2
"""Special tokens around a text alone, of BERT and XLM-RoBERTa alike; ``Reader.windows`` counts them."""
SPECIAL_PAIR = 4
"""Special tokens of a pair: 3 with BERT, 4 with XLM-RoBERTa."""
LEAST_ROOM = 32
"""Tokens that a query must leave for the passage, or a quarter of what the model reads if that is less."""
BLOCKS = 4
"""A window is four blocks, and the next one begins with the last of them: an overlap of a quarter."""
MOST_WINDOWS = 8


class CrossEncoder:
    """Any encoder with a one-label classification head.

    A passage that is too long is read in windows that overlap; its score is the greatest of
    theirs (``window``) or their mean. Under ``truncate`` its beginning alone is read.
    Inference runs in worker threads, never on the event loop.
    """

    wants_stored = False
    score_kind: ScoreKind = "logit"
    slice_size = 8
    uses_evidence = False

    def __init__(self, encoder: PairScorer, *, max_tokens: int = 512, long_passages: LongPassages = "window") -> None:
        self._encoder = encoder
        self._max_tokens = max_tokens
        self._long_passages = long_passages

    @property
    def identity(self) -> str:
        """Name, revision, runtime, precision, maximum length, template, and how long passages are read."""
        return f"{self._encoder.identity}/{self._max_tokens}/{TEMPLATE}/{self._long_passages}"

    def shortened(self, max_tokens: int) -> "CrossEncoder":
        """The same weights, given pairs of at most that many tokens."""
        most = min(max_tokens, self._max_tokens)
        return CrossEncoder(self._encoder, max_tokens=most, long_passages=self._long_passages)

    async def score(self, query: str, passages: Sequence[Passage]) -> Scores:
        """sigmoid(logit) of each pair; ``truncated`` are those of which even the windows do not reach the end.

        Raises:
            QueryTooLongError: the query leaves no room for a passage; it is never cut.
            RerankerError: a score is no number.
        """
        texts = [passage.text for passage in passages]
        if not texts:
            return Scores(())
        room = self._room(query)
        pairs = await self._infer(query, texts)
        found = [[score] for score, _ in pairs]
        cut = [one for _, one in pairs]
        more: list[tuple[int, str]] = []
        if self._long_passages != "truncate":
            for at in [at for at, one in enumerate(cut) if one]:
                windows = await asyncio.to_thread(self._windows, texts[at], room)
                more += [(at, window) for window in windows[1:MOST_WINDOWS]]
                cut[at] = len(windows) > MOST_WINDOWS
        if more:
            read = await self._infer(query, [window for _, window in more])
            for (at, _), (score, again) in zip(more, read, strict=True):
                found[at].append(score)
                cut[at] = cut[at] or again
        join = statistics.fmean if self._long_passages == "mean" else max
        return Scores(tuple(join(scores) for scores in found), sum(cut), len({at for at, _ in more}))

    def _room(self, query: str) -> int:
        limit = min(self._max_tokens, self._encoder.reader.max_positions)
        asked = self._encoder.reader.count_tokens(query)
        room = limit - SPECIAL_PAIR - asked
        if room < min(LEAST_ROOM, limit // 4):
            raise QueryTooLongError(asked, limit)
        return room

    def _windows(self, text: str, room: int) -> list[str]:
        """The windows of a text, in order; the first one lies within what the pair with the whole text reads."""
        [blocks] = self._encoder.reader.windows([text], max(1, room // BLOCKS) + SPECIAL)
        starts = [at for at in range(0, len(blocks), BLOCKS - 1) if at == 0 or at + 1 < len(blocks)]
        return [text[blocks[at][0] : blocks[min(at + BLOCKS, len(blocks)) - 1][1]] for at in starts]

    async def _infer(self, query: str, texts: Sequence[str]) -> list[tuple[float, bool]]:
        """The score of each pair, and whether the text was cut."""
        pairs = await self._encoder.score_pairs(query, texts, max_tokens=self._max_tokens)
        if not all(math.isfinite(logit) for logit, _ in pairs):
            raise RerankerError(f"{self.identity} gave a score that is not a number", "answer")
        units = to_units(self.score_kind, [logit for logit, _ in pairs])
        return [(score, cut) for score, (_, cut) in zip(units, pairs, strict=True)]

    async def close(self) -> None:
        """Stop the workers."""
        self._encoder.close()
