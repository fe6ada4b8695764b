"""Late interaction: MaxSim between the query's and the passage's token vectors, which the index keeps."""

import asyncio
import importlib.resources
import io
import itertools
import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import cast

import numpy as np
from numpy.typing import NDArray

from secondlook.blas import one_blas_thread
from secondlook.domain.candidate import Evidence
from secondlook.domain.options import CONVEX_WEIGHT
from secondlook.models.encoder import Encoded, Encoder
from secondlook.ports import Passage, ScoreKind, Scores
from secondlook.telemetry import cache_reads

Floats = NDArray[np.float32]
Levels = NDArray[np.int8]

FORMAT = 2
"""First byte of what is stored; what another format or another projection made is computed anew from the text."""
HEADER = 5
"""Bytes before the levels: format, dimensions, two of the projection's checksum, and whether the text was cut."""
QUERY_TOKENS = 128
WINDOW_TOKENS = 256
QUERY_LEVELS = 65_535
"""Steps of a query vector's components: products with 127 of a passage's stay whole numbers below 2^24, which float32
adds without rounding, so that no library and no company changes a cosine."""
MOST_WINDOWS = 8
"""Windows read of a passage: 2,048 tokens; chunks are 256 by default and need one, documents kept whole need more."""


@dataclass(frozen=True)
class Recipe:
    """What was learned on training data (benchmarks/quality/train_reranker.py says how).

    Attributes:
        version: part of the model's identity.
        projection: float32 [hidden, dimensions], from token vectors to what is stored and compared.
        rarity: float32 [vocabulary], one factor of a query token's weight.
        weigher: float32 [hidden]; e to the power of its product with the token's vector is the other.
        coefficients: float32 [4], of MaxSim, its fourth power, the convex score of the first stage, and the cosine.
        scale: of the logistic regression, which maps their sum to a probability.
        intercept: of the logistic regression.
        usual: float32 [2, 2], how the cosine and the share of the attainable BM25 usually rise with MaxSim: intercept
            and slope of each. They take the place of what the first stage did not measure.
    """

    version: str
    projection: Floats
    rarity: Floats
    weigher: Floats
    coefficients: Floats
    scale: float
    intercept: float
    usual: Floats

    @cached_property
    def mark(self) -> bytes:
        """What tells stored vectors of this projection from all others: format, dimensions, checksum."""
        checksum = zlib.crc32(np.ascontiguousarray(self.projection, "<f4").tobytes()) & 0xFFFF
        return bytes((FORMAT, self.projection.shape[1])) + checksum.to_bytes(2, "little")


@cache
def load_recipe() -> Recipe:
    """The recipe shipped with the package."""
    data = (importlib.resources.files("secondlook") / "models" / "late_interaction.npz").read_bytes()
    with np.load(io.BytesIO(data)) as found:
        arrays = {name: found[name] for name in found.files}
    return Recipe(
        version=str(arrays["version"]),
        projection=arrays["projection"].astype(np.float32),
        rarity=arrays["rarity"].astype(np.float32) * float(arrays["rarity_scale"]),
        weigher=arrays["weigher"].astype(np.float32),
        coefficients=arrays["coefficients"].astype(np.float32),
        scale=float(arrays["scale"]),
        intercept=float(arrays["intercept"]),
        usual=arrays["usual"].astype(np.float32),
    )


class LateInteraction:
    """The built-in reranker: one encoding of the query and a matrix product.

    A pair's score depends on the query, the passage and the passage's first-stage
    evidence, never on its company. It rises with the odds of relevance; 0.4 is where 97 of
    100 questions still keep a relevant passage (docs/decisions/0015).

    Source:
        Khattab and Zaharia, ColBERT, SIGIR 2020 (MaxSim).
    """

    wants_stored = True
    score_kind: ScoreKind = "probability"
    slice_size = 0
    uses_evidence = True
    evidence_fields = ("cosine", "keyword_share", "fusion_method")
    languages = ("en",)

    def __init__(self, encoder: Encoder, recipe: Recipe | None = None, *, max_tokens: int | None = None) -> None:
        self._encoder = encoder
        self._recipe = recipe or load_recipe()
        self._max_tokens = max_tokens

    @property
    def identity(self) -> str:
        """Recipe, encoder, and of how many tokens of a passage, if not all."""
        short = "" if self._max_tokens is None else f"/{self._max_tokens}"
        return f"late-interaction@{self._recipe.version}/{self._encoder.identity}{short}"

    def shortened(self, max_tokens: int) -> "LateInteraction":
        """The same, reading the first tokens of each passage alone."""
        return LateInteraction(self._encoder, self._recipe, max_tokens=max_tokens)

    def pack(self, windows: Sequence[Encoded], *, cut: bool = False) -> bytes:
        """What the index keeps of a passage: int8 token vectors, special tokens left out.

        Each vector is projected and scaled to length 127; ``cut`` says that the windows
        are not the whole text.
        """
        return pack_levels(quantise(self._project(windows)), self._recipe.mark, cut=cut)

    async def score(self, query: str, passages: Sequence[Passage]) -> Scores:
        """One probability a passage; passages that come without stored vectors are encoded now.

        Of the query 128 tokens are read, special ones counted; ``query_truncated`` says that it has more.
        """
        if not passages:
            return Scores(())
        asked = await self._encoder.encode_query(query, max_tokens=QUERY_TOKENS)
        read = await self._levels(passages)
        values = await asyncio.to_thread(self._compare, asked, passages, [levels for levels, _ in read])
        return Scores(values, sum(cut for _, cut in read), query_truncated=asked.truncated)

    def _compare(self, asked: Encoded, passages: Sequence[Passage], stored: Sequence[Levels]) -> tuple[float, ...]:
        with one_blas_thread():
            similarities = max_similarities(self._project([asked]), self._weigh(asked), stored)
        evidence = features([passage.evidence for passage in passages], similarities[:, 0], self._recipe.usual)
        given = np.concatenate([similarities, evidence], axis=1)
        sums = (given * self._recipe.coefficients).sum(axis=1, dtype=np.float64)
        logits = self._recipe.scale * sums + self._recipe.intercept
        return tuple(float(one) for one in 1 / (1 + np.exp(-logits)))

    async def _levels(self, passages: Sequence[Passage]) -> list[tuple[Levels, bool]]:
        """The quantised vectors of each passage and whether its text was cut; those not stored are made together."""
        found = [unpack_levels(passage.stored or b"", self._recipe.mark) for passage in passages]
        missing = [passage.text for passage, levels in zip(passages, found, strict=True) if levels is None]
        cache_reads.labels("token_vectors", "hit").inc(len(passages) - len(missing))
        cache_reads.labels("token_vectors", "miss").inc(len(missing))
        cuts = await self._encoder.split(missing, WINDOW_TOKENS)
        windows = [window for own in cuts for window in own[:MOST_WINDOWS]]
        encoded = iter(
            await self._encoder.encode_as(lambda one: quantise(self._project([one])), windows, max_tokens=WINDOW_TOKENS)
            if windows
            else ()
        )
        made = iter(
            [
                (np.concatenate(list(itertools.islice(encoded, min(len(own), MOST_WINDOWS)))), len(own) > MOST_WINDOWS)
                for own in cuts
            ]
        )
        return [self._shorten(next(made) if levels is None else levels) for levels in found]

    def _shorten(self, read: tuple[Levels, bool]) -> tuple[Levels, bool]:
        if self._max_tokens is None or len(read[0]) <= self._max_tokens:
            return read
        return read[0][: self._max_tokens], True

    def _weigh(self, asked: Encoded) -> Floats:
        """Weights of the query's tokens, summing to 1: rare and telling tokens count more."""
        told = np.clip(asked.vectors[1:-1] @ self._recipe.weigher, -3, 3)
        weights = np.maximum(self._recipe.rarity[asked.token_ids[1:-1]], 1e-3) * np.exp(told)
        return cast(Floats, (weights / max(float(weights.sum()), 1e-9)).astype(np.float32))

    def _project(self, windows: Sequence[Encoded]) -> Floats:
        """Window by window: a product of matrices may round a row by how many there are."""
        with one_blas_thread():
            projected = np.concatenate([window.vectors[1:-1] @ self._recipe.projection for window in windows])
        return cast(Floats, projected / np.maximum(np.linalg.norm(projected, axis=1, keepdims=True), 1e-9))


async def encode_windows(encoder: Encoder, text: str, *, most: int = MOST_WINDOWS) -> tuple[list[Encoded], bool]:
    """The text in windows of 256 tokens, the length the encoder was trained at, and whether even those cut it."""
    [windows] = await encoder.split([text], WINDOW_TOKENS)
    return await encoder.encode(windows[:most], max_tokens=WINDOW_TOKENS), len(windows) > most


def quantise(vectors: Floats) -> Levels:
    """Unit vectors [tokens, dimensions] as int8, 127 for 1."""
    return np.clip(np.rint(vectors * 127), -127, 127).astype(np.int8)


def pack_levels(levels: Levels, mark: bytes, *, cut: bool = False) -> bytes:
    """What is stored: the header, then tokens x dimensions of int8."""
    return mark + bytes((cut,)) + levels.tobytes()


def unpack_levels(packed: bytes, mark: bytes) -> tuple[Levels, bool] | None:
    """The quantised vectors [tokens, dimensions], and whether text was cut; None when stored under another mark."""
    if len(packed) < HEADER or packed[: len(mark)] != mark or (len(packed) - HEADER) % mark[1]:
        return None
    return np.frombuffer(packed, np.int8, offset=HEADER).reshape(-1, mark[1]), bool(packed[len(mark)])


def max_similarities(query: Floats, weights: Floats, passages: Sequence[Levels]) -> Floats:
    """MaxSim and its sharper twin of each passage: float32 [passages, 2], 0 where either side is empty.

    Of each query token the greatest cosine to any passage token, at least 0, is taken;
    the columns are the weighted means of it and of its fourth power, which only matches
    that are nearly exact reach.

    Args:
        query: [query tokens, dimensions], of unit length.
        weights: [query tokens], summing to 1.
        passages: quantised vectors [tokens, dimensions] of each.
    """
    found = np.zeros((len(passages), 2), np.float32)
    full = [place for place, levels in enumerate(passages) if len(levels)]
    if not full or not len(query):
        return found
    tokens = np.concatenate([passages[place] for place in full]).astype(np.float32)
    starts = np.cumsum([0, *(len(passages[place]) for place in full[:-1])])
    products = np.rint(query * np.float32(QUERY_LEVELS)) @ tokens.T
    cosines = np.maximum.reduceat(products, starts, axis=1) * np.float32(1 / (QUERY_LEVELS * 127))
    best = np.clip(cosines, 0, 1)
    found[full, 0] = (weights[:, None] * best).sum(axis=0)
    found[full, 1] = (weights[:, None] * best**4).sum(axis=0)
    return found


def features(evidence: Sequence[Evidence], similarities: Floats, usual: Floats) -> Floats:
    """The first stage's evidence: float32 [passages, 2], the convex score with equal weights, and the cosine.

    BM25 counts 0 where a hybrid search's keyword list does not reach. What was not measured at all, as the cosine in a
    search by keywords alone or both where passages come without an index, is as usual for the passage's MaxSim.
    """
    told = np.array([(_known(one.cosine), _share(one)) for one in evidence], np.float32)
    expected = np.clip(usual[:, 0] + similarities[:, None] * usual[:, 1], 0, 1)
    cosine, share = np.where(np.isnan(told), expected, np.clip(told, 0, 1)).T
    return np.stack([CONVEX_WEIGHT * cosine + (1 - CONVEX_WEIGHT) * share, cosine], axis=1).astype(np.float32)


def _known(value: float | None) -> float:
    return math.nan if value is None else value


def _share(evidence: Evidence) -> float:
    """The share of the attainable BM25; not a number where keywords were not searched."""
    searched = evidence.keyword_share is not None or evidence.fusion_method is not None
    return evidence.keyword_share or 0.0 if searched else math.nan
