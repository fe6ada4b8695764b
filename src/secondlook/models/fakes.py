"""Small deterministic models for tests: they satisfy the same contracts as the real ones."""

import hashlib
import math
import re
import struct
from collections.abc import AsyncIterator, Callable, Mapping, Sequence

from secondlook.errors import BackendError, RerankerError, cause_of
from secondlook.ports import Delta, Embedding, Passage, Prompt, ScoreKind, Scores, Vector

WORD = re.compile(r"\w+")


class FakeEmbedder:
    """Hashes words into a vector, so that texts with words in common are near."""

    identity = "fake-embedder@1"
    dimensions = 64
    max_tokens = 512

    def __init__(self, *, fails: bool = False) -> None:
        self.fails = fails

    async def embed_query(self, text: str) -> Vector:
        """The query's vector."""
        if self.fails:
            raise BackendError("the embedder is down")
        return _vector(text, self.dimensions)

    async def embed_passages(
        self, texts: Sequence[str], on_done: Callable[[int], None] | None = None
    ) -> list[Embedding]:
        """One embedding a text, in order."""
        if self.fails:
            raise BackendError("the embedder is down")
        if on_done:
            on_done(len(texts))
        return [Embedding(_vector(text, self.dimensions), text.encode()[:64]) for text in texts]

    def count_tokens(self, text: str) -> int:
        """Words of the text."""
        return len(WORD.findall(text))

    def score_cosine(self, cosine: float) -> float:
        """The cosine itself."""
        return cosine


class FakeReranker:
    """Scores by the share of query words in the passage; can be told to fail in each known way."""

    wants_stored = False
    score_kind: ScoreKind = "probability"

    def __init__(
        self,
        identity: str = "fake-reranker@1",
        *,
        scorer: Callable[[str, Passage], float] | None = None,
        error: Exception | None = None,
        extra_scores: int = 0,
        remote: bool = False,
    ) -> None:
        self.identity = identity
        self.remote = remote
        self._scorer = scorer or _overlap
        self._error = error
        self._extra_scores = extra_scores

    async def score(self, query: str, passages: Sequence[Passage]) -> Scores:
        """One score a passage."""
        if self._error:
            raise RerankerError(str(self._error), cause_of(self._error)) from self._error
        values = [self._scorer(query, passage) for passage in passages]
        return Scores((*values, *[0.5] * self._extra_scores))


class FakeGenerator:
    """Says the key of the best chunk, word by word."""

    def __init__(self, *, answer: str = "", error: Exception | None = None) -> None:
        self._answer = answer
        self._error = error

    def name(self, asked: str) -> str:
        """The model that answers."""
        return asked or "fake-generator"

    def messages(self, prompt: Prompt) -> Sequence[Mapping[str, object]]:
        """The conversation as it came."""
        return [{"role": turn.role, "content": turn.content} for turn in prompt.messages]

    async def stream(self, prompt: Prompt) -> AsyncIterator[Delta]:
        """Pieces of the answer."""
        if self._error:
            raise self._error
        key = prompt.chunks[0].item_key if prompt.chunks else "nothing"
        for word in (self._answer or f"See [{key}].").split(" "):
            yield Delta(word + " ")
        yield Delta("", "stop", 1, 1)


def _vector(text: str, dimensions: int) -> Vector:
    values = [0.0] * dimensions
    for word in WORD.findall(text.lower()):
        values[int.from_bytes(hashlib.blake2b(word.encode(), digest_size=2).digest(), "big") % dimensions] += 1.0
    norm = math.sqrt(sum(value * value for value in values)) or 1.0
    return struct.pack(f"<{dimensions}f", *(value / norm for value in values))


def _overlap(query: str, passage: Passage) -> float:
    wanted = set(WORD.findall(query.lower()))
    return len(wanted & set(WORD.findall(passage.text.lower()))) / len(wanted) if wanted else 0.0
