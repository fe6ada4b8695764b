"""Late interaction: MaxSim between the query's and the passage's token vectors, which the index keeps."""

import asyncio
import importlib.resources
import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import cast

import numpy as np
from numpy.typing import NDArray

from secondlook.domain.candidate import Evidence
from secondlook.models.encoder import Encoded, Encoder
from secondlook.ports import Passage, Scores

Floats = NDArray[np.float32]

FORMAT = 1
"""First byte of what is stored; another format is computed anew from the text."""
QUERY_TOKENS = 128
WINDOW_TOKENS = 256


@dataclass(frozen=True, slots=True)
class Recipe:
    """What was learned on training data (benchmarks/quality/train_reranker.py says how).

    Attributes:
        version: part of the model's identity.
        projection: float32 [hidden, dimensions], from token vectors to what is stored and compared.
        rarity: float32 [vocabulary], weight of each query token.
        coefficients: of the features, in the order of ``features``.
        intercept: of the logistic regression.
        low, high: where each feature is clipped.
    """

    version: str
    projection: Floats
    rarity: Floats
    coefficients: Floats
    intercept: float
    low: Floats
    high: Floats


@cache
def load_recipe() -> Recipe:
    """The recipe shipped with the package."""
    data = (importlib.resources.files("secondlook") / "models" / "late_interaction.npz").read_bytes()
    with np.load(io.BytesIO(data)) as found:
        arrays = {name: found[name] for name in found.files}
    floats = {name: arrays[name].astype(np.float32) for name in ("projection", "coefficients", "low", "high")}
    return Recipe(
        version=str(arrays["version"]),
        rarity=arrays["rarity"].astype(np.float32) * float(arrays["rarity_scale"]),
        intercept=float(arrays["intercept"]),
        **floats,
    )


class LateInteraction:
    """The built-in reranker: one encoding of the query and a matrix product.

    A pair's score depends on the query, the passage and the passage's first-stage
    evidence, never on its company. It is the probability that the passage is relevant
    when a relevant and an irrelevant candidate are equally likely.

    Source:
        Khattab and Zaharia, ColBERT, SIGIR 2020 (MaxSim).
    """

    wants_stored = True

    def __init__(self, encoder: Encoder, recipe: Recipe | None = None) -> None:
        self._encoder = encoder
        self._recipe = recipe or load_recipe()

    @property
    def identity(self) -> str:
        """Recipe and encoder."""
        return f"late-interaction@{self._recipe.version}/{self._encoder.identity}"

    def pack(self, windows: Sequence[Encoded]) -> bytes:
        """What the index keeps of a passage: int8 token vectors, special tokens left out.

        Bytes: format, dimensions, then tokens x dimensions of int8; each vector is scaled
        to length 127, so that a dot product of two is 127 squared times their cosine.
        """
        return pack_vectors(self._project(windows))

    async def score(self, query: str, passages: Sequence[Passage]) -> Scores:
        """One probability a passage; passages that come without stored vectors are encoded now."""
        return await asyncio.to_thread(self._score, query, passages)

    def _score(self, query: str, passages: Sequence[Passage]) -> Scores:
        [asked] = self._encoder.encode([query], max_tokens=QUERY_TOKENS)
        vectors = self._project([asked])
        weights = self._recipe.rarity[asked.token_ids[1:-1]]
        truncated = 0
        rows = []
        for passage in passages:
            stored = unpack_vectors(passage.stored, self._recipe.projection.shape[1]) if passage.stored else None
            if stored is None:
                windows, cut = encode_windows(self._encoder, passage.text)
                truncated += cut
                stored = unpack_vectors(self.pack(windows), self._recipe.projection.shape[1])
            similarity = max_similarity(vectors, weights, stored)
            rows.append(features(similarity, passage.evidence))
        if not rows:
            return Scores(())
        given = np.clip(np.array(rows, np.float32), self._recipe.low, self._recipe.high)
        logits = given @ self._recipe.coefficients + self._recipe.intercept
        return Scores(tuple(float(one) for one in 1 / (1 + np.exp(-logits.astype(np.float64)))), truncated)

    def _project(self, windows: Sequence[Encoded]) -> Floats:
        tokens = np.concatenate([window.vectors[1:-1] for window in windows])
        projected = tokens @ self._recipe.projection
        return cast(Floats, projected / np.maximum(np.linalg.norm(projected, axis=1, keepdims=True), 1e-9))


def encode_windows(encoder: Encoder, text: str, *, most: int = 2) -> tuple[list[Encoded], bool]:
    """The text in windows of 256 tokens, the length the encoder was trained at, and whether even those cut it."""
    windows = [text[start:end] for start, end in encoder.windows(text, WINDOW_TOKENS)]
    return encoder.encode(windows[:most] or [""], max_tokens=WINDOW_TOKENS), len(windows) > most


def pack_vectors(vectors: Floats) -> bytes:
    """Unit vectors [tokens, dimensions] as bytes."""
    levels = np.clip(np.rint(vectors * 127), -127, 127).astype(np.int8)
    return bytes((FORMAT, vectors.shape[1])) + levels.tobytes()


def unpack_vectors(packed: bytes | None, dimensions: int) -> Floats | None:
    """The vectors, about unit length; None when they were stored in another format."""
    if not packed or packed[0] != FORMAT or packed[1] != dimensions or (len(packed) - 2) % dimensions:
        return None
    return np.frombuffer(packed, np.int8, offset=2).reshape(-1, dimensions).astype(np.float32) / np.float32(127)


def max_similarity(query: Floats, weights: Floats, passage: Floats | None) -> float:
    """Mean over query tokens, weighted by rarity, of the greatest cosine to any passage token; 0 if either is empty."""
    if passage is None or not len(passage) or not len(query):
        return 0.0
    best = (query @ passage.T).max(axis=1)
    return float((best * weights).sum() / max(float(weights.sum()), 1e-9))


def features(similarity: float, evidence: Evidence) -> list[float]:
    """The pair's features: MaxSim, cosine, share of attainable BM25, reciprocal ranks (0 where a method lacks it)."""
    share = 0.0
    if evidence.keyword_score and evidence.keyword_ceiling:
        share = evidence.keyword_score / evidence.keyword_ceiling
    return [
        similarity,
        evidence.vector_score or 0.0,
        share,
        _reciprocal(evidence.vector_rank),
        _reciprocal(evidence.keyword_rank),
    ]


def _reciprocal(rank: int | None) -> float:
    return 61.0 / (60.0 + rank) if rank else 0.0
