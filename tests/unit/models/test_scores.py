"""A number becomes a score by itself, and keeps its order."""

import math
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secondlook.errors import RerankerError
from secondlook.models.scores import sigmoid, to_unit, to_units
from secondlook.ports import ScoreKind

RANGES = {"logit": (-500, 500), "probability": (0, 1), "cosine": (-1, 1), "rank": (1, 1000), "unknown": (-1e6, 1e6)}


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("logit", 0, 0.5),
        ("logit", -1000, 0),
        ("probability", 0.3, 0.3),
        ("probability", 1.0004, 1),
        ("cosine", -1, 0),
        ("cosine", 0.5, 0.75),
        ("rank", 1, 1),
        ("rank", 50, 61 / 110),
        ("unknown", 0, 0.5),
        ("unknown", 3, 0.875),
    ],
)
def test_the_formulas(kind: ScoreKind, value: float, expected: float) -> None:
    assert to_unit(kind, value) == pytest.approx(expected)


@pytest.mark.parametrize("kind", get_args(ScoreKind))
@given(data=st.data())
def test_the_order_stays_and_company_changes_nothing(kind: ScoreKind, data: st.DataObject) -> None:
    values = data.draw(st.lists(st.floats(*RANGES[kind]), min_size=1, max_size=8))
    found = to_units(kind, values)
    assert found == tuple(to_unit(kind, value) for value in values)
    assert all(0 <= one <= 1 for one in found)
    rising = [one for _, one in sorted(zip(values, found, strict=True))]
    assert rising == sorted(rising, reverse=kind == "rank")


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("probability", 1.5),
        ("probability", -0.1),
        ("cosine", -2),
        ("rank", 0),
        ("logit", math.nan),
        ("unknown", math.inf),
    ],
)
def test_what_its_kind_does_not_allow(kind: ScoreKind, value: float) -> None:
    with pytest.raises(RerankerError):
        to_unit(kind, value)


def test_the_sigmoid_does_not_overflow() -> None:
    assert [sigmoid(one) for one in (-1e6, 0, 1e6)] == [0, 0.5, 1]
