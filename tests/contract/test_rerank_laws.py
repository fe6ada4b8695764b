"""Laws of a rerank with real models in the shared queue: company and order of arrival change nothing."""

import asyncio
import random
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secondlook.domain.candidate import Ranking
from secondlook.domain.options import Plan, Reranking
from secondlook.models.batching import Scheduler
from secondlook.models.cross_encoder import CrossEncoder
from secondlook.models.encoder import Encoder
from secondlook.ports import Reranker
from secondlook.stages.rerank import rerank_candidates
from tests.tiny_models import WORDS, make_model
from tests.unit.stages.conftest import Bench, ids, make_ranking

PLAN = Plan("i", reranking=Reranking(min_relevance=None))
TEXTS = st.lists(
    st.lists(st.sampled_from(WORDS), max_size=80).map(" ".join), min_size=1, max_size=8, unique=True
)  # some are read in windows
QUERIES = st.lists(st.sampled_from(WORDS), min_size=1, max_size=6).map(" ".join)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(tmp_path_factory.mktemp("engine"))


@pytest.fixture(scope="module", params=["bert", "xlm-roberta"])
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reranker]:
    scheduler = Scheduler(2)
    folder = make_model(tmp_path_factory.mktemp("model"), request.param).folder
    yield CrossEncoder(Encoder(folder, head=True, scheduler=scheduler), max_tokens=60)
    scheduler.close()


def made(query: str, texts: list[str]) -> Ranking:
    """A ranking of these texts, best first."""
    ranking = make_ranking([1 - at / 100 for at in range(len(texts))], query=query)
    return ranking.kept(
        replace(one, chunk=replace(one.chunk, text=text)) for one, text in zip(ranking.candidates, texts, strict=True)
    )


def scores(ranking: Ranking) -> list[tuple[str, float]]:
    """Id and score of each, in order."""
    return [(one.chunk.id, one.score) for one in ranking.candidates]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(QUERIES, TEXTS), min_size=1, max_size=5), st.randoms(use_true_random=False))
def test_a_search_is_ordered_alike_alone_and_among_others(
    bench: Bench, model: Reranker, asks: list[tuple[str, list[str]]], chance: random.Random
) -> None:
    rankings = [made(*one) for one in asks]
    turns = list(range(len(rankings)))
    chance.shuffle(turns)

    async def together() -> dict[int, Ranking]:
        work = (rerank_candidates(rankings[at], PLAN, bench.tools(model)) for at in turns)
        return dict(zip(turns, await asyncio.gather(*work), strict=True))

    found = asyncio.run(together())
    for at, before in enumerate(rankings):
        alone = asyncio.run(rerank_candidates(before, PLAN, bench.tools(model)))
        assert found[at].receipt.status == alone.receipt.status == "ran"
        assert scores(found[at]) == scores(alone)
        assert sorted(ids(alone)) == sorted(ids(before)), "a permutation"


@settings(max_examples=25, deadline=None)
@given(QUERIES, TEXTS, st.randoms(use_true_random=False))
def test_the_order_of_arrival_changes_no_score(
    bench: Bench, model: Reranker, query: str, texts: list[str], chance: random.Random
) -> None:
    before = made(query, texts)
    shuffled = list(before.candidates)
    chance.shuffle(shuffled)
    first, second = (
        asyncio.run(rerank_candidates(one, PLAN, bench.tools(model))) for one in (before, before.kept(shuffled))
    )
    assert dict(scores(first)) == dict(scores(second))
    if len({score for _, score in scores(first)}) == len(texts):
        assert ids(first) == ids(second)
