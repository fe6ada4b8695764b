"""What each caller may override, and what becomes of the rest."""

from dataclasses import replace
from typing import Any

import pytest

from secondlook.domain.instance import Instance, InstanceSettings, Token
from secondlook.domain.options import Generation, RerankStage
from secondlook.domain.overrides import Override
from secondlook.domain.query import Message, Query
from secondlook.errors import InvalidModelError, InvalidOptionError, NotAllowedError
from secondlook.models.fakes import FakeGenerator, FakeReranker
from secondlook.ports import Reranker, Rerankers
from secondlook.services.overrides import FREE, Caller, Overrides
from secondlook.services.searching import Ask

RERANKERS: dict[str, Reranker] = {"near": FakeReranker("near@1"), "far": FakeReranker("far@1", remote=True)}
RUN = Token("t", "box", 0, permission="run", overrides=False)
SETTINGS = InstanceSettings(generation_model="own", rewriting_model="own", reranking_model="far", max_tokens=500)
INSTANCE = Instance("u", "acc", "default", "docs", SETTINGS, 0, 0)
CONVERSATION = Query(
    "oil",
    (
        Message("system", "obey me"),
        Message("user", "oil", (("name", "eve"),)),
        Message("assistant", "", (("tool_calls", [{"id": "c"}]),)),
        Message("tool", "42", (("tool_call_id", "c"),)),
        Message("user", "and now?"),
    ),
)


def find(name: str) -> Reranker:
    if name not in RERANKERS:
        raise InvalidModelError(f"{name} is not known")
    return RERANKERS[name]


HOUSE = Overrides(Rerankers(find, RERANKERS["near"]), FakeGenerator())
TOKEN = HOUSE.of_token(RUN)


def visitor(*allowed: Override) -> tuple[Caller, list[str]]:
    heard: list[str] = []
    return HOUSE.of_endpoint(allowed, heard.append), heard


def test_a_token_with_the_permission_and_a_server_without_tokens_override_everything() -> None:
    wanted = Generation("other", "obey", (("max_tokens", 9000), ("tools", [1]), ("what", 1)))
    ask = Ask(reranker="far", stages=(RerankStage("far"),), rewriting_prompt="p", rewriting_model="m", cached=False)
    for caller in (HOUSE.of_token(None), HOUSE.of_token(replace(RUN, overrides=True))):
        assert caller.fit_generation(wanted, SETTINGS) == wanted
        assert caller.fit_ask(ask, INSTANCE) == ask
        assert caller.fit_query(CONVERSATION) == CONVERSATION
        caller.check_reranker("far")


@pytest.mark.parametrize(
    ("ask", "field"),
    [
        (Ask(reranker="far>near"), "reranking.model"),
        (Ask(reranker="near>far"), "reranking.model"),
        (Ask(stages=(RerankStage("near"), RerankStage("far"))), "reranking.stages"),
        (Ask(rewriting_prompt="say anything"), "rewriting.prompt"),
        (Ask(rewriting_model="dear"), "rewriting.model"),
    ],
)
def test_what_a_token_without_the_permission_may_not_ask_for(ask: Ask, field: str) -> None:
    with pytest.raises(NotAllowedError, match="allow-overrides") as caught:
        TOKEN.fit_ask(ask, INSTANCE)
    assert caught.value.fields[0][0] == field


@pytest.mark.parametrize(
    "ask",
    [
        Ask(),
        Ask(rerank=True),
        Ask(rerank=False),
        Ask(reranker="near", budget=1.0, weight=0.5),
        Ask(reranker="far"),  # the instance's own
        Ask(stages=(RerankStage("near"), RerankStage(""))),
        Ask(rewriting=True, rewriting_model="own"),
        Ask(reranker="unknown"),  # whoever searches says that there is no such model
        Ask(cached=False),
    ],
)
def test_what_a_token_without_the_permission_may_ask_for(ask: Ask) -> None:
    assert TOKEN.fit_ask(ask, INSTANCE) == ask


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        (Generation("dear"), "model"),
        (Generation(system_prompt="obey"), "system_prompt"),
        (Generation(forwarded=(("max_tokens", 501),)), "max_tokens"),
        (Generation(forwarded=(("max_completion_tokens", 501),)), "max_completion_tokens"),
        (Generation(forwarded=(("tools", []),)), "tools"),
        (Generation(forwarded=(("functions", []),)), "functions"),
    ],
)
def test_an_answer_that_a_token_without_the_permission_may_not_have(wanted: Generation, field: str) -> None:
    with pytest.raises(NotAllowedError) as caught:
        TOKEN.fit_generation(wanted, SETTINGS)
    assert caught.value.fields[0][0] == field


def test_an_answer_that_every_token_may_have() -> None:
    forwarded = (("max_tokens", 500), ("temperature", 0.1))
    assert TOKEN.fit_generation(Generation("own", "", forwarded), SETTINGS) == Generation("own", "", forwarded)


@pytest.mark.parametrize("value", ["900", 0, -1, True, [1], 1.5, None])
def test_a_length_that_is_no_number_of_tokens(value: Any) -> None:
    with pytest.raises(InvalidOptionError, match="max_tokens"):
        TOKEN.fit_generation(Generation(forwarded=(("max_tokens", value),)), SETTINGS)


def test_the_instances_length_then_the_servers_then_a_usual_one() -> None:
    open_ended = InstanceSettings()
    assert TOKEN.fit_generation(Generation(), SETTINGS).forwarded == (("max_tokens", 500),)
    assert TOKEN.fit_generation(Generation(), open_ended).forwarded == ()
    limited = Overrides(Rerankers(find, RERANKERS["near"]), FakeGenerator(), most_tokens=70).of_token(RUN)
    assert limited.fit_generation(Generation(), open_ended).forwarded == (("max_tokens", 70),)
    with pytest.raises(NotAllowedError, match="4,096"):
        TOKEN.fit_generation(Generation(forwarded=(("max_tokens", 4097),)), open_ended)


def test_a_key_that_nobody_knows_is_left_out_and_named() -> None:
    heard: list[str] = []
    caller = HOUSE.of_token(RUN, heard.append)
    assert (
        caller.fit_generation(Generation(forwarded=(("service_tier", "priority"),)), InstanceSettings()).forwarded == ()
    )
    assert "service_tier" in heard[0]


@pytest.mark.parametrize("place", [0, 2, 3])
def test_turns_that_a_token_without_the_permission_may_not_send(place: int) -> None:
    turns = (CONVERSATION.messages[place], CONVERSATION.messages[4])
    with pytest.raises(NotAllowedError, match=r"messages\.0"):
        TOKEN.fit_query(replace(CONVERSATION, messages=turns))


def test_an_endpoint_ignores_and_names_what_it_does_not_allow() -> None:
    caller, heard = visitor()
    ask = Ask(
        rerank=True, reranker="near", budget=9.0, rewriting=True, rewriting_prompt="p", rewriting_model="m",
        cached=False, top_k=3,
    )  # fmt: skip
    assert caller.fit_ask(ask, INSTANCE) == Ask(rerank=True, top_k=3, cached=None, public=True)
    assert caller.fit_ask(Ask(stages=(RerankStage("near"),), cached=None), INSTANCE) == Ask(cached=None, public=True)
    every = (*((name, 1) for name in sorted(FREE)), ("max_tokens", 10**9), ("tools", []), ("what", 1))
    assert caller.fit_generation(Generation("dear", "obey", every), SETTINGS) == Generation(
        "", "", (("max_tokens", 500),)
    )
    assert [(one.role, one.content, one.extra) for one in caller.fit_query(CONVERSATION).messages] == [
        ("user", "oil", ()), ("user", "and now?", ())
    ]  # fmt: skip
    named = {sentence.partition(":")[0] for sentence in heard}
    assert named >= {"reranking.model", "reranking.budget", "reranking.stages", "rewriting.enabled", "cache"}
    assert named >= {"rewriting.prompt", "rewriting.model", "model", "tools", "what", "max_tokens"}


def test_an_endpoint_may_allow_each_one() -> None:
    ask = Ask(reranker="far", budget=9.0, cached=None, public=True)
    assert visitor("reranker")[0].fit_ask(ask, INSTANCE) == ask
    ask = Ask(rewriting=True, rewriting_prompt="p", rewriting_model="m", cached=None, public=True)
    assert visitor("rewriting")[0].fit_ask(ask, INSTANCE) == ask
    ask = Ask(cached=False, likeness="exact", public=True)
    assert visitor("cache")[0].fit_ask(ask, INSTANCE) == ask
    assert visitor("model")[0].fit_generation(Generation("dear"), InstanceSettings()).model == "dear"
    assert visitor("max_tokens")[0].fit_generation(Generation(forwarded=(("max_tokens", 9000),)), SETTINGS).forwarded
    kept = visitor("system_prompt", "tools", "model_options")[0].fit_query(CONVERSATION)
    assert kept == CONVERSATION


def test_an_endpoint_that_says_nothing_takes_the_servers_default() -> None:
    house = Overrides(Rerankers(find, RERANKERS["near"]), FakeGenerator(), public=frozenset({"model"}))
    assert house.of_endpoint(None).fit_generation(Generation("dear"), InstanceSettings()).model == "dear"
    assert house.of_endpoint(()).fit_generation(Generation("dear"), InstanceSettings()).model == ""
