"""The seams of what is kept beside the catalogue: jobs, logs, leases, service tokens, queries, runs of the Lab."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from secondlook.domain.answer import Question, Recalled
from secondlook.domain.instance import Item, ItemStatus, ServiceToken
from secondlook.domain.jobs import ItemLine, Job, JobLine, SyncState
from secondlook.domain.judged_sets import JudgedSet, SetJudgment
from secondlook.domain.lab import LabRun, RunState
from secondlook.domain.lease import Lease
from secondlook.domain.listing import ItemQuery
from secondlook.domain.queries import Feedback, LoggedQuery, Outcome, QueryFilter, QueryOrder, TopQuery


class Journal(Protocol):
    """Jobs and their lines, and the lines of items; the newest stay, durable once a call returns."""

    async def add_job(self, job: Job) -> None:
        """Raises ``InstanceNotFoundError``."""

    async def get_job(self, instance_uid: str, job_id: str) -> Job:
        """Raises ``JobNotFoundError``."""

    async def list_jobs(self, instance_uid: str, limit: int, offset: int) -> tuple[Sequence[Job], int]:
        """A page of the jobs, newest first, and how many there are."""

    async def sync_states(self, instance_uids: Sequence[str]) -> Mapping[str, SyncState]:
        """The newest job of each instance, and the newest that completed or failed; nothing where there is no job."""

    async def list_open_jobs(self) -> Sequence[Job]:
        """Those of all instances that have not ended, oldest first."""

    async def end_job(self, job_id: str, ended_at: int, reason: str) -> bool:
        """Whether it ran until now, and has ended; False when it had ended before, or is gone."""

    async def add_job_line(self, job_id: str, line: JobLine) -> None:
        """Raises ``JobNotFoundError``."""

    async def list_job_lines(self, job_id: str, limit: int, offset: int) -> tuple[Sequence[JobLine], int]:
        """A page of the job's lines, oldest first, and how many there are."""

    async def list_job_lines_after(self, job_id: str, number: int, limit: int) -> Sequence[JobLine]:
        """The job's lines with a larger number, oldest first."""

    async def list_item_lines(self, item_id: str, limit: int, before: int | None) -> Sequence[ItemLine]:
        """The newest lines of the item first; only those with a smaller number than ``before``, if it is given."""


class AccountList(Protocol):
    """Which accounts there are: an account comes to be by its first use."""

    async def list_accounts(self) -> Sequence[str]:
        """The accounts that own an instance, a namespace or a service token, or that a valid token names; by name."""


class ServiceTokenShelf(Protocol):
    """What is known of service tokens; durable once a call returns."""

    async def add(self, token: ServiceToken) -> None:
        """Remember it."""

    async def list(self, account: str) -> Sequence[ServiceToken]:
        """Oldest first; of all accounts when ``account`` is empty."""

    async def get(self, account: str, token_id: str) -> ServiceToken:
        """Raises ``ServiceTokenNotFoundError``."""

    async def replace(self, token: ServiceToken) -> None:
        """Set every field of the token of that id; raises ``ServiceTokenNotFoundError``."""

    async def remove(self, token_id: str) -> None:
        """Forget it; nothing happens if it is not there."""


class ItemPages(Protocol):
    """Lists of items that are made where they lie."""

    async def page_items(self, uid: str, wanted: ItemQuery, limit: int, offset: int) -> tuple[Sequence[Item], int]:
        """The wanted items of an instance from ``offset`` on, and how many there are; ``wanted.where`` is not held."""


class Usage(Protocol):
    """How many queries each account has made in a month, such as 2026-10."""

    async def count(self, account: str, month: str) -> int:
        """None made is 0."""

    async def add(self, account: str, month: str) -> None:
        """One more."""


class QueryShelf(Protocol):
    """What was asked of each index, by its uid, and what people made of it; durable once a call returns."""

    async def add(self, logged: Sequence[tuple[str, LoggedQuery]], *, most: int) -> None:
        """Write them down, each with its uid, and forget the oldest beyond ``most`` of each uid."""

    async def get(self, uid: str, query_id: str) -> LoggedQuery | None:
        """The query of that id."""

    async def latest(self, uid: str, query: str) -> LoggedQuery | None:
        """The newest query of that text, whatever its case and spaces; of the playground only if there is no other."""

    async def list(
        self,
        uid: str,
        limit: int,
        offset: int,
        *,
        only: QueryFilter,
        order: QueryOrder,
        text: str = "",
        playground: bool = True,
    ) -> tuple[Sequence[LoggedQuery], int]:
        """A page of the queries that hold ``text``, and how many there are."""

    async def list_top(
        self, uid: str, limit: int, *, since: int, only: QueryFilter, playground: bool = False
    ) -> Sequence[TopQuery]:
        """Queries since then by how often they were asked; with ``only``, those alone are counted."""

    async def list_outcomes(self, uid: str, since: int, *, playground: bool = False) -> Sequence[Outcome]:
        """How each search since then went, oldest first."""

    async def list_tried(self, uid: str, since: int) -> Sequence[LoggedQuery]:
        """Searches since then that were reranked in the shadow, or served in two orders at once; oldest first."""

    async def add_feedback(self, uid: str, given: Sequence[Feedback], *, most: int) -> None:
        """Write it down, and forget the oldest beyond ``most``."""

    async def list_feedback(self, uid: str) -> Sequence[Feedback]:
        """All of it, oldest first."""

    async def trim(self, uid: str, before: int) -> None:
        """Forget what is older."""

    async def forget(self, uid: str) -> None:
        """Forget all of the uid."""

    async def list_uids(self) -> Sequence[str]:
        """Every uid of which something is kept."""


class JudgedSetShelf(Protocol):
    """Sets of judged queries, by the uid of their index; durable once a call returns."""

    async def list(self, uid: str) -> Sequence[JudgedSet]:
        """All of the index, by name."""

    async def get(self, uid: str, name: str) -> JudgedSet | None:
        """The set of that name."""

    async def create(self, uid: str, name: str, *, at: int) -> None:
        """Make an empty set; nothing happens if it exists."""

    async def judge(self, uid: str, name: str, judgment: SetJudgment) -> None:
        """Keep it in place of an earlier one of the same query and unit."""

    async def drop_judgment(self, uid: str, name: str, judgment: SetJudgment) -> None:
        """Remove what was judged of its query and unit; nothing happens if there is nothing."""

    async def drop_query(self, uid: str, name: str, query: str) -> int:
        """Remove the query with its judgments; how many these were."""

    async def judgments(self, uid: str, name: str, query: str = "") -> Sequence[SetJudgment]:
        """Those of the set, or of one query of it, in the order in which the queries came."""

    async def remove(self, uid: str, name: str) -> None:
        """Remove the set; nothing happens if it does not exist."""

    async def forget(self, uid: str) -> None:
        """Remove all sets of the index."""


class Leases(Protocol):
    """Who works on which item, of several processes; durable once a call returns. Times in ms since 1970."""

    async def take(self, owner: str, *, now: int, until: int, only: Sequence[str] | None = None) -> Lease | None:
        """A lease on the item that is due for longest, of these ids if given, which is running then.

        None when none is due. Of several that ask at once, one has it. ``owner`` is never used again.
        """

    async def keep(self, leases: Sequence[Lease], *, until: int) -> Mapping[str, int]:
        """Hold them until then; the version that each item has now, by owner, of those that still hold."""

    async def holds(self, lease: Lease) -> bool:
        """Whether it has not ended, and the item is still at the version the lease was taken for."""

    async def note(self, lease: Lease, lines: Sequence[ItemLine]) -> bool:
        """Store lines of an item while the lease holds, for the version the lease was taken for."""

    async def settle(
        self,
        lease: Lease,
        status: ItemStatus,
        *,
        error: str = "",
        chunks_count: int | None = None,
        lines: Sequence[ItemLine] = (),
    ) -> bool:
        """End the lease with the item's outcome; False if the item has another version, or the lease has ended."""

    async def put_back(self, lease: Lease, *, due_at: int, attempts: int, lines: Sequence[ItemLine] = ()) -> bool:
        """End the lease with the item queued, not to be had before ``due_at``; as ``settle``."""

    async def drop(self, lease: Lease) -> None:
        """End the lease, whatever its item is now; nothing happens if it has ended."""

    async def list_lapsed(self, now: int) -> Sequence[Lease]:
        """Some that were not kept, on items that are running."""

    async def end_all(self, prefix: str) -> None:
        """Let every lease lapse whose owner begins so."""

    async def move(self, *, by: int, now: int) -> None:
        """Move every time ahead of ``now`` by so many milliseconds."""

    async def pull_in(self, now: int) -> None:
        """Let all be over that lies further ahead of ``now`` than anything is waited for."""

    async def count_unfinished(self) -> int:
        """How many items are queued or running."""

    async def list_unfinished(self, item_ids: Sequence[str]) -> Mapping[str, int]:
        """The versions of those of these items that are queued or running."""


class LabBook(Protocol):
    """Runs of the Lab, and what each query of them came to; durable once a call returns."""

    async def add(self, run: LabRun) -> None:
        """Remember it."""

    async def get(self, instance_uid: str, run_id: str) -> LabRun:
        """Raises ``JobNotFoundError``."""

    async def list(self, instance_uid: str, limit: int, offset: int) -> tuple[Sequence[LabRun], int]:
        """A page of the runs, newest first, without request and report; and how many there are."""

    async def last(self, instance_uid: str) -> LabRun | None:
        """The newest that is completed."""

    async def list_completed(self, instance_uid: str, limit: int) -> Sequence[str]:
        """The ids of completed runs, newest first."""

    async def reports(self, instance_uid: str, limit: int) -> Sequence[str]:
        """Those of completed runs, newest first."""

    async def list_open(self) -> Sequence[LabRun]:
        """Those of all instances that run, oldest first."""

    async def set_state(
        self, run_id: str, state: RunState, *, ended_at: int, reason: str = "", report: str = "", owner: str = ""
    ) -> bool:
        """Whether it ran until now, and has ended so; False when it had ended before, is gone, or is not the owner's.

        Without an owner it is ended whoever measures it.
        """

    async def begin_anew(self, run_id: str, request: str, *, owner: str) -> bool:
        """Forget its rows, for the index is no longer theirs; from now on it is to do this. False as ``hold``."""

    async def end_left(self, instance_uid: str, owner: str, *, ended_at: int, reason: str) -> None:
        """End the instance's runs, which nobody is at, as errors; nothing happens unless the owner has the turn."""

    async def take(self, instance_uid: str, run_id: str, owner: str, *, now: int, until: int, gone: str = "") -> bool:
        """Whether the owner may measure the instance, for that run.

        Succeeds if the lease is free, expired, or held by ``gone``.
        """

    async def owner_of(self, instance_uid: str, *, now: int) -> str:
        """Who may measure the instance at that time; empty for nobody."""

    async def hold(self, run_id: str, owner: str, *, until: int) -> bool:
        """Whether it still may, then until that time, and the run has not ended."""

    async def leave(self, owner: str) -> None:
        """It measures no longer."""

    async def end_all(self, prefix: str) -> None:
        """Nobody measures any more whose name begins so."""

    async def add_rows(self, run_id: str, first: int, rows: Sequence[str], *, owner: str) -> bool:
        """Keep what the queries from ``first`` on (from 0) came to, each as a JSON object; False as ``hold``."""

    async def rows(self, run_id: str, limit: int | None = None, offset: int = 0) -> Sequence[str]:
        """What is kept, in the order of the queries."""

    async def remove(self, run_id: str) -> None:
        """Forget it with its rows; nothing happens if it is not there."""

    async def forget(self, instance_uid: str) -> None:
        """Forget all runs of the instance."""

    async def grade(self, judge: str, mark: str) -> int | None:
        """What that judge said of the pair of that mark."""

    async def keep_grade(self, judge: str, mark: str, grade: int) -> None:
        """Remember it."""


class Answers(Protocol):
    """Answers that are kept; every method may raise ``BackendError``, and then nothing has happened."""

    async def find(self, question: Question, *, least: float, life: float) -> Recalled | None:
        """The answer to the most alike question of the same scope and epoch; None for none within those bounds."""

    async def keep(self, question: Question, content: bytes) -> None:
        """Remember the answer, and forget those of other epochs of its index."""

    async def forget(self, index: str) -> None:
        """Forget all answers of the index, for good once it returns."""
