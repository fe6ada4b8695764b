"""What may pass is tried again, what the file causes is told at once; each with the contract's word."""

import pytest

from secondlook.errors import (
    BackendError,
    FileUnreadableError,
    IndexCorruptError,
    InvalidMetadataError,
    ItemNotFoundError,
    MemoryRanOutError,
    OverloadedError,
    SetupError,
)
from secondlook.services.failures import LONGEST_WAIT, Failure, Stage, judge, wait_before

EMBEDDING = "error_embedding_data_with_workers_ai"


@pytest.mark.parametrize(
    ("error", "stage", "kind", "attempts"),
    [
        (FileUnreadableError("invalid_pdf", "no page"), "read", "invalid_pdf", 1),
        (FileUnreadableError("timeout_error", "slow", passing=True), "read", "timeout_error", 2),
        (ItemNotFoundError("nothing was had"), "read", "file_not_found", 1),
        (InvalidMetadataError("metadata is too large"), "split", "unknown_error", 1),
        (SetupError("no such file"), "embed", "unknown_error", 1),
        (TimeoutError("nothing was done"), "embed", "timeout_error", 2),
        (OverloadedError("busy", 9.0), "embed", "workers_ai_out_of_capacity_error", 5),
        (BackendError("the embedder is down"), "embed", EMBEDDING, 5),
        (MemoryRanOutError("no room"), "embed", EMBEDDING, 5),
        (MemoryError(), "embed", EMBEDDING, 5),
        (BackendError("could not use the catalogue"), "store", "vectorize_upstream_error", 5),
        (OSError(28, "No space left on device"), "store", "vectorize_upstream_error", 5),
        (OSError(5, "Input/output error"), "read", "unknown_error", 5),
        (IndexCorruptError("the index cannot be read"), "store", "hybrid_search_indexing_failed", 5),
    ],
    ids=lambda one: type(one).__name__ if isinstance(one, Exception) else str(one),
)
def test_what_each_error_is_called_and_how_often_it_is_tried(
    error: Exception, stage: Stage, kind: str, attempts: int
) -> None:
    found = judge(error, stage, 5)
    assert (found.message.partition(":")[0], found.attempts) == (kind, attempts)
    assert str(error) in found.message
    assert judge(error, stage, 1).attempts == 1


def test_the_wait_doubles_within_bounds() -> None:
    failure = Failure("unknown_error: x", 5)
    for attempt in range(1, 6):
        waits = [wait_before(attempt, failure, 2.0) for _ in range(200)]
        assert 2.0 ** (attempt - 1) <= min(waits) < max(waits) <= 3 * 2.0 ** (attempt - 1)
    assert wait_before(1000, failure, 2.0) <= 1.5 * LONGEST_WAIT
    assert wait_before(1, failure, 0.0) == 0.0


def test_who_says_when_to_come_again_is_heeded() -> None:
    failure = judge(OverloadedError("busy", 60.0), "embed", 5)
    assert wait_before(1, failure, 2.0) == 60.0
