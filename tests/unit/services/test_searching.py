"""Request, then instance, then product: who decides what, and what an answer is asked with."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from secondlook.domain.filters import Comparison
from secondlook.domain.instance import Instance, InstanceSettings
from secondlook.domain.options import (
    DEFAULT_MIN_RELEVANCE,
    KEYWORD_SHARE,
    Boost,
    Boosting,
    Filtering,
    Fusion,
    Generation,
    Plan,
    Reranking,
    RerankStage,
    Rewriting,
)
from secondlook.domain.query import Query
from secondlook.errors import InvalidModelError, InvalidRetrievalTypeError
from secondlook.ports import Delta, Prompt, Tools
from secondlook.services.indexing import Upload
from secondlook.services.searching import Ask, SearchDefaults, Searching, make_plan
from tests.unit.services.conftest import House

RED = Comparison("colour", "eq", "red")


def plan(ask: Ask | None = None, defaults: SearchDefaults | None = None, **settings: Any) -> Plan:
    instance = Instance("u1", "acc", "default", "docs", InstanceSettings(**settings), 1, 1)
    return make_plan(instance, ask or Ask(), defaults or SearchDefaults())


def test_nothing_said_takes_the_instances_values() -> None:
    found = plan(match_mode="or", fusion_method="max", top_k=7, min_score=0.3, boosts=(Boost("n"),))
    assert found.index == "u1"
    assert (found.retrieval.type, found.retrieval.match_mode, found.retrieval.where) == ("hybrid", "or", None)
    assert found.fusion == Fusion("max")
    assert (found.top_k, found.filtering.min_score) == (7, 0.3)
    assert found.boosting == Boosting((Boost("n"),))
    assert (found.reranking, found.rewriting, found.expand_by) == (None, None, 0)


def test_the_fusion_is_that_of_the_request_the_instance_the_server_or_convex() -> None:
    assert plan().fusion == Fusion("convex", weight=0.5)
    assert plan(fusion_weight=0.3).fusion == Fusion("convex", weight=0.3)
    assert plan(Ask(fusion_weight=0.0), fusion_weight=0.3).fusion == Fusion("convex", weight=0.0)
    assert plan(fusion_method="rrf", fusion_weight=0.3).fusion == Fusion("rrf")
    assert plan(Ask(fusion_method="convex"), fusion_method="rrf").fusion == Fusion("convex")
    strict = SearchDefaults(fusion_method="rrf")
    assert plan(defaults=strict).fusion == Fusion("rrf")
    assert plan(defaults=strict, fusion_method="convex").fusion == Fusion("convex")
    assert (plan().num_hits, plan(defaults=strict).num_hits) == (100, 50)
    assert plan(defaults=replace(strict, window=0)).num_hits == 10, "strict mode fetches what it returns"


def test_the_match_mode_of_those_who_choose_none_is_that_of_the_retrieval_type() -> None:
    assert plan().retrieval.match_mode == "or"
    assert plan(Ask(retrieval_type="keyword")).retrieval.match_mode == "and"
    assert plan(vector_index=False).retrieval.match_mode == "and"
    assert plan(match_mode="and").retrieval.match_mode == "and"
    assert plan(Ask(retrieval_type="keyword", match_mode="or"), match_mode="and").retrieval.match_mode == "or"
    strict = SearchDefaults(match_mode="and", threshold_for_all=True)
    assert plan(defaults=strict).retrieval.match_mode == "and"
    assert plan(defaults=strict, match_mode="or").retrieval.match_mode == "or"


def test_the_threshold_is_for_all_in_the_legacy_generation_and_in_strict_mode() -> None:
    assert plan().filtering == Filtering(0.4, keyword_share=KEYWORD_SHARE)
    assert plan(Ask(threshold_for_all=True)).filtering.keyword_share is None
    assert plan(defaults=SearchDefaults(threshold_for_all=True)).filtering.keyword_share is None


def test_what_is_asked_wins() -> None:
    ask = Ask(
        retrieval_type="keyword",
        match_mode="or",
        fusion_method="max",
        min_score=0.0,
        top_k=3,
        where=RED,
        boosts=(),
        rerank=False,
        rewriting=False,
        expand_by=2,
    )
    found = plan(ask, min_score=0.9, boosts=(Boost("n"),), reranking=True, rewriting=True)
    assert (found.retrieval.type, found.retrieval.match_mode, found.retrieval.where) == ("keyword", "or", RED)
    assert found.fusion.method == "max"
    assert found.filtering.min_score == 0.0, "0 is a value, not an absence"
    assert (found.top_k, found.expand_by) == (3, 2)
    assert (found.boosting, found.reranking, found.rewriting) == (None, None, None)


def test_reranking_from_request_instance_and_server() -> None:
    defaults = SearchDefaults(window=20, budget=0.5, missing="error")
    assert plan(defaults=defaults, reranking=True, reranking_model="m").reranking == Reranking(
        "m", 20, DEFAULT_MIN_RELEVANCE, 0.5, "error", False
    )
    ask = Ask(rerank=True, reranker="mine", min_relevance=None, budget=2.0, raise_on_failure=True)
    assert plan(ask, defaults, reranking_model="m").reranking == Reranking("mine", 20, None, 2.0, "error", True)


@pytest.mark.parametrize(
    ("window", "top_k", "read"), [(50, 10, 50), (5, 10, 10), (0, 10, 10), (0, 50, 50), (100, 50, 100)]
)
def test_the_reranker_never_reads_less_than_is_returned(window: int, top_k: int, read: int) -> None:
    found = plan(Ask(top_k=top_k, rerank=True), SearchDefaults(window=window))
    assert found.reranking is not None
    assert (found.reranking.window, found.retrieval.num_candidates, found.top_k) == (read, read, top_k)


def test_budget_weight_and_failure_from_request_instance_and_server() -> None:
    defaults = SearchDefaults(budget=0.5)
    kept = {"reranking": True, "reranking_budget": 0.2, "reranking_raises": True, "reranking_weight": 0.7}
    for found, wanted in (
        (plan(defaults=defaults, reranking=True), (0.5, False, 1.0)),
        (plan(defaults=defaults, **kept), (0.2, True, 0.7)),
        (plan(Ask(budget=0.1, raise_on_failure=False, weight=0.0), defaults, **kept), (0.1, False, 0.0)),
    ):
        options = found.reranking or Reranking()
        assert (options.budget, options.raise_on_failure, options.weight) == wanted


@pytest.mark.parametrize(
    ("ask", "kept", "expected"),
    [
        (Ask(), {}, [("", 50)]),
        (Ask(reranker="a>b"), {}, [("a", 200), ("b", 50)]),
        (Ask(reranker="a > b > c"), {}, [("a", 200), ("b", 50), ("c", 20)]),
        (Ask(reranker="a>b>c", top_k=30), {}, [("a", 200), ("b", 50), ("c", 30)]),
        (Ask(), {"reranking_model": "a>b"}, [("a", 200), ("b", 50)]),
        (Ask(), {"reranking_model": "m", "reranking_stages": (RerankStage("a", 5),)}, [("a", 10)]),
        (Ask(reranker="m"), {"reranking_stages": (RerankStage("a", 99),)}, [("m", 50)]),
        (Ask(stages=()), {"reranking_model": "m"}, [("m", 50)]),
        (Ask(stages=(RerankStage("a", 120, 5),), reranker="m"), {"reranking_model": "n"}, [("a", 120)]),
    ],
)
def test_who_decides_about_the_cascade(ask: Ask, kept: dict[str, Any], expected: list[tuple[str, int]]) -> None:
    found = plan(ask, **{"reranking": True, **kept})
    assert found.reranking is not None
    assert [(one.model, one.window) for one in found.reranking.cascade] == expected
    assert found.retrieval.num_candidates == max(expected[0][1], found.top_k)
    assert all(one.keep is None or one.keep >= found.top_k for one in found.reranking.cascade)


def test_boosts_after_reranking_need_a_rerank() -> None:
    boosts = (Boost("n"),)
    assert plan(boosts=boosts, reranking=True, boost_last=True).boosting == Boosting(boosts, last=True)
    assert plan(boosts=boosts, boost_last=True).boosting == Boosting(boosts)
    assert plan(Ask(boost_last=False), boosts=boosts, reranking=True, boost_last=True).boosting == Boosting(boosts)


def test_rewriting_from_request_and_instance() -> None:
    kept = {"rewriting": True, "rewriting_model": "m", "rewriting_prompt": "p"}
    assert plan(**kept).rewriting == Rewriting("m", "p")
    assert plan(Ask(rewriting_model="n", rewriting_prompt="q"), **kept).rewriting == Rewriting("n", "q")
    assert plan(Ask(rewriting=True)).rewriting == Rewriting("", "")


@pytest.mark.parametrize(
    ("vector", "keyword", "expected"), [(True, True, "hybrid"), (True, False, "vector"), (False, True, "keyword")]
)
def test_the_type_of_retrieval_is_what_the_index_offers(vector: bool, keyword: bool, expected: str) -> None:
    assert plan(vector_index=vector, keyword_index=keyword).retrieval.type == expected


@pytest.mark.parametrize(
    ("asked", "vector", "keyword"),
    [("vector", False, True), ("keyword", True, False), ("hybrid", True, False), ("hybrid", False, True)],
)
def test_a_type_without_its_index_is_refused(asked: Any, vector: bool, keyword: bool) -> None:
    with pytest.raises(InvalidRetrievalTypeError, match=f"'{asked}' needs an index that instance 'docs'"):
        plan(Ask(retrieval_type=asked), vector_index=vector, keyword_index=keyword)


def fill(house: House, **settings: Any) -> Instance:
    made = house.make(**settings)
    for key, text in (("oil.md", "warm the lamp oil"), ("fog.md", "two blasts of the fog horn")):
        house.run(house.indexing.upload(made, Upload(key, text.encode()), wait=20))
    return made


def test_a_search_runs_the_plan(house: House) -> None:
    made = fill(house, reranking=True)
    found = house.run(house.searching.search(made, Query("lamp oil"), Ask()))
    assert [one.chunk.item_key for one in found.candidates] == ["oil.md"]
    assert found.receipt.status == "ran"
    with pytest.raises(InvalidModelError):
        house.run(house.searching.search(made, Query("lamp oil"), Ask(reranker="no/such")))


class Recorder:
    """A generator that keeps what it was given."""

    def __init__(self) -> None:
        self.prompts: list[Prompt] = []

    def name(self, asked: str) -> str:
        return asked or "recorder"

    async def stream(self, prompt: Prompt) -> AsyncIterator[Delta]:
        self.prompts.append(prompt)
        yield Delta("Warm it.", "stop")


def answered(house: House, made: Instance, generation: Generation) -> tuple[str, str, Prompt]:
    recorder = Recorder()
    tools = Tools(house.engine, house.embedder, house.tools.rerankers, recorder)

    async def work() -> tuple[str, str]:
        answer = await Searching(tools).answer(made, Query("lamp oil"), Ask(), generation=generation)
        assert not recorder.prompts, "nothing is generated until the deltas are read"
        return answer.model, "".join([delta.text async for delta in answer.deltas])

    model, text = house.run(work())
    return model, text, recorder.prompts[0]


def test_an_answer_takes_the_instances_model_and_prompt(house: House) -> None:
    made = fill(house, generation_model="m", answer_prompt="be brief")
    model, text, prompt = answered(house, made, Generation(forwarded=(("temperature", 0),)))
    assert (model, text, prompt.model) == ("m", "Warm it.", "m")
    assert [(turn.role, turn.content) for turn in prompt.messages] == [("system", "be brief"), ("user", "lamp oil")]
    assert prompt.forwarded == (("temperature", 0),)
    assert prompt.chunks[0].item_key == "oil.md"


def test_an_answer_takes_the_requests_model_and_prompt_first(house: House) -> None:
    made = fill(house, generation_model="m", answer_prompt="be brief")
    model, _, prompt = answered(house, made, Generation("mine", "be long"))
    assert model == prompt.model == "mine"
    assert prompt.messages[0].content == "be long"
