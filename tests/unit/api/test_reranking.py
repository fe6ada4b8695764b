"""The keys of reranking that both generations take."""

import pytest

from secondlook.api.body import validate
from secondlook.api.reranking import RerankKeys, raises, seconds, stages_of, to_stages
from secondlook.domain.options import CHAIN_WINDOWS, RerankStage


def keys(**raw: object) -> RerankKeys:
    return validate(RerankKeys, raw)


def test_nothing_said_overrides_nothing() -> None:
    said = keys(stages=None, weight=None)
    assert (to_stages(said.stages), raises(said), seconds(said), said.weight) == (None, None, None, None)


@pytest.mark.parametrize(("word", "strict"), [("error", True), ("fall_back", False)])
def test_on_failure(word: str, strict: bool) -> None:
    assert raises(keys(on_failure=word)) is strict


def test_a_budget_is_in_seconds_inside() -> None:
    assert seconds(keys(budget_ms=250)) == 0.25


def test_windows_left_out_are_those_of_a_chain() -> None:
    made = to_stages(keys(stages=[{"model": "a"}, {"model": "b", "window": 7, "keep": 5}]).stages)
    assert made == (RerankStage("a", CHAIN_WINDOWS[0]), RerankStage("b", 7, 5))
    assert stages_of(made or ()) == [
        {"model": "a", "window": CHAIN_WINDOWS[0], "keep": None},
        {"model": "b", "window": 7, "keep": 5},
    ]
    assert to_stages(keys(stages=[]).stages) == ()
