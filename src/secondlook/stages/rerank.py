"""The second look: reranking models read the candidates, and the best come first."""

import asyncio
import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import cast

from secondlook.domain.candidate import (
    Candidate,
    Look,
    Ranking,
    Receipt,
    RerankCause,
    RerankStatus,
    StageReceipt,
    Step,
    changed,
    lowered,
)
from secondlook.domain.language import NAMES, UNKNOWN, detect_language
from secondlook.domain.options import Plan, Reranking, RerankStage
from secondlook.domain.wording import figure, plural, reaches
from secondlook.errors import (
    FailureCause,
    InvalidModelError,
    OverloadedError,
    RerankerBusyError,
    RerankerError,
    SetupError,
    cause_of,
)
from secondlook.ports import Passage, Reranker, Rerankers, Scores, Tools, declared
from secondlook.telemetry import Stopwatch, tell, tenant

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Job:
    """What all stages of the cascade share; ``deadline`` is a time of the event loop."""

    plan: Plan
    tools: Tools
    options: Reranking
    deadline: float | None

    @property
    def budget(self) -> str:
        return f"budget of {1000 * (self.options.budget or 0):.0f} ms"


@dataclass(frozen=True, slots=True)
class _Choice:
    """The reranker that will serve, and why it is not the asked one; without one, why there is none."""

    reranker: Reranker | None
    status: RerankStatus = "ran"
    reason: str = ""
    name: str = ""
    cause: RerankCause = ""


async def rerank_candidates(ranking: Ranking, plan: Plan, tools: Tools) -> Ranking:
    """Reorder the window by relevance and drop what is below ``min_relevance``.

    Each reranker of the cascade reads its window of the order before it. One that fails
    or lies leaves that order as it was, and the receipt says so. When the budget is spent,
    those that were scored come first, best first, and the others follow in the order
    before with the score l * s: l is the lowest score that was given, s their own before.
    They carry no relevance, and no threshold is held against them.

    Raises:
        InvalidModelError: the model's name is unknown.
        RerankerError: it failed, and ``raise_on_failure`` is set.
        OverloadedError, RerankerBusyError: the same, and it was refused because too much waits.
    """
    options = plan.reranking or Reranking()
    with Stopwatch("rerank") as watch:
        deadline = None if options.budget is None else asyncio.get_running_loop().time() + options.budget
        job = _Job(plan, tools, options, deadline)
        receipt = Receipt(
            "skipped",
            asked=">".join(stage.model for stage in options.cascade),
            candidates_in=min(len(ranking.candidates), options.cascade[0].window),
            language="" if options.guard == "off" else detect_language(ranking.query.text),
        )
        for stage in options.cascade:
            ranking, receipt = await _run_stage(ranking, receipt, stage, job)
        receipt = _summed_up(receipt)
        if options.min_relevance is not None:
            calibrated = options.find_calibrated(receipt.model)
            least = options.by_model.get(calibrated, options.min_relevance)
            before = len(ranking.candidates)
            ranking = _without_irrelevant(ranking, least)
            receipt = replace(receipt, threshold=least, below=before - len(ranking.candidates))
            if receipt.scored and calibrated not in ("", receipt.model):
                warn_of_lapse(receipt.model, calibrated)
                told = f"the threshold rests on a calibration of {calibrated}: run the Lab again to renew it"
                receipt = replace(receipt, reason="; ".join(filter(None, (receipt.reason, told))))
        tell(
            status=receipt.status,
            reason=receipt.reason,
            candidates=receipt.candidates_in,
            scored=receipt.scored,
            cached=receipt.cached,
            truncated=receipt.truncated,
            windowed=receipt.windowed,
        )
    receipt = replace(receipt, milliseconds=watch.milliseconds)
    note = f"{receipt.status}: {receipt.reason}" if receipt.reason else receipt.status
    step = Step("rerank", receipt.milliseconds, len(ranking.candidates), note)
    return replace(ranking.noted(step), receipt=receipt)


@lru_cache(maxsize=64)
def warn_of_lapse(model: str, calibrated: str) -> None:
    """Tell the log once of each model; the receipt of every search says it too."""
    log.warning(
        "the calibration of %s has lapsed, since %s runs now: thresholds use it until the Lab has measured again",
        calibrated,
        model,
    )


def reweigh(ranking: Ranking, options: Reranking) -> Ranking | None:
    """What a reranker made, in the order that the weight of ``options`` gives the same scores.

    The evidence stays as it is: its looks tell the rank and score that the ranking had before.

    Returns:
        None where the stage itself must say: for cascades, thresholds, and candidates that were not scored.
    """
    if len(options.cascade) > 1 or options.cascade[0].keep is not None or options.min_relevance is not None:
        return None
    placed: list[tuple[int, Candidate]] = []
    for one in ranking.candidates:
        relevance, rank = one.evidence.relevance, one.evidence.retrieval_rank
        if relevance is None or rank is None:
            return None
        placed.append((rank, Candidate(one.chunk, _weighed(one, relevance, options.weight), one.evidence)))
    placed.sort(key=lambda told: (-told[1].score, told[0]))
    return ranking.kept(one for _, one in placed)


def choose_reranker(model: str, options: Reranking, rerankers: Rerankers) -> _Choice:
    """The reranker of that name, or what ``missing`` says when its weights cannot be had."""
    if not model:
        return _Choice(rerankers.default)
    try:
        return _Choice(rerankers.find(model), name=model)
    except SetupError as error:
        if options.missing == "error":
            raise RerankerError(str(error), error.cause) from error
        if options.missing == "fall_back":
            return _Choice(None, "fell_back", str(error), cause=error.cause)
        told = f"{error}; the built-in reranker was used instead"
        return _Choice(rerankers.default, "substituted", told, cause=error.cause)


def guard_language(choice: _Choice, language: str, options: Reranking, rerankers: Rerankers) -> _Choice:
    """The choice, or what the guard says when the reranker does not cover the query's known language."""
    if choice.reranker is None or language in ("", UNKNOWN):
        return choice
    languages = declared(choice.reranker).languages
    if languages is None or language in languages:
        return choice
    told = f"the query seems to be in {NAMES[language]}, which {choice.reranker.identity} does not cover"
    if options.guard == "route":
        try:
            found = rerankers.find(options.multilingual)
        except (SetupError, InvalidModelError) as error:
            return _Choice(None, "skipped", f"{told}; {error}", cause="language")
        name = options.multilingual
        return _Choice(found, "substituted", f"{told}; {name} was used instead", name, cause="language")
    return _Choice(None, "skipped", told, cause="language")


async def _run_stage(ranking: Ranking, receipt: Receipt, stage: RerankStage, job: _Job) -> tuple[Ranking, Receipt]:
    """The ranking as this reranker leaves it, and the receipt with its line."""
    waiting = ranking.candidates[: stage.window]
    line = StageReceipt("skipped", asked=stage.model, candidates_in=len(waiting))
    with Stopwatch("rerank.model") as watch:
        choice = choose_reranker(stage.model, job.options, job.tools.rerankers)
        choice = guard_language(choice, receipt.language, job.options, job.tools.rerankers)
        if not waiting:
            line = replace(line, reason="no candidates to rerank", cause="nothing")
        elif choice.reranker is None:
            line = replace(line, status=choice.status, reason=choice.reason, cause=choice.cause)
        else:
            line = replace(line, model=choice.reranker.identity, served=choice.name)
            try:
                scores = await _score(waiting, ranking.query.text, choice.reranker, job)
            except InvalidModelError:
                raise
            except Exception as error:  # whatever a model throws must not fail a search
                if isinstance(error, OverloadedError | RerankerBusyError) and job.options.raise_on_failure:
                    raise
                told = f"the reranker failed: {str(error) or type(error).__name__}"
                line = replace(line, status="fell_back", reason=told, cause=cause_of(error))
            else:
                line = _signed(replace(line, model=choice.reranker.identity), choice, len(scores.values), job)
                look = Look(len(receipt.stages) + 1, line.model, 0.0, 0, 0.0)
                ranking = _applied(ranking, scores, stage, look, job.options.weight)
                receipt = _counted(receipt, scores)
        tell(model=line.model, status=line.status, candidates=len(waiting), scored=line.scored)
    if line.status == "fell_back" and job.options.raise_on_failure:
        raise RerankerError(line.reason, cast(FailureCause, line.cause))  # what falls back has failed
    line = replace(line, candidates_out=len(ranking.candidates), milliseconds=watch.milliseconds)
    return ranking, replace(receipt, stages=(*receipt.stages, line))


def _signed(line: StageReceipt, choice: _Choice, scored: int, job: _Job) -> StageReceipt:
    if not scored:
        told = f"the reranker scored nothing within its {job.budget}"
        return replace(line, status="fell_back", reason=told, cause="budget")
    reasons = [choice.reason] if choice.reason else []
    cause = choice.cause
    if scored < line.candidates_in:
        cause = cause or "budget"
        reasons.append(f"scored {scored} of {line.candidates_in} within the {job.budget}")
    return replace(line, status=choice.status, reason="; ".join(reasons), scored=scored, cause=cause)


async def _score(waiting: Sequence[Candidate], query: str, reranker: Reranker, job: _Job) -> Scores:
    """Scores of the first candidates, of all unless the time is up; a slice then in flight is abandoned."""
    loop = asyncio.get_running_loop()
    size = (declared(reranker).slice_size if job.deadline is not None else 0) or len(waiting)
    found = Scores(())
    token = tenant.set(job.plan.index)
    try:
        async with asyncio.timeout_at(job.deadline) as clock:
            passages = await _read_passages(waiting, reranker, job)
            for start in range(0, len(passages), size):
                if job.deadline is not None and loop.time() >= job.deadline:
                    break
                part = passages[start : start + size]
                found = _joined(found, _checked(await reranker.score(query, part), len(part)))
    except TimeoutError as error:
        if not clock.expired():
            raise RerankerError(f"it timed out{f': {error}' if str(error) else ''}", "timeout") from error
    finally:
        tenant.reset(token)
    return found


async def _read_passages(waiting: Sequence[Candidate], reranker: Reranker, job: _Job) -> list[Passage]:
    wanted = [candidate.chunk.id for candidate in waiting] if reranker.wants_stored else []
    stored = await job.tools.retriever.fetch_stored(job.plan.index, wanted) if wanted else {}
    return [Passage(one.chunk.passage, stored.get(one.chunk.id), one.evidence) for one in waiting]


def _checked(scores: Scores, passages: int) -> Scores:
    if len(scores.values) != passages:
        raise RerankerError(
            f"it gave {plural(len(scores.values), 'score')} for {plural(passages, 'passage')}", "answer"
        )
    if not all(math.isfinite(value) and 0 <= value <= 1 for value in scores.values):
        raise RerankerError("it gave a score outside 0 to 1", "answer")
    return scores


def _joined(left: Scores, right: Scores) -> Scores:
    return Scores(
        (*left.values, *right.values),
        left.truncated + right.truncated,
        left.windowed + right.windowed,
        left.cached + right.cached,
        left.query_truncated or right.query_truncated,
    )


def _applied(ranking: Ranking, scores: Scores, stage: RerankStage, look: Look, weight: float) -> Ranking:
    """Scored ones best first, then those of the window that were not; what lies outside the window goes.

    A score is ``weight * relevance + (1 - weight) * retrieval score``, pair by pair.
    """
    if not scores.values:
        return ranking
    ranking = ranking.cut(stage.window, "window", f"outside the window of {stage.window}")
    scored = [
        (_weighed(one, relevance, weight), relevance, one)
        for one, relevance in zip(ranking.candidates, _discounted(ranking.candidates, scores.values), strict=False)
    ]
    lowest = min(score for score, _, _ in scored)
    rest = [
        Candidate(one.chunk, lowest * one.score, changed(one.evidence, relevance=None))
        for one in ranking.candidates[len(scored) :]
    ]
    best_first = [
        _looked_at(one, Look(look.stage, look.model, relevance, rank, score))
        for rank, (score, relevance, one) in enumerate(sorted(scored, key=lambda told: -told[0]), 1)
    ]
    ranking = ranking.kept((*best_first, *rest))
    return (
        ranking
        if stage.keep is None
        else ranking.cut(stage.keep, "keep", f"beyond the {stage.keep} kept by this stage")
    )


def _discounted(candidates: Sequence[Candidate], values: Sequence[float]) -> list[float]:
    """The relevance scores, those of echoes lowered as their retrieval scores were."""
    told = zip(candidates, values, strict=False)
    return [lowered(value, candidate.evidence.echo_discount or 0.0) for candidate, value in told]


def _weighed(candidate: Candidate, relevance: float, weight: float) -> float:
    if weight >= 1:
        return relevance
    before = candidate.evidence.retrieval_score
    return weight * relevance + (1 - weight) * min(1.0, max(0.0, candidate.score if before is None else before))


def _looked_at(candidate: Candidate, look: Look) -> Candidate:
    evidence = candidate.evidence
    told = changed(evidence, relevance=look.relevance, looks=(*evidence.looks, look))
    return Candidate(candidate.chunk, look.score, told)


def _without_irrelevant(ranking: Ranking, least: float) -> Ranking:
    def reason(candidate: Candidate) -> str:
        relevance = candidate.evidence.relevance
        if relevance is None or reaches(relevance, least):
            return ""
        return f"its relevance score {figure(relevance, 4)} is below {least:g}"

    return ranking.sifted(reason, "rerank")


def _counted(receipt: Receipt, scores: Scores) -> Receipt:
    return replace(
        receipt,
        scored=max(receipt.scored, len(scores.values)),
        truncated=receipt.truncated + scores.truncated,
        windowed=receipt.windowed + scores.windowed,
        cached=receipt.cached + scores.cached,
        query_truncated=receipt.query_truncated or scores.query_truncated,
    )


def _summed_up(receipt: Receipt) -> Receipt:
    """One status for the cascade: that of its only reranker, or ``substituted`` when not all of them did their part."""
    lines, last = receipt.stages, receipt.last
    if last is None:
        status: RerankStatus = "fell_back" if any(line.status == "fell_back" for line in lines) else "skipped"
    else:
        status = "ran" if all(line.status == "ran" for line in lines) else "substituted"
    alone = len(lines) == 1
    told = [line.reason if alone else f"{line.asked or line.model}: {line.reason}" for line in lines if line.reason]
    weakest_first = sorted(lines, key=lambda line: line.status == "ran")
    cause: RerankCause = next((line.cause for line in weakest_first if line.cause), "")
    return replace(receipt, status=status, reason="; ".join(told), model=(last or lines[-1]).model, cause=cause)
