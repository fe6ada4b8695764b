"""A model as it is listed for people who choose one."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class KnownModel:
    """A line of the list of models.

    Attributes:
        languages: codes with spaces between them, ``many`` for more than anybody counts, empty if nobody told.
        size: millions of parameters; 0 if nobody told.
        max_tokens: longest pair that it reads; 0 if nobody told.
        note: what to do to have it here, or why that is not possible.
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
    def cells(self) -> tuple[str, ...]:
        """What a person reads of it: name to kind of scores, and whether it is here."""
        here = "remote" if self.remote else "no" if not self.cached else "built in" if self.built_in else "yes"
        size = f"{self.size} M" if self.size else ""
        tokens = str(self.max_tokens or "")
        return (self.name, self.task, self.licence, self.languages, size, tokens, self.score_kind, here)
