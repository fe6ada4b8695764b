"""A cross-encoder: query and passage are read together, and a sigmoid makes the logit a score."""

import math
from collections.abc import Sequence

from secondlook.errors import RerankerError
from secondlook.models.encoder import Encoder
from secondlook.ports import Passage, Scores


class CrossEncoder:
    """Any BERT or XLM-RoBERTa encoder with a one-label classification head.

    Inference runs in worker threads, never on the event loop.
    """

    wants_stored = False

    def __init__(self, encoder: Encoder, *, max_tokens: int = 512) -> None:
        self._encoder = encoder
        self._max_tokens = max_tokens

    @property
    def identity(self) -> str:
        """Name, revision, runtime, precision, maximum length."""
        return f"{self._encoder.identity}/{self._max_tokens}"

    async def score(self, query: str, passages: Sequence[Passage]) -> Scores:
        """sigmoid(logit) of each pair; the passage is cut where the pair is too long, the query never."""
        texts = [passage.text for passage in passages]
        pairs = await self._encoder.score_pairs(query, texts, max_tokens=self._max_tokens)
        if not all(math.isfinite(logit) for logit, _ in pairs):
            raise RerankerError(f"{self.identity} gave a score that is not a number")
        return Scores(tuple(_sigmoid(logit) for logit, _ in pairs), sum(cut for _, cut in pairs))


def _sigmoid(logit: float) -> float:
    if logit >= 0:
        return 1 / (1 + math.exp(-logit))
    power = math.exp(logit)
    return power / (1 + power)
