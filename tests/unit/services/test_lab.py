"""The bench reads each pair once, in the stages that serve."""

import time
from collections.abc import Sequence
from dataclasses import replace

import pytest

from secondlook.domain.lab import ArmSpec
from secondlook.errors import RerankerError
from secondlook.evaluation.queries import JudgedQuery, Judgment, judged
from secondlook.evaluation.report import OFF
from secondlook.models.fakes import FakeGenerator, FakeReranker
from secondlook.ports import Passage, Rerankers, Scores
from secondlook.services.arms import base_plan, plan_of
from secondlook.services.intake import Upload
from secondlook.services.judging import Judge
from secondlook.services.lab import Bench
from secondlook.services.searching import SearchDefaults
from tests.unit.services.conftest import House

TEXTS = {f"doc-{at}.md": f"lamp oil number {at} " + "oil " * at for at in range(8)}


class Counting(FakeReranker):
    """Prefers high numbers, and counts what it reads."""

    def __init__(self, **more: object) -> None:
        super().__init__(scorer=lambda query, passage: int(passage.text.split()[3]) / 10, **more)  # type: ignore[arg-type]  # words of the class
        self.read: list[str] = []

    async def score(self, query: str, passages: Sequence[Passage]) -> Scores:
        self.read += [one.text for one in passages]
        return await super().score(query, passages)


def bench(house: House, reranker: FakeReranker, *arms: ArmSpec) -> Bench:
    instance = house.make()
    for key, text in TEXTS.items():
        house.run(house.indexing.upload(instance, Upload(key, text.encode()), wait=60))
    tools = replace(house.tools, rerankers=Rerankers(house.find, reranker))
    plans = {arm.name: plan_of(arm, instance, SearchDefaults()) for arm in arms}
    return Bench(tools, base_plan(instance, SearchDefaults()), plans)


def test_each_pair_is_read_once_by_all_arms(house: House) -> None:
    reranker = Counting()
    arms = [ArmSpec(window=8), ArmSpec(window=5), ArmSpec(window=8, weight=0.5), ArmSpec(window=5, weight=0.3)]
    row = house.run(bench(house, reranker, *arms).measure(judged("lamp oil", {"doc-7.md": 1})))
    assert len(reranker.read) == len(set(reranker.read)) == 8
    assert list(row.arms) == [OFF, *(arm.name for arm in arms)]
    best = row.arms[arms[0].name]
    assert best.ranking[:3] == ("doc-7.md", "doc-6.md", "doc-5.md")
    assert (best.ndcg, best.mrr, best.recall, best.holes) == (1.0, 1.0, 1.0, 7 / 8)
    assert len(row.arms[arms[1].name].ranking) == 5, "what lies outside the window is not returned"
    assert dict(best.pairs)[0.7] == 1 and dict(best.pairs)[0.3] is None
    assert best.model == "fake-reranker@1" and row.arms[OFF].pairs == ()
    assert best.milliseconds > 0 and row.arms[OFF].milliseconds > 0


def test_what_the_judge_calls_no_answer_is_relevant_nowhere(house: House) -> None:
    """Grade 1 is about the matter, and does not answer; from 2 on a passage answers."""
    plain = bench(house, Counting(), ArmSpec(window=8))
    for said, grade in (("1", 0), ("2", 2), ("3", 3)):
        made = replace(plain, judge=Judge(FakeGenerator(answer=said), house.book, said))
        row = house.run(made.measure(JudgedQuery("lamp oil", ())))
        assert row.graded == 8 and set(row.grades.values()) == {grade}
        assert {one.mrr for one in row.arms.values()} == {1.0 if grade else 0.0}
        both = house.run(made.measure(judged("lamp oil", {"doc-7.md": 1, "doc-6.md": 0})))
        assert set(both.agreement) == {(True, grade > 0), (False, grade > 0)}
        assert both.grades["doc-7.md"] == 1 and max(both.grades.values()) == 1


def test_an_arm_is_charged_for_pairs_that_another_read(house: House) -> None:
    class Slow(Counting):
        async def score(self, query: str, passages: Sequence[Passage]) -> Scores:
            time.sleep(0.01 * len(passages))
            return await super().score(query, passages)

    arms = [ArmSpec(window=8), ArmSpec(window=4)]
    row = house.run(bench(house, Slow(), *arms).measure(judged("lamp oil", {"doc-7.md": 1})))
    whole, half = (row.arms[arm.name].milliseconds for arm in arms)
    assert 40 < half < whole and whole > 80


def test_models_that_are_not_loaded_yet_are_told_apart(house: House) -> None:
    """Each has the name of the whole model for its identity until then."""
    up = FakeReranker("model", scorer=lambda query, passage: int(passage.text.split()[3]) / 10)
    down = FakeReranker("model", scorer=lambda query, passage: 1 - int(passage.text.split()[3]) / 10)
    made = bench(house, up, ArmSpec("up", 8), ArmSpec("down", 8))
    tools = replace(made.tools, rerankers=Rerankers({"up": up, "down": down}.__getitem__, up))
    row = house.run(replace(made, tools=tools).measure(judged("lamp oil", {"doc-7.md": 1})))
    first = {name: arm.ranking[0] for name, arm in row.arms.items() if name != OFF}
    assert list(first.values()) == ["doc-7.md", "doc-0.md"]


def test_spans_are_what_is_found(house: House) -> None:
    query = JudgedQuery("lamp oil", (Judgment("doc-7.md", 2, 0, 20), Judgment("doc-6.md", 1, 5000, 6000)))
    row = house.run(bench(house, Counting(), ArmSpec(window=8)).measure(query))
    found = row.arms["built-in, 8 candidates"]
    assert found.ranking[:2] == ("doc-7.md#0-20", "doc-6.md")
    assert row.grades == {"doc-7.md#0-20": 2, "doc-6.md#5000-6000": 1}
    assert found.recall == 0.5


def test_a_reranker_that_fails_is_counted_and_ranks_as_before(house: House) -> None:
    row = house.run(
        bench(house, FakeReranker(error=RuntimeError("down")), ArmSpec(window=8)).measure(judged("oil", {"x": 1}))
    )
    [_, failed] = row.arms.values()
    assert failed.fell_back and failed.ranking == row.arms[OFF].ranking[: len(failed.ranking)]


def test_weights_that_are_not_here_are_an_error(house: House) -> None:
    with pytest.raises(RerankerError, match="not here"):
        house.run(bench(house, Counting(), ArmSpec("missing")).measure(judged("oil", {"x": 1})))
