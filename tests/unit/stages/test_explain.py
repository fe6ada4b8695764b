"""The sentence that carries the relevance is named, and nothing else changes."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from secondlook.domain.candidate import Ranking, Receipt, StageReceipt
from secondlook.domain.options import Plan
from secondlook.models.fakes import FakeReranker
from secondlook.ports import Passage, Reranker, Scores
from secondlook.stages.explain import RESULTS, SENTENCES, find_sentences, split_sentences
from secondlook.telemetry import tenant
from tests.unit.stages.conftest import Bench, make_ranking, run


def reranked(count: int, text: str = "The fog came. Lamp oil freezes.", served: str = "") -> Ranking:
    made = make_ranking([0.5] * count)
    ranking = made.kept(
        replace(one, chunk=replace(one.chunk, text=text), evidence=replace(one.evidence, relevance=0.5))
        for one in made.candidates
    )
    return replace(ranking, receipt=Receipt("ran", stages=(StageReceipt("ran", served=served),)))


def explain(bench: Bench, ranking: Ranking, reranker: Reranker | None = None) -> Ranking:
    return run(find_sentences(ranking, Plan("i"), bench.tools(reranker)))


def test_the_best_sentence_of_the_first_results(bench: Bench) -> None:
    before = reranked(RESULTS + 2)
    found = explain(bench, before)
    assert [one.evidence.sentence for one in found.candidates] == ["Lamp oil freezes."] * RESULTS + [""] * 2
    assert found.candidates[0].evidence.sentence_relevance == 1.0
    bare = (replace(one.evidence, sentence="", sentence_relevance=None) for one in found.candidates)
    assert tuple(bare) == tuple(one.evidence for one in before.candidates)


def test_the_model_that_made_the_order_is_asked_and_not_for_too_much(bench: Bench) -> None:
    asked: list[tuple[str, str]] = []

    def listen(query: str, passage: Passage) -> float:
        asked.append((passage.text, tenant.get()))
        return 0.5

    bench.models["mine"] = FakeReranker(scorer=listen)
    explain(bench, reranked(1, "Lamp. " * 50, "mine"))
    assert asked == [("Lamp.", "i")] * SENTENCES


def test_without_a_rerank_nothing_is_named(bench: Bench) -> None:
    ranking = make_ranking([0.5])
    assert explain(bench, ranking) is ranking


class Short(FakeReranker):
    async def score(self, query: str, passages: Sequence[Passage]) -> Scores:
        return Scores((0.5,))


@pytest.mark.parametrize("reranker", [FakeReranker(error=RuntimeError("down")), Short()])
def test_a_failure_changes_nothing_but_the_trace(bench: Bench, reranker: Reranker) -> None:
    before = reranked(3)
    found = explain(bench, before, reranker)
    assert (found.candidates, found.receipt) == (before.candidates, before.receipt)
    assert found.trace[-1].note.startswith("no sentences")


def test_sentences_lose_no_word() -> None:
    text = "One two. Three 2.5 four?\n\n- five!  Six"
    assert split_sentences(text) == ["One two.", "Three 2.5 four?", "- five!", "Six"]
    assert split_sentences("  \n") == []
