"""A whole request: which stages run, in which order, and that a fallback changes nothing but the trace."""

import asyncio
import math
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from secondlook.domain.candidate import Ranking
from secondlook.domain.options import (
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
from secondlook.domain.query import Query
from secondlook.errors import GeneratorError
from secondlook.models.fakes import FakeGenerator, FakeReranker
from secondlook.pipeline import answer, search
from secondlook.ports import Generator, Reranker
from tests.unit.stages.conftest import TEXTS, Bench, ids

OIL = Query("oil lamp")
PLAIN = Plan("i", Retrieval("hybrid", match_mode="or"))
EVERYTHING = replace(
    PLAIN,
    filtering=Filtering(0.0),
    boosting=Boosting((Boost("n"),)),
    reranking=Reranking(min_relevance=None),
    rewriting=Rewriting(),
    top_k=3,
    expand_by=1,
)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def run(
    bench: Bench,
    plan: Plan,
    *,
    reranker: Reranker | None = None,
    generator: Generator | None = None,
    query: Query = OIL,
) -> Ranking:
    return asyncio.run(search(OIL, plan, bench.tools(reranker, generator)))


def stages(ranking: Ranking) -> list[str]:
    return [step.stage for step in ranking.trace]


def test_none_skips_a_stage(bench: Bench) -> None:
    found = run(bench, PLAIN)
    assert stages(found) == ["retrieve", "fuse", "discount", "filter"]
    assert found.receipt.status == "skipped"
    assert len(found.candidates) == len(TEXTS)
    assert all(one.evidence.retrieval_score == one.score for one in found.candidates)


def test_every_stage_in_its_order(bench: Bench) -> None:
    found = run(bench, EVERYTHING, generator=FakeGenerator(answer="fog horn"))
    assert stages(found) == ["rewrite", "retrieve", "fuse", "discount", "filter", "boost", "rerank", "expand"]
    assert found.query.text == "fog horn"
    assert len(found.candidates) == found.receipt.candidates_out == 3
    assert found.receipt.candidates_in == 5
    best = found.candidates[0]
    assert best.evidence.relevance == best.score == 1.0
    assert (best.evidence.boost, best.evidence.fused_score is not None) == (0.0, True)
    assert TEXTS[0] in best.chunk.text and TEXTS[2] in best.chunk.text, "the neighbours came with it"


def test_the_reranker_reads_what_lies_beyond_the_result_limit(bench: Bench) -> None:
    last = TEXTS[4]
    scorer = FakeReranker(scorer=lambda query, passage: float(passage.text == last))
    found = run(bench, replace(PLAIN, reranking=Reranking(min_relevance=None), top_k=1), reranker=scorer)
    assert [one.chunk.text for one in found.candidates] == [last]
    assert (found.candidates[0].evidence.retrieval_rank or 0) > 1


def test_only_num_candidates_travel_on(bench: Bench) -> None:
    few = replace(PLAIN, retrieval=Retrieval("hybrid", num_candidates=2, match_mode="or"))
    assert len(run(bench, few).candidates) == 2


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(1, 6), st.sampled_from(["rrf", "max"]), st.sampled_from(["vector", "keyword", "hybrid"]))
def test_a_smaller_limit_is_the_head_of_a_larger_one(bench: Bench, top_k: int, method: str, kind: str) -> None:
    retrieval = Retrieval(type=kind, match_mode="or")  # type: ignore[arg-type]  # one of the three
    plan = replace(PLAIN, retrieval=retrieval, fusion=Fusion("max" if method == "max" else "rrf"))
    whole = run(bench, plan)
    assert ids(run(bench, replace(plan, top_k=top_k))) == ids(whole)[:top_k]
    assert all(0 <= one.score <= 1 for one in whole.candidates)


@pytest.mark.parametrize(
    "reranker",
    [
        FakeReranker(error=RuntimeError("out of memory")),
        FakeReranker(extra_scores=1),
        FakeReranker(scorer=lambda query, passage: math.nan),
    ],
)
def test_a_fallback_changes_nothing_but_the_trace(bench: Bench, reranker: Reranker) -> None:
    plan = replace(EVERYTHING, reranking=Reranking(min_relevance=0.99))
    without = run(bench, replace(plan, reranking=None, rewriting=None))
    found = run(bench, plan, reranker=reranker, generator=FakeGenerator(error=GeneratorError("down")))
    assert found.candidates == without.candidates
    assert found.query == without.query
    assert found.receipt.status == "fell_back"
    assert stages(found) == ["rewrite", "retrieve", "fuse", "discount", "filter", "boost", "rerank", "expand"]
    assert [step.note != "" for step in found.trace if step.stage in ("rewrite", "rerank")] == [True, True]


def test_an_answer_is_asked_in_the_words_of_the_original_query(bench: Bench) -> None:
    async def work() -> str:
        tools = bench.tools()
        ranking = await search(OIL, PLAIN, tools)
        return "".join([delta.text async for delta in answer(ranking, OIL, Generation(), tools)])

    assert asyncio.run(work()).strip() == "See [k.md]."
