"""Cross-encoders of both architectures score by the sigmoid of their logit."""

import asyncio
import math
from collections.abc import Callable
from pathlib import Path

import pytest

from secondlook.domain.options import LongPassages
from secondlook.errors import QueryTooLongError
from secondlook.models.cross_encoder import CrossEncoder
from secondlook.models.encoder import Encoder
from secondlook.ports import Passage, Scores
from tests.tiny_models import WORDS, make_model, run_head, run_reference


def score(
    folder: Path, query: str, texts: list[str], *, max_tokens: int = 60, long_passages: LongPassages = "window"
) -> Scores:
    encoder = Encoder(folder, head=True, precision="fp32", threads=1)
    made = CrossEncoder(encoder, max_tokens=max_tokens, long_passages=long_passages)
    assert made.identity.endswith(f"/{max_tokens}/pair/{long_passages}")
    try:
        return asyncio.run(made.score(query, [Passage(text) for text in texts]))
    finally:
        encoder.close()


def test_xlm_roberta(tmp_path: Path) -> None:
    model = make_model(tmp_path, "xlm-roberta", spread=0.2)
    at = [WORDS.index(word) + 4 for word in ("oil", "warm")]
    expected = run_head(model, run_reference(model, [0, at[0], 2, 2, at[1], 2], [0] * 6))
    found = score(tmp_path, "oil", ["warm"])
    assert found.values[0] == pytest.approx(1 / (1 + math.exp(-expected)), abs=1e-4)


@pytest.mark.parametrize("kind", ["bert", "xlm-roberta"])
def test_long_passages_are_read_in_windows(tmp_path: Path, kind: str) -> None:
    make_model(tmp_path, kind)
    found = score(tmp_path, "oil lamp", ["fog", "horn " * 100, "lamp " * 1000])
    assert (found.windowed, found.truncated) == (2, 1), "a text of more than eight windows is not read to its end"
    assert all(0 <= value <= 1 for value in found.values)
    first = score(tmp_path, "oil lamp", ["fog", "horn " * 100], long_passages="truncate")
    assert (first.windowed, first.truncated) == (0, 1)
    assert first.values[0] == found.values[0]


def test_the_windows_overlap_and_hold_the_whole_text(tmp_path: Path) -> None:
    make_model(tmp_path)
    encoder = Encoder(tmp_path, head=True, precision="fp32", threads=1)
    made = CrossEncoder(encoder, max_tokens=60)
    for count in (1, 13, 14, 40, 52, 53, 54, 131):
        text = " ".join(f"w{at:03}" for at in range(count))
        windows = made._windows(text, 54)
        assert all(encoder.reader.count_tokens(one) <= 54 for one in windows)
        ends = [0]
        for one in windows:
            start = text.index(one)
            assert start <= ends[-1]
            ends.append(start + len(one))
        assert ends[-1] == len(text)
    encoder.close()


@pytest.mark.parametrize(("how", "join"), [("window", max), ("mean", lambda scores: sum(scores) / len(scores))])
def test_the_score_of_a_long_passage(tmp_path: Path, how: LongPassages, join: Callable[[list[float]], float]) -> None:
    make_model(tmp_path)
    text = "fog horn blasts " * 17 + "oil lamp " * 15
    encoder = Encoder(tmp_path, head=True, precision="fp32", threads=1)
    windows = CrossEncoder(encoder, max_tokens=60)._windows(text, 60 - 4 - 2)
    encoder.close()
    assert len(windows) > 1
    whole = score(tmp_path, "oil lamp", [text], long_passages=how).values[0]
    parts = score(tmp_path, "oil lamp", [text, *windows[1:]], long_passages="truncate").values
    assert whole == pytest.approx(join(list(parts)), abs=1e-5)


def test_a_query_that_leaves_no_room_is_told(tmp_path: Path) -> None:
    make_model(tmp_path)
    with pytest.raises(QueryTooLongError, match=r"the query has 50 tokens.*shorten it"):
        score(tmp_path, "oil " * 50, ["lamp"])
    assert len(score(tmp_path, "oil " * 40, ["lamp " * 100]).values) == 1


def test_no_passages(tmp_path: Path) -> None:
    make_model(tmp_path)
    assert score(tmp_path, "oil", []) == Scores(())


def test_a_shorter_one_has_the_same_weights(tmp_path: Path) -> None:
    make_model(tmp_path)
    encoder = Encoder(tmp_path, head=True, precision="fp32", threads=1)
    whole = CrossEncoder(encoder, max_tokens=60, long_passages="truncate")
    short = whole.shortened(40)
    assert short.identity == whole.identity.replace("/60/", "/40/") and whole.shortened(100).identity == whole.identity
    passages = [Passage("oil lamp"), Passage("fog horn " * 14 + "oil lamp " * 8)]
    found = [asyncio.run(one.score("oil lamp", passages)) for one in (whole, short)]
    assert [one.truncated for one in found] == [0, 1]
    assert found[0].values[0] == found[1].values[0] and found[0].values[1] != found[1].values[1]
    encoder.close()
