"""A cross-encoder: query and passage are read together, and a sigmoid makes the logit a score."""

import math
from collections.abc import Sequence
from typing import Protocol

from secondlook.errors import RerankerError
from secondlook.models.scores import to_units
from secondlook.ports import Passage, ScoreKind, Scores

TEMPLATE = "pair"
"""How query and passage are put together: as the tokenizer's own template for pairs does."""


class PairScorer(Protocol):
    """What gives a logit for a pair: an encoder with a head, or an exported graph."""

    @property
    def identity(self) -> str:
        """Name, revision, runtime, precision."""

    async def score_pairs(self, query: str, passages: Sequence[str], *, max_tokens: int) -> list[tuple[float, bool]]:
        """The logit of each pair, and whether the passage was cut."""

    def close(self) -> None:
        """Stop the workers."""


class CrossEncoder:
    """Any encoder with a one-label classification head.

    Inference runs in worker threads, never on the event loop.
    """

    wants_stored = False
    score_kind: ScoreKind = "logit"

    def __init__(self, encoder: PairScorer, *, max_tokens: int = 512) -> None:
        self._encoder = encoder
        self._max_tokens = max_tokens

    @property
    def identity(self) -> str:
        """Name, revision, runtime, precision, maximum length, template."""
        return f"{self._encoder.identity}/{self._max_tokens}/{TEMPLATE}"

    async def score(self, query: str, passages: Sequence[Passage]) -> Scores:
        """sigmoid(logit) of each pair; the passage is cut where the pair is too long, the query never."""
        texts = [passage.text for passage in passages]
        pairs = await self._encoder.score_pairs(query, texts, max_tokens=self._max_tokens)
        if not all(math.isfinite(logit) for logit, _ in pairs):
            raise RerankerError(f"{self.identity} gave a score that is not a number")
        return Scores(to_units(self.score_kind, [logit for logit, _ in pairs]), sum(cut for _, cut in pairs))

    async def close(self) -> None:
        """Stop the workers."""
        self._encoder.close()
