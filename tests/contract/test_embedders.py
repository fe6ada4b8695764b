"""What every embedder keeps to: aligned unit vectors, near texts near, a text the same in any company."""

import asyncio
from collections.abc import Callable

import numpy as np
import pytest

from secondlook.models.embedder import EncoderEmbedder
from secondlook.models.encoder import Encoder
from secondlook.models.fakes import FakeEmbedder
from secondlook.models.late_interaction import LateInteraction
from secondlook.ports import Embedder, Embedding

TEXTS = ["the lamp oil freezes in winter", "fog horn", "", "日本語 🦊 lamp", "warm it before lighting " * 600]

ADAPTERS: dict[str, Callable[[Encoder], Embedder]] = {
    "encoder": EncoderEmbedder,
    "encoder with late interaction": lambda encoder: EncoderEmbedder(encoder, LateInteraction(encoder)),
    "fake": lambda encoder: FakeEmbedder(),
}


@pytest.fixture(scope="module", params=ADAPTERS)
def embedder(request: pytest.FixtureRequest, real_encoder: Encoder) -> Embedder:
    return ADAPTERS[request.param](real_encoder)


def embed(embedder: Embedder, texts: list[str]) -> list[Embedding]:
    return asyncio.run(embedder.embed_passages(texts))


def vector_of(raw: bytes) -> "np.ndarray[tuple[int], np.dtype[np.float32]]":
    return np.frombuffer(raw, "<f4")


def test_one_unit_vector_a_text(embedder: Embedder) -> None:
    found = embed(embedder, TEXTS)
    assert len(found) == len(TEXTS)
    for text, one in zip(TEXTS, found, strict=True):
        vector = vector_of(one.vector)
        assert len(vector) == embedder.dimensions
        assert np.isfinite(vector).all()
        assert np.linalg.norm(vector) == pytest.approx(1.0, abs=1e-4) or not text
    assert len({one.vector for one in found}) == len(TEXTS)


def test_a_query_and_a_passage_share_one_space(embedder: Embedder) -> None:
    asked = vector_of(asyncio.run(embedder.embed_query("lamp oil in winter")))
    oil, horn, *_ = (vector_of(one.vector) for one in embed(embedder, TEXTS))
    assert len(asked) == embedder.dimensions
    assert asked @ oil > asked @ horn + 0.2


def test_a_text_is_the_same_in_any_company(embedder: Embedder) -> None:
    together = embed(embedder, TEXTS)
    for text, one in zip(TEXTS, together, strict=True):
        [alone] = embed(embedder, [text])
        assert np.allclose(vector_of(alone.vector), vector_of(one.vector), atol=1e-4)
        assert alone.truncated == one.truncated


def test_progress_ends_with_all(embedder: Embedder) -> None:
    heard: list[int] = []
    asyncio.run(embedder.embed_passages(TEXTS[:3], heard.append))
    assert heard[-1] == 3
    assert heard == sorted(heard)
    assert embed(embedder, []) == []


def test_tokens_are_counted_without_special_ones(embedder: Embedder) -> None:
    assert embedder.count_tokens("") == 0
    assert embedder.count_tokens("fog horn") == 2
    assert embedder.count_tokens(TEXTS[4]) > embedder.max_tokens >= 64
    assert embedder.identity
