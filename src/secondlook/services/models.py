"""The models that an instance can name."""

import asyncio
from collections.abc import Callable, Sequence

from secondlook.domain.model import KnownModel


class ModelList:
    """Looks anew each time, since models are pulled and added while the server runs."""

    def __init__(self, look: Callable[[], Sequence[KnownModel]]) -> None:
        self._look = look

    async def all(self) -> Sequence[KnownModel]:
        """Every model that is known here, built-in ones first; raises ``SetupError`` for a broken list of remotes."""
        return await asyncio.to_thread(self._look)
