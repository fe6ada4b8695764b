"""The seams: what the stages and services ask of the outside, in domain words."""

import secrets
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Literal, Protocol

from secondlook.domain.candidate import Evidence
from secondlook.domain.chunk import Chunk, IndexedChunk
from secondlook.domain.filters import Filter
from secondlook.domain.instance import (
    Instance,
    InstanceSettings,
    Item,
    ItemCounts,
    ItemStatus,
    Namespace,
    Schema,
    Token,
)
from secondlook.domain.jobs import ItemLine
from secondlook.domain.options import MatchMode
from secondlook.domain.query import Message
from secondlook.index_upkeep import IndexReport, IndexShape, Upkeep

__all__ = ("IndexReport", "IndexShape", "Upkeep")

Vector = bytes
"""An L2-normalised vector as little-endian float32."""


@dataclass(frozen=True, slots=True)
class Embedding:
    """A passage's vector, what the late-interaction reranker keeps of it, and whether text was cut."""

    vector: Vector
    stored: bytes | None = None
    truncated: bool = False


class Embedder(Protocol):
    """Turns texts into vectors; one model, one vector space."""

    @property
    def identity(self) -> str:
        """Name, revision, runtime and precision."""

    @property
    def dimensions(self) -> int:
        """Length of a vector."""

    @property
    def max_tokens(self) -> int:
        """How many tokens of a passage are read."""

    async def embed_query(self, text: str) -> Vector:
        """The query's vector."""

    async def embed_passages(
        self, texts: Sequence[str], on_done: Callable[[int], None] | None = None
    ) -> list[Embedding]:
        """One embedding a text, in order; ``on_done`` hears how many are ready."""

    def count_tokens(self, text: str) -> int:
        """Tokens of the text without special tokens."""

    def score_cosine(self, cosine: float) -> float:
        """The vector score that a cosine of this model stands for, both in [0, 1]; it rises with it."""


@dataclass(frozen=True, slots=True)
class Passage:
    """What a reranker reads of a candidate: its text, what the index stored for it, and its evidence."""

    text: str
    stored: bytes | None = None
    evidence: Evidence = field(default_factory=Evidence)


@dataclass(frozen=True, slots=True)
class Scores:
    """Relevance of each passage in [0, 1], aligned with the input.

    Attributes:
        truncated: passages of which the end was not read.
        windowed: passages that were read in several windows.
        cached: passages whose score was known before.
        query_truncated: whether the end of the query was not read.
    """

    values: tuple[float, ...]
    truncated: int = 0
    windowed: int = 0
    cached: int = 0
    query_truncated: bool = False


ScoreKind = Literal["logit", "probability", "cosine", "rank", "unknown"]
"""What a model's own number means, before it was made a score in [0, 1]."""


class Reranker(Protocol):
    """Scores pairs; it never sorts, and a pair scores the same in any company, unless its kind is ``rank``.

    It may declare more of itself in attributes, see ``Declared``.
    """

    @property
    def identity(self) -> str:
        """Name, revision, runtime, precision, maximum length, template."""

    @property
    def score_kind(self) -> ScoreKind:
        """What the model's own numbers mean; a ``rank`` tells the order and nothing of relevance."""

    @property
    def wants_stored(self) -> bool:
        """Whether ``Passage.stored`` should be fetched for it."""

    async def score(self, query: str, passages: Sequence[Passage]) -> Scores:
        """One score a passage."""


@dataclass(frozen=True, slots=True)
class Declared:
    """What a reranker may declare, by attributes of these names; the defaults suit a cross-encoder.

    Attributes:
        slice_size: passages at a time when a budget is set; 0 for all at once.
        uses_evidence: whether the score depends on more than query and text, so that it cannot be kept for later.
        languages: ISO 639-1 codes of the languages it was trained on; None for any.
        evidence_fields: of the evidence, what the score depends on; all of it when empty.
        unavailable: why it cannot score at all, as its configuration is; empty if it can.
        remote: whether it runs on another server, which may charge for it.
    """

    slice_size: int = 8
    uses_evidence: bool = False
    languages: tuple[str, ...] | None = None
    evidence_fields: tuple[str, ...] = ()
    unavailable: str = ""
    remote: bool = False


def declared(reranker: Reranker) -> Declared:
    """What the reranker declares, else the defaults; of kind ``rank`` it compares passages, and reads all at once."""
    plain = Declared()
    given = {one.name: getattr(reranker, one.name, getattr(plain, one.name)) for one in fields(Declared)}
    if getattr(reranker, "score_kind", "") == "rank":
        given |= {"slice_size": 0, "uses_evidence": True}
    return Declared(**given)


@dataclass(frozen=True, slots=True)
class Rerankers:
    """How a name becomes a reranker, and the built-in one.

    ``find`` raises ``InvalidModelError`` for an unknown name, and ``SetupError`` for a known one without weights.
    """

    find: Callable[[str], "Reranker"]
    default: "Reranker"


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of an answer; ``tool_calls`` are pieces of calls, each with its ``index``, as OpenAI streams them."""

    text: str
    finish_reason: str = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    tool_calls: tuple[Mapping[str, object], ...] = field(default=(), hash=False)


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a generator is given: the conversation, and the chunks it may cite, best first.

    ``fence`` marks where a chunk begins and ends; no document can know it, so that none can pose as another.
    """

    messages: tuple[Message, ...]
    question: str
    chunks: tuple[Chunk, ...]
    model: str = ""
    forwarded: tuple[tuple[str, object], ...] = ()
    fence: str = field(default_factory=lambda: secrets.token_hex(4), compare=False)


class Generator(Protocol):
    """Answers from chunks; it only streams."""

    def name(self, asked: str) -> str:
        """The model that will answer when ``asked`` is asked for."""

    def messages(self, prompt: Prompt) -> Sequence[Mapping[str, object]]:
        """What a model is sent for the prompt, for people to read; empty if no model is asked."""

    def stream(self, prompt: Prompt) -> AsyncIterator[Delta]:
        """Pieces of the answer, in order; raises ``GeneratorError``."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A chunk that one method found; of a keyword hit, BM25 over the attainable, and whether every term is in it."""

    chunk_id: str
    score: float
    share: float | None = None
    complete: bool = False


@dataclass(frozen=True, slots=True)
class Hits:
    """One method's list, best first; ``ceiling`` is the highest score attainable, if known."""

    hits: tuple[Hit, ...] = ()
    ceiling: float | None = None


class Retriever(Protocol):
    """Reads an index; every method names the index first."""

    async def search_vectors(self, index: str, vector: Vector, num: int, where: Filter | None) -> Hits:
        """The nearest chunks by cosine, among those that match, exactly."""

    async def search_keywords(
        self, index: str, text: str, num: int, *, match_mode: MatchMode, where: Filter | None
    ) -> Hits:
        """The best chunks by BM25, among those that match."""

    async def score_vectors(self, index: str, vector: Vector, chunk_ids: Sequence[str]) -> Mapping[str, float]:
        """Cosine of each of these chunks that has a vector."""

    async def fetch_chunks(self, index: str, chunk_ids: Sequence[str]) -> Mapping[str, Chunk]:
        """The chunks that (still) exist, by id."""

    async def fetch_stored(self, index: str, chunk_ids: Sequence[str]) -> Mapping[str, bytes]:
        """What the index keeps of each chunk for the late-interaction reranker."""

    async def read_generation(self, index: str) -> int:
        """A number that every write changes, and that no other index of that name ever had."""

    async def fetch_neighbours(self, index: str, chunk: Chunk, by: int) -> Sequence[Chunk]:
        """The chunks at most ``by`` places before and after, of the same item, the chunk itself included, in order."""


class Indexer(Upkeep, Protocol):
    """Writes an index; each call is one transaction."""

    async def create_index(self, index: str, shape: IndexShape) -> None:
        """Make it, or leave it as it is when it exists."""

    async def reshape_index(self, index: str, shape: IndexShape) -> None:
        """Give it that shape at once, its keywords from the chunks; vectors that are missing then stay missing."""

    async def drop_index(self, index: str) -> None:
        """Remove it and all it holds; nothing happens if it is not there."""

    async def list_indexes(self) -> Sequence[str]:
        """The name of every index, and of whatever a ``drop_index`` that broke off left behind."""

    async def put_item(self, index: str, item_id: str, chunks: Sequence[IndexedChunk]) -> None:
        """Replace all chunks of the item at once."""

    async def delete_item(self, index: str, item_id: str) -> None:
        """Remove all chunks of the item at once."""

    async def list_chunks(self, index: str, item_id: str, limit: int, offset: int) -> tuple[Sequence[Chunk], int]:
        """A page of the item's chunks in order, and how many there are."""

    async def list_items(self, index: str) -> Sequence[str]:
        """The ids of the items that have chunks."""

    async def count_chunks(self, index: str) -> int:
        """How many chunks the index holds."""

    async def list_outdated(self, index: str) -> Sequence[str]:
        """The ids of the items whose text an earlier release read by other rules, until ``mark_current``."""

    async def mark_current(self, index: str) -> None:
        """Note that nothing is to be read again for its text."""


class Catalog(Protocol):
    """What is known of namespaces, instances, items and tokens; durable once a call returns."""

    async def add_namespace(self, account: str, namespace: Namespace) -> None:
        """Raises ``NamespaceExistsError``."""

    async def list_namespaces(self, account: str) -> Sequence[Namespace]:
        """All but ``default``, oldest first."""

    async def update_namespace(self, account: str, name: str, description: str) -> Namespace:
        """The namespace as it now is; raises ``NamespaceNotFoundError``."""

    async def remove_namespace(self, account: str, name: str) -> None:
        """Raises ``NamespaceNotFoundError``, ``NamespaceNotEmptyError``."""

    async def add_instance(self, instance: Instance) -> None:
        """Raises ``InstanceExistsError``, ``NamespaceNotFoundError``."""

    async def get_instance(self, account: str, namespace: str, name: str) -> Instance:
        """Raises ``InstanceNotFoundError``, ``NamespaceNotFoundError``."""

    async def get_instance_by_uid(self, uid: str) -> Instance:
        """Raises ``InstanceNotFoundError``."""

    async def list_instances(self, account: str, namespace: str | None) -> Sequence[Instance]:
        """Newest first; of all namespaces when None; of all accounts when ``account`` is empty."""

    async def update_instance(
        self, uid: str, settings: InstanceSettings, at: int, *, before: InstanceSettings, outdated: bool = False
    ) -> Instance:
        """As it now is; ``InstanceChangedError`` unless it was ``before``. ``outdated`` ages all its items."""

    async def remove_instance(self, uid: str) -> None:
        """Remove the instance and its item rows."""

    async def put_item(
        self, item: Item, lines: Sequence[ItemLine] = (), *, memo: str | None = None, schema: Schema | None = None
    ) -> Item:
        """Insert, or replace the row of the same key keeping its id and counting its version up; keep the lines too,
        and the memo of its source unless it is None. Raises ``InstanceNotFoundError``; ``InstanceChangedError``, with
        nothing stored, when the metadata follows a ``schema`` that is not the instance's."""

    async def get_item(self, instance_uid: str, item_id: str) -> Item:
        """Raises ``ItemNotFoundError``."""

    async def find_item(self, instance_uid: str, key: str) -> Item | None:
        """The item of that key, if any."""

    async def list_items(self, instance_uid: str, statuses: Sequence[ItemStatus] = ()) -> Sequence[Item]:
        """All items, newest first, of all instances when ``instance_uid`` is empty; only these statuses if named."""

    async def count_items(self, uids: Sequence[str]) -> Mapping[str, ItemCounts]:
        """Of each instance that has items: how many by status, and the last change."""

    async def set_item_status(
        self,
        item: Item,
        status: ItemStatus,
        *,
        error: str = "",
        chunks_count: int | None = None,
        lines: Sequence[ItemLine] = (),
    ) -> bool:
        """Set it, with the lines, if the item has this version; False when a newer upload or a delete came between."""

    async def remove_item(self, instance_uid: str, item_id: str) -> None:
        """Remove the row; nothing happens if it is not there."""

    async def add_token(self, token: Token, digest: str) -> None:
        """Remember a token by its hash."""

    async def find_token(self, digest: str) -> Token | None:
        """The token of that hash unless revoked."""

    async def list_tokens(self) -> Sequence[Token]:
        """All, oldest first."""

    async def revoke_token(self, token_id: str) -> None:
        """Raises ``CallerError`` when there is no such token."""


class Blobs(Protocol):
    """Bytes by key; a put is durable and whole once it returns."""

    async def put(self, key: str, content: bytes) -> None:
        """Write or replace."""

    async def get(self, key: str) -> bytes:
        """Raises ``ItemNotFoundError``."""

    async def list(self) -> Sequence[str]:
        """Every key, and whatever else a ``delete`` could remove, such as the rest of a broken write."""

    async def delete(self, prefix: str) -> None:
        """Remove the key and everything under it."""


@dataclass(frozen=True, slots=True)
class Tools:
    """The outside, as the pipeline sees it."""

    retriever: Retriever
    embedder: Embedder
    rerankers: Rerankers
    generator: Generator
