"""The embedder: one pass gives the vector and what late interaction keeps."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from secondlook.models.embedder import EncoderEmbedder
from secondlook.models.encoder import Encoder
from secondlook.models.late_interaction import LateInteraction, encode_windows
from secondlook.provision import load_encoder
from secondlook.settings import Settings


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Encoder]:
    made = load_encoder(Settings(data_dir=tmp_path_factory.mktemp("data"), offline=True))
    yield made
    made.close()


def vector_of(raw: bytes) -> np.ndarray:
    return np.frombuffer(raw, "<f4")


def test_near_texts_have_near_vectors(encoder: Encoder) -> None:
    embedder = EncoderEmbedder(encoder)
    texts = ["A cat sleeps on the sofa.", "The invoice is due on Friday."]
    cat, bill = (vector_of(one.vector) for one in asyncio.run(embedder.embed_passages(texts)))
    asked = vector_of(asyncio.run(embedder.embed_query("a kitten naps on the couch")))
    assert len(asked) == embedder.dimensions == 384
    assert asked @ cat > 0.5 > asked @ bill
    assert abs(np.linalg.norm(cat) - 1) < 1e-5


def test_long_texts_are_read_in_windows_and_more_is_told(encoder: Encoder) -> None:
    embedder = EncoderEmbedder(encoder, LateInteraction(encoder))
    two, nine = "battery " * 400, "battery " * 2200
    found = asyncio.run(embedder.embed_passages([two, nine, "battery"]))
    assert [one.truncated for one in found] == [False, True, False]
    assert embedder.max_tokens == 2048


def test_the_end_of_a_long_query_counts(encoder: Encoder) -> None:
    """Read whole, in the same windows as a passage of those words."""
    embedder = EncoderEmbedder(encoder)
    start = "the lamp oil " * 400

    async def work() -> tuple[bytes, bytes, bytes]:
        [passage] = await embedder.embed_passages([f"{start} fog horn"])
        return await embedder.embed_query(f"{start} fog horn"), await embedder.embed_query(start), passage.vector

    query, without, passage = asyncio.run(work())
    assert query != without
    assert np.allclose(np.frombuffer(query, "<f4"), np.frombuffer(passage, "<f4"), atol=1e-5)


def test_what_is_stored_is_what_late_interaction_packs(encoder: Encoder) -> None:
    late = LateInteraction(encoder)
    [found] = asyncio.run(EncoderEmbedder(encoder, late).embed_passages(["Two blasts of the fog horn."]))
    windows, _ = asyncio.run(encode_windows(encoder, "Two blasts of the fog horn."))
    assert found.stored == late.pack(windows)
    [bare] = asyncio.run(EncoderEmbedder(encoder).embed_passages(["Two blasts of the fog horn."]))
    assert bare.stored is None
    assert bare.vector == found.vector


def test_nothing_to_embed(encoder: Encoder) -> None:
    heard: list[int] = []
    assert asyncio.run(EncoderEmbedder(encoder).embed_passages([], heard.append)) == []


def test_identity_and_tokens(encoder: Encoder, tmp_path: Path) -> None:
    embedder = EncoderEmbedder(encoder)
    assert "all-minilm-l6-v2@53aa51172d14" in embedder.identity
    assert embedder.count_tokens("fog horn") == 2
