"""Reranking as a service: passages that come with the request, without index or first stage."""

import asyncio
import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from secondlook.domain.candidate import Receipt, RerankCause, RerankStatus, StageReceipt
from secondlook.domain.options import MissingModel
from secondlook.domain.wording import plural
from secondlook.errors import BackendError, InvalidModelError, QueryTooLongError, RerankerError, SetupError, cause_of
from secondlook.ports import Passage, Reranker, Rerankers, Scores
from secondlook.telemetry import Stopwatch, reranks, tell


@dataclass(frozen=True, slots=True)
class Scored:
    """A passage's place in the request, from 0, and its relevance score in [0, 1]."""

    place: int
    relevance: float


@dataclass(frozen=True, slots=True)
class Reranked:
    """The passages best first, equal ones in the order of the request, and what was done.

    ``tokens`` were read: those of each passage, and those of the query once for each; 0 if they were not counted.
    """

    scored: tuple[Scored, ...]
    receipt: Receipt
    tokens: int = 0


class PassageReranking:
    """Scores and orders the passages of a request.

    Args:
        missing: as for a search, but that there is no order to fall back to: ``fall_back``
            is an error here.
        cut: shortens a text to a number of tokens.
        count: how many tokens of each text are read.
        elsewhere: why a model of that name is not here, if it is one that others have; else empty.
        built_in: name of the built-in reranker, and how many tokens of a passage it reads.
    """

    def __init__(
        self,
        rerankers: Rerankers,
        *,
        missing: MissingModel = "substitute",
        cut: Callable[[str, int], str] | None = None,
        count: Callable[[Sequence[str]], Sequence[int]] | None = None,
        elsewhere: Callable[[str], str] = lambda name: "",
        built_in: tuple[str, int] = ("", 0),
    ) -> None:
        self._rerankers = rerankers
        self._missing = missing
        self._cut = cut
        self._count = count
        self._elsewhere = elsewhere
        self.built_in = built_in

    def check(self, model: str) -> None:
        """Raises ``InvalidModelError`` if no reranker of that name is known."""
        with suppress(SetupError):
            if model:
                self._rerankers.find(model)

    async def rerank(
        self,
        query: str,
        texts: Sequence[str],
        *,
        model: str = "",
        top_k: int | None = None,
        max_tokens: int | None = None,
        lenient: bool = False,
        counted: bool = False,
    ) -> Reranked:
        """The best ``top_k`` passages, all if None, each read up to ``max_tokens``.

        Args:
            lenient: names of rerankers that others have stand for the built-in one, and the receipt says so.
            counted: tokens are counted.

        Raises:
            InvalidModelError: the model's name is unknown.
            QueryTooLongError: the model cannot read the query whole beside a passage.
            OverloadedError: too much work waits.
            RerankerError: the model failed, or its weights cannot be had.
        """
        with Stopwatch("rerank") as watch:
            try:
                reranker, reason, cause = self._choose(model, lenient=lenient)
                passages, cut = await self._passages(texts, max_tokens)
                scores = await _score(reranker, query, passages)
            except (BackendError, QueryTooLongError) as error:
                reranks.labels("refused", error.cause).inc()
                raise
            tell(model=reranker.identity, candidates=len(texts), scored=len(scores.values), cached=scores.cached)
            best = sorted(enumerate(scores.values), key=lambda one: -one[1])[:top_k]
        status: RerankStatus = "substituted" if reason else "ran"
        reranks.labels(status, cause).inc()
        line = StageReceipt(
            status,
            reason,
            model=reranker.identity,
            asked=model,
            candidates_in=len(texts),
            candidates_out=len(best),
            scored=len(scores.values),
            milliseconds=watch.milliseconds,
            cause=cause,
        )
        receipt = _receipt(line, scores, cut)
        tokens = await self._count_tokens(query, passages) if counted else 0
        return Reranked(tuple(Scored(place, relevance) for place, relevance in best), receipt, tokens)

    async def _count_tokens(self, query: str, passages: Sequence[Passage]) -> int:
        if self._count is None:
            return 0
        texts = [query, *(passage.text for passage in passages)]
        first, *rest = await asyncio.to_thread(self._count, texts)
        return first * len(rest) + sum(rest)

    def _choose(self, model: str, *, lenient: bool) -> tuple[Reranker, str, RerankCause]:
        """The reranker that will serve, and why it is not the asked one: in a sentence, and in a word."""
        if not model:
            return self._rerankers.default, "", ""
        try:
            return self._rerankers.find(model), "", ""
        except SetupError as error:
            if self._missing != "substitute":
                raise RerankerError(str(error), error.cause) from error
            return self._rerankers.default, f"{error}; the built-in reranker was used instead", error.cause
        except InvalidModelError:
            why = self._elsewhere(model) if lenient and self._missing == "substitute" else ""
            if not why:
                raise
            return self._rerankers.default, f"{why}; the built-in reranker was used instead", "missing"

    async def _passages(self, texts: Sequence[str], max_tokens: int | None) -> tuple[list[Passage], int]:
        """What the model reads, and how many texts were cut for it."""
        if max_tokens is None or self._cut is None:
            return [Passage(text) for text in texts], 0
        cut = self._cut
        short = await asyncio.to_thread(lambda: [cut(text, max_tokens) for text in texts])
        return [Passage(text) for text in short], sum(
            len(one) < len(text.rstrip()) for one, text in zip(short, texts, strict=True)
        )


def _receipt(line: StageReceipt, scores: Scores, cut: int) -> Receipt:
    """That of a search with one reranker, whose line it is; ``cut`` texts were shortened before."""
    return Receipt(
        line.status,
        line.reason,
        model=line.model,
        asked=line.asked,
        candidates_in=line.candidates_in,
        candidates_out=line.candidates_out,
        truncated=min(line.candidates_in, scores.truncated + cut),
        milliseconds=line.milliseconds,
        scored=line.scored,
        windowed=scores.windowed,
        cached=scores.cached,
        stages=(line,),
        query_truncated=scores.query_truncated,
        cause=line.cause,
    )


async def _score(reranker: Reranker, query: str, passages: Sequence[Passage]) -> Scores:
    """Scores that can be used; raises ``RerankerError`` for all others."""
    try:
        scores = await reranker.score(query, passages)
    except (SetupError, OSError, ValueError, RuntimeError, MemoryError) as error:
        raise RerankerError(f"the reranker failed: {str(error) or type(error).__name__}", cause_of(error)) from error
    if len(scores.values) != len(passages):
        raise RerankerError(
            f"the reranker gave {plural(len(scores.values), 'score')} for {plural(len(passages), 'passage')}", "answer"
        )
    if not all(math.isfinite(value) and 0 <= value <= 1 for value in scores.values):
        raise RerankerError("the reranker gave a score outside 0 to 1", "answer")
    return scores
