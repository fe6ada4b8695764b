"""Pairs are read and scored in order, each by itself."""

import asyncio
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from secondlook.errors import CallerError, OverloadedError
from secondlook.models.batching import Floats, Ids, Scheduler
from secondlook.models.pairs import PairModel
from secondlook.models.reading import Reader
from tests.tiny_models import write_tokenizer


class Lengths:
    """The logit of a pair is its number of tokens."""

    name = "lengths"
    tokens_a_run = 64
    pads = False

    def infer(self, ids: Sequence[Ids], types: Sequence[Ids]) -> list[Floats]:
        return [np.array([len(one), 0], np.float32) for one in ids]


class Gate(Lengths):
    """Lets nobody through until it is opened."""

    def __init__(self) -> None:
        self.entered, self.opened = threading.Event(), threading.Event()

    def infer(self, ids: Sequence[Ids], types: Sequence[Ids]) -> list[Floats]:
        self.entered.set()
        self.opened.wait()
        return super().infer(ids, types)


@pytest.fixture
def scheduler() -> Iterator[Scheduler]:
    made = Scheduler(2, capacity=50)
    yield made
    made.close()


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    write_tokenizer(tmp_path, "bert")
    return Reader(tmp_path, max_positions=64)


def score(reader: Reader, scheduler: Scheduler, query: str, texts: list[str]) -> list[tuple[float, bool]]:
    return asyncio.run(PairModel(reader, Lengths(), scheduler=scheduler).score_pairs(query, texts, max_tokens=20))


def test_each_pair_in_its_place(reader: Reader, scheduler: Scheduler) -> None:
    texts = ["lamp " * (at % 19) for at in range(70)]
    found = score(reader, scheduler, "oil", texts)
    assert found == [(min(20, 4 + at % 19), at % 19 > 16) for at in range(70)]
    assert score(reader, scheduler, "oil", []) == []


def test_a_query_without_room(reader: Reader, scheduler: Scheduler) -> None:
    with pytest.raises(CallerError, match="shorten it"):
        score(reader, scheduler, "oil " * 17, ["lamp"])


def test_too_much_is_refused(reader: Reader, scheduler: Scheduler) -> None:
    gate = Gate()
    model = PairModel(reader, gate, scheduler=scheduler)

    async def both() -> int:
        first = asyncio.create_task(model.score_pairs("oil", ["lamp " * 16] * 400, max_tokens=20))
        await asyncio.to_thread(gate.entered.wait)
        with pytest.raises(OverloadedError):
            await model.score_pairs("oil", ["lamp " * 16] * 400, max_tokens=20)
        gate.opened.set()
        return len(await first)

    assert asyncio.run(both()) == 400
