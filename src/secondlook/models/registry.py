"""Names become models; nothing is guessed from a name's parts."""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from secondlook.domain.options import LongPassages
from secondlook.errors import InvalidModelError, SetupError
from secondlook.models.batching import Scheduler
from secondlook.models.breaker import CircuitBreaker
from secondlook.models.cross_encoder import CrossEncoder, PairScorer
from secondlook.models.encoder import Encoder
from secondlook.models.golden import check_model
from secondlook.models.graph import Precision, read_config
from secondlook.models.known import ALIASES, BY_NAME, SHORT, KnownReranker
from secondlook.models.late_interaction import LateInteraction
from secondlook.models.onnx_cross_encoder import OnnxCrossEncoder
from secondlook.models.unavailable import UnavailableReranker
from secondlook.models.variants import Variant, split_variant
from secondlook.models.weights import ALL_MINILM, PinnedModel, check_files, find_model, is_whole, model_folder
from secondlook.ports import Passage, Reranker, ScoreKind, Scores

BUILT_IN_RERANKER = "secondlook/late-interaction"
BUILT_IN_EMBEDDER = "secondlook/all-minilm-l6-v2"
BUILT_IN_NAMES = frozenset(("", BUILT_IN_RERANKER, "secondlook:late-interaction"))
LOCAL = "local:"
"""The provider of cross-encoders that run here; `local:NAME` and `NAME` are the same."""

EMBEDDER_NAMES = frozenset((BUILT_IN_EMBEDDER, "all-minilm-l6-v2", "sentence-transformers/all-MiniLM-L6-v2"))
"""What the built-in embedder is called."""

STAND_INS = EMBEDDER_NAMES | frozenset(
    (
        "@cf/qwen/qwen3-embedding-0.6b",
        "@cf/baai/bge-m3",
        "@cf/baai/bge-large-en-v1.5",
        "@cf/google/embeddinggemma-300m",
        "google-ai-studio/gemini-embedding-001",
        "google-ai-studio/gemini-embedding-2-preview",
        "openai/text-embedding-3-small",
        "openai/text-embedding-3-large",
    )
)
"""Embedding models that a client may name; the built-in one serves for each (see docs/compatibility.md)."""

LONGEST_NAME = 128
USUAL_TOKENS = 512
LOAD_PAUSE = 60.0
"""Seconds before a model that could not be loaded is tried again."""


class OwnedReranker(Reranker, Protocol):
    """A reranker that holds something open."""

    async def close(self) -> None:
        """Let it go."""


class RerankerShelf:
    """Finds rerankers by name, keeps the loaded ones, and closes them at the end.

    Args:
        remotes: rerankers behind HTTP, each under every name it may be called by.
        unreadable: why nobody knows the names of the remote ones; then any unknown name may be one of theirs.
        long_passages: how cross-encoders read what is longer than they read at once.
        aliases: further names, each with the name that it stands for.
    """

    def __init__(
        self,
        cache: Path,
        default: Reranker,
        *,
        threads: int | None = None,
        scheduler: Scheduler | None = None,
        remotes: Mapping[str, OwnedReranker] | None = None,
        long_passages: LongPassages = "window",
        unreadable: str = "",
        aliases: Mapping[str, str] | None = None,
    ) -> None:
        self._unreadable = unreadable
        self._aliases = dict(aliases or {})
        self._cache = cache
        self._threads = threads
        self._scheduler = scheduler
        self._long_passages = long_passages
        self._remotes = dict(remotes or {})
        self._loaded: dict[str, LateLoaded] = {}
        self.default = default

    def find(self, name: str) -> Reranker:
        """The reranker of that name, or the variant of it; its weights are loaded at its first score.

        Raises:
            InvalidModelError: the name is unknown, and the message lists the known ones; or it has no such variant.
            SetupError: the model is known, but its weights are not here.
        """
        name = self._aliases.get(name, name)
        if name in self._remotes:
            return self._remotes[name]
        bare, variant = self._split(name)
        if bare in BUILT_IN_NAMES:
            return self._built_in(variant)
        if bare in self._remotes:
            raise InvalidModelError(f"{bare} is a remote model and has no variants: remove everything after the ?")
        wanted = canonical(bare)
        known = BY_NAME.get(wanted)
        added = model_folder(wanted, self._cache) if can_be_folder(wanted) else None
        if known is None and not (added and is_whole(added)):
            wanted = SHORT.get(wanted.casefold(), wanted)
            known = BY_NAME.get(wanted)
        if known is None and (added is None or not is_whole(added)):
            if self._unreadable:
                return UnavailableReranker(name[:LONGEST_NAME], self._unreadable)
            raise InvalidModelError(
                f"unknown reranking model {name[:LONGEST_NAME]!r}. Known: {', '.join(self._names())};"
                " add a local folder with `secondlook models add`"
            )
        key = f"{wanted}{Variant(precision=variant.precision).words}"
        if key not in self._loaded:
            folder = find_model(known.pin(), self._cache) if known else added
            if folder is None:
                raise SetupError(f"the weights of {wanted} are not installed: {how_to_get(BY_NAME[wanted])}")
            if variant.precision and takes_graph(folder):
                raise InvalidModelError(f"{wanted} is an exported graph, whose precision is fixed")
            covered = known.covered if known else None
            self._loaded[key] = LateLoaded(wanted, lambda: self._load(wanted, folder, variant), folder, covered)
        whole = self._loaded[key]
        return whole if variant.max_tokens is None else Shortened(whole, variant.max_tokens)

    def _split(self, name: str) -> tuple[str, Variant]:
        """Name and options; a model from a folder may have been added under a name that reads like both."""
        own = model_folder(canonical(name), self._cache) if "?" in name and can_be_folder(name) else None
        return (name, Variant()) if own and is_whole(own) else split_variant(name)

    def _built_in(self, variant: Variant) -> Reranker:
        if variant.precision:
            raise InvalidModelError("the built-in reranker reads stored vectors, whose precision is fixed")
        if variant.max_tokens is None or not isinstance(self.default, LateInteraction):
            return self.default
        return self.default.shortened(variant.max_tokens)

    async def close(self) -> None:
        """Close what was loaded, and every remote one."""
        for one in (*self._loaded.values(), *dict.fromkeys(self._remotes.values())):
            await one.close()

    def _names(self) -> Sequence[str]:
        return (BUILT_IN_RERANKER, *self._remotes, *BY_NAME, *ALIASES, *self._aliases)

    def _load(self, name: str, folder: Path, variant: Variant) -> OwnedReranker:
        known = BY_NAME.get(name)
        if known:
            check_files(known.pin(), folder)
        graphs = self._cache / "graphs"
        scorer = open_scorer(
            folder,
            name=name,
            threads=self._threads,
            graphs=graphs,
            scheduler=self._scheduler,
            precision=variant.precision or "int8",
        )
        return CrossEncoder(scorer, max_tokens=tokens_read(folder, known), long_passages=self._long_passages)


class LateLoaded:
    """A reranker that loads its weights when it is first asked, and serves once it has passed its self-test.

    Loading goes on when the search that wanted it gives up, so that the next one finds it
    done. What could not be loaded is left alone for a minute.
    """

    wants_stored = False
    score_kind: ScoreKind = "logit"

    def __init__(
        self, name: str, load: Callable[[], OwnedReranker], folder: Path, languages: tuple[str, ...] | None = None
    ) -> None:
        self._name = name
        self._load = load
        self._folder = folder
        self.languages = languages
        self._model: OwnedReranker | None = None
        self._loading: asyncio.Task[OwnedReranker] | None = None
        self._breaker = CircuitBreaker(f"the model {name}", failures=1, pause=LOAD_PAUSE)

    @property
    def model(self) -> OwnedReranker | None:
        """The model once it is loaded."""
        return self._model

    @property
    def identity(self) -> str:
        """The loaded model's identity; its name before that."""
        return self._model.identity if self._model else self._name

    async def score(self, query: str, passages: Sequence[Passage]) -> Scores:
        """One score a passage.

        Raises:
            SetupError: the weights are broken.
            RerankerError: the model failed its self-test, or could not be loaded a moment ago.
        """
        return await (await self.load()).score(query, passages)

    async def load(self) -> OwnedReranker:
        """The model; raises as ``score`` does."""
        return self._model or await self._get()

    async def close(self) -> None:
        """Stop the loading, or the model's workers."""
        if self._loading and not self._loading.done():
            self._loading.cancel()
            await asyncio.wait([self._loading])
        if self._model:
            await self._model.close()

    async def _get(self) -> OwnedReranker:
        if self._loading is None or self._loading.done():
            self._loading = asyncio.create_task(self._open())
            self._loading.add_done_callback(_hear)
        return await asyncio.shield(self._loading)

    async def _open(self) -> OwnedReranker:
        with self._breaker.watch():
            model = await asyncio.to_thread(self._load)
            try:
                await check_model(model, trained=self._name in BY_NAME, folder=self._folder)
            except BaseException:
                await model.close()
                raise
        self._model = model
        return model


class Shortened:
    """A reranker that is given less of each pair than it could read; its weights are those of the whole one."""

    wants_stored = False
    score_kind: ScoreKind = "logit"

    def __init__(self, whole: LateLoaded, max_tokens: int) -> None:
        self._whole = whole
        self._max_tokens = max_tokens
        self.languages = whole.languages

    @property
    def identity(self) -> str:
        """The identity of what is run; the name with its options before the weights are loaded."""
        model = self._whole.model
        if isinstance(model, CrossEncoder):
            return model.shortened(self._max_tokens).identity
        return f"{self._whole.identity}{Variant(self._max_tokens).words}"

    async def score(self, query: str, passages: Sequence[Passage]) -> Scores:
        """One score a passage; raises as the whole one does."""
        model = await self._whole.load()
        short = model.shortened(self._max_tokens) if isinstance(model, CrossEncoder) else model
        return await short.score(query, passages)


def _hear(task: "asyncio.Task[OwnedReranker]") -> None:
    """Take notice of how the loading ended, also when nobody waits for it any more."""
    if not task.cancelled():
        task.exception()


def canonical(name: str) -> str:
    """The name under which the model is kept: without its provider, and ours instead of an alias."""
    bare = name.removeprefix(LOCAL)
    return ALIASES.get(bare, bare)


def is_taken(name: str) -> bool:
    """Whether a known model, or another name of one, is called so."""
    return name in BUILT_IN_NAMES or canonical(name) in BY_NAME


def can_be_folder(name: str) -> bool:
    """Whether a model of that name can lie in the cache: short, printable, and not leading elsewhere."""
    parts = name.strip("/").split("/")
    return len(name) <= LONGEST_NAME and name.isprintable() and "\\" not in name and not {"", ".", ".."} & set(parts)


def takes_graph(folder: Path) -> bool:
    """Whether the folder's exported graph is run: its weights are not there, or of an architecture without one here."""
    if not (folder / "model.onnx").is_file():
        return False
    try:
        read_config(folder)
    except SetupError:
        return True
    return not (folder / "model.safetensors").is_file()


def open_scorer(
    folder: Path,
    *,
    name: str,
    threads: int | None = None,
    graphs: Path | None = None,
    scheduler: Scheduler | None = None,
    precision: Precision = "int8",
) -> PairScorer:
    """The cross-encoder in that folder; raises ``SetupError`` if it cannot be run."""
    if takes_graph(folder):
        return OnnxCrossEncoder(folder, threads=threads, name=name, scheduler=scheduler)
    return Encoder(
        folder, head=True, precision=precision, threads=threads, cache=graphs, name=name, scheduler=scheduler
    )


def tokens_read(folder: Path, known: KnownReranker | None) -> int:
    """Longest pair that is given to the model: 512 tokens unless it is known for another length, or has less room."""
    most = known.tokens_read if known else USUAL_TOKENS
    try:
        raw = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        room = int(raw["max_position_embeddings"])
        offset = int(raw["pad_token_id"]) + 1 if raw["model_type"] in ("roberta", "xlm-roberta") else 0
    except (OSError, ValueError, KeyError, TypeError):
        return most
    return max(1, min(most, room - offset))


def how_to_get(known: KnownReranker) -> str:
    """How to download the model, or why it cannot be run from its weights."""
    if known.obstacle:
        return known.obstacle
    need = "" if known.revision else " --revision COMMIT` (no revision is pinned)"
    return f"run `secondlook models pull {known.name}{need or '`'}"


def find_known(name: str) -> PinnedModel | None:
    """The model that is listed under that name or alias, if any."""
    if name in EMBEDDER_NAMES:
        return ALL_MINILM
    known = BY_NAME.get(canonical(name))
    return known.pin() if known else None


def find_pinned(name: str, revision: str = "") -> PinnedModel:
    """The model that can be downloaded under that name, at the pinned or the given revision.

    Raises:
        InvalidModelError: it is not listed.
        SetupError: it cannot be run from its weights, or no revision is pinned and none was given.
    """
    if name in EMBEDDER_NAMES:
        return ALL_MINILM
    known = BY_NAME.get(canonical(name))
    if known is None:
        names = ", ".join((ALL_MINILM.name, *BY_NAME))
        raise InvalidModelError(f"model {name!r} cannot be downloaded. Known: {names}")
    if known.obstacle:
        raise SetupError(f"{known.name} cannot run from its weights: {known.obstacle}")
    if not (revision or known.revision):
        raise SetupError(
            f"no revision of {known.name} is pinned: give the hub's commit with --revision; the hashes of its"
            " files are then recorded and checked at every later load"
        )
    return known.pin(revision)
