"""Cross-encoders of both architectures score by the sigmoid of their logit."""

import asyncio
import math
from pathlib import Path

import pytest

from secondlook.models.cross_encoder import CrossEncoder
from secondlook.models.encoder import Encoder
from secondlook.ports import Passage, Scores
from tests.tiny_models import WORDS, make_model, run_head, run_reference


def score(folder: Path, query: str, texts: list[str], *, max_tokens: int = 60) -> Scores:
    encoder = Encoder(folder, head=True, precision="fp32", threads=1)
    made = CrossEncoder(encoder, max_tokens=max_tokens)
    assert str(max_tokens) in made.identity
    found = asyncio.run(made.score(query, [Passage(text) for text in texts]))
    encoder.close()
    return found


def test_xlm_roberta(tmp_path: Path) -> None:
    model = make_model(tmp_path, "xlm-roberta", spread=0.2)
    at = [WORDS.index(word) + 4 for word in ("oil", "warm")]
    expected = run_head(model, run_reference(model, [0, at[0], 2, 2, at[1], 2], [0] * 6))
    found = score(tmp_path, "oil", ["warm"])
    assert found.values[0] == pytest.approx(1 / (1 + math.exp(-expected)), abs=1e-4)


def test_long_passages_are_counted(tmp_path: Path) -> None:
    make_model(tmp_path)
    found = score(tmp_path, "oil lamp", ["fog", "horn " * 100, "lamp " * 100])
    assert found.truncated == 2
    assert all(0 <= value <= 1 for value in found.values)


def test_no_passages(tmp_path: Path) -> None:
    make_model(tmp_path)
    assert score(tmp_path, "oil", []) == Scores(())
