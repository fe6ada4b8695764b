"""The queue of the models: runs are shared, nobody is starved or failed for another, and company changes nothing."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator, Sequence
from typing import Any, TypeVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secondlook.errors import BackendError, OverloadedError
from secondlook.models.batching import TURN_OF_THE_LAST, Floats, Ids, Priority, Scheduler, padding_share
from secondlook.models.encoder import Encoder
from secondlook.telemetry import REGISTRY, tenant
from tests.tiny_models import WORDS, make_model

T = TypeVar("T")
Scenario = Callable[["Desk"], Coroutine[Any, Any, None]]


class Counting:
    """A runtime that gives each token back, and can be held, short of memory or broken."""

    name = "counting"
    tokens_a_run = 10
    pads = False

    def __init__(self) -> None:
        self.runs: list[list[int]] = []
        self.gate = threading.Event()
        self.begun = threading.Event()
        self.most = 10**9
        self.poison = -1

    def infer(self, ids: Sequence[Ids], types: Sequence[Ids]) -> list[Floats]:
        self.runs.append([int(one[0]) for one in ids])
        self.begun.set()
        self.gate.wait(20)
        if sum(map(len, ids)) > self.most:
            raise MemoryError
        if any(self.poison in one for one in ids):
            raise ValueError("poison")
        return [one.astype(np.float32) for one in ids]


class Desk:
    """A scheduler with one worker, held at its first run until ``open``."""

    def __init__(self, capacity: int = 10**6) -> None:
        self.session = Counting()
        self.scheduler = Scheduler(1, capacity=capacity)
        self.calls: list[asyncio.Task[Any]] = []

    async def hold(self) -> None:
        """Until the worker is busy with a run of its own."""
        self.ask(0, [1])
        await asyncio.to_thread(self.session.begun.wait, 20)

    def ask(
        self, mark: int, lengths: Sequence[int], priority: Priority = "passage", who: str = ""
    ) -> "asyncio.Task[list[int]]":
        """A call of sequences that begin with the mark; it gives the lengths back."""
        ids = [np.full(length, mark, np.int32) for length in lengths]

        async def run() -> list[int]:
            tenant.set(who)
            return await self.scheduler.infer(
                self.session, ids, ids, finish=lambda place, out: len(out), priority=priority
            )

        self.calls.append(asyncio.create_task(run()))
        return self.calls[-1]

    async def settle(self) -> None:
        """Every call has taken its place in the queue."""
        for _ in range(3):
            await asyncio.sleep(0)

    async def finish(self) -> list[list[int]]:
        """Let it run; the marks of each run after the first."""
        await self.settle()
        self.session.gate.set()
        await asyncio.gather(*self.calls, return_exceptions=True)
        return self.session.runs[1:]


def play(scenario: Scenario, capacity: int = 10**6) -> None:
    desk = Desk(capacity)

    async def run() -> None:
        await desk.hold()
        await scenario(desk)

    try:
        asyncio.run(run())
    finally:
        desk.session.gate.set()
        desk.scheduler.close()


def test_calls_share_runs_and_each_gets_its_own() -> None:
    async def scenario(desk: Desk) -> None:
        calls = [desk.ask(mark, [2, 4], who=str(mark)) for mark in (1, 2, 3)]
        runs = await desk.finish()
        assert [call.result() for call in calls] == [[2, 4]] * 3
        assert len(runs) == 2
        assert set(runs[0]) == {1, 2, 3}

    play(scenario)


def test_tenants_get_as_many_tokens() -> None:
    async def scenario(desk: Desk) -> None:
        desk.ask(1, [2] * 50, who="greedy")
        desk.ask(2, [5] * 2, who="modest")
        desk.ask(3, [5] * 2, who="other")
        runs = await desk.finish()
        order = [mark for run in runs for mark in run]
        served = order[: order.index(3, order.index(3) + 1) + 1]
        assert {2, 3} <= set(served)
        assert served.count(1) <= 7, "ten tokens each, and what was in the run already"

    play(scenario)


def test_queries_before_passages_before_indexing() -> None:
    async def scenario(desk: Desk) -> None:
        desk.ask(3, [9], "indexing")
        desk.ask(2, [9], "passage")
        desk.ask(1, [9], "query")
        assert await desk.finish() == [[1], [2], [3]]

    play(scenario)


def test_indexing_never_stands_still() -> None:
    async def scenario(desk: Desk) -> None:
        desk.ask(2, [10] * 40, "passage")
        desk.ask(3, [10], "indexing")
        runs = await desk.finish()
        assert runs.index([3]) <= TURN_OF_THE_LAST

    play(scenario)


def test_what_is_too_much_is_refused_and_the_rest_goes_on() -> None:
    async def scenario(desk: Desk) -> None:
        fits = desk.ask(1, [10])
        await desk.settle()
        refused = desk.ask(2, [15])
        query, indexing = desk.ask(3, [15], "query"), desk.ask(4, [500], "indexing")
        await desk.settle()
        with pytest.raises(OverloadedError, match="overloaded: 10 tokens are queued") as raised:
            refused.result()
        assert 1 <= raised.value.retry_after <= 60
        await desk.finish()
        assert [len(call.result()) for call in (fits, query, indexing)] == [1, 1, 1]

    play(scenario, capacity=20)


def test_a_call_of_any_size_is_let_in_alone() -> None:
    async def scenario(desk: Desk) -> None:
        call = desk.ask(1, [10] * 9)
        await desk.finish()
        assert call.result() == [10] * 9

    play(scenario, capacity=20)


def test_memory_that_runs_out_halves_the_run() -> None:
    async def scenario(desk: Desk) -> None:
        desk.session.most = 3
        small, large = desk.ask(1, [3, 2, 2, 1]), desk.ask(2, [4])
        runs = await desk.finish()
        assert small.result() == [3, 2, 2, 1]
        with pytest.raises(BackendError, match="4 tokens"):
            large.result()
        assert len(runs) > 3

    play(scenario)


def test_nobody_fails_for_another() -> None:
    async def scenario(desk: Desk) -> None:
        desk.session.poison = 2
        good, bad, other = desk.ask(1, [1, 1]), desk.ask(2, [1, 1]), desk.ask(3, [1])
        await desk.finish()
        assert (good.result(), other.result()) == ([1, 1], [1])
        with pytest.raises(ValueError, match="poison"):
            bad.result()

    play(scenario)


@pytest.mark.parametrize("given", [0, 1, 3])
def test_a_runtime_that_gives_another_number_of_outputs_fails_its_call_and_no_worker(given: int) -> None:
    class Forgetful(Counting):
        def infer(self, ids: Sequence[Ids], types: Sequence[Ids]) -> list[Floats]:
            return [np.zeros(1, np.float32)] * given

    scheduler, ids = Scheduler(1), [np.ones(2, np.int32)] * 2
    with pytest.raises(BackendError, match=f"counting gave {given} outputs for 2 sequences"):
        asyncio.run(scheduler.infer(Forgetful(), ids, ids, finish=lambda place, out: place))
    session = Counting()
    session.gate.set()
    assert asyncio.run(scheduler.infer(session, ids, ids, finish=lambda place, out: place)) == [0, 1]
    scheduler.close()


@pytest.mark.parametrize(
    ("lengths", "pads", "share"), [([4, 4], True, 0), ([4, 2], True, 0.25), ([8, 2, 2], True, 0.5), ([8, 2], False, 0)]
)
def test_the_share_of_a_run_that_is_padding(lengths: list[int], pads: bool, share: float) -> None:
    assert padding_share(lengths, pads) == pytest.approx(share)
    assert padding_share([0], True) == 0


def test_runs_are_measured() -> None:
    class Padded(Counting):
        tokens_a_run = 12
        pads = True

    def seen() -> list[float]:
        names = ("run_sequences_sum", "run_tokens_sum", "run_padding_share_sum", "queue_wait_seconds_count")
        labels = {"queue_wait_seconds_count": {"priority": "passage"}}
        return [REGISTRY.get_sample_value(f"secondlook_{name}", labels.get(name)) or 0.0 for name in names]

    scheduler, session = Scheduler(1), Padded()
    session.gate.set()
    ids = [np.ones(length, np.int32) for length in (6, 3, 3)]
    before = seen()
    asyncio.run(scheduler.infer(session, ids, ids, finish=lambda place, out: place))
    scheduler.close()
    assert [new - old for new, old in zip(seen(), before, strict=True)] == pytest.approx([3, 12, 1 / 3, 1])


def test_what_follows_a_result_may_fail_too() -> None:
    scheduler, session = Scheduler(1), Counting()
    session.gate.set()
    ids = [np.ones(2, np.int32)]
    with pytest.raises(ZeroDivisionError):
        asyncio.run(scheduler.infer(session, ids, ids, finish=lambda place, out: 1 // 0))
    assert asyncio.run(scheduler.infer(session, ids, ids, finish=lambda place, out: place)) == [0]
    scheduler.close()


def test_cancelled_work_is_dropped() -> None:
    async def scenario(desk: Desk) -> None:
        desk.ask(1, [10] * 5).cancel()
        gone = desk.ask(2, [10] * 5)
        await desk.settle()
        gone.cancel()
        await desk.settle()
        stays = desk.ask(3, [10] * 2)
        assert await desk.finish() == [[3], [3]]
        assert stays.result() == [10, 10]

    play(scenario, capacity=60)


def test_it_stops_when_it_is_told_to() -> None:
    async def scenario(desk: Desk) -> None:
        waits = desk.ask(1, [10] * 5)
        await desk.settle()
        closing = asyncio.create_task(asyncio.to_thread(desk.scheduler.close))
        with pytest.raises(BackendError, match="server is stopping"):
            await waits
        desk.session.gate.set()
        await closing
        assert await desk.calls[0] == [1]
        late = desk.ask(2, [1])
        await asyncio.wait([late])
        with pytest.raises(BackendError, match="server is stopping"):
            late.result()

    play(scenario)


def test_other_work_is_done_aside() -> None:
    scheduler = Scheduler(1)
    here = threading.get_ident()
    assert asyncio.run(scheduler.read(threading.get_ident)) != here
    assert asyncio.run(scheduler.read_in_turns(lambda some: [one * 2 for one in some], range(100))) == [
        one * 2 for one in range(100)
    ]
    scheduler.close()


@pytest.fixture(scope="module")
def encoders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Encoder, Encoder]]:
    folder = make_model(tmp_path_factory.mktemp("tiny")).folder
    scheduler = Scheduler(2)
    yield Encoder(folder, scheduler=scheduler), Encoder(folder, head=True, scheduler=scheduler)
    scheduler.close()


TEXT = st.lists(st.sampled_from(WORDS), max_size=40).map(" ".join)


@settings(max_examples=30)
@given(st.lists(st.lists(TEXT, min_size=1, max_size=6), min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_results_do_not_depend_on_company_or_order(
    encoders: tuple[Encoder, Encoder], calls: list[list[str]], chance: Any
) -> None:
    body, head = encoders

    async def together() -> list[Any]:
        jobs: list[tuple[int, Coroutine[Any, Any, Any]]] = []
        for at, texts in enumerate(calls):
            priority: Priority = chance.choice(["query", "passage", "indexing"])
            jobs.append((2 * at, body.encode_as(lambda one: one.vectors.tobytes(), texts, priority=priority)))
            jobs.append((2 * at + 1, head.score_pairs("oil lamp", texts)))
        chance.shuffle(jobs)
        found = await asyncio.gather(*(job for _, job in jobs))
        return [made for _, made in sorted(zip((at for at, _ in jobs), found, strict=True), key=lambda one: one[0])]

    async def alone(text: str) -> tuple[bytes, tuple[float, bool]]:
        [vectors] = await body.encode_as(lambda one: one.vectors.tobytes(), [text])
        [score] = await head.score_pairs("oil lamp", [text])
        return vectors, score

    found = asyncio.run(together())
    for at, texts in enumerate(calls):
        for place, text in enumerate(texts):
            assert (found[2 * at][place], found[2 * at + 1][place]) == asyncio.run(alone(text))
