"""The options of reranking, as both generations of the wire take them; most keys are ours."""

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from secondlook.api.body import Body
from secondlook.domain.options import CHAIN_WINDOWS, MAX_STAGES, MAX_WINDOW, RerankStage

LONGEST_BUDGET = 600_000
"""Milliseconds."""


class StageBody(Body):
    """One reranker of a cascade. An empty ``model`` means the default reranker."""

    model: str = ""
    window: int | None = Field(None, ge=1, le=MAX_WINDOW)
    keep: int | None = Field(None, ge=1, le=MAX_WINDOW)


class RerankKeys(Body):
    """``reranking`` of a request, without the threshold."""

    enabled: bool | None = None
    model: str = ""
    budget_ms: int | None = Field(None, ge=1, le=LONGEST_BUDGET)
    on_failure: Literal["fall_back", "error"] | None = None
    weight: float | None = Field(None, ge=0, le=1)
    match_probability: float | None = Field(None, ge=0, le=1)
    stages: list[StageBody] | None = Field(None, max_length=MAX_STAGES)


def to_stages(bodies: Sequence[StageBody] | None) -> tuple[RerankStage, ...] | None:
    """The cascade; windows that are left out are those of a chain. None stays None."""
    if bodies is None:
        return None
    return tuple(
        RerankStage(body.model, body.window or window, body.keep)
        for body, window in zip(bodies, CHAIN_WINDOWS, strict=False)
    )


def stages_of(stages: Sequence[RerankStage]) -> list[dict[str, object]]:
    """The cascade as it is shown."""
    return [{"model": one.model, "window": one.window, "keep": one.keep} for one in stages]


def raises(keys: RerankKeys) -> bool | None:
    """Whether a failed reranker is an error; None when the request does not say."""
    return None if keys.on_failure is None else keys.on_failure == "error"


def seconds(keys: RerankKeys) -> float | None:
    """The budget."""
    return None if keys.budget_ms is None else keys.budget_ms / 1000
