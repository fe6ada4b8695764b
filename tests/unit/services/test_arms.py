"""Arms are what they say, and a word that is not known is told with those that are."""

from dataclasses import replace

import pytest

from secondlook.domain.instance import Instance, InstanceSettings
from secondlook.domain.lab import ArmSpec
from secondlook.domain.model import KnownModel
from secondlook.domain.options import RerankStage
from secondlook.errors import CallerError, InvalidOptionError, InvalidRetrievalTypeError
from secondlook.services.arms import MOST_ARMS, base_plan, check_arm, default_arms, off_plans, parse_arm, plan_of
from secondlook.services.searching import SearchDefaults

PLACE = Instance("u", "acc", "default", "docs", InstanceSettings(min_score=0.3, reranking_budget=0.2), 0, 0)


def test_words_of_an_arm() -> None:
    found = parse_arm("model=BAAI/bge-reranker-base, window=100, weight=0.7, retrieval=vector, score=0.2")
    assert found == ArmSpec("BAAI/bge-reranker-base", 100, 0.7, "vector", min_score=0.2)
    assert found.name == "BAAI/bge-reranker-base, 100 candidates, weight 0.7, vector, score from 0.2"
    assert parse_arm("model=a/b?max_tokens=128&precision=fp32,window=9").model == "a/b?max_tokens=128&precision=fp32"
    assert parse_arm("match=or,fusion=max").name == "built-in, 50 candidates, or, max"
    assert parse_arm("fusion=convex,fusion_weight=0.3").name == "built-in, 50 candidates, convex, cosine 0.3"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("speed=9", "word is one of fusion, fusion_weight, match, model, retrieval, score, weight, window"),
        ("model", "must be word=value"),
        ("window=many", "window is 'many', which is not a number"),
        ("window=0", "it must be 1 to 200"),
        ("weight=0", "above 0"),
        ("score=2", "it must be 0 to 1"),
        ("fusion=sum", "must be one of convex, rrf, max"),
        ("fusion_weight=2", "it must be 0 to 1"),
        ("stages=1", "word is one of"),
        ("model=a>b,window=200", r"read 200, 50 candidates, in that order, .* leave out the window 200"),
    ],
)
def test_bad_arms_are_told(text: str, told: str) -> None:
    with pytest.raises(CallerError, match=told):
        parse_arm(text)


def test_a_chain_has_two_ends() -> None:
    with pytest.raises(InvalidOptionError, match="a name on both sides"):
        check_arm(ArmSpec("a>"))


def test_default_arms_are_the_rerankers_that_are_here() -> None:
    models = [
        KnownModel("emb", "embedding", "MIT", True, True),
        KnownModel("late", "reranking", "MIT", True, True),
        KnownModel("here", "reranking", "MIT", True, False),
        KnownModel("away", "reranking", "MIT", False, False),
        KnownModel("far", "reranking", "-", True, False, remote=True),
    ]
    names = [arm.name for arm in default_arms(models)]
    assert names[:4] == [
        *(f"built-in, {one} candidates" for one in (20, 50, 100)),
        "built-in, 50 candidates, weight 0.5",
    ]
    assert {one.split(",")[0] for one in names} == {"built-in", "here", "far"}
    many = [KnownModel(f"m{one}", "reranking", "MIT", True, False) for one in range(60)]
    assert len(default_arms(many)) == MOST_ARMS


def test_the_plan_of_an_arm_is_how_the_instance_would_serve_it() -> None:
    defaults = SearchDefaults(budget=0.5, missing="substitute")
    plan = plan_of(ArmSpec("m", 20, 0.5), PLACE, defaults)
    assert plan.reranking is not None
    assert (plan.reranking.window, plan.reranking.weight, plan.retrieval.num_candidates) == (20, 0.5, 20)
    assert plan.filtering.min_score == 0.3, "the instance's own"
    assert plan.reranking.budget is None, "one that is cut short is another arm"
    assert plan.reranking.missing == "error" and plan.reranking.min_relevance is None
    base = base_plan(PLACE, defaults)
    assert base.reranking is None and base.retrieval.num_candidates == 50


def test_an_instance_with_a_cascade_does_not_lend_it_to_arms() -> None:
    settings = replace(PLACE.settings, reranking_model="own", reranking_stages=(RerankStage("other", 30),))
    plan = plan_of(ArmSpec(), replace(PLACE, settings=settings), SearchDefaults())
    assert plan.reranking is not None and plan.reranking.cascade == (RerankStage("", 50),)
    chain = plan_of(ArmSpec("a>b", None), replace(PLACE, settings=settings), SearchDefaults())
    assert chain.reranking is not None
    assert [(one.model, one.window) for one in chain.reranking.cascade] == [("a", 200), ("b", 50)]
    assert chain.retrieval.num_candidates == 200


def test_an_arm_needs_its_index() -> None:
    settings = replace(PLACE.settings, keyword_index=False)
    with pytest.raises(InvalidRetrievalTypeError):
        plan_of(ArmSpec(retrieval_type="keyword"), replace(PLACE, settings=settings), SearchDefaults())


def test_a_chain_is_named_without_a_window_that_it_does_not_have() -> None:
    assert parse_arm("model=a>b,weight=0.5").name == "a>b, weight 0.5"


def test_a_cascade_of_the_instance_is_measured_with_its_windows() -> None:
    arm = ArmSpec(stages=(RerankStage("a", 120), RerankStage("", 20, 12)))
    assert arm.name == "a (120 candidates) > built-in (20 candidates, keeps 12)"
    plan = plan_of(arm, PLACE, SearchDefaults())
    assert plan.reranking is not None and plan.reranking.cascade == arm.stages
    assert (plan.retrieval.num_candidates, plan.top_k) == (120, 120)
    long = plan_of(ArmSpec("a>b>c", None), PLACE, SearchDefaults())
    assert long.reranking is not None and [one.window for one in long.reranking.cascade] == [200, 50, 20], "as served"


def test_what_an_arm_with_a_retrieval_of_its_own_is_held_against() -> None:
    arms = (ArmSpec(), ArmSpec(match_mode="or", min_score=0.1), ArmSpec("m", match_mode="or", min_score=0.1))
    [(name, plan)] = off_plans(arms, PLACE, SearchDefaults()).items()
    assert (name, plan.reranking, plan.retrieval.match_mode) == ("off, or, score from 0.1", None, "or")
    assert plan.filtering.min_score == 0.1 and base_plan(PLACE, SearchDefaults()).filtering.min_score == 0.3
