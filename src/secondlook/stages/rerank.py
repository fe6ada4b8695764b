"""The second look: a reranking model reads the candidates and puts the best first."""

import asyncio
import math
from dataclasses import dataclass, replace

from secondlook.domain.candidate import Candidate, Ranking, Receipt, RerankStatus, Step
from secondlook.domain.options import Plan, Reranking
from secondlook.errors import InvalidModelError, RerankerError, SecondlookError, SetupError
from secondlook.ports import Passage, Reranker, Rerankers, Scores, Tools
from secondlook.telemetry import Stopwatch


@dataclass(frozen=True, slots=True)
class _Choice:
    """The reranker that will serve, and why it is not the asked one."""

    reranker: Reranker | None
    reason: str = ""


async def rerank_candidates(ranking: Ranking, plan: Plan, tools: Tools) -> Ranking:
    """Reorder the window by relevance and drop what is below ``min_relevance``.

    A reranker that fails, is late or lies leaves the retrieval order as it was, and
    the receipt says ``fell_back`` and why; its threshold is then held against nothing.

    Raises:
        InvalidModelError: the model's name is unknown.
        RerankerError: it failed, and ``raise_on_failure`` is set.
    """
    options = plan.reranking or Reranking()
    receipt = Receipt("skipped", asked=options.model, candidates_in=min(len(ranking.candidates), options.window))
    with Stopwatch() as watch:
        choice = choose_reranker(options, tools.rerankers)
        if not ranking.candidates:
            return _signed(ranking, receipt, "skipped", "there was nothing to rerank", watch)
        if choice.reranker is None:
            return _fall_back(ranking, receipt, options, choice.reason, watch)
        receipt = replace(receipt, model=choice.reranker.identity)
        try:
            scores = await asyncio.wait_for(
                _score(ranking, plan, options.window, tools, choice.reranker), options.budget
            )
        except TimeoutError:
            reason = f"the reranker took longer than its budget of {1000 * (options.budget or 0):.0f} ms"
        except InvalidModelError:
            raise
        except (SecondlookError, OSError, ValueError, RuntimeError, MemoryError) as error:
            reason = f"the reranker failed: {error}"
        else:
            receipt = replace(receipt, model=choice.reranker.identity, truncated=scores.truncated)
            ranked = _apply(ranking, scores, options)
            status: RerankStatus = "substituted" if choice.reason else "ran"
            return _signed(ranked, receipt, status, choice.reason, watch)
    return _fall_back(ranking, receipt, options, reason, watch)


def choose_reranker(options: Reranking, rerankers: Rerankers) -> _Choice:
    """The asked reranker, or what ``missing`` says when its weights cannot be had."""
    if not options.model:
        return _Choice(rerankers.default)
    try:
        return _Choice(rerankers.find(options.model))
    except SetupError as error:
        if options.missing == "error":
            raise RerankerError(str(error)) from error
        if options.missing == "fall_back":
            return _Choice(None, str(error))
        return _Choice(rerankers.default, f"{error}; the built-in reranker took its place")


async def _score(ranking: Ranking, plan: Plan, window: int, tools: Tools, reranker: Reranker) -> Scores:
    candidates = ranking.candidates[:window]
    stored = (
        await tools.retriever.fetch_stored(plan.index, [candidate.chunk.id for candidate in candidates])
        if reranker.wants_stored
        else {}
    )
    passages = [
        Passage(candidate.chunk.passage, stored.get(candidate.chunk.id), candidate.evidence) for candidate in candidates
    ]
    scores = await reranker.score(ranking.query.text, passages)
    if len(scores.values) != len(passages):
        raise RerankerError(f"it gave {len(scores.values)} scores for {len(passages)} passages")
    if not all(math.isfinite(value) and 0 <= value <= 1 for value in scores.values):
        raise RerankerError("it gave a score outside 0 to 1")
    return scores


def _apply(ranking: Ranking, scores: Scores, options: Reranking) -> Ranking:
    """Window candidates with their relevance, best first; what lies outside the window is not returned."""
    scored = [
        Candidate(candidate.chunk, relevance, replace(candidate.evidence, relevance=relevance))
        for candidate, relevance in zip(ranking.candidates, scores.values, strict=False)
        if options.min_relevance is None or relevance >= options.min_relevance
    ]
    return ranking.ordered(scored)


def _fall_back(ranking: Ranking, receipt: Receipt, options: Reranking, reason: str, watch: Stopwatch) -> Ranking:
    if options.raise_on_failure:
        raise RerankerError(reason)
    return _signed(ranking, receipt, "fell_back", reason, watch)


def _signed(ranking: Ranking, receipt: Receipt, status: RerankStatus, reason: str, watch: Stopwatch) -> Ranking:
    receipt = replace(receipt, status=status, reason=reason, milliseconds=watch.milliseconds)
    step = Step("rerank", receipt.milliseconds, len(ranking.candidates), f"{status}: {reason}" if reason else status)
    return replace(ranking.noted(step), receipt=receipt)
