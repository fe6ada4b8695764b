"""The fakes behave as they say, since other tests rest on them."""

import asyncio
import math

import pytest

from secondlook.domain.chunk import Chunk
from secondlook.errors import BackendError, RerankerError
from secondlook.models.fakes import FakeEmbedder, FakeGenerator, FakeReranker
from secondlook.ports import Passage, Prompt


def test_words_in_common_make_texts_near() -> None:
    found = asyncio.run(FakeEmbedder().embed_passages(["fog horn", "horn of fog", "invoice"]))
    assert found[0].vector != found[2].vector
    assert len(found[0].vector) == 4 * FakeEmbedder.dimensions


def test_the_embedder_can_be_down() -> None:
    with pytest.raises(BackendError):
        asyncio.run(FakeEmbedder(fails=True).embed_query("fog"))
    with pytest.raises(BackendError):
        asyncio.run(FakeEmbedder(fails=True).embed_passages(["fog"]))


def test_the_reranker_scores_by_shared_words_and_can_fail() -> None:
    passages = [Passage("fog horn"), Passage("horn"), Passage("oil")]
    assert asyncio.run(FakeReranker().score("fog horn", passages)).values == (1.0, 0.5, 0.0)
    assert len(asyncio.run(FakeReranker(extra_scores=1).score("fog", passages)).values) == 4
    nan = FakeReranker(scorer=lambda query, passage: math.nan)
    assert math.isnan(asyncio.run(nan.score("fog", passages)).values[0])
    with pytest.raises(RerankerError):
        asyncio.run(FakeReranker(error=RuntimeError("down")).score("fog", passages))


def test_the_generator_cites_the_first_chunk() -> None:
    async def work() -> str:
        prompt = Prompt((), "fog?", (Chunk("1", "a", "fog.md", "text"),))
        return "".join([delta.text async for delta in FakeGenerator().stream(prompt)])

    assert asyncio.run(work()).strip() == "See [fog.md]."
