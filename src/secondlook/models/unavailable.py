"""A reranker that is configured and cannot be used: it has a name and a reason, and stops nothing else."""

from collections.abc import Sequence

from secondlook.errors import RerankerError
from secondlook.ports import Passage, ScoreKind, Scores


class UnavailableReranker:
    """Fails each rerank with the reason, so that a search falls back, or fails if it asks for that."""

    wants_stored = False
    remote = True
    score_kind: ScoreKind = "unknown"

    def __init__(self, name: str, reason: str) -> None:
        self._name = name
        self.unavailable = reason

    @property
    def identity(self) -> str:
        """Its name: nothing else is known."""
        return f"{self._name}@unavailable"

    async def score(self, query: str, passages: Sequence[Passage]) -> Scores:
        """Raises ``RerankerError``."""
        raise RerankerError(f"{self._name} is unavailable: {self.unavailable}", "missing")

    async def close(self) -> None:
        """Nothing is open."""
