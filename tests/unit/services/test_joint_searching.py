"""One plan for several instances, and what is decided by which of them."""

from dataclasses import replace

import pytest

from secondlook.domain.instance import Instance
from secondlook.domain.options import Fusion, Generation, Plan, Reranking, Retrieval
from secondlook.domain.query import Query
from secondlook.errors import InvalidOptionError, TooManyNamedError
from secondlook.services.indexing import Upload
from secondlook.services.joint_searching import MOST_INSTANCES, Joint, JointSearching, join_plans
from secondlook.services.searching import Ask
from tests.unit.services.conftest import House

PLACE = ("acc", "default")


def test_the_first_decides_and_the_first_that_reranks() -> None:
    plain = Plan("a", Retrieval("vector", num_candidates=50), top_k=3)
    second = Plan("b", Retrieval("keyword", num_candidates=200), reranking=Reranking("x"), top_k=9)
    joined = join_plans([plain, second, replace(second, reranking=Reranking("y"))])
    assert (joined.index, joined.top_k) == ("a", 3)
    assert joined.reranking == Reranking("x")
    assert joined.retrieval == Retrieval("hybrid", num_candidates=200)
    assert join_plans([plain]).retrieval.type == "vector"
    assert join_plans([plain]).reranking is None


def test_fusions_that_differ_become_convex() -> None:
    convex, rrf = Plan("a", fusion=Fusion("convex", weight=0.3)), Plan("b", fusion=Fusion("rrf"))
    assert join_plans([rrf, replace(rrf, index="c")]).fusion == Fusion("rrf")
    assert join_plans([convex, replace(convex, index="c")]).fusion == Fusion("convex", weight=0.3)
    assert join_plans([rrf, convex]).fusion == join_plans([convex, rrf]).fusion == Fusion("convex", weight=0.5)


def test_bm25_counts_against_the_ceiling_of_its_own_index(house: House) -> None:
    """A passage scores in company as it does alone, however rare its words are in the other index."""
    fill(house, "docs")
    blog = fill(house, "blog")
    for at in range(6):
        house.run(house.indexing.upload(blog, Upload(f"{at}.md", f"the fog horn {at}".encode()), wait=30))
    alone = {
        one.chunk.item_key: one.score for name in ("docs", "blog") for one in search(house, name).ranking.candidates
    }
    together = {one.chunk.item_key: one.score for one in search(house, "docs", "blog").ranking.candidates}
    assert set(together) == {"docs.md", "blog.md"} | {f"{at}.md" for at in range(6)}
    assert together == alone


def test_the_request_decides_where_fusions_differ(house: House) -> None:
    fill(house, "docs", fusion_method="rrf")
    fill(house, "blog")
    assert search(house, "docs").ranking.fusion == "rrf"
    assert search(house, "docs", "blog").ranking.fusion == "convex, 0.5"
    assert search(house, "docs", "blog", ask=Ask(fusion_method="max")).ranking.fusion == "max"


def test_thresholds_stay_those_of_each() -> None:
    low, high = Plan("a"), replace(Plan("b"), filtering=replace(Plan("b").filtering, min_score=0.9))
    assert join_plans([low, high]).filtering.by_index == {"a": 0.0, "b": 0.9}


def search(house: House, *names: str, ask: Ask | None = None) -> Joint:
    joint = JointSearching(house.tools, house.catalog)
    return house.run(joint.search(PLACE, names, Query("oil"), make_ask=lambda _: ask or Ask(min_relevance=None)))


def fill(house: House, name: str, **settings: object) -> Instance:
    made = house.make(name, **settings)
    house.run(house.indexing.upload(made, Upload(f"{name}.md", f"oil for the {name}".encode()), wait=30))
    return made


def test_parts_are_told_in_the_order_of_the_request(house: House) -> None:
    fill(house, "docs")
    fill(house, "blog")
    joint = search(house, "blog", "docs", "blog")
    assert [(one.name, one.found, one.returned) for one in joint.parts] == [("blog", 1, 1), ("docs", 1, 1)]
    assert {joint.names[one.chunk.index] for one in joint.ranking.candidates} == {"blog", "docs"}


def test_how_many_may_be_named(house: House) -> None:
    with pytest.raises(InvalidOptionError):
        search(house)
    with pytest.raises(TooManyNamedError):
        search(house, *(f"i{at}" for at in range(MOST_INSTANCES + 1)))


def test_the_first_instances_prompt_and_model_answer(house: House) -> None:
    fill(house, "docs", answer_prompt="Be brief.", generation_model="own")
    fill(house, "blog", answer_prompt="Be long.", generation_model="other")
    joint = JointSearching(house.tools, house.catalog)
    _, answer = house.run(
        joint.answer(
            PLACE,
            ["docs", "blog"],
            Query("oil"),
            make_ask=lambda _: Ask(min_relevance=None),
            make_generation=lambda _: Generation(),
        )
    )
    assert answer.model == house.tools.generator.name("own") != house.tools.generator.name("other")
