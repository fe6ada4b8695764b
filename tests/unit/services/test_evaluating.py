"""An evaluation runs the pipeline that serves, measures it as one would by hand, and leaves nothing behind."""

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

from secondlook.domain.instance import Instance, InstanceSettings
from secondlook.domain.options import Fusion
from secondlook.errors import BackendError
from secondlook.evaluation.datasets import Dataset, Document
from secondlook.models.fakes import FakeEmbedder, FakeReranker
from secondlook.ports import Rerankers, Tools
from secondlook.services.evaluating import BATCH, Evaluating, make_chunk, make_plans, to_json
from secondlook.services.searching import Ask, SearchDefaults, make_plan
from tests.unit.services.conftest import House

DOCUMENTS = (
    Document("oil", "Lamp oil", "warm the reservoir before lighting the lamp"),
    Document("fog", "", "two blasts of the fog horn in fog"),
    Document("bell", "Bell", ""),
    Document("grades", "", "grades of lamp oil oil oil"),
)
HARBOUR = Dataset(
    "harbour",
    DOCUMENTS,
    {"q1": "lamp oil", "q2": "fog horn"},
    {"q1": {"oil": 2, "grades": 1}, "q2": {"fog": 1, "lost": 1}},
)


def evaluating(house: House, reranker: FakeReranker | None = None) -> Evaluating:
    rerankers = Rerankers(house.find, reranker or FakeReranker())
    return Evaluating(Tools(house.engine, house.embedder, rerankers, house.tools.generator), house.engine)


def test_figures_are_those_one_gets_by_hand(idle: House) -> None:
    wanted = {"oil": 0.9, "grades": 0.8, "fog": 0.7}
    texts = {make_chunk(one).passage: wanted.get(one.id, 0.1) for one in DOCUMENTS}
    report = idle.run(evaluating(idle, FakeReranker(scorer=lambda query, passage: texts[passage.text])).run(HARBOUR))
    assert report.name == "harbour"
    assert [arm.arm for arm in report.arms] == ["as created", "keyword", "vector", "hybrid", "hybrid+rerank"]
    last = report.arms[-1]
    second = (1 / math.log2(3 + 1)) / (1 + 1 / math.log2(3))
    assert report.ndcg_by_query["hybrid+rerank"][0] == pytest.approx(1.0)
    assert report.ndcg_by_query["hybrid+rerank"][1] == pytest.approx(second), "fog comes third for q2"
    assert last.ndcg == pytest.approx((1 + second) / 2)
    assert last.mrr == pytest.approx((1 + 1 / 3) / 2)
    assert last.recall == pytest.approx((1 + 0.5) / 2)
    assert last.p_value is None
    assert all(arm.p_value is not None and 0 < arm.p_value <= 1 for arm in report.arms[:-1])
    assert all(arm.ms_per_query > 0 for arm in report.arms)
    assert report.fell_back == 0
    keyword = report.ndcg_by_query["keyword"]
    assert keyword[1] == pytest.approx(1 / (1 + 1 / math.log2(3))), "fog first, the lost one never"


def test_a_reranker_that_fails_is_counted_and_changes_no_order(idle: House) -> None:
    report = idle.run(evaluating(idle, FakeReranker(error=RuntimeError("down"))).run(HARBOUR))
    assert report.fell_back == len(HARBOUR.queries)
    assert report.ndcg_by_query["hybrid+rerank"] == report.ndcg_by_query["hybrid"]
    assert report.arms[3].p_value == 1.0


def test_progress_is_told_and_nothing_is_left(idle: House) -> None:
    heard: list[tuple[str, int, int]] = []
    many = tuple(Document(f"d{at}", "", f"lamp {at}") for at in range(BATCH + 2))
    dataset = Dataset("big", many, {"q": "lamp 3"}, {"q": {"d3": 1}})
    report = idle.run(evaluating(idle).run(dataset, on_progress=lambda *step: heard.append(step)))
    assert heard == [
        ("big: indexing", 0, BATCH + 2),
        ("big: indexing", BATCH, BATCH + 2),
        ("big: indexing", BATCH + 2, BATCH + 2),
        ("big: searching", 1, 1),
    ]
    assert report.arms[0].mrr == 1.0
    assert list((idle.folder / "indexes").iterdir()) == []


def test_a_failure_leaves_no_index(tmp_path: Path) -> None:
    house = House(tmp_path, FakeEmbedder(fails=True))
    with pytest.raises(BackendError, match="embedder is down"):
        house.run(evaluating(house).run(HARBOUR))
    assert list((tmp_path / "indexes").iterdir()) == []
    house.close()


def test_the_first_arm_is_what_a_new_instance_gives(idle: House) -> None:
    plans = make_plans("i", "mine")
    assert next(iter(plans)) == "as created"
    created = make_plan(Instance("i", "acc", "default", "docs", InstanceSettings(), 1, 1), Ask(), SearchDefaults())
    assert replace(plans["as created"], top_k=10) == replace(
        created, retrieval=replace(created.retrieval, partial=False)
    )
    strict = make_plans("i", "mine", SearchDefaults(window=0, match_mode="and", fusion_method="rrf"))
    assert strict["as created"].retrieval.match_mode == "and"
    assert {strict[name].fusion.method for name in ("as created", "hybrid", "hybrid+rerank")} == {"rrf"}
    report = idle.run(evaluating(idle).run(HARBOUR))
    assert report.arms[0].arm == "as created" and report.arms[0].ndcg > 0


def test_the_hybrid_arms_fuse_by_default() -> None:
    plans = make_plans("i", "")
    assert plans["hybrid"].fusion == plans["hybrid+rerank"].fusion == Fusion("convex")


def test_the_other_arms_hold_no_threshold() -> None:
    plans = make_plans("i", "mine")
    assert plans.pop("as created").filtering.min_score == 0.4
    assert all(plan.index == "i" and plan.filtering.min_score == 0 for plan in plans.values())
    reranking = plans["hybrid+rerank"].reranking
    assert reranking is not None
    assert (reranking.model, reranking.min_relevance, reranking.window) == ("mine", None, 50)
    assert all(plans[name].reranking is None for name in ("keyword", "vector", "hybrid"))


@pytest.mark.parametrize(
    ("document", "text", "passage"),
    [
        (Document("d", "Oil", "warm it"), "warm it", "Oil\nwarm it"),
        (Document("d", "Oil", ""), "Oil", "Oil"),
        (Document("d", "", ""), "d", "d"),
    ],
)
def test_a_document_is_one_passage(document: Document, text: str, passage: str) -> None:
    chunk = make_chunk(document)
    assert (chunk.id, chunk.item_id, chunk.text, chunk.end) == ("d", "d", text, len(text))
    assert chunk.passage == passage


def test_figures_as_json(idle: House) -> None:
    report = idle.run(evaluating(idle).run(HARBOUR))
    [found] = json.loads(json.dumps(to_json([report])))["datasets"]
    assert found["name"] == "harbour"
    arms = {arm["arm"]: arm for arm in found["arms"]}
    assert set(arms["hybrid"]) == {"arm", "ndcg@10", "mrr@10", "recall@50", "ms_per_query", "p_value"}
    assert arms["keyword"]["ndcg@10"] == report.arms[1].ndcg
    assert arms["hybrid+rerank"]["p_value"] is None


def test_keywords_are_those_of_the_language(idle: House) -> None:
    house = Dataset("haus", (Document("d", "", "Die Häuser"),), {"q": "Haus"}, {"q": {"d": 1}})
    plain = idle.run(evaluating(idle).run(house))
    german = idle.run(evaluating(idle).run(house, analyser="german"))
    assert [plain.arms[1].mrr, german.arms[1].mrr] == [0.0, 1.0]
