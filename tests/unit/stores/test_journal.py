"""Jobs and lines: kept in order, bounded, and gone with what they tell of."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from secondlook.domain.jobs import ItemLine, Job, JobLine
from secondlook.errors import InstanceNotFoundError, JobNotFoundError
from secondlook.stores import journal as module
from secondlook.stores.journal import LONGEST_MESSAGE, SqlJournal
from tests.unit.stores.test_catalog import ITEM, ONE, Store

JOB = Job("j1", "u1", "user", "after deploy", started_at=10, last_seen_at=10)


class Kept(Store):
    """A catalogue with an instance and an item, and its journal."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.journal = SqlJournal(self.it.database)
        self(self.it.add_instance(ONE))
        self.item = self(self.it.put_item(ITEM))


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    made = Kept(tmp_path)
    yield made
    made.close()


def test_the_newest_jobs_of_instances(kept: Kept) -> None:
    """The newest of each, and the newest that says whether syncs work; other instances do not matter."""
    two = replace(ONE, uid="u2", name="other")
    kept(kept.it.add_instance(two))
    assert kept(kept.journal.sync_states(["u1", "u2"])) == {}
    reasons = ["completed", "http_5xx: busy", "paused: docs was paused", "source_changed: again", "cancelled"]
    for at, reason in enumerate(reasons):
        kept(kept.journal.add_job(replace(JOB, id=f"j{at}", started_at=at)))
        kept(kept.journal.end_job(f"j{at}", at, reason))
    kept(kept.journal.add_job(replace(JOB, id="running", started_at=9)))
    kept(kept.journal.add_job(replace(JOB, id="first", instance_uid="u2")))
    found = kept(kept.journal.sync_states(["u1", "u2", "unknown"]))
    assert {uid: (one.last and one.last.id, one.decided and one.decided.id) for uid, one in found.items()} == {
        "u1": ("running", "j1"),
        "u2": ("first", None),
    }
    assert list(kept(kept.journal.sync_states(["u2"]))) == ["u2"]


def test_jobs(kept: Kept) -> None:
    for at in range(3):
        kept(kept.journal.add_job(replace(JOB, id=f"j{at}", started_at=at)))
    assert kept(kept.journal.get_job("u1", "j1")) == replace(JOB, started_at=1)
    page, total = kept(kept.journal.list_jobs("u1", 2, 0))
    assert ([one.id for one in page], total) == (["j2", "j1"], 3)
    assert [one.id for one in kept(kept.journal.list_jobs("u1", 2, 2))[0]] == ["j0"]
    assert kept(kept.journal.end_job("j0", 20, "completed"))
    assert not kept(kept.journal.end_job("j0", 21, "cancelled")), "it has ended once"
    ended = kept(kept.journal.get_job("u1", "j0"))
    assert (ended.ended_at, ended.end_reason) == (20, "completed")
    assert [one.id for one in kept(kept.journal.list_open_jobs())] == ["j1", "j2"]
    for uid, job_id in (("u1", "nope"), ("u2", "j1")):
        with pytest.raises(JobNotFoundError):
            kept(kept.journal.get_job(uid, job_id))
    with pytest.raises(InstanceNotFoundError):
        kept(kept.journal.add_job(replace(JOB, id="j9", instance_uid="nope")))


def test_lines_of_a_job(kept: Kept) -> None:
    kept(kept.journal.add_job(JOB))
    for at in range(5):
        kept(kept.journal.add_job_line("j1", JobLine(at, f"line {at}", "error" if at == 4 else "info")))
    lines, total = kept(kept.journal.list_job_lines("j1", 2, 3))
    assert [(one.message, one.severity) for one in lines] == [("line 3", "info"), ("line 4", "error")]
    assert total == 5
    assert kept(kept.journal.get_job("u1", "j1")).last_seen_at == 4
    with pytest.raises(JobNotFoundError):
        kept(kept.journal.add_job_line("nope", JobLine(1, "lost")))


def test_lines_of_an_item_come_newest_first_by_page(kept: Kept) -> None:
    lines = [ItemLine(at, "embed", f"step {at}", "a.md", at, 7, "") for at in range(5)]
    assert kept(kept.it.set_item_status(kept.item, "completed", lines=lines))
    first = kept(kept.journal.list_item_lines("i1", 3, None))
    assert [one.message for one in first] == ["step 4", "step 3", "step 2"]
    assert replace(first[0], number=0) == lines[4]
    rest = kept(kept.journal.list_item_lines("i1", 3, first[-1].number))
    assert [one.message for one in rest] == ["step 1", "step 0"]


def test_no_line_without_its_status(kept: Kept) -> None:
    stale = kept.item
    kept.item = kept(kept.it.put_item(ITEM, [ItemLine(1, "queue", "again")]))
    assert not kept(kept.it.set_item_status(stale, "completed", lines=[ItemLine(2, "store", "late")]))
    assert [one.message for one in kept(kept.journal.list_item_lines("i1", 9, None))] == ["again"]


def test_the_newest_stay(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("KEPT_ITEM_LINES", "KEPT_JOBS", "KEPT_JOB_LINES"):
        monkeypatch.setattr(module, name, 3)
    for at in range(5):
        kept(kept.journal.add_job(replace(JOB, id=f"j{at}", started_at=at)))
        kept(kept.it.set_item_status(kept.item, "running", lines=[ItemLine(at, "read", str(at))] * 2))
    for at in range(5):
        kept(kept.journal.add_job_line("j4", JobLine(at, str(at))))
    assert [one.id for one in kept(kept.journal.list_jobs("u1", 9, 0))[0]] == ["j4", "j3", "j2"]
    assert [one.message for one in kept(kept.journal.list_item_lines("i1", 9, None))] == ["4", "4", "3"]
    assert [one.message for one in kept(kept.journal.list_job_lines("j4", 9, 0))[0]] == ["2", "3", "4"]


def test_long_words_are_cut(kept: Kept) -> None:
    kept(kept.journal.add_job(JOB))
    kept(kept.journal.add_job_line("j1", JobLine(1, "x" * 5000)))
    kept(kept.it.set_item_status(kept.item, "error", lines=[ItemLine(1, "fail", "x" * 5000)]))
    assert len(kept(kept.journal.list_job_lines("j1", 9, 0))[0][0].message) == LONGEST_MESSAGE
    assert len(kept(kept.journal.list_item_lines("i1", 9, None))[0].message) == LONGEST_MESSAGE


def test_lines_die_with_what_they_tell_of(kept: Kept) -> None:
    kept(kept.journal.add_job(JOB))
    kept(kept.journal.add_job_line("j1", JobLine(1, "begun")))
    kept(kept.it.set_item_status(kept.item, "running", lines=[ItemLine(1, "read", "read")]))
    kept(kept.it.remove_instance("u1"))
    assert kept(kept.journal.list_item_lines("i1", 9, None)) == []
    assert kept(kept.journal.list_job_lines("j1", 9, 0)) == ([], 0)
    assert kept(kept.journal.list_open_jobs()) == []
