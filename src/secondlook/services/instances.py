"""Namespaces and instances: create, read, change, delete."""

import asyncio
import contextlib
import secrets
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from secondlook.domain.candidate import FusionMethod
from secondlook.domain.instance import (
    DEFAULT_NAMESPACE,
    NAME,
    Instance,
    InstanceSettings,
    ItemCounts,
    Namespace,
)
from secondlook.domain.options import MatchMode, split_chain
from secondlook.domain.problem import IndexProblem
from secondlook.domain.wording import plural
from secondlook.errors import (
    ChunkSizeError,
    IndexCorruptError,
    InvalidModelError,
    InvalidOptionError,
    NamespaceFixedError,
    SetupError,
    TooManyInstancesError,
    TooManyNamespacesError,
)
from secondlook.ingest.metadata import envelope_size
from secondlook.ports import Blobs, Catalog, Embedder, Indexer, Rerankers
from secondlook.services.queries import DEFAULT_MOST
from secondlook.services.searching import SearchDefaults
from secondlook.services.service_tokens import ServiceTokens
from secondlook.services.shapes import shape_of

MIN_CHUNK_SIZE = 64
REINDEXED = ("fields", "chunked", "chunk_size", "chunk_overlap", "ocr")
"""Settings that what is indexed depends on, and that each item can take on for itself."""
SOURCE_ERRORS = (
    "too_many_redirects", "invalid_host_after_redirect", "subdomains_not_allowed", "blocked_by", "excluded_by",
    "network_connection_lost", "crawl_got", "http_4xx", "http_5xx", "unreachable", "page_limit_reached",
    "browser_rendering", "r2_", "bucket_", "external_source", "invalid_url",
)  # fmt: skip
"""How the kinds of errors begin that a source has, and not a file or a model (contract, 18.7)."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much an account may have, and an instance (contract, 19); ``query_log`` in lines, 0 forbids it."""

    instances: int = 5000
    namespaces: int = 100
    fields: int = 5
    query_log: int = DEFAULT_MOST


@dataclass(frozen=True, slots=True)
class Activity:
    """What an instance is doing: ``waiting`` for its first item, ``indexing`` or ``active``; since when; its items."""

    status: Literal["waiting", "indexing", "active"]
    last: int
    items: ItemCounts
    index_problem: IndexProblem | None = None


@dataclass(frozen=True, slots=True)
class Stats:
    """Items by status and by kind of error; what the index and the stored files take."""

    items: ItemCounts
    file_errors: Mapping[str, int]
    source_errors: Mapping[str, int]
    vectors: int
    dimensions: int
    objects: int
    payload_bytes: int
    metadata_bytes: int


class Instances:
    """Keeps the catalogue, the index and the blobs of an instance in step."""

    def __init__(
        self,
        catalog: Catalog,
        indexer: Indexer,
        blobs: Blobs,
        *,
        embedder: Embedder,
        rerankers: Rerankers,
        known_embedder: Callable[[str], bool],
        service_tokens: ServiceTokens,
        limits: Limits = Limits(),
        defaults: SearchDefaults | None = None,
        problem_of: Callable[[str], IndexProblem | None] = lambda uid: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """``problem_of`` says what is wrong with the index of an instance, by its uid."""
        self._catalog = catalog
        self._indexer = indexer
        self._blobs = blobs
        self._embedder = embedder
        self._rerankers = rerankers
        self._known_embedder = known_embedder
        self._service_tokens = service_tokens
        self._limits = limits
        self._defaults = defaults or SearchDefaults()
        self._clock = clock
        self._counting = asyncio.Lock()
        self._problem_of = problem_of

    async def create(self, account: str, namespace: str, name: str, *, settings: InstanceSettings) -> Instance:
        """The new instance; its index exists before the catalogue names it.

        Raises:
            InvalidModelError, ChunkSizeError, InvalidOptionError, InstanceExistsError, NamespaceNotFoundError,
            TooManyInstancesError, InvalidServiceTokenError
        """
        if not NAME.fullmatch(name):
            raise InvalidOptionError(
                f"{name!r} is not a valid instance name: give 1 to 64 characters of a-z, 0-9, _ and single inner"
                " hyphens, for example my-docs"
            ).at("instance_name")
        self._check(settings)
        self._check_log(settings)
        await self._check_service_token(account, settings)
        now = int(self._clock() * 1000)
        settings = settings.after(InstanceSettings(), now)
        instance = Instance(secrets.token_hex(12), account, namespace, name, settings, now, now)
        await self._indexer.create_index(instance.uid, shape_of(settings, self._embedder))
        try:
            async with self._counting:
                if len(await self._catalog.list_instances(account, None)) >= self._limits.instances:
                    raise TooManyInstancesError(
                        f"account {account!r} has {plural(self._limits.instances, 'instance')}, the most it can have:"
                        " delete one, or raise SECONDLOOK_MAX_INSTANCES"
                    )
                await self._catalog.add_instance(instance)
        except BaseException:
            await self._indexer.drop_index(instance.uid)
            raise
        return instance

    def match_mode_of(self, settings: InstanceSettings) -> MatchMode:
        """Which keyword matches count in a search that does not say."""
        return settings.match_mode_of(settings.retrieval_type, self._defaults.match_mode)

    def fusion_of(self, settings: InstanceSettings) -> FusionMethod:
        """How a hybrid search that does not say merges its lists."""
        return settings.fusion_of(self._defaults.fusion_method)

    async def get(self, account: str, namespace: str, name: str) -> Instance:
        """Raises ``InstanceNotFoundError`` or ``NamespaceNotFoundError``."""
        return await self._catalog.get_instance(account, namespace, name)

    async def list(self, account: str, namespace: str | None) -> Sequence[Instance]:
        """Newest first; of all namespaces when None."""
        return await self._catalog.list_instances(account, namespace)

    async def update(self, instance: Instance, settings: InstanceSettings) -> Instance:
        """The instance with these settings; items that were indexed under others are then outdated.

        The index is told at once whether it takes vectors. Its keywords are made anew with the outdated items.

        Raises:
            InvalidOptionError: the embedding model would change while items are indexed.
            InstanceChangedError: somebody else has changed it since it was read.
        """
        before = instance.settings
        self._check(settings)
        if not before.logged:
            self._check_log(settings)
        if settings.service_token != before.service_token:
            await self._check_service_token(instance.account, settings)
        filled = bool(await self._catalog.list_items(instance.uid))
        if settings.embedding_model != before.embedding_model and filled:
            raise InvalidOptionError(
                f"embedding_model: it cannot be changed to {settings.embedding_model!r} once items are indexed:"
                " create another instance, or delete the items first"
            )
        old, new = shape_of(before, self._embedder), shape_of(settings, self._embedder)
        if new != old:
            await self._indexer.reshape_index(instance.uid, replace(old, dimensions=new.dimensions) if filled else new)
        outdated = new.dimensions > old.dimensions or any(
            getattr(settings, name) != getattr(before, name) for name in REINDEXED
        )  # of no items yet, too: one may come in at this moment
        now = int(self._clock() * 1000)
        return await self._catalog.update_instance(
            instance.uid, settings.after(before, now), now, before=before, outdated=outdated
        )

    async def delete(self, instance: Instance) -> None:
        """Remove the instance, its items and its index; the catalogue goes first, so nothing half gone is served."""
        await self._catalog.remove_instance(instance.uid)
        await self._indexer.drop_index(instance.uid)
        await self._blobs.delete(instance.uid)

    async def activity(self, instances: Sequence[Instance]) -> Sequence[Activity]:
        """What each of these is doing."""
        counts = await self._catalog.count_items([one.uid for one in instances])
        return [_activity(one, counts.get(one.uid, ItemCounts()), self._problem_of(one.uid)) for one in instances]

    async def stats(self, instance: Instance) -> Stats:
        """Everything that can be counted."""
        items = await self._catalog.list_items(instance.uid)
        kinds = Counter(one.error.partition(":")[0] for one in items if one.status == "error")
        dimensions = shape_of(instance.settings, self._embedder).dimensions
        try:
            chunks = await self._indexer.count_chunks(instance.uid)
        except IndexCorruptError:  # it is being rebuilt
            chunks = 0
        return Stats(
            ItemCounts(Counter(one.status for one in items), max((one.last_seen_at for one in items), default=0)),
            file_errors={kind: number for kind, number in kinds.items() if not kind.startswith(SOURCE_ERRORS)},
            source_errors={kind: number for kind, number in kinds.items() if kind.startswith(SOURCE_ERRORS)},
            vectors=chunks if dimensions else 0,
            dimensions=dimensions,
            objects=len(items),
            payload_bytes=sum(one.size for one in items),
            metadata_bytes=sum(envelope_size(one.metadata) for one in items),
        )

    async def add_namespace(self, account: str, name: str, description: str) -> Namespace:
        """Raises ``NamespaceExistsError``, ``NamespaceFixedError`` or ``TooManyNamespacesError``."""
        if name == DEFAULT_NAMESPACE:
            raise NamespaceFixedError("the namespace default always exists and cannot be created")
        namespace = Namespace(name, description, int(time.time() * 1000))
        async with self._counting:
            there = await self._catalog.list_namespaces(account)
            if len(there) >= self._limits.namespaces and all(one.name != name for one in there):
                raise TooManyNamespacesError(
                    f"account {account!r} has {plural(self._limits.namespaces, 'namespace')}, the most it can have:"
                    " delete one, or raise SECONDLOOK_MAX_NAMESPACES"
                )
            await self._catalog.add_namespace(account, namespace)
        return namespace

    async def list_namespaces(self, account: str) -> Sequence[Namespace]:
        """All but ``default``, oldest first."""
        return await self._catalog.list_namespaces(account)

    async def update_namespace(self, account: str, name: str, description: str) -> Namespace:
        """The namespace with that description; raises ``NamespaceNotFoundError`` or ``NamespaceFixedError``."""
        if name == DEFAULT_NAMESPACE:
            raise NamespaceFixedError("the description of the namespace default cannot be changed")
        return await self._catalog.update_namespace(account, name, description)

    async def remove_namespace(self, account: str, name: str) -> None:
        """Raises ``NamespaceNotFoundError``, ``NamespaceNotEmptyError`` or ``NamespaceFixedError``."""
        if name == DEFAULT_NAMESPACE:
            raise NamespaceFixedError("the namespace default cannot be removed")
        await self._catalog.remove_namespace(account, name)

    async def _check_service_token(self, account: str, settings: InstanceSettings) -> None:
        if settings.service_token:
            await self._service_tokens.check(account, settings.service_token)

    def _check_log(self, settings: InstanceSettings) -> None:
        if settings.logged and not self._limits.query_log:
            raise InvalidOptionError(
                "query_log: this server keeps no query logs: leave it off, or raise SECONDLOOK_QUERY_LOG_LINES"
            )

    def _check(self, settings: InstanceSettings) -> None:
        if len(settings.fields) > self._limits.fields:
            raise InvalidOptionError(
                f"there are {plural(len(settings.fields), 'metadata field')}; the limit is {self._limits.fields}:"
                " remove some, or raise SECONDLOOK_MAX_METADATA_FIELDS"
            ).at("fields")
        if settings.embedding_model and not self._known_embedder(settings.embedding_model):
            raise InvalidModelError(
                f"unknown embedding model {settings.embedding_model!r}: see `secondlook models`"
            ).at("embedding_model")
        for model in (*split_chain(settings.reranking_model), *(one.model for one in settings.reranking_stages)):
            if model:
                with contextlib.suppress(SetupError):  # known, its weights are not here: each receipt says so
                    self._rerankers.find(model)
        if not settings.vector_index and not settings.keyword_index:
            raise InvalidOptionError(
                "an instance needs an index to be searched: at least one of vector and keyword must be true"
            ).at("vector_index")
        if settings.tokenizer == "trigram" and settings.analyser not in (None, "cjk"):
            raise InvalidOptionError(
                "the tokenizer trigram splits text into groups of three characters and cannot use the keyword language"
                f" {settings.analyser!r}: choose the tokenizer porter, or cjk or no language"
            ).at("analyser")
        if not MIN_CHUNK_SIZE <= settings.chunk_size <= self._embedder.max_tokens:
            raise ChunkSizeError(
                f"chunk_size is {settings.chunk_size}; the embedding model reads"
                f" {MIN_CHUNK_SIZE} to {self._embedder.max_tokens} tokens: choose a value in that range"
            ).at("chunk_size", f"Enter {MIN_CHUNK_SIZE} to {self._embedder.max_tokens} tokens.")


def _activity(instance: Instance, counts: ItemCounts, problem: IndexProblem | None) -> Activity:
    last = max(instance.modified_at, counts.last_seen_at)
    if not counts.statuses:
        return Activity("waiting", last, counts, problem)
    busy = problem or any(counts.statuses.get(status) for status in ("queued", "running", "outdated"))
    return Activity("indexing" if busy else "active", last, counts, problem)
