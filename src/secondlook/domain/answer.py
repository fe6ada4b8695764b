"""Answers that are kept, so that a question in like words need not be answered again."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Likeness = Literal["exact", "strong", "broad", "loose"]
"""How alike two questions must be for one answer to serve both."""

LEAST: Mapping[Likeness, float] = {"exact": 0.95, "strong": 0.8, "broad": 0.6, "loose": 0.4}
"""Least Jaccard similarity of the shingles; the hosted product publishes no numbers."""

DEFAULT_LIFE = 172_800
LONGEST_LIFE = 518_400
"""Seconds."""


@dataclass(frozen=True, slots=True)
class Question:
    """What was asked, and all that its answer depends on.

    Attributes:
        index: whose answers these are; they are forgotten together.
        epoch: the state of the index and of its settings; answers of another epoch are worth nothing.
        scope: a digest of everything else, such as options, models and the conversation so far.
        text: the wording, the only part in which two questions may differ.
    """

    index: str
    epoch: str
    scope: str
    text: str


@dataclass(frozen=True, slots=True)
class Recalled:
    """A kept answer, how alike its question was (0 to 1), and its age in seconds."""

    content: bytes
    likeness: float
    age: float
