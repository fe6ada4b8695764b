"""A reranker that cannot be used says why, whoever asks it."""

import asyncio

import pytest

from secondlook.errors import RerankerError
from secondlook.models.pair_cache import PairCache, remember
from secondlook.models.unavailable import UnavailableReranker
from secondlook.ports import Passage, declared


def test_it_says_why() -> None:
    made = UnavailableReranker("hosted", "the environment variable RERANK_KEY is not set")
    found = remember(made, PairCache(10))
    assert declared(found).unavailable == "the environment variable RERANK_KEY is not set"
    with pytest.raises(
        RerankerError, match="hosted is unavailable: the environment variable RERANK_KEY is not set"
    ) as it:
        asyncio.run(found.score("oil", [Passage("lamp")]))
    assert it.value.cause == "missing"
    asyncio.run(made.close())
