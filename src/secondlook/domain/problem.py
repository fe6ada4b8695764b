"""What is wrong with the index of an instance."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class IndexProblem:
    """Why it does not hold everything, and whether what it holds is searched meanwhile."""

    reason: str
    searchable: bool
