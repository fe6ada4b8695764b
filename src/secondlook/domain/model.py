"""A model as it is listed for people who choose one."""

from collections.abc import Mapping
from dataclasses import dataclass
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
