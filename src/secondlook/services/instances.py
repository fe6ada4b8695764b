"""Namespaces and instances: create, read, change, delete."""

import contextlib
import secrets
import time
from collections.abc import Callable, Mapping, Sequence

from secondlook.domain.instance import DEFAULT_NAMESPACE, NAME, Instance, InstanceSettings, Namespace
from secondlook.domain.options import split_chain
from secondlook.errors import ChunkSizeError, InvalidModelError, InvalidOptionError, NamespaceFixedError, SetupError
from secondlook.ports import Blobs, Catalog, Embedder, Indexer, IndexShape, Rerankers

MIN_CHUNK_SIZE = 64
STATUSES = ("queued", "running", "completed", "error", "skipped", "outdated")


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
    ) -> None:
        self._catalog = catalog
        self._indexer = indexer
        self._blobs = blobs
        self._embedder = embedder
        self._rerankers = rerankers
        self._known_embedder = known_embedder

    async def create(self, account: str, namespace: str, name: str, *, settings: InstanceSettings) -> Instance:
        """The new instance; its index exists before the catalogue names it.

        Raises:
            InvalidModelError, ChunkSizeError, InvalidOptionError, InstanceExistsError, NamespaceNotFoundError
        """
        if not NAME.fullmatch(name):
            raise InvalidOptionError(
                f"an instance cannot be called {name!r}: give 1 to 64 characters of a-z, 0-9, _ and single inner"
                " hyphens, such as my-docs"
            )
        self._check(settings)
        now = int(time.time() * 1000)
        instance = Instance(secrets.token_hex(12), account, namespace, name, settings, now, now)
        await self._indexer.create_index(instance.uid, self._shape(settings))
        try:
            await self._catalog.add_instance(instance)
        except BaseException:
            await self._indexer.drop_index(instance.uid)
            raise
        return instance

    async def get(self, account: str, namespace: str, name: str) -> Instance:
        """Raises ``InstanceNotFoundError`` or ``NamespaceNotFoundError``."""
        return await self._catalog.get_instance(account, namespace, name)

    async def list(self, account: str, namespace: str | None) -> Sequence[Instance]:
        """Newest first; of all namespaces when None."""
        return await self._catalog.list_instances(account, namespace)

    async def update(self, instance: Instance, settings: InstanceSettings) -> Instance:
        """The instance with these settings; what the index is built from is fixed once made.

        Raises:
            InvalidOptionError: the embedding model, index methods, tokenizer or language would change while items
                are indexed.
        """
        self._check(settings)
        if settings.embedding_model != instance.settings.embedding_model and await self._catalog.list_items(
            instance.uid
        ):
            raise InvalidOptionError(
                f"embedding_model: it is fixed once items are indexed, {settings.embedding_model!r} cannot be set:"
                " make another instance, or delete the items first"
            )
        if self._shape(settings) != self._shape(instance.settings):
            if await self._catalog.list_items(instance.uid):
                raise InvalidOptionError(
                    "the index methods, the tokenizer and the language of keywords are fixed once items are indexed:"
                    " delete the items first, or make another instance"
                )
            await self._indexer.drop_index(instance.uid)
            await self._indexer.create_index(instance.uid, self._shape(settings))
        return await self._catalog.update_instance(instance.uid, settings, int(time.time() * 1000))

    async def delete(self, instance: Instance) -> None:
        """Remove the instance, its items and its index; the catalogue goes first, so nothing half gone is served."""
        await self._catalog.remove_instance(instance.uid)
        await self._indexer.drop_index(instance.uid)
        await self._blobs.delete(instance.uid)

    async def stats(self, instance: Instance) -> Mapping[str, int]:
        """Items by status, how many ``chunks`` and ``vectors`` the index holds, and the vectors' ``dimensions``."""
        counts = dict.fromkeys(STATUSES, 0)
        for item in await self._catalog.list_items(instance.uid):
            counts[item.status] += 1
        chunks, dimensions = await self._indexer.count_chunks(instance.uid), self._shape(instance.settings).dimensions
        return {**counts, "chunks": chunks, "vectors": chunks if dimensions else 0, "dimensions": dimensions}

    async def add_namespace(self, account: str, name: str, description: str) -> Namespace:
        """Raises ``NamespaceExistsError``."""
        if name == DEFAULT_NAMESPACE:
            raise NamespaceFixedError("the namespace default always exists and cannot be created")
        namespace = Namespace(name, description, int(time.time() * 1000))
        await self._catalog.add_namespace(account, namespace)
        return namespace

    async def list_namespaces(self, account: str) -> Sequence[Namespace]:
        """All but ``default``, oldest first."""
        return await self._catalog.list_namespaces(account)

    async def update_namespace(self, account: str, name: str, description: str) -> Namespace:
        """The namespace with that description; raises ``NamespaceNotFoundError`` or ``NamespaceFixedError``."""
        if name == DEFAULT_NAMESPACE:
            raise NamespaceFixedError("the description of the namespace default is fixed")
        return await self._catalog.update_namespace(account, name, description)

    async def remove_namespace(self, account: str, name: str) -> None:
        """Raises ``NamespaceNotFoundError``, ``NamespaceNotEmptyError`` or ``NamespaceFixedError``."""
        if name == DEFAULT_NAMESPACE:
            raise NamespaceFixedError("the namespace default cannot be removed")
        await self._catalog.remove_namespace(account, name)

    def _check(self, settings: InstanceSettings) -> None:
        if settings.embedding_model and not self._known_embedder(settings.embedding_model):
            raise InvalidModelError(
                f"embedding model {settings.embedding_model!r} is not known: see `secondlook models`"
            )
        for model in (*split_chain(settings.reranking_model), *(one.model for one in settings.reranking_stages)):
            if model:
                with contextlib.suppress(SetupError):  # known, its weights are not here: each receipt says so
                    self._rerankers.find(model)
        if not settings.vector_index and not settings.keyword_index:
            raise InvalidOptionError(
                "an instance without any index cannot be searched: at least one of vector and keyword must be true"
            )
        if settings.tokenizer == "trigram" and settings.analyser not in (None, "cjk"):
            raise InvalidOptionError(
                f"the language of keywords is {settings.analyser!r}, and the tokenizer trigram knows no words of a"
                " language: choose the tokenizer porter, or cjk or no language"
            )
        if not MIN_CHUNK_SIZE <= settings.chunk_size <= self._embedder.max_tokens:
            raise ChunkSizeError(
                f"chunk_size is {settings.chunk_size}, the embedding model reads"
                f" {MIN_CHUNK_SIZE} to {self._embedder.max_tokens} tokens: choose a value in that range"
            )

    def _shape(self, settings: InstanceSettings) -> IndexShape:
        return IndexShape(
            self._embedder.dimensions if settings.vector_index else 0,
            settings.tokenizer if settings.keyword_index else None,
            settings.analyser if settings.keyword_index else None,
        )
