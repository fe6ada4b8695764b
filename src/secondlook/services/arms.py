"""What the Lab holds against each other: ways to rerank, and the plan that each of them is."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, get_args

from secondlook.domain.candidate import FusionMethod
from secondlook.domain.instance import Instance
from secondlook.domain.lab import ArmSpec
from secondlook.domain.model import KnownModel
from secondlook.domain.options import (
    CHAIN_WINDOWS,
    MAX_TOP_K,
    MAX_WINDOW,
    MatchMode,
    Plan,
    Reranking,
    RetrievalType,
    split_chain,
)
from secondlook.errors import CallerError
from secondlook.evaluation.report import OFF
from secondlook.services.searching import Ask, SearchDefaults, make_plan

WINDOWS = (20, 50, 100)
WEIGHTS = (0.5,)
"""Shares of the relevance that are tried beside 1."""
MOST_ARMS = 40
SHORT = {"retrieval": "retrieval_type", "match": "match_mode", "fusion": "fusion_method", "score": "min_score"}
"""Words of a command -> names of the fields."""
WORDS = {**{one: one for one in ("model", "window", "weight", "fusion_weight", *SHORT.values())}, **SHORT}
CHOICES: dict[str, tuple[str, ...]] = {
    "retrieval_type": get_args(RetrievalType),
    "match_mode": get_args(MatchMode),
    "fusion_method": get_args(FusionMethod),
}


def default_arms(models: Sequence[KnownModel]) -> list[ArmSpec]:
    """The built-in reranker in several windows and weights, and each other reranker that is here."""
    arms = [ArmSpec(window=window) for window in WINDOWS] + [ArmSpec(weight=weight) for weight in WEIGHTS]
    here = [one.name for one in models if one.task == "reranking" and one.cached and not one.built_in]
    for name in here:
        arms += [ArmSpec(name), *(ArmSpec(name, weight=weight) for weight in WEIGHTS)]
    return arms[:MOST_ARMS]


def parse_arm(text: str) -> ArmSpec:
    """``model=NAME,window=N,weight=W,retrieval=…,match=…,fusion=…,fusion_weight=W,score=S``; each may be left out.

    Raises:
        CallerError: a word is not known, or its value is none that it can have.
    """
    given: dict[str, Any] = {}
    for part in text.split(","):
        word, found, value = (one.strip() for one in part.partition("="))
        name = WORDS.get(word)
        if not found or name is None:
            known = ", ".join(sorted({"model", "window", "weight", "fusion_weight", *SHORT}))
            raise CallerError(
                f"configuration {text!r}: {part.strip()!r} must be word=value, where word is one of {known}"
            )
        given[name] = _read(name, value, text)
    if ">" in given.get("model", ""):
        given.setdefault("window", None)  # the windows that chains have
    return check_arm(ArmSpec(**given))


def check_arm(arm: ArmSpec) -> ArmSpec:
    """The arm; raises ``CallerError`` for what is out of range."""
    names = split_chain(arm.model)
    if len(names) > 1 and arm.window is not None:
        windows = ", ".join(map(str, CHAIN_WINDOWS[: len(names)]))
        raise CallerError(
            f"configuration {arm.name!r}: the models of a chain read {windows} candidates, in that order, and this"
            f" cannot be changed: leave out the window {arm.window}"
        )
    if arm.window is not None and not 1 <= arm.window <= MAX_WINDOW:
        raise CallerError(f"configuration {arm.name!r}: the window is {arm.window}; it must be 1 to {MAX_WINDOW}")
    if not 0 < arm.weight <= 1:
        raise CallerError(f"configuration {arm.name!r}: the weight is {arm.weight:g}; it must be above 0 and at most 1")
    if arm.fusion_weight is not None and not 0 <= arm.fusion_weight <= 1:
        raise CallerError(f"configuration {arm.name!r}: the fusion_weight is {arm.fusion_weight:g}; it must be 0 to 1")
    if arm.min_score is not None and not 0 <= arm.min_score <= 1:
        raise CallerError(f"configuration {arm.name!r}: the score is {arm.min_score:g}; it must be 0 to 1")
    return arm


def base_plan(instance: Instance, defaults: SearchDefaults, arm: ArmSpec | None = None) -> Plan:
    """How the instance is searched without reranking, as deep as figures reach; with the retrieval of the arm.

    Raises:
        InvalidRetrievalTypeError: the instance has no such index.
    """
    ask = replace(_retrieval_of(arm or ArmSpec()), rerank=False, top_k=MAX_TOP_K)
    return replace(make_plan(instance, ask, defaults), rewriting=None)


def as_created(instance: Instance, defaults: SearchDefaults) -> Plan:
    """How the instance is searched by its own settings, thresholds and reranking included, as deep as figures reach."""
    plan = make_plan(instance, Ask(partial=False, raise_on_failure=False), defaults)
    return replace(plan, top_k=max(plan.top_k, MAX_TOP_K), rewriting=None)


def off_plans(arms: Sequence[ArmSpec], instance: Instance, defaults: SearchDefaults) -> dict[str, Plan]:
    """What arms whose retrieval is not the instance's own are held against, by name: that retrieval, not reranked."""
    return {arm.off: base_plan(instance, defaults, arm) for arm in arms if arm.off != OFF}


def plan_of(arm: ArmSpec, instance: Instance, defaults: SearchDefaults) -> Plan:
    """How the instance is searched with the arm.

    No threshold is held against relevance, since figures need the whole order, and no budget: a reranker that is cut
    short is another arm. Weights that are not here are an error, not a reason to measure something else.

    Raises:
        InvalidRetrievalTypeError: the instance has no such index.
    """
    ask = replace(
        _retrieval_of(arm), rerank=True, reranker=arm.model, stages=arm.stages, weight=arm.weight, min_relevance=None
    )
    bare = replace(instance, settings=replace(instance.settings, reranking_model="", reranking_stages=()))
    plan = make_plan(bare, ask, defaults)
    asked = plan.reranking or Reranking()
    reranking = replace(asked, budget=None, missing="error", raise_on_failure=False)
    window = plan.retrieval.num_candidates
    if arm.window is not None and not reranking.stages:
        window = arm.window
        reranking = replace(reranking, window=window)
    return replace(
        plan,
        retrieval=replace(plan.retrieval, num_candidates=window),
        reranking=reranking,
        rewriting=None,
        top_k=max(window, MAX_TOP_K),
    )


def _retrieval_of(arm: ArmSpec) -> Ask:
    return Ask(
        retrieval_type=arm.retrieval_type,
        match_mode=arm.match_mode,
        fusion_method=arm.fusion_method,
        fusion_weight=arm.fusion_weight,
        min_score=arm.min_score,
        partial=False,
    )


def _read(name: str, value: str, text: str) -> object:
    if name == "model":
        return value
    if name in CHOICES:
        if value not in CHOICES[name]:
            raise CallerError(
                f"configuration {text!r}: {name} is {value!r}; it must be one of {', '.join(CHOICES[name])}"
            )
        return value
    try:
        return int(value) if name == "window" else float(value)
    except ValueError as error:
        raise CallerError(f"configuration {text!r}: {name} is {value!r}, which is not a number") from error
