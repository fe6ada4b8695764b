"""An arm's name says what it is."""

import pytest

from secondlook.domain.lab import ArmSpec


@pytest.mark.parametrize(
    ("arm", "name"),
    [
        (ArmSpec(), "built-in, 50 candidates"),
        (ArmSpec("a>b", None), "a>b"),
        (ArmSpec("m", 20, 0.25, min_score=0.0), "m, 20 candidates, weight 0.25, score from 0"),
        (
            ArmSpec(retrieval_type="vector", match_mode="or", fusion_method="max"),
            "built-in, 50 candidates, vector, or, max",
        ),
    ],
)
def test_names(arm: ArmSpec, name: str) -> None:
    assert arm.name == name
