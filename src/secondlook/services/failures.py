"""What it means that an attempt at an item failed: the word for it, and whether another attempt may help."""

import random
from dataclasses import dataclass
from typing import Literal

from secondlook.errors import (
    BackendError,
    CallerError,
    FileUnreadableError,
    IndexCorruptError,
    ItemNotFoundError,
    OverloadedError,
    SecondlookError,
    SetupError,
)

Stage = Literal["read", "split", "embed", "store"]
"""What was being done to the item."""

ONCE_MORE = 2
"""Attempts at a file that took its reader down or ran out of time: the file may be bad, or the machine was short."""
LONGEST_WAIT = 300.0
"""Seconds; a backend that was away for long is found again within this."""


@dataclass(frozen=True, slots=True)
class Failure:
    """An attempt that failed.

    Attributes:
        message: ``type: sentence``, with the contract's type (18.7).
        attempts: how many there may be in all at what fails like this.
        wait: the least seconds until the next.
    """

    message: str
    attempts: int
    wait: float = 0.0


def judge(error: Exception, stage: Stage, most: int) -> Failure:
    """Whatever an attempt raised, at most ``most`` times.

    What the file or the request causes comes back each time, and is told at once. What a backend or the machine
    causes may pass.
    """
    match error:
        case FileUnreadableError():
            found = Failure(str(error), min(ONCE_MORE, most) if error.passing else 1)
        case ItemNotFoundError():
            found = Failure(f"file_not_found: {error}", 1)
        case TimeoutError():
            found = Failure(f"timeout_error: {error}", min(ONCE_MORE, most))
        case OverloadedError():
            kind = _kind_at(stage, "workers_ai_out_of_capacity_error")
            found = Failure(f"{kind}: {error}", most, error.retry_after)
        case IndexCorruptError():
            found = Failure(f"hybrid_search_indexing_failed: {error}", most)
        case CallerError() | SetupError():
            found = Failure(_kinded(error), 1)
        case BackendError():
            found = Failure(_kinded(error, _kind_at(stage)), most)
        case _:
            found = Failure(f"{_kind_at(stage)}: {type(error).__name__}: {error}", most)
    return found


def wait_before(attempt: int, failure: Failure, base: float) -> float:
    """Seconds: ``base * 2 ** (attempt - 1)``, half to once and a half of it by chance, so that not all come at once."""
    longest = min(LONGEST_WAIT, base * 2.0 ** min(attempt - 1, 20))
    return max(min(failure.wait, LONGEST_WAIT), longest * random.uniform(0.5, 1.5))


def _kind_at(stage: Stage, embedding: str = "error_embedding_data_with_workers_ai") -> str:
    """The contract's word for a backend that failed at this stage."""
    return {"embed": embedding, "store": "vectorize_upstream_error"}.get(stage, "unknown_error")


def _kinded(error: SecondlookError, otherwise: str = "unknown_error") -> str:
    """``kind: sentence``, of an error that may have no kind in front."""
    kind = str(error).partition(":")[0]
    return str(error) if kind.replace("_", "").isalpha() and "_" in kind else f"{otherwise}: {error}"
