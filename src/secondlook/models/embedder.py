"""The embedder: one pass of the encoder gives a passage's vector and what late interaction keeps."""

import asyncio
from collections.abc import Callable, Sequence
from typing import cast

import numpy as np

from secondlook.models.encoder import Encoded, Encoder
from secondlook.models.late_interaction import MOST_WINDOWS, WINDOW_TOKENS, LateInteraction
from secondlook.ports import Embedding, Vector

CURVE = 0.66
"""Cosine to the power of this is the vector score: 0.25 becomes 0.4 (docs/decisions/0015)."""


class EncoderEmbedder:
    """Mean-pooled, L2-normalised vectors of an encoder; runs in worker threads."""

    def __init__(self, encoder: Encoder, late: LateInteraction | None = None) -> None:
        self._encoder = encoder
        self._late = late

    @property
    def identity(self) -> str:
        """Name, revision, runtime, precision, window."""
        return f"{self._encoder.identity}/{WINDOW_TOKENS}"

    @property
    def dimensions(self) -> int:
        """Length of a vector."""
        return self._encoder.config.hidden

    @property
    def max_tokens(self) -> int:
        """How many tokens of a passage are read."""
        return WINDOW_TOKENS * MOST_WINDOWS

    async def embed_query(self, text: str) -> Vector:
        """The query's vector; one longer than a window is read in windows to its end, as a passage is."""
        encoded = await self._encoder.encode_query(text, max_tokens=WINDOW_TOKENS)
        if not encoded.truncated:
            return encoded.sentence.astype("<f4").tobytes()
        [windows] = await self._encoder.split([text], WINDOW_TOKENS)
        return join_windows(await self._encoder.encode(windows, max_tokens=WINDOW_TOKENS, priority="query"))

    async def embed_passages(
        self, texts: Sequence[str], on_done: Callable[[int], None] | None = None
    ) -> list[Embedding]:
        """One embedding a text, in order; windows of all texts go through the encoder together."""
        cuts = await self._encoder.split(texts, WINDOW_TOKENS)
        windows = [window for own in cuts for window in own[:MOST_WINDOWS]]
        encoded = await self._encoder.encode(windows, max_tokens=WINDOW_TOKENS, priority="indexing")
        made = await asyncio.to_thread(self._join_all, encoded, [len(own) for own in cuts])
        if on_done:
            on_done(len(made))
        return made

    def count_tokens(self, text: str) -> int:
        """Tokens of the text without special tokens."""
        return self._encoder.reader.count_tokens(text)

    def score_cosine(self, cosine: float) -> float:
        """cosine ** 0.66: relevant passages have cosines from 0.25 on here, and 0.4 is the usual threshold."""
        return float(cosine**CURVE)

    def _join_all(self, encoded: Sequence[Encoded], counts: Sequence[int]) -> list[Embedding]:
        """A text's vector is the mean over all its tokens; ``counts`` says how many windows each text has."""
        made: list[Embedding] = []
        at = 0
        for count in counts:
            read = min(count, MOST_WINDOWS)
            made.append(self._join(encoded[at : at + read], cut=count > MOST_WINDOWS))
            at += read
        return made

    def _join(self, windows: Sequence[Encoded], *, cut: bool) -> Embedding:
        return Embedding(join_windows(windows), self._late.pack(windows, cut=cut) if self._late else None, cut)


def join_windows(windows: Sequence[Encoded]) -> Vector:
    """The mean over all tokens of the windows, L2-normalised."""
    total = np.sum([window.vectors.sum(axis=0) for window in windows], axis=0)
    return cast(bytes, (total / max(float(np.linalg.norm(total)), 1e-12)).astype("<f4").tobytes())
