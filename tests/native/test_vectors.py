"""Vectors that earlier encoders made are searched as they are, and order passages as those of today do."""

import asyncio
import math
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from secondlook.models.embedder import EncoderEmbedder
from secondlook.models.encoder import Encoder
from secondlook.models.late_interaction import LateInteraction
from secondlook.ports import Passage
from tests.upgrade.corpus import JUDGED
from tests.upgrade.test_folders import FOLDERS, unpack

Floats = NDArray[np.float32]


def read_chunks(folder: Path) -> list[tuple[str, str, bytes, bytes]]:
    """Key, text, vector and stored token vectors of every chunk in the folder's indexes."""
    rows: list[tuple[str, str, bytes, bytes]] = []
    for path in sorted((folder / "indexes").glob("*.sqlite")):
        with closing(sqlite3.connect(path)) as index:
            rows += index.execute(
                "SELECT item_key, text, vector, data FROM chunks JOIN vectors USING (rowid) JOIN stored USING (rowid)"
            )
    return rows


def ndcg(keys: Sequence[str], wanted: str) -> float:
    """With one relevant item, which may have several chunks: the gain of its first place among ten."""
    return next((1 / math.log2(at + 2) for at, key in enumerate(keys[:10]) if key == wanted), 0.0)


@pytest.mark.parametrize("kept", FOLDERS, ids=lambda one: one.name)
def test_an_index_of_an_earlier_encoder_orders_as_a_new_one(kept: Path, tmp_path: Path, real_encoder: Encoder) -> None:
    unpack(kept, tmp_path / "data")
    chunks = read_chunks(tmp_path / "data")
    assert len(chunks) > 12
    late = LateInteraction(real_encoder)
    embedder = EncoderEmbedder(real_encoder, late)
    made = asyncio.run(embedder.embed_passages([text for _, text, _, _ in chunks]))
    old = np.array([np.frombuffer(vector, "<f4") for _, _, vector, _ in chunks])
    new = np.array([np.frombuffer(one.vector, "<f4") for one in made])
    assert (old * new).sum(axis=1).min() > 0.99
    gains: dict[str, list[float]] = {"vectors before": [], "vectors": [], "reranked before": [], "reranked": []}
    for query, wanted in JUDGED:
        asked = np.frombuffer(asyncio.run(embedder.embed_query(query)), "<f4")
        old_passages = [Passage(text, stored) for _, text, _, stored in chunks]
        new_passages = [Passage(text, one.stored) for (_, text, _, _), one in zip(chunks, made, strict=True)]
        scores = {
            "vectors before": old @ asked,
            "vectors": new @ asked,
            "reranked before": np.array(asyncio.run(late.score(query, old_passages)).values),
            "reranked": np.array(asyncio.run(late.score(query, new_passages)).values),
        }
        assert np.abs(scores["reranked before"] - scores["reranked"]).max() < 0.05
        for name, values in scores.items():
            gains[name].append(ndcg([chunks[at][0] for at in np.argsort(-values, kind="stable")], wanted))
    means = {name: float(np.mean(values)) for name, values in gains.items()}
    assert abs(means["vectors"] - means["vectors before"]) <= 0.003
    assert abs(means["reranked"] - means["reranked before"]) <= 0.003
    assert means["vectors before"] > 0.9
