"""The encoder: batching changes nothing, nothing is cut silently."""

import asyncio
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest

from secondlook.errors import CallerError, SetupError
from secondlook.models.batching import Scheduler
from secondlook.models.encoder import Encoded, Encoder, LastQueries
from tests.tiny_models import WORDS, TinyModel, make_model, run_head, run_reference

T = TypeVar("T")
TEXTS = ["the oil lamp", "fog horn", "warm it before lighting the lamp", "signal", "the oil lamp"]


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> TinyModel:
    return make_model(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def encoder(model: TinyModel) -> Iterator[Encoder]:
    made = Encoder(model.folder, precision="fp32", threads=2)
    yield made
    made.close()


@pytest.fixture(scope="module")
def judge(model: TinyModel) -> Iterator[Encoder]:
    made = Encoder(model.folder, head=True, precision="fp32", threads=2)
    yield made
    made.close()


def test_together_as_alone(encoder: Encoder) -> None:
    together = run(encoder.encode(TEXTS))
    for text, found in zip(TEXTS, together, strict=True):
        [alone] = run(encoder.encode([text]))
        assert np.allclose(found.vectors, alone.vectors, atol=1e-5)
        assert list(found.token_ids) == list(alone.token_ids)


def test_vectors_are_those_of_the_reference(encoder: Encoder, model: TinyModel) -> None:
    [found] = run(encoder.encode(["the oil lamp"]))
    expected = run_reference(model, found.token_ids.tolist(), [0] * len(found.token_ids))
    assert np.allclose(found.vectors, expected, atol=1e-4)
    mean = expected.mean(axis=0)
    assert np.allclose(found.sentence, mean / np.linalg.norm(mean), atol=1e-4)


def test_truncation_is_told(encoder: Encoder) -> None:
    short, long = run(encoder.encode(["the oil lamp", "oil " * 20], max_tokens=10))
    assert not short.truncated and len(short.token_ids) == 5
    assert long.truncated and len(long.token_ids) == 10


def test_an_empty_text(encoder: Encoder) -> None:
    [found] = run(encoder.encode([""]))
    assert len(found.token_ids) == 2
    assert abs(float(np.linalg.norm(found.sentence)) - 1) < 1e-5


def test_what_is_kept_is_made_of_each_in_order(encoder: Encoder) -> None:
    found = run(encoder.encode_as(lambda one: len(one.token_ids), TEXTS, priority="indexing"))
    assert found == [len(one.token_ids) for one in run(encoder.encode(TEXTS))]
    assert run(encoder.encode([])) == []
    assert run(encoder.split(["the oil lamp " * 3, ""], 6)) == [["the oil lamp the", "oil lamp the oil", "lamp"], [""]]


def test_two_models_share_workers(model: TinyModel) -> None:
    scheduler = Scheduler(2)
    body = Encoder(model.folder, precision="fp32", scheduler=scheduler)
    head = Encoder(model.folder, head=True, precision="fp32", scheduler=scheduler)

    async def both() -> tuple[list[Encoded], list[tuple[float, bool]]]:
        return await asyncio.gather(body.encode(TEXTS), head.score_pairs("oil lamp", TEXTS))

    encoded, scored = run(both())
    assert [len(encoded), len(scored)] == [len(TEXTS)] * 2
    body.close()  # a scheduler that others use goes on
    assert run(head.score_pairs("oil lamp", TEXTS)) == scored
    scheduler.close()


def test_pair_scores(judge: Encoder, model: TinyModel) -> None:
    passages = ["fog horn blasts", "warm it", "the oil lamp freezes"]
    found = run(judge.score_pairs("oil lamp", passages))
    assert [cut for _, cut in found] == [False] * 3
    ids = [1, WORDS.index("oil") + 4, WORDS.index("lamp") + 4, 2, WORDS.index("warm") + 4, WORDS.index("it") + 4, 2]
    expected = run_head(model, run_reference(model, ids, [0, 0, 0, 0, 1, 1, 1]))
    assert abs(found[1][0] - expected) < 1e-4


def test_the_query_is_never_cut(judge: Encoder) -> None:
    query = "oil " * 20
    [(score, cut)] = run(judge.score_pairs(query, ["lamp " * 40], max_tokens=40))
    assert cut and np.isfinite(score)
    [(shorter, _)] = run(judge.score_pairs(query, ["lamp " * 17], max_tokens=40))
    assert abs(score - shorter) < 1e-5
    with pytest.raises(CallerError, match="shorten it"):
        run(judge.score_pairs("oil " * 38, ["lamp"], max_tokens=40))


def test_the_graph_is_cached(model: TinyModel, tmp_path: Path) -> None:
    for _ in range(2):
        made = Encoder(model.folder, runtime="onnxruntime", threads=1, cache=tmp_path)
        made.close()
    assert len(list(tmp_path.iterdir())) == 1


def test_identity_names_weights_and_precision(encoder: Encoder, judge: Encoder) -> None:
    assert "onnxruntime-fp32" in encoder.identity
    assert encoder.identity == judge.identity


def test_a_broken_tokenizer(tmp_path: Path) -> None:
    make_model(tmp_path)
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(SetupError, match=r"tokenizer\.json"):
        Encoder(tmp_path)


def test_a_query_is_encoded_once_for_all_stages(encoder: Encoder) -> None:
    first = run(encoder.encode_query("the oil lamp", max_tokens=20))
    assert run(encoder.encode_query("the oil lamp", max_tokens=10)) is first
    [alone] = run(encoder.encode(["the oil lamp"]))
    assert np.array_equal(first.vectors, alone.vectors)


def test_a_query_that_is_cut_is_encoded_for_each_length(encoder: Encoder) -> None:
    text = "oil " * 14
    whole, cut = (run(encoder.encode_query(text, max_tokens=most)) for most in (20, 10))
    assert (len(whole.token_ids), whole.truncated) == (16, False)
    assert (len(cut.token_ids), cut.truncated) == (10, True)
    assert [run(encoder.encode_query(text, max_tokens=most)) for most in (16, 10)] == [whole, cut]


def test_only_so_many_tokens_of_queries_are_kept() -> None:
    queries = LastQueries(10)

    def encoded(tokens: int) -> Encoded:
        return Encoded(np.zeros(tokens, np.int32), np.zeros((tokens, 2)), np.zeros(2), False)

    first, second = encoded(4), encoded(4)
    queries.keep("first", 20, first)
    queries.keep("first", 20, first)
    queries.keep("second", 20, second)
    assert queries.find("first", 4) is first
    assert queries.find("first", 3) is None
    queries.keep("third", 20, encoded(5))
    assert queries.find("second", 20) is None
    assert queries.find("first", 20) is first
    queries.keep("x" * 5000, 20, second)
    assert queries.find("x" * 5000, 20) is None
    queries.keep("longer than all the room", 20, encoded(11))
    assert queries.find("longer than all the room", 20) is None
