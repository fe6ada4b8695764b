"""A plan with nothing said: every default in one place, and each stage skipped that can be."""

import pytest

from secondlook.domain.options import (
    DEFAULT_MIN_RELEVANCE,
    DEFAULT_NUM_CANDIDATES,
    DEFAULT_TOP_K,
    MAX_TOP_K,
    Boost,
    Boosting,
    Filtering,
    Fusion,
    Generation,
    Plan,
    Reranking,
    Retrieval,
    Rewriting,
)


def test_a_plain_plan_skips_what_is_optional() -> None:
    plan = Plan("i")
    assert (plan.boosting, plan.reranking, plan.rewriting, plan.expand_by) == (None, None, None, 0)
    assert plan.retrieval == Retrieval("hybrid", DEFAULT_NUM_CANDIDATES, "and", None)
    assert plan.fusion == Fusion("convex", 60, 0.5)
    assert plan.filtering == Filtering(0.0)
    assert plan.top_k == DEFAULT_TOP_K <= MAX_TOP_K <= DEFAULT_NUM_CANDIDATES


def test_convex_fusion_merges_longer_lists_than_the_window() -> None:
    assert Plan("i").num_hits == 100
    assert Plan("i", Retrieval("vector")).num_hits == Plan("i", Retrieval("keyword")).num_hits == 50
    assert Plan("i", fusion=Fusion("rrf")).num_hits == Plan("i", fusion=Fusion("max")).num_hits == 50
    assert Plan("i", Retrieval(num_candidates=200)).num_hits == 200


def test_a_plain_reranking_reads_every_candidate_and_takes_the_default_model() -> None:
    plain = Reranking()
    assert (plain.model, plain.window, plain.min_relevance) == ("", DEFAULT_NUM_CANDIDATES, DEFAULT_MIN_RELEVANCE)
    assert (plain.budget, plain.missing, plain.raise_on_failure) == (None, "substitute", False)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Plan("i", boosting=Boosting((Boost("n"),)), reranking=Reranking(), rewriting=Rewriting()),
        lambda: Generation("m", "be brief", (("temperature", 0.1),)),
    ],
)
def test_options_are_values(make: object) -> None:
    assert callable(make)
    assert make() == make()
    assert len({make(), make()}) == 1


def test_a_calibration_of_the_built_in_reranker_serves_its_next_recipe() -> None:
    old = "late-interaction@2.1/e@abc/native-avx2-int8"
    options = Reranking(by_model={old: 0.3})
    assert options.find_calibrated("late-interaction@3.0/e@abc/native-avx2-int8") == old
    assert options.find_calibrated("late-interaction@3.0/e@abc/native-vnni-int8") == old
    assert options.find_calibrated("late-interaction@3.0/other@abc/native-avx2-int8") == ""


def test_a_calibration_serves_the_same_model_on_another_runtime() -> None:
    late, cross = "r@1/e@abc/native-avx2-int8/64", "c@2/native-avx2-int8/512/plain/window"
    options = Reranking(by_model={late: 0.3, cross: 0.2, "remote@v3": 0.1})
    assert options.find_calibrated(late) == late
    assert options.find_calibrated("r@1/e@abc/native-vnni-int8/64") == late
    assert options.find_calibrated("r@1/e@abc/onnxruntime-int8/64") == late
    assert options.find_calibrated("c@2/native-avx2-int7/512/plain/window") == cross
    for other in ("r@1/e@abc/native-vnni-int8/128", "r@2/e@abc/native-vnni-int8/64", "remote@v4", ""):
        assert options.find_calibrated(other) == ""
