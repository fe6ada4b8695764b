"""A pair is read once a tenant, and a cached score is the score."""

import asyncio
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secondlook.errors import RerankerError
from secondlook.models.fakes import FakeReranker
from secondlook.models.pair_cache import PairCache, Remembering, mark_of, remember
from secondlook.ports import Passage, Reranker, Scores, declared
from secondlook.telemetry import tenant

QUERY = "oil lamp"


class Counting(FakeReranker):
    """Remembers what it read."""

    def __init__(self, identity: str = "counting@1") -> None:
        super().__init__(identity)
        self.read: list[str] = []

    async def score(self, query: str, passages: Sequence[Passage]) -> Scores:
        self.read += [passage.text for passage in passages]
        return await super().score(query, passages)


@pytest.fixture(autouse=True)
def _a_tenant() -> Iterator[None]:
    token = tenant.set("i1")
    yield
    tenant.reset(token)


def ask(reranker: Reranker, *texts: str, query: str = QUERY) -> Scores:
    return asyncio.run(reranker.score(query, [Passage(text) for text in texts]))


def test_a_pair_is_read_once() -> None:
    inner = Counting()
    made = remember(inner, PairCache(10))
    first = ask(made, "lamp", "fog")
    assert (first.values, first.cached) == ((0.5, 0.0), 0)
    second = ask(made, "oil", "lamp", "fog")
    assert (second.values, second.cached) == ((0.5, 0.5, 0.0), 2)
    assert inner.read == ["lamp", "fog", "oil"]
    assert ask(made, "lamp").cached == 1


def test_other_tenants_models_queries_and_passages_are_other_pairs() -> None:
    inner, cache = Counting(), PairCache(10)
    ask(remember(inner, cache), "lamp")
    token = tenant.set("i2")
    assert ask(remember(inner, cache), "lamp").cached == 0
    tenant.reset(token)
    assert ask(remember(Counting("other@1"), cache), "lamp").cached == 0
    assert ask(remember(inner, cache), "lamp", query="oil").cached == 0
    assert ask(remember(inner, cache), "lamp").cached == 1
    assert mark_of("a", "bc") != mark_of("ab", "c")


def test_white_space_and_unicode_forms_of_the_query_do_not_matter() -> None:
    assert mark_of("  o\u0308l  lamp", "t") == mark_of("öl lamp", "t") != mark_of("Öl lamp", "t")


def test_the_one_unused_for_longest_goes() -> None:
    cache = PairCache(2)
    made = remember(Counting(), cache)
    ask(made, "lamp", "fog")
    ask(made, "lamp")
    ask(made, "oil")
    assert len(cache) == 2
    assert [ask(made, text).cached for text in ("lamp", "oil", "fog")] == [1, 1, 0]


def test_without_a_size_or_a_tenant_nothing_is_kept() -> None:
    cache = PairCache(0)
    made = remember(Counting(), cache)
    assert [ask(made, "lamp").cached for _ in range(2)] == [0, 0]
    cache = PairCache(5)
    token = tenant.set("")
    ask(remember(Counting(), cache), "lamp")
    tenant.reset(token)
    assert len(cache) == 0


def test_a_reranker_that_reads_more_than_the_pair_is_left_alone() -> None:
    class Evident(FakeReranker):
        uses_evidence = True

    class Stored(FakeReranker):
        wants_stored = True

    class Ranks(FakeReranker):
        score_kind = "rank"

    assert declared(Ranks()).slice_size == 0
    for kind in (Evident, Stored, Ranks):
        inner = kind()
        assert remember(inner, PairCache(5)) is inner


def test_bad_scores_are_neither_kept_nor_hidden() -> None:
    cache = PairCache(5)
    with pytest.raises(RerankerError, match="2 scores for 1 passage"):
        ask(remember(FakeReranker(extra_scores=1), cache), "lamp")
    made = remember(FakeReranker(scorer=lambda query, passage: float("nan")), cache)
    assert ask(made, "lamp").values != (0.0,)
    assert len(cache) == 0


def test_what_it_declares() -> None:
    class English(Counting):
        languages = ("en",)

    inner = English()
    made = remember(inner, PairCache(5))
    assert isinstance(made, Remembering)
    assert declared(made).languages == ("en",)
    assert (made.identity, made.wants_stored) == (inner.identity, False)
    assert declared(remember(Counting(), PairCache(5))).languages is None


@given(
    st.lists(st.lists(st.sampled_from(["lamp", "oil", "fog", "oil lamp"]), max_size=5), max_size=6), st.integers(0, 3)
)
def test_the_scores_are_the_same_with_and_without(asks: list[list[str]], size: int) -> None:
    made, plain = remember(Counting(), PairCache(size)), FakeReranker()
    for texts in asks:
        assert ask(made, *texts).values == ask(plain, *texts).values
