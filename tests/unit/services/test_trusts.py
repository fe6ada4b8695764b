"""Probabilities become the scores that stand for them, model by model."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import pytest

from secondlook.domain.lab import LabRun
from secondlook.domain.options import Plan, Reranking
from secondlook.errors import BackendError
from secondlook.services import trusts as module
from secondlook.services.trusts import FEWEST_PAIRS, NEVER, Trusts, calibrations_in, latest_calibrations
from secondlook.stores.lab import SqlLabBook
from tests.unit.services.conftest import House


def arm(model: str | None, pairs: int, points: list[list[float]]) -> dict[str, Any]:
    told = {"method": "isotonic", "points": points, "slope": 0.0, "intercept": 0.0, "pairs": pairs}
    return {"model": model, "calibration": told}


REPORT: dict[str, Any] = {
    "queries": 40,
    "synthetic": 0,
    "arms": [
        {"model": None, "calibration": None},
        arm("a@1", 900, [[0.0, 0.0], [1.0, 0.5]]),
        arm("a@1", 400, [[0.0, 0.0], [1.0, 1.0]]),
        {"model": "b@1", "calibration": None},
    ],
}


def put(house: House, run_id: str, report: dict[str, Any], at: int) -> None:
    house.run(house.book.add(LabRun(run_id, "u", "running", at, 1)))
    house.run(house.book.set_state(run_id, "completed", ended_at=at, report=json.dumps(report)))


def test_the_widest_arm_of_a_model_speaks_for_it() -> None:
    found = calibrations_in(REPORT)
    assert set(found) == {"a@1"} and found["a@1"].probability(1.0) == 0.5


def test_a_plan_learns_what_its_probability_is_worth(house: House) -> None:
    trusts = Trusts(house.book)
    plain = Plan("u", reranking=Reranking(min_relevance=0.4))
    assert house.run(trusts.applied(plain)) is plain
    assert house.run(trusts.applied(Plan("u"))) == Plan("u")
    asked = Plan("u", reranking=Reranking(min_relevance=0.4, probable=True))
    first = house.run(trusts.applied(asked)).reranking
    assert first is not None and first.by_model == {}
    put(house, "r1", REPORT, 1)
    assert house.run(trusts.of("u")) == {}, "what was looked up is fresh"
    trusts.forget("u")
    second = house.run(trusts.applied(asked)).reranking
    assert second is not None and abs(second.by_model["a@1"] - 0.8) < 1e-9
    out = house.run(trusts.applied(Plan("u", reranking=Reranking(min_relevance=0.9, probable=True)))).reranking
    assert out is not None and out.by_model == {"a@1": NEVER}


def report(*arms: dict[str, Any], synthetic: int = 0) -> str:
    return json.dumps({"queries": 40, "synthetic": synthetic, "arms": arms})


def test_a_later_run_takes_only_what_it_knows_better() -> None:
    half, whole = [[0.0, 0.0], [1.0, 0.5]], [[0.0, 0.0], [1.0, 1.0]]
    few = arm("a@1", FEWEST_PAIRS - 1, half)
    told = latest_calibrations(
        [
            report(few, {"model": "a@1", "calibration": None}),
            report(arm("b@1", 400, half)),
            report(arm("a@1", 400, half), arm("c@1", 400, half), synthetic=40),
            report(arm("a@1", FEWEST_PAIRS, whole), synthetic=39),
            report(arm("a@1", 400, half), arm("b@1", 400, whole)),
        ]
    )
    assert {name: one.probability(1.0) for name, one in told.items()} == {"a@1": 1.0, "b@1": 0.5, "c@1": 0.5}


def test_a_run_of_one_query_leaves_thresholds_as_they_are(house: House) -> None:
    put(house, "r1", REPORT, 1)
    put(house, "r2", {**REPORT, "queries": 1, "arms": [{"model": "a@1", "calibration": None}]}, 2)
    assert set(house.run(Trusts(house.book).of("u"))) == {"a@1"}


class Counting(SqlLabBook):
    """Counts how often whole reports are read; each time it may be held up, or fail."""

    reads = 0
    gate: asyncio.Event | None = None
    error: Exception | None = None

    async def reports(self, instance_uid: str, limit: int) -> Sequence[str]:
        gate, found = self.gate, await super().reports(instance_uid, limit)
        self.reads += 1
        if gate:
            await gate.wait()
        if self.error:
            raise self.error
        return found


def test_of_searches_at_once_one_reads_the_reports(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    book = Counting(house.catalog.database)
    trusts = Trusts(book)
    put(house, "r1", REPORT, 1)

    async def at_once() -> list[set[str]]:
        return [set(found) for found in await asyncio.gather(*(trusts.of("u") for _ in range(16)))]

    assert house.run(at_once()) == [{"a@1"}] * 16 and book.reads == 1
    monkeypatch.setattr(module, "FRESH", 0.0)
    assert house.run(at_once()) == [{"a@1"}] * 16 and book.reads == 1, "no run was completed meanwhile"
    put(house, "r2", {**REPORT, "arms": [arm("b@1", 400, [[0.0, 0.0], [1.0, 0.5]])]}, 0)
    assert house.run(at_once())[0] == {"a@1", "b@1"} and book.reads == 2, "an older run may end later"
    house.run(book.remove("r1"))
    assert house.run(at_once())[0] == {"b@1"} and book.reads == 3


def test_who_hangs_up_breaks_off_nobody_else(house: House) -> None:
    book = Counting(house.catalog.database)
    trusts = Trusts(book)
    put(house, "r1", REPORT, 1)

    async def work() -> None:
        book.gate = asyncio.Event()
        first, second = (asyncio.create_task(trusts.of("u")) for _ in range(2))
        while not book.reads:
            await asyncio.sleep(0)
        first.cancel()
        await asyncio.wait([first])
        book.gate.set()
        assert first.cancelled() and set(await second) == {"a@1"} and book.reads == 1
        trusts.forget("u")
        book.error = BackendError("the disk is gone")
        failed = await asyncio.gather(trusts.of("u"), trusts.of("u"), return_exceptions=True)
        assert failed == [book.error] * 2
        book.error = None
        assert set(await trusts.of("u")) == {"a@1"}, "a failure is not kept"

    house.run(work())


def test_what_was_forgotten_meanwhile_is_not_kept(house: House) -> None:
    book = Counting(house.catalog.database)
    trusts = Trusts(book)

    async def work() -> None:
        book.gate = gate = asyncio.Event()
        before = asyncio.create_task(trusts.of("u"))
        while not book.reads:
            await asyncio.sleep(0)
        book.gate = None
        await house.book.add(LabRun("r1", "u", "running", 1, 1))
        await house.book.set_state("r1", "completed", ended_at=1, report=json.dumps(REPORT))
        trusts.forget("u")
        assert set(await trusts.of("u")) == {"a@1"}
        gate.set()
        assert await before == {} and set(await trusts.of("u")) == {"a@1"}

    house.run(work())
