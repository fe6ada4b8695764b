"""A model as it is listed for people who choose one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

ModelStatus = Literal["built_in", "cached", "remote", "absent", "unavailable"]
WORDS: Mapping[ModelStatus, str] = {
    "built_in": "built in",
    "cached": "downloaded",
    "remote": "remote",
    "absent": "not downloaded",
    "unavailable": "unavailable",
}
"""What people read of whether a model can be used."""


@dataclass(frozen=True, slots=True)
class KnownModel:
    """A line of the list of models.

    Attributes:
        languages: codes with spaces between them, ``many`` for more than anybody counts, empty if nobody told.
        size: millions of parameters; 0 if nobody told.
        max_tokens: longest pair that it reads; 0 if nobody told.
        cached: whether it can be used: its weights are here, or its server is configured.
        note: what to do to use it, or why that is not possible.
        aliases: other names of the same weights.
        purpose: what it is good for, in one sentence.
        obstacle: why its weights cannot be run here; empty if they can.
        pinned: whether it can be downloaded without naming a revision.
    """

    name: str
    task: str
    licence: str
    cached: bool
    built_in: bool
    languages: str = ""
    size: int = 0
    max_tokens: int = 0
    score_kind: str = ""
    note: str = ""
    remote: bool = False
    aliases: tuple[str, ...] = ()
    purpose: str = ""
    obstacle: str = ""
    pinned: bool = False

    @property
    def status(self) -> ModelStatus:
        """Whether it can be used: a remote one by its configuration, others by whether their weights are here."""
        if self.remote:
            return "remote" if self.cached else "unavailable"
        return "built_in" if self.built_in else "cached" if self.cached else "absent"

    @property
    def details(self) -> str:
        """What a person reads of it below its name; what is unknown is left out."""
        told = (
            self.licence.strip("-"),
            "many languages" if self.languages == "many" else self.languages,
            f"{self.size} M parameters" if self.size else "",
            f"{self.max_tokens:,} tokens" if self.max_tokens else "",
            f"{self.score_kind} scores" if self.score_kind else "",
        )
        return ", ".join(filter(None, told))


@dataclass(frozen=True, slots=True)
class UnitCheck:
    """How a unit of the native encoder did against plain arithmetic and against the portable unit of its arithmetic.

    Attributes:
        name: its instruction set.
        arithmetic: family and bits, as they are part of the identity of models.
        serves: whether it is the one that runs on this machine.
        lowest: cosine of the token vector that is farthest from float32 arithmetic.
        mean: cosine of all token vectors to float32 arithmetic.
        portable_mean: the same to the portable unit, after one layer.
        least_mean: what ``mean`` must reach.
        least_portable: what ``portable_mean`` must reach.
        rate: operations a second of one thread in the integer product; 0 where it was not timed.
        query_seconds: processor time of one thread for one short query, by its number of tokens.
    """

    name: str
    arithmetic: str
    serves: bool
    lowest: float
    mean: float
    least_mean: float
    portable_mean: float
    least_portable: float
    rate: float = 0.0
    query_seconds: Mapping[int, float] = field(default_factory=dict, hash=False)

    @property
    def agrees(self) -> bool:
        """Whether both are reached; what is not a number is not."""
        return self.mean >= self.least_mean and self.portable_mean >= self.least_portable

    @property
    def cells(self) -> tuple[str, ...]:
        """A line of the table that ``models check`` prints."""
        return (
            self.name,
            self.arithmetic,
            f"{self.mean:.5f} ({self.lowest:.4f})",
            f"{self.portable_mean:.5f}",
            f"{self.rate / 1e9:.0f}" if self.rate else "",
            "agrees" if self.agrees else "DIFFERS",
        )
