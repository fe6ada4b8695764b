"""Scores of pairs that were read before: a bounded memory in front of a reranker."""

import hashlib
import math
import unicodedata
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace

from secondlook.domain.wording import plural
from secondlook.errors import RerankerError
from secondlook.ports import Passage, Reranker, ScoreKind, Scores, declared
from secondlook.telemetry import cache_reads, tenant

Key = tuple[str, str, bytes]
"""Tenant, identity of the model, hash of query and passage."""


class PairCache:
    """At most ``size`` scores, the one unused for longest goes first; 0 keeps none. For one event loop."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._scores: OrderedDict[Key, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._scores)

    def get(self, key: Key) -> float | None:
        """The score, if it is kept."""
        if key not in self._scores:
            return None
        self._scores.move_to_end(key)
        return self._scores[key]

    def put(self, key: Key, score: float) -> None:
        """Keep a score."""
        if self.size > 0:
            self._scores[key] = score
            self._scores.move_to_end(key)
            if len(self._scores) > self.size:
                self._scores.popitem(last=False)


class Remembering:
    """A reranker that reads each pair once; ``truncated`` and ``windowed`` count what is read now."""

    uses_evidence = False

    def __init__(self, inner: Reranker, cache: PairCache) -> None:
        self._inner = inner
        self._cache = cache
        self.wants_stored = inner.wants_stored
        self.score_kind: ScoreKind = inner.score_kind
        self.slice_size = declared(inner).slice_size
        self.languages = declared(inner).languages
        self.remote = declared(inner).remote

    @property
    def identity(self) -> str:
        """That of the reranker behind it."""
        return self._inner.identity

    async def score(self, query: str, passages: Sequence[Passage]) -> Scores:
        """One score a passage; work for no tenant is not kept."""
        index = tenant.get()
        if not index or not self._cache.size:
            return await self._inner.score(query, passages)
        marks = [mark_of(query, passage.text) for passage in passages]
        known = [self._cache.get((index, self.identity, mark)) for mark in marks]
        unread = [at for at, value in enumerate(known) if value is None]
        found = await self._inner.score(query, [passages[at] for at in unread]) if unread else Scores(())
        if len(found.values) != len(unread):
            raise RerankerError(
                f"it gave {plural(len(found.values), 'score')} for {plural(len(unread), 'passage')}", "answer"
            )
        for at, value in zip(unread, found.values, strict=True):
            known[at] = value
            if math.isfinite(value):
                self._cache.put((index, self.identity, marks[at]), value)
        values = tuple(value for value in known if value is not None)
        cache_reads.labels("pairs", "hit").inc(len(passages) - len(unread))
        cache_reads.labels("pairs", "miss").inc(len(unread))
        return replace(found, values=values, cached=len(passages) - len(unread))


def mark_of(query: str, text: str) -> bytes:
    """Hash of the pair; queries that differ in white space or in the Unicode form of their letters are one."""
    plain = " ".join(unicodedata.normalize("NFC", query).split()).encode()
    return hashlib.blake2b(len(plain).to_bytes(8, "little") + plain + text.encode(), digest_size=24).digest()


def remember(reranker: Reranker, cache: PairCache) -> Reranker:
    """The reranker behind the cache, unless its scores depend on more than the pair, or there will be none."""
    told = declared(reranker)
    if told.uses_evidence or told.unavailable or reranker.wants_stored or reranker.score_kind == "rank":
        return reranker
    return Remembering(reranker, cache)
