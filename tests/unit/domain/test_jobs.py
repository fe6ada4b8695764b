"""Jobs: what their end reasons say of them."""

import pytest

from secondlook.domain.jobs import Job, JobStatus, SyncFailure, SyncState

RUNNING = Job("j1", "u1", "user")


def ended(reason: str) -> Job:
    return Job("j0", "u1", "user", ended_at=5, end_reason=reason)


@pytest.mark.parametrize(
    ("job", "status", "failure"),
    [
        (RUNNING, "running", None),
        (ended("completed"), "completed", None),
        (ended("cancelled"), "cancelled", None),
        (ended("paused: instance 'docs' was paused"), "cancelled", None),
        (ended("source_changed: another sync follows"), "cancelled", None),
        (ended("unreachable_dns: no such host: a.example"), "failed", ("unreachable_dns", "no such host: a.example")),
        (ended("out of paper"), "failed", ("unknown_error", "out of paper")),
    ],
)
def test_how_a_job_ended(job: Job, status: JobStatus, failure: tuple[str, str] | None) -> None:
    assert job.status == status
    assert job.failure == (SyncFailure(*failure) if failure else None)


def test_an_instance_fails_until_a_sync_completes() -> None:
    bad, good = ended("http_5xx: busy"), ended("completed")
    assert SyncState().failed is None
    assert SyncState(RUNNING, bad).failed == bad, "while the next one runs"
    assert SyncState(ended("cancelled"), bad).failed == bad
    assert SyncState(good, good).failed is None
