"""The rerankers that are known by name: what they are, and whether this server can run them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from secondlook.models.weights import NEEDED, PinnedModel
from secondlook.ports import ScoreKind

Architecture = Literal["bert", "xlm-roberta", "deberta-v2", "jina-bert", "xlm-roberta-flash"]

RUNNABLE: frozenset[Architecture] = frozenset(("bert", "xlm-roberta"))
"""Architectures whose inference graph is built here, straight from the weights."""

MOST_TOKENS = 1024
"""Longest pair that is read of a model that could read more: chunks have 512 tokens at most."""


@dataclass(frozen=True, slots=True)
class KnownReranker:
    """One line of the table.

    Attributes:
        name: as its authors publish it, which is also its place on the hub.
        languages: two-letter codes, or ``many``.
        size: millions of parameters.
        max_tokens: of query and passage together, as it was trained.
        revision: the commit on the hub, or "" where none is known for sure; `models pull` then asks for one.
        files: name -> SHA-256, "" where none is published.
    """

    name: str
    licence: str
    languages: str
    size: int
    max_tokens: int
    architecture: Architecture
    score_kind: ScoreKind = "logit"
    revision: str = ""
    files: Mapping[str, str] = field(default_factory=lambda: dict.fromkeys(NEEDED, ""), hash=False)

    @property
    def covered(self) -> tuple[str, ...] | None:
        """The languages, or None where there are so many that none is left out."""
        return None if self.languages == "many" else tuple(self.languages.split())

    @property
    def obstacle(self) -> str:
        """Why its weights cannot be run here; nothing if they can."""
        if self.architecture in RUNNABLE:
            return ""
        needs = (
            "ships its own code, which Secondlook never runs"
            if self.architecture in WITH_CODE
            else "is not supported natively"
        )
        return f"{self.architecture} {needs}. Add an ONNX export with `secondlook models add`."

    @property
    def tokens_read(self) -> int:
        """Longest pair this server gives it."""
        return min(self.max_tokens, MOST_TOKENS)

    def pin(self, revision: str = "") -> PinnedModel:
        """What is downloaded: the pinned revision, or the given one, whose hashes nobody published."""
        files = self.files if revision in ("", self.revision) else dict.fromkeys(NEEDED, "")
        return PinnedModel(self.name, self.name, revision or self.revision, self.licence, files)


WITH_CODE: frozenset[Architecture] = frozenset(("jina-bert", "xlm-roberta-flash"))

KNOWN = (
    KnownReranker(
        "BAAI/bge-reranker-base", "MIT", "en zh", 278, 512, "xlm-roberta",
        revision="2cfc18c9415c912f9d8155881c133215df768a70",
    ),
    KnownReranker("BAAI/bge-reranker-large", "MIT", "en zh", 560, 512, "xlm-roberta"),
    KnownReranker(
        "BAAI/bge-reranker-v2-m3", "Apache-2.0", "many", 568, 8192, "xlm-roberta",
        revision="953dc6f6f85a1b2dbfca4c34a2796e7dde08d41e",
    ),
    KnownReranker(
        "cross-encoder/ms-marco-TinyBERT-L-2-v2", "Apache-2.0", "en", 4, 512, "bert",
        revision="81d1926f67cb8eee2c2be17ca9f793c7c3bd20cc",
    ),
    KnownReranker("cross-encoder/ms-marco-MiniLM-L-2-v2", "Apache-2.0", "en", 16, 512, "bert"),
    KnownReranker("cross-encoder/ms-marco-MiniLM-L-4-v2", "Apache-2.0", "en", 19, 512, "bert"),
    KnownReranker(
        "cross-encoder/ms-marco-MiniLM-L-6-v2", "Apache-2.0", "en", 23, 512, "bert",
        revision="c5ee24cb16019beea0893ab7796b1df96625c6b8",
    ),
    KnownReranker(
        "cross-encoder/ms-marco-MiniLM-L-12-v2", "Apache-2.0", "en", 33, 512, "bert",
        revision="7b0235231ca2674cb8ca8f022859a6eba2b1c968",
    ),
    KnownReranker(
        "cross-encoder/mmarco-mMiniLMv2-L12-H384-v1", "Apache-2.0", "many", 118, 512, "xlm-roberta",
        revision="1427fd652930e4ba29e8149678df786c240d8825",
    ),
    KnownReranker("mixedbread-ai/mxbai-rerank-xsmall-v1", "Apache-2.0", "en", 70, 512, "deberta-v2"),
    KnownReranker("mixedbread-ai/mxbai-rerank-base-v1", "Apache-2.0", "en", 184, 512, "deberta-v2"),
    KnownReranker("jinaai/jina-reranker-v1-tiny-en", "Apache-2.0", "en", 33, 8192, "jina-bert"),
    KnownReranker("jinaai/jina-reranker-v1-turbo-en", "Apache-2.0", "en", 38, 8192, "jina-bert"),
    KnownReranker(
        "jinaai/jina-reranker-v2-base-multilingual", "CC-BY-NC-4.0", "many", 278, 1024, "xlm-roberta-flash"
    ),
)  # fmt: skip
"""Revisions are those that model cards name which were written by the training library itself, at least two each."""

ALIASES = {
    "@cf/baai/bge-reranker-base": "BAAI/bge-reranker-base",
    "cross-encoder/ms-marco-TinyBERT-L2-v2": "cross-encoder/ms-marco-TinyBERT-L-2-v2",
    "cross-encoder/ms-marco-MiniLM-L2-v2": "cross-encoder/ms-marco-MiniLM-L-2-v2",
    "cross-encoder/ms-marco-MiniLM-L4-v2": "cross-encoder/ms-marco-MiniLM-L-4-v2",
    "cross-encoder/ms-marco-MiniLM-L6-v2": "cross-encoder/ms-marco-MiniLM-L-6-v2",
    "cross-encoder/ms-marco-MiniLM-L12-v2": "cross-encoder/ms-marco-MiniLM-L-12-v2",
}
"""Other names of the same weights -> ours: Cloudflare's, and those the hub gave later."""

BY_NAME = {one.name: one for one in KNOWN}

SHORT = {name.rpartition("/")[2].casefold(): name for name in BY_NAME} | {
    alias.rpartition("/")[2].casefold(): name for alias, name in ALIASES.items()
}
"""The last part of each name, in small letters, as most clients write it -> the whole name."""
