"""Which models are known, by explicit name; nothing is guessed from a name's parts."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from secondlook.errors import InvalidModelError, SetupError
from secondlook.models.batching import Scheduler
from secondlook.models.cross_encoder import CrossEncoder
from secondlook.models.encoder import Encoder
from secondlook.models.weights import ALL_MINILM, PinnedModel, check_files, find_model, model_folder
from secondlook.ports import Passage, Reranker, Scores

BUILT_IN_RERANKER = "secondlook/late-interaction"
BUILT_IN_EMBEDDER = "secondlook/all-minilm-l6-v2"

CROSS_ENCODERS = (
    PinnedModel("BAAI/bge-reranker-base", "BAAI/bge-reranker-base", "2cfc18c9415c912f9d8155881c133215df768a70", "MIT"),
    PinnedModel(
        "cross-encoder/ms-marco-MiniLM-L-6-v2",
        "cross-encoder/ms-marco-MiniLM-L-6-v2",
        "c5ee24cb16019beea0893ab7796b1df96625c6b8",
        "Apache-2.0",
    ),
)
ALIASES = {"@cf/baai/bge-reranker-base": "BAAI/bge-reranker-base"}
"""Cloudflare's name -> ours."""

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


@dataclass(frozen=True, slots=True)
class KnownModel:
    """A line of the list of models."""

    name: str
    task: str
    licence: str
    cached: bool
    built_in: bool


class RerankerShelf:
    """Finds rerankers by name and keeps the loaded ones."""

    def __init__(
        self, cache: Path, default: Reranker, *, threads: int | None = None, scheduler: Scheduler | None = None
    ) -> None:
        self._cache = cache
        self._threads = threads
        self._scheduler = scheduler
        self._loaded: dict[str, Reranker] = {}
        self.default = default

    def find(self, name: str) -> Reranker:
        """The reranker of that name; its weights are loaded at its first score.

        Raises:
            InvalidModelError: the name is unknown; the message lists the known ones.
            SetupError: the model is known, but its weights are not here.
        """
        wanted = ALIASES.get(name, name)
        if wanted in ("", BUILT_IN_RERANKER):
            return self.default
        pinned = next((one for one in CROSS_ENCODERS if one.name == wanted), None)
        added = model_folder(wanted, self._cache)
        if pinned is None and not (added / "model.safetensors").is_file():
            known = ", ".join((BUILT_IN_RERANKER, *(one.name for one in CROSS_ENCODERS), *ALIASES))
            raise InvalidModelError(
                f"reranking model {name!r} is not known. Known: {known}; `secondlook models add` takes a local folder"
            )
        if wanted not in self._loaded:
            folder = find_model(pinned, self._cache) if pinned else added
            if folder is None:
                raise SetupError(f"the weights of {wanted} are not here: run `secondlook models pull {wanted}`")
            self._loaded[wanted] = LateLoaded(wanted, lambda: self._load(pinned, folder))
        return self._loaded[wanted]

    def _load(self, pinned: PinnedModel | None, folder: Path) -> Reranker:
        if pinned:
            check_files(pinned, folder)
        graphs = self._cache / "graphs"
        return CrossEncoder(Encoder(folder, head=True, threads=self._threads, cache=graphs, scheduler=self._scheduler))


class LateLoaded:
    """A reranker that loads its weights in a worker thread when it is first asked."""

    wants_stored = False

    def __init__(self, name: str, load: Callable[[], Reranker]) -> None:
        self._name = name
        self._load = load
        self._model: Reranker | None = None
        self._lock = threading.Lock()

    @property
    def identity(self) -> str:
        """The loaded model's identity; its name before that."""
        return self._model.identity if self._model else self._name

    async def score(self, query: str, passages: Sequence[Passage]) -> Scores:
        """One score a passage; raises ``SetupError`` when the weights are broken."""
        model = self._model
        if model is None:
            model = await asyncio.to_thread(self._get)
        return await model.score(query, passages)

    def _get(self) -> Reranker:
        with self._lock:
            model = self._model or self._load()
            self._model = model
        return model


def list_models(cache: Path) -> list[KnownModel]:
    """All known models, and those added from a local folder."""
    rows = [
        KnownModel(BUILT_IN_EMBEDDER, "embedding", ALL_MINILM.licence, find_model(ALL_MINILM, cache) is not None, True),
        KnownModel(BUILT_IN_RERANKER, "reranking", ALL_MINILM.licence, find_model(ALL_MINILM, cache) is not None, True),
        *(
            KnownModel(one.name, "reranking", one.licence, find_model(one, cache) is not None, False)
            for one in CROSS_ENCODERS
        ),
    ]
    folders = sorted((cache / "models").glob("*/model.safetensors")) if cache.is_dir() else []
    known = {model_folder(one.name, cache).name for one in (*CROSS_ENCODERS, ALL_MINILM)}
    added = [path.parent.name for path in folders if path.parent.name not in known and path.parent.suffix != ".new"]
    return rows + [KnownModel(name.replace("--", "/"), "reranking", "yours", True, False) for name in added]


def find_known(name: str) -> PinnedModel | None:
    """The model that is pinned under that name or alias, if any."""
    wanted = ALIASES.get(name, name)
    if wanted in EMBEDDER_NAMES:
        return ALL_MINILM
    return next((one for one in CROSS_ENCODERS if one.name == wanted), None)


def find_pinned(name: str) -> PinnedModel:
    """The model that can be downloaded under that name; raises ``InvalidModelError``."""
    if found := find_known(name):
        return found
    names = ", ".join(one.name for one in (ALL_MINILM, *CROSS_ENCODERS))
    raise InvalidModelError(f"model {name!r} cannot be downloaded. Known: {names}")
