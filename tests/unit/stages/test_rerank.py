"""The second look: a permutation of the window, or the retrieval order as it was."""

import asyncio
import math
import random
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from secondlook.domain.candidate import Ranking
from secondlook.domain.options import LanguageGuard, Plan, Reranking, RerankStage
from secondlook.errors import InvalidModelError, OverloadedError, QueryTooLongError, RerankerError, SetupError
from secondlook.models.fakes import FakeReranker
from secondlook.ports import Passage, Reranker, Scores
from secondlook.stages.rerank import rerank_candidates, reweigh, warn_of_lapse
from secondlook.telemetry import tenant
from tests.unit.stages.conftest import Bench, ids, make_ranking

SCORES = [0.9, 0.8, 0.7, 0.6, 0.5]


class Clock(asyncio.SelectorEventLoop):
    """An event loop whose time can be put forward, so that no test waits for a budget."""

    ahead = 0.0

    def time(self) -> float:
        return super().time() + self.ahead


async def never() -> None:
    """An hour goes by, and then all others."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, Clock)
    loop.ahead += 3600
    await asyncio.Event().wait()


class Slow:
    """A reranker that never comes back."""

    identity = "slow"
    wants_stored = False

    async def score(self, query: str, passages: Sequence[Passage]) -> Scores:
        await never()
        return Scores(())


class Throws(FakeReranker):
    """A reranker that lets anything out."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.thrown = error

    async def score(self, query: str, passages: Sequence[Passage]) -> Scores:
        raise self.thrown


class Sliced(FakeReranker):
    """Scores a slice at a time; after so many slices it never comes back."""

    def __init__(self, size: int, slices: int = 10**6) -> None:
        super().__init__(f"sliced@{size}")
        self.slice_size = size
        self.slices = slices
        self.seen: list[int] = []

    async def score(self, query: str, passages: Sequence[Passage]) -> Scores:
        if len(self.seen) >= self.slices:
            await never()
        self.seen.append(len(passages))
        return Scores(tuple(at_random(passage.text) for passage in passages), truncated=1)


def at_random(text: str) -> float:
    return random.Random(text).random()


def numbered(scores: Sequence[float]) -> Ranking:
    """Candidates with a text each, best first."""
    ranking = make_ranking(sorted(scores, reverse=True))
    texts = (replace(one, chunk=replace(one.chunk, text=f"text {at}")) for at, one in enumerate(ranking.candidates))
    return ranking.kept(texts)


def rerank(
    bench: Bench, options: Reranking, default: Reranker | None = None, ranking: Ranking | None = None
) -> Ranking:
    found = make_ranking(SCORES) if ranking is None else ranking
    with asyncio.Runner(loop_factory=Clock) as runner:
        return runner.run(rerank_candidates(found, Plan("i", reranking=options), bench.tools(default)))


def test_the_best_come_first_with_their_scores(bench: Bench) -> None:
    found = rerank(bench, Reranking(min_relevance=None))
    assert ids(found) == ["c0", "c2", "c3", "c1", "c4"]
    assert [one.score for one in found.candidates] == [1.0, 0.5, 0.5, 0.0, 0.0]
    assert all(one.score == one.evidence.relevance for one in found.candidates)
    assert [one.evidence.retrieval_rank for one in found.candidates] == [1, 3, 4, 2, 5]
    assert found.receipt.status == "ran"
    assert found.receipt.model == "fake-reranker@1"
    assert found.receipt.candidates_in == 5


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.floats(0, 1), max_size=12), st.integers(1, 12), st.randoms(use_true_random=False))
def test_it_is_a_permutation_of_the_window(bench: Bench, scores: list[float], window: int, chance: object) -> None:
    table = {f"text{at}": at * 7 % 5 / 5 for at in range(12)}
    scorer = FakeReranker(scorer=lambda query, passage: table.get(passage.text, 0.3))
    ranking = make_ranking(scores)
    found = rerank(bench, Reranking(window=window, min_relevance=None), scorer, ranking)
    assert sorted(ids(found)) == sorted(ids(ranking)[:window])
    assert [one.score for one in found.candidates] == sorted((one.score for one in found.candidates), reverse=True)


def test_the_threshold_is_inclusive(bench: Bench) -> None:
    assert ids(rerank(bench, Reranking(min_relevance=0.5))) == ["c0", "c2", "c3"]
    assert ids(rerank(bench, Reranking(min_relevance=1.0))) == ["c0"]


@pytest.mark.parametrize(
    ("reranker", "word", "cause"),
    [
        (FakeReranker(error=RuntimeError("it broke")), "it broke", "failed"),
        (FakeReranker(error=MemoryError("no memory")), "no memory", "memory"),
        (FakeReranker(extra_scores=1), "6 scores for 5", "answer"),
        (FakeReranker(scorer=lambda query, passage: math.nan), "outside 0 to 1", "answer"),
        (FakeReranker(scorer=lambda query, passage: 1.5), "outside 0 to 1", "answer"),
        (Slow(), "budget of 60000 ms", "budget"),
        (Throws(KeyError("score")), "score", "failed"),
        (Throws(MemoryError()), "MemoryError", "memory"),
        (Throws(TimeoutError()), "timed out", "timeout"),
        (Throws(SetupError("the graph is broken")), "graph is broken", "missing"),
        (Throws(QueryTooLongError(600, 512)), "600 tokens", "query"),
    ],
)
def test_a_failure_changes_nothing_but_the_receipt(bench: Bench, reranker: Reranker, word: str, cause: str) -> None:
    before = make_ranking(SCORES)
    found = rerank(bench, Reranking(budget=60, min_relevance=0.99), reranker, before)
    assert found.candidates == before.candidates, "the threshold is held against nothing"
    assert found.receipt.status == "fell_back"
    assert word in found.receipt.reason
    assert (found.receipt.cause, found.receipt.stages[0].cause) == (cause, cause)
    assert found.trace[-1].stage == "rerank"
    with pytest.raises(RerankerError, match=word) as raised:
        rerank(bench, Reranking(budget=60, raise_on_failure=True), reranker, before)
    assert raised.value.cause == cause


def test_a_queue_that_is_full_is_told_as_such(bench: Bench) -> None:
    full = Throws(OverloadedError("overloaded: 9 tokens wait", 2.5))
    found = rerank(bench, Reranking(), full)
    assert (found.receipt.status, found.receipt.reason) == (
        "fell_back", "the reranker failed: overloaded: 9 tokens wait",
    )  # fmt: skip
    with pytest.raises(OverloadedError) as raised:
        rerank(bench, Reranking(raise_on_failure=True), full)
    assert raised.value.retry_after == 2.5


def test_a_query_that_was_cut_stands_in_the_receipt(bench: Bench) -> None:
    class Short(Sliced):
        async def score(self, query: str, passages: Sequence[Passage]) -> Scores:
            return replace(await super().score(query, passages), query_truncated=not self.seen[1:])

    assert rerank(bench, Reranking(budget=60), Short(2)).receipt.query_truncated
    assert not rerank(bench, Reranking(), Sliced(2)).receipt.query_truncated


def test_a_missing_model_is_substituted_refused_or_left_out(bench: Bench) -> None:
    found = rerank(bench, Reranking("missing"))
    assert found.receipt.status == "substituted"
    assert "was used instead" in found.receipt.reason
    assert found.receipt.cause == "missing"
    assert (found.receipt.asked, found.receipt.model) == ("missing", "fake-reranker@1")
    assert ids(found)[0] == "c0"
    left = rerank(bench, Reranking("missing", missing="fall_back"))
    assert (left.receipt.status, left.receipt.cause) == ("fell_back", "missing")
    assert ids(left) == ids(make_ranking(SCORES))
    for options in (
        Reranking("missing", missing="fall_back", raise_on_failure=True),
        Reranking("missing", missing="error"),
    ):
        with pytest.raises(RerankerError, match="not here") as raised:
            rerank(bench, options)
        assert raised.value.cause == "missing"


def test_an_unknown_model_is_an_error(bench: Bench) -> None:
    with pytest.raises(InvalidModelError):
        rerank(bench, Reranking("no/such"))


def test_a_model_that_is_found_unknown_late_is_an_error_too(bench: Bench) -> None:
    class Late(FakeReranker):
        async def score(self, query: str, passages: Sequence[Passage]) -> Scores:
            raise InvalidModelError("withdrawn")

    with pytest.raises(InvalidModelError, match="withdrawn"):
        rerank(bench, Reranking(), Late())


def test_nothing_to_rerank(bench: Bench) -> None:
    found = rerank(bench, Reranking(), ranking=make_ranking([]))
    assert (found.receipt.status, found.receipt.cause) == ("skipped", "nothing")
    assert found.candidates == ()


def test_what_the_index_keeps_is_given_to_who_wants_it(bench: Bench) -> None:
    seen: list[bytes | None] = []

    class Curious(FakeReranker):
        wants_stored = True

        async def score(self, query: str, passages: Sequence[Passage]) -> Scores:
            seen.extend(passage.stored for passage in passages)
            return await super().score(query, passages)

    rerank(bench, Reranking(), Curious())
    assert seen == [b"oil lamp in winter", b"fog horn", b"lamp", b"grades of oil", b"the bell"]


LISTS = st.lists(st.floats(0, 1), min_size=1, max_size=12)
PATIENT = settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@PATIENT
@given(LISTS, st.integers(0, 14), st.floats(0, 1))
def test_the_order_is_the_same_whatever_the_slices(bench: Bench, scores: list[float], size: int, weight: float) -> None:
    options = Reranking(min_relevance=0.3, weight=weight, budget=60)
    whole = rerank(bench, replace(options, budget=None), Sliced(3), numbered(scores))
    found = rerank(bench, options, Sliced(size), numbered(scores))
    assert [(one.chunk.id, one.score) for one in found.candidates] == [
        (one.chunk.id, one.score) for one in whole.candidates
    ]
    assert found.receipt.scored == whole.receipt.scored == len(scores)


@PATIENT
@given(st.lists(st.floats(0, 1), min_size=1, max_size=12, unique=True), st.randoms(use_true_random=False))
def test_the_scores_are_the_same_whatever_the_order_of_arrival(
    bench: Bench, scores: list[float], chance: random.Random
) -> None:
    ranking = numbered(scores)
    shuffled = list(ranking.candidates)
    chance.shuffle(shuffled)
    first, second = (
        rerank(bench, Reranking(min_relevance=None), Sliced(0), one) for one in (ranking, ranking.kept(shuffled))
    )
    assert ids(first) == ids(second)


@PATIENT
@given(st.lists(st.floats(0, 1), min_size=4, max_size=12), st.integers(1, 2), st.floats(0, 1))
def test_what_was_scored_in_time_comes_first_and_the_rest_in_order(
    bench: Bench, scores: list[float], slices: int, weight: float
) -> None:
    ranking = numbered(scores)
    reranker, count = Sliced(2, slices), 2 * slices
    found = rerank(bench, Reranking(min_relevance=None, budget=60, weight=weight), reranker, ranking)
    if count >= len(scores):
        assert found.receipt.reason == found.receipt.cause == ""
        return
    assert (found.receipt.status, found.receipt.cause) == ("ran", "budget")
    assert found.receipt.reason == f"scored {count} of {len(scores)} within the budget of 60000 ms"
    assert (found.receipt.scored, found.receipt.candidates_in) == (count, len(scores))
    assert set(ids(found)[:count]) == set(ids(ranking)[:count])
    assert ids(found)[count:] == ids(ranking)[count:]
    assert all(one.evidence.relevance is not None for one in found.candidates[:count])
    assert all(one.evidence.relevance is None for one in found.candidates[count:])
    shown = [one.score for one in found.candidates]
    assert shown == sorted(shown, reverse=True), "score is what the list is ordered by"


class Given(FakeReranker):
    """A reranker that gives these values, whatever it is asked."""

    def __init__(self, values: Sequence[float]) -> None:
        super().__init__()
        self.values = tuple(values)

    async def score(self, query: str, passages: Sequence[Passage]) -> Scores:
        return Scores(self.values, truncated=1, windowed=1, cached=1)


GOOD = st.floats(0, 1)
BAD = st.sampled_from([math.nan, math.inf, -math.inf, -0.1, 1.1])
ERRORS = [RuntimeError("crashed"), MemoryError(), TimeoutError(), OSError("gone"), KeyError("x"), OverloadedError("9")]


@PATIENT
@given(LISTS, st.data(), st.integers(1, 14), st.floats(0, 1), st.floats(0, 1))
def test_a_fallback_changes_nothing_but_the_receipt(
    bench: Bench, scores: list[float], data: st.DataObject, window: int, weight: float, least: float
) -> None:
    before = numbered(scores)
    read = min(window, len(scores))
    wrong_length = st.lists(GOOD, max_size=14).filter(lambda values: len(values) != read)
    not_scores = st.permutations([data.draw(BAD), *[0.5] * (read - 1)])
    failing = st.one_of(st.sampled_from(ERRORS).map(Throws), st.one_of(wrong_length, not_scores).map(Given))
    options = Reranking(window=window, weight=weight, min_relevance=least)
    found = rerank(bench, options, data.draw(failing), before)
    assert replace(found, receipt=before.receipt, trace=()) == before
    assert [step.stage for step in found.trace] == ["rerank"]
    assert (found.receipt.status, found.receipt.scored, found.receipt.candidates_in) == ("fell_back", 0, read)
    assert found.receipt.reason
    assert (found.receipt.truncated, found.receipt.windowed, found.receipt.cached) == (0, 0, 0)


def test_a_lapsed_calibration_is_applied_and_reported(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    """The model was calibrated before an update changed the arithmetic that it runs with."""
    before, now = (
        f"late-interaction@2.1/small@abc/{runtime}/64" for runtime in ("native-avx2-int8", "native-avx2-int7")
    )
    model = FakeReranker(now, scorer=lambda query, passage: 0.6)
    options = Reranking(min_relevance=0.5, probable=True, by_model={before: 0.55})
    warn_of_lapse.cache_clear()
    for _ in range(2):
        found = rerank(bench, options, model).receipt
        assert (found.status, found.threshold, found.below) == ("ran", 0.55, 0)
        assert found.reason == f"the threshold rests on a calibration of {before}: run the Lab again to renew it"
    assert caplog.text.count("has lapsed") == 1
    current = rerank(bench, replace(options, by_model={before: 0.55, now: 0.7}), model).receipt
    assert (current.reason, current.threshold, current.below) == ("", 0.7, 5)
    never = rerank(bench, replace(options, by_model={"other@1": 0.9}), model).receipt
    assert (never.reason, never.threshold) == ("", 0.5)


def test_no_threshold_is_held_against_what_was_not_scored(bench: Bench) -> None:
    found = rerank(bench, Reranking(min_relevance=1.0, budget=60), Sliced(2, 1))
    assert ids(found) == ["c2", "c3", "c4"]
    assert [(one.stage, one.candidate.evidence.relevance is None) for one in found.dropped] == [("rerank", False)] * 2


def test_without_a_budget_all_is_asked_at_once(bench: Bench) -> None:
    reranker = Sliced(2)
    assert rerank(bench, Reranking(), reranker).receipt.truncated == 1
    assert reranker.seen == [5]
    rerank(bench, Reranking(budget=60), reranker)
    assert reranker.seen == [5, 2, 2, 1]


def test_a_slice_that_fails_late_falls_back_whole(bench: Bench) -> None:
    class Breaks(Sliced):
        async def score(self, query: str, passages: Sequence[Passage]) -> Scores:
            if self.seen:
                raise ValueError("broke")
            return await super().score(query, passages)

    before = make_ranking(SCORES)
    found = rerank(bench, Reranking(budget=60), Breaks(2), before)
    assert (found.candidates, found.receipt.status, found.receipt.scored) == (before.candidates, "fell_back", 0)


def test_a_timeout_of_the_model_is_no_budget(bench: Bench) -> None:
    found = rerank(bench, Reranking(), Throws(TimeoutError("read")))
    assert found.receipt.reason == "the reranker failed: it timed out: read"


def test_the_model_hears_for_whom_it_works(bench: Bench) -> None:
    heard: list[str] = []

    def listen(query: str, passage: Passage) -> float:
        heard.append(tenant.get())
        return 0.5

    rerank(bench, Reranking(), FakeReranker(scorer=listen))
    assert (set(heard), tenant.get()) == ({"i"}, "")


def cascade(bench: Bench, *stages: RerankStage, **more: object) -> Ranking:
    bench.models |= {
        "cheap": FakeReranker("cheap@1", scorer=lambda query, passage: at_random(passage.text)),
        "costly": FakeReranker("costly@1", scorer=lambda query, passage: 1 - at_random(passage.text)),
        "broken": FakeReranker("broken@1", error=RuntimeError("out of memory")),
        "slow": Slow(),
    }
    options = Reranking(**{"min_relevance": None, "stages": stages, **more})  # type: ignore[arg-type]  # as named
    return rerank(bench, options, ranking=numbered([0.1 * at for at in range(10)]))


def by_cheap(count: int) -> list[str]:
    return sorted((f"c{at}" for at in range(count)), key=lambda one: -at_random(f"text {one[1:]}"))


def test_a_cascade_cuts_for_the_costly_one(bench: Bench) -> None:
    found = cascade(bench, RerankStage("cheap", 8, 4), RerankStage("costly", 3, 2))
    assert ids(found) == by_cheap(8)[:3][::-1][:2]
    receipt = found.receipt
    assert (receipt.status, receipt.model, receipt.asked) == ("ran", "costly@1", "cheap>costly")
    assert (receipt.candidates_in, receipt.scored) == (8, 8)
    assert [(one.candidates_in, one.scored, one.candidates_out) for one in receipt.stages] == [(8, 8, 4), (3, 3, 2)]
    assert [one.stage for one in found.dropped] == ["window"] * 2 + ["keep"] * 4 + ["window"] + ["keep"]
    looks = found.candidates[0].evidence.looks
    assert [(look.stage, look.model, look.rank) for look in looks] == [(1, "cheap@1", 3), (2, "costly@1", 1)]
    assert looks[-1].relevance == found.candidates[0].evidence.relevance
    lost = {one.candidate.chunk.id for one in found.dropped}
    assert lost | set(ids(found)) == {f"c{at}" for at in range(10)}


@pytest.mark.parametrize(("bad", "cause"), [("broken", "failed"), ("slow", "budget"), ("missing", "missing")])
def test_a_later_stage_that_fails_leaves_the_order_of_the_one_before(bench: Bench, bad: str, cause: str) -> None:
    stages = (RerankStage("cheap", 8, 4), RerankStage(bad, 4))
    found = cascade(bench, *stages, budget=60, missing="fall_back")
    assert ids(found) == by_cheap(8)[:4]
    assert [one.status for one in found.receipt.stages] == ["ran", "fell_back"]
    assert (found.receipt.status, found.receipt.model) == ("substituted", "cheap@1")
    assert bad in found.receipt.reason
    assert (found.receipt.cause, [one.cause for one in found.receipt.stages]) == (cause, ["", cause])
    with pytest.raises(RerankerError):
        cascade(bench, *stages, budget=60, missing="fall_back", raise_on_failure=True)


def test_a_first_stage_that_fails_leaves_the_rest_to_the_next(bench: Bench) -> None:
    found = cascade(bench, RerankStage("broken", 8, 4), RerankStage("cheap", 5))
    assert ids(found) == by_cheap(5)
    assert (found.receipt.status, found.receipt.model) == ("substituted", "cheap@1")


def test_a_cascade_that_fails_whole_changes_nothing(bench: Bench) -> None:
    found = cascade(bench, RerankStage("broken", 8, 4), RerankStage("broken", 2), min_relevance=0.9)
    assert ids(found) == [f"c{at}" for at in range(10)]
    assert (found.receipt.status, found.dropped) == ("fell_back", ())


def test_the_blend_is_pair_by_pair_and_the_threshold_is_for_the_relevance(bench: Bench) -> None:
    found = cascade(bench, RerankStage("cheap", 10), weight=0.25, min_relevance=0.5)
    for one in found.candidates:
        proof = one.evidence
        assert (proof.relevance or 0) >= 0.5
        assert one.score == pytest.approx(0.25 * (proof.relevance or 0) + 0.75 * (proof.retrieval_score or 0))
    assert ids(cascade(bench, RerankStage("cheap", 10), weight=0.0)) == [f"c{at}" for at in range(10)]


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.lists(st.floats(0, 1), min_size=1, max_size=12),
    st.lists(st.sampled_from((0.0, 0.2, 0.2, 0.9, 1.0)), min_size=12, max_size=12),
    st.floats(0, 1),
    st.floats(0, 1),
    st.integers(1, 12),
)
def test_another_weight_gives_the_order_that_the_stage_would(
    bench: Bench, before: list[float], relevance: list[float], first: float, second: float, window: int
) -> None:
    scorer = FakeReranker(scorer=lambda query, passage: relevance[int(passage.text.removeprefix("text "))])
    options = [Reranking(window=window, min_relevance=None, weight=weight) for weight in (first, second)]
    ranking = numbered(before).placed()
    made, wanted = (rerank(bench, one, scorer, ranking) for one in options)
    found = reweigh(made, options[1])
    assert found and ids(found) == ids(wanted)
    assert [one.score for one in found.candidates] == [one.score for one in wanted.candidates]


def test_what_only_the_stage_can_say_is_not_weighed_again(bench: Bench) -> None:
    whole = Reranking(min_relevance=None)
    ranking = make_ranking([0.5, 0.4]).placed()
    assert reweigh(ranking, whole) is None, "nothing was scored"
    made = rerank(bench, whole, ranking=ranking)
    assert reweigh(made, whole) is not None
    for other in (
        Reranking(min_relevance=0.5),
        Reranking(min_relevance=None, stages=(RerankStage("a"), RerankStage("b"))),
        Reranking(min_relevance=None, stages=(RerankStage("a", 10, keep=1),)),
    ):
        assert reweigh(made, other) is None


class English(FakeReranker):
    languages = ("en",)


@pytest.mark.parametrize(
    ("query", "guard", "status", "model", "language"),
    [
        ("wie warm muss das Öl sein", "off", "ran", "fake-reranker@1", ""),
        ("wie warm muss das Öl sein", "skip", "skipped", "fake-reranker@1", "de"),
        ("wie warm muss das Öl sein", "route", "substituted", "many@1", "de"),
        ("how warm is the oil", "skip", "ran", "fake-reranker@1", "en"),
        ("oil lamp", "route", "ran", "fake-reranker@1", "unknown"),
    ],
)
def test_a_language_that_the_model_does_not_cover(
    bench: Bench, query: str, guard: LanguageGuard, status: str, model: str, language: str
) -> None:
    bench.models["many"] = FakeReranker("many@1")
    before = make_ranking(SCORES, query=query)
    found = rerank(bench, Reranking(min_relevance=None, guard=guard, multilingual="many"), English(), before)
    receipt = found.receipt
    assert (receipt.status, receipt.language) == (status, language)
    assert receipt.model == (model if status != "skipped" else "")
    assert ("German" in receipt.reason) == (status in ("skipped", "substituted")) == (receipt.cause == "language")
    if status == "skipped":
        assert found.candidates == before.candidates


def test_a_model_of_any_language_is_not_guarded(bench: Bench) -> None:
    before = make_ranking(SCORES, query="wie warm muss das Öl sein")
    assert rerank(bench, Reranking(guard="skip"), FakeReranker(), before).receipt.status == "ran"


@pytest.mark.parametrize("name", ["missing", "no/such"])
def test_without_the_multilingual_model_it_is_skipped(bench: Bench, name: str) -> None:
    before = make_ranking(SCORES, query="wie warm muss das Öl sein")
    found = rerank(bench, Reranking(guard="route", multilingual=name), English(), before)
    assert (found.receipt.status, found.candidates) == ("skipped", before.candidates)
    assert name in found.receipt.reason


def test_an_echo_loses_the_same_share_of_its_relevance(bench: Bench) -> None:
    """A model finds nothing more relevant to a question than the question."""
    scores = {"the question": 0.98, "the answer": 0.9}
    ranking = make_ranking([0.2, 0.6])
    ranking = ranking.kept(
        replace(one, chunk=replace(one.chunk, text=text)) for one, text in zip(ranking.candidates, scores, strict=True)
    )
    echo, answer = ranking.candidates
    ranking = ranking.kept([replace(echo, evidence=replace(echo.evidence, echo_discount=0.8)), answer])
    found = rerank(
        bench, Reranking(min_relevance=0.4), FakeReranker(scorer=lambda _, passage: scores[passage.text]), ranking
    )
    assert ids(found) == ["c1"], "the echo is below the threshold"
    assert [one.evidence.relevance for one in found.candidates] == [0.9]
