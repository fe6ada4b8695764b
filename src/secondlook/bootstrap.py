"""The one place that picks engines, models, stores and sources."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

from secondlook import __version__
from secondlook.engines.embedded import EmbeddedEngine
from secondlook.errors import FolderInUseError
from secondlook.ingest.pool import ParseLimits
from secondlook.models.batching import Scheduler
from secondlook.models.embedder import EncoderEmbedder
from secondlook.models.encoder import Encoder
from secondlook.models.late_interaction import LateInteraction
from secondlook.models.openai_compatible import OpenAICompatible
from secondlook.models.pair_cache import PairCache, remember
from secondlook.models.remote_config import RemoteFile
from secondlook.ports import Catalog, Indexer, Rerankers, Tools
from secondlook.provision import (
    Progress,
    check_multilingual,
    is_known_embedder,
    load_encoder,
    make_admission,
    make_answers,
    make_disk_reserve,
    make_generator,
    make_model_list,
    make_overrides,
    make_passage_reranking,
    make_shelf,
    make_snippets,
    make_sources,
    read_remotes,
)
from secondlook.services.access import Access
from secondlook.services.bundle import Services
from secondlook.services.caching import AnswerCache
from secondlook.services.checks import CheckedRetriever, Checks
from secondlook.services.chunking import ReadingOptions
from secondlook.services.endpoints import Endpoints
from secondlook.services.explaining import Explaining
from secondlook.services.indexing import Indexing
from secondlook.services.instances import Instances, Limits
from secondlook.services.joint_searching import JointSearching
from secondlook.services.judged_sets import JudgedSets
from secondlook.services.lab_runs import LabRuns
from secondlook.services.lab_work import LabTools
from secondlook.services.listing import Listing
from secondlook.services.measuring import MeasuredSearching
from secondlook.services.online import OnlineTrials
from secondlook.services.pulling import Pulling
from secondlook.services.queries import QueryLog
from secondlook.services.query_limits import QueryLimits
from secondlook.services.quota import Quota
from secondlook.services.recording import RecordedJoint, RecordedSearching
from secondlook.services.remeasuring import Remeasuring
from secondlook.services.searching import SearchDefaults
from secondlook.services.service_tokens import ServiceTokens
from secondlook.services.sign_in import SignIn
from secondlook.services.syncing import Syncing
from secondlook.services.trying import TryingSearching
from secondlook.services.watching import Watching
from secondlook.services.working import Role, WorkingOptions
from secondlook.settings import Settings
from secondlook.stores.blobs import FileBlobs
from secondlook.stores.catalog import SqlCatalog
from secondlook.stores.data_folder import check_catalog, check_folder, prepare_folder
from secondlook.stores.endpoints import SqlEndpoints
from secondlook.stores.journal import SqlJournal
from secondlook.stores.judged_sets import SqlJudgedSets
from secondlook.stores.lab import SqlLabBook
from secondlook.stores.leases import SqlLeases
from secondlook.stores.lock import FileLock
from secondlook.stores.memos import SqlMemos
from secondlook.stores.queries import SqlQueries
from secondlook.stores.service_tokens import SqlServiceTokens
from secondlook.stores.usage import SqlUsage

T = TypeVar("T")
log = logging.getLogger(__name__)
CATALOG, SERVER_LOCK = "catalog.sqlite", "server.lock"
DERIVED = ("files", "indexes")
"""Folders of which the catalogue names everything."""
FILTERED_BYTES = 64
"""How much of a text the hosted product's filters compare (contract, 6.1)."""
Queue = Literal["all", "beside", "own", "none"]
"""What a process indexes: all that waits, as one process a data folder may; the same beside it; its own uploads;
nothing."""
ROLES: Mapping[Queue, Role] = {"all": "server", "beside": "worker", "own": "command"}


@dataclass(frozen=True, slots=True)
class Runtime:
    """Everything that is open; ``services`` is what the edges use."""

    services: Services
    tools: Tools
    indexer: Indexer
    stores: "Stores"


@dataclass(frozen=True, slots=True)
class Stores:
    """What is open of the catalogue's database."""

    catalog: SqlCatalog
    endpoints: SqlEndpoints
    queries: QueryLog
    book: SqlLabBook


@asynccontextmanager
async def open_runtime(
    settings: Settings, *, progress: Progress | None = None, queue: Queue = "all"
) -> AsyncIterator[Runtime]:
    """A running Secondlook over ``settings.data_dir``, closed in order at the end.

    Raises:
        SetupError: the data folder cannot be used, or the embedder's weights cannot be had.
        FolderInUseError: another process indexes all that waits there.
    """
    folder = settings.data_dir
    prepare_data(folder)
    remotes = read_remotes(settings)
    async with AsyncExitStack() as opened:
        if queue == "all" and not await _take_twice(opened.enter_context(FileLock(folder / SERVER_LOCK))):
            raise FolderInUseError(
                f"a server is already running on the data folder {folder}. Stop it first, or pass another folder with"
                " --data-dir."
            )
        scheduler = Scheduler(settings.threads or os.cpu_count() or 1, capacity=settings.queue_tokens)
        opened.push_async_callback(asyncio.to_thread, scheduler.close)
        encoder = load_encoder(settings, progress=progress, scheduler=scheduler)
        late = LateInteraction(encoder)
        shelf = make_shelf(settings, late, remotes, scheduler=scheduler)
        opened.push_async_callback(shelf.close)
        generator = make_generator(settings)
        if isinstance(generator, OpenAICompatible):
            opened.push_async_callback(generator.close)
        engine = EmbeddedEngine(folder / "indexes", check_room=make_disk_reserve(settings).check)
        opened.callback(engine.close)
        stores = await _open_stores(opened, settings, engine)
        pairs = PairCache(settings.pair_cache)
        rerankers = Rerankers(lambda name: remember(shelf.find(name), pairs), shelf.default)
        _warn(remotes, check_multilingual(settings, rerankers))
        checks = Checks()
        tools = Tools(CheckedRetriever(engine, checks), EncoderEmbedder(encoder, late), rerankers, generator)
        cache = None
        if settings.answer_cache_mb:
            answers = make_answers(settings, remotes.endpoints)
            opened.callback(answers.close)
            cache = AnswerCache(answers, tools)
        services = make_services(settings, tools, engine, stores, encoder, cache=cache, checks=checks)
        opened.push_async_callback(services.lab.stop)
        opened.push_async_callback(services.models.stop)
        opened.push_async_callback(services.trying.stop)
        if queue == "none":
            opened.push_async_callback(services.indexing.stop)  # what reads documents for the Lab
        else:
            await _begin_indexing(opened, services.indexing, FileLock(folder / "uploads.lock"), queue)
        if queue == "all":
            await asyncio.gather(services.service_tokens.sweep(), services.endpoints.tell_domains())
            await stores.queries.start()
            opened.push_async_callback(services.syncing.stop)
            await services.syncing.start()
            await services.lab.start()
            again = Remeasuring(services.lab, services.online, days=settings.lab_days)
            opened.push_async_callback(_cancel, asyncio.create_task(again.watch()))
            if settings.folder_watch:
                watching = Watching(stores.catalog, services.syncing, every=settings.folder_watch)
                opened.push_async_callback(_cancel, asyncio.create_task(watching.watch()))
        yield Runtime(services, tools, engine, stores)


def _warn(remotes: RemoteFile, other_languages: str) -> None:
    """Log which rerankers are configured and cannot be used; everything else goes on without them."""
    for problem in remotes.problems:
        log.warning("A remote reranker is unavailable: %s", problem)
    if other_languages:
        log.warning("Queries in languages that a reranker does not cover are not reranked: %s", other_languages)


async def _take_twice(lock: FileLock) -> bool:
    """Whether the lock is ours; ``is_served`` may hold it for a moment."""
    if lock.take():
        return True
    await asyncio.sleep(0.1)
    return lock.take()


async def _open_stores(opened: AsyncExitStack, settings: Settings, engine: EmbeddedEngine) -> Stores:
    """Everything of the catalogue's database, until ``opened`` closes."""
    catalog = SqlCatalog(catalog_url(settings))
    opened.push_async_callback(catalog.close)
    await catalog.open()
    published, asked, book = SqlEndpoints(catalog.database), SqlQueries(catalog.database), SqlLabBook(catalog.database)
    for one in (published, asked, book, SqlJudgedSets(catalog.database)):
        await one.open()
    queries = QueryLog(asked, catalog, engine, most=settings.query_log_lines)
    opened.push_async_callback(queries.stop)
    return Stores(catalog, published, queries, book)


async def _begin_indexing(opened: AsyncExitStack, indexing: Indexing, uploads: FileLock, queue: Queue) -> None:
    """Index until ``opened`` closes.

    Commands share ``uploads``, which tells the server, of which there is one, whether somebody may be uploading.
    """
    opened.enter_context(uploads)
    opened.push_async_callback(indexing.stop)
    if queue == "own":
        await asyncio.to_thread(uploads.share)
    elif queue == "all" and uploads.take():  # nobody else is about to name a blob or an index
        await indexing.sweep()
        uploads.release()
    await indexing.start(ROLES[queue])


async def _cancel(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def make_services(
    settings: Settings,
    tools: Tools,
    engine: EmbeddedEngine,
    stores: Stores,
    encoder: Encoder,
    *,
    cache: AnswerCache | None = None,
    checks: Checks | None = None,
) -> Services:
    """The use cases over what is open."""
    catalog, queries = stores.catalog, stores.queries
    blobs = FileBlobs(settings.data_dir / "files", reserve=make_disk_reserve(settings))
    journal, memos = SqlJournal(catalog.database), SqlMemos(catalog.database)
    vault = FileBlobs(settings.data_dir / "secrets", private=True)
    service_tokens = ServiceTokens(SqlServiceTokens(catalog.database), vault, catalog)
    reading, working = _ways_of_indexing(settings)
    indexing = Indexing(
        catalog, engine, blobs, tools.embedder, journal=journal, leases=SqlLeases(catalog.database), reading=reading,
        working=working, checks=checks,
    )  # fmt: skip
    pulling = Pulling(make_sources(settings), memos, catalog, indexing, service_tokens, release=__version__)
    defaults = search_defaults(settings)
    instances = Instances(
        catalog, engine, blobs, embedder=tools.embedder, rerankers=tools.rerankers, known_embedder=is_known_embedder,
        service_tokens=service_tokens, problem_of=indexing.rebuilding.problem_of, limits=limits_of(settings),
        defaults=defaults,
    )  # fmt: skip
    models = make_model_list(settings)
    lab = LabRuns(stores.book, LabTools(tools, catalog, engine, models, defaults, indexing.read_text))
    trying = TryingSearching(MeasuredSearching(tools, defaults, cache, lab.trusts), queries)
    return Services(
        access := Access(catalog),
        instances,
        indexing,
        RecordedSearching(trying, queries, defaults, (admission := make_admission(settings)).searches),
        make_passage_reranking(settings, tools.rerankers, encoder),
        Explaining(tools, catalog, engine, defaults=defaults, trusts=lab.trusts),
        RecordedJoint(JointSearching(tools, catalog, defaults), queries, defaults, admission.searches),
        Endpoints(stores.endpoints, catalog, make_snippets(settings), claimable=settings.custom_domains),
        Syncing(journal, catalog, indexing, pulling, cooldown=settings.sync_cooldown),
        service_tokens,
        Quota(SqlUsage(catalog.database), settings.monthly_queries),
        models,
        lab,
        queries,
        Listing(catalog, catalog),
        trying,
        OnlineTrials(queries, catalog),
        SignIn(access, catalog),
        JudgedSets(SqlJudgedSets(catalog.database), catalog, engine),
        make_overrides(settings, tools),
        admission,
    )


def _ways_of_indexing(settings: Settings) -> tuple[ReadingOptions, WorkingOptions]:
    """How documents are read, and how the queue of items is worked."""
    limits = ParseLimits(settings.parse_memory_mb << 20, settings.parse_seconds)
    working = WorkingOptions(settings.item_attempts, settings.retry_wait_ms / 1000, settings.lease_seconds)
    return ReadingOptions(limits, settings.ocr_languages, settings.heading_context), working


def limits_of(settings: Settings) -> Limits:
    """What an account may have."""
    return Limits(
        settings.max_instances, settings.max_namespaces, settings.max_metadata_fields, settings.query_log_lines
    )


def search_defaults(settings: Settings) -> SearchDefaults:
    """What a search is where neither request nor instance says."""
    strict = settings.compatibility == "strict"
    return SearchDefaults(
        settings.rerank_candidates,
        settings.rerank_budget_ms / 1000 or None,
        settings.missing_model,
        settings.language_guard,
        settings.multilingual_reranker,
        FILTERED_BYTES if strict else 0,
        match_mode="and" if strict else None,
        fusion_method="rrf" if strict else None,
        threshold_for_all=strict,
        query_limits=QueryLimits(settings.query_characters, settings.query_terms),
        echo_discount=0 if strict else settings.echo_discount / 100,
    )


def prepare_data(folder: Path) -> None:
    """Create the data folder unless it exists; raises ``SetupError`` if it cannot be used, or lost its catalogue."""
    prepare_folder(folder, *DERIVED)
    check_catalog(folder, CATALOG, *DERIVED)


def check_data(settings: Settings) -> None:
    """Raises ``SetupError`` unless the data folder holds data: commands that only read do not create one."""
    check_folder(settings.data_dir, CATALOG)


async def with_access(settings: Settings, work: Callable[[Access], Awaitable[T]], *, make: bool = False) -> T:
    """Do something with the tokens of a data folder, without loading any model; with ``make`` it is created."""
    prepare_folder(settings.data_dir) if make else check_data(settings)
    check_catalog(settings.data_dir, CATALOG, *DERIVED)
    catalog = SqlCatalog(catalog_url(settings))
    try:
        await catalog.open()
        return await work(Access(catalog))
    finally:
        await catalog.close()


def is_served(settings: Settings) -> bool:
    """Whether a server works on the data folder at this moment."""
    path = settings.data_dir / SERVER_LOCK
    if not path.is_file():
        return False
    with FileLock(path) as lock:
        return not lock.take()


async def list_accounts(settings: Settings) -> Sequence[str]:
    """The accounts that have instances in a data folder, by name."""
    check_data(settings)
    catalog = SqlCatalog(catalog_url(settings))
    try:
        await catalog.open()
        return sorted({one.account for one in await catalog.list_instances("", None)})
    finally:
        await catalog.close()


async def with_queries(settings: Settings, work: Callable[[QueryLog, Catalog], Awaitable[T]]) -> T:
    """Do something with the query logs of a data folder, without loading any model."""
    check_data(settings)
    catalog, engine = SqlCatalog(catalog_url(settings)), EmbeddedEngine(settings.data_dir / "indexes")
    try:
        await catalog.open()
        kept = SqlQueries(catalog.database)
        await kept.open()
        return await work(QueryLog(kept, catalog, engine, most=settings.query_log_lines), catalog)
    finally:
        engine.close()
        await catalog.close()


def catalog_url(settings: Settings) -> str:
    """The address of the catalogue's database."""
    return f"sqlite+aiosqlite:///{(settings.data_dir / CATALOG).absolute()}"
