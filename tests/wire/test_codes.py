"""Each code of the contract's table (2) for search, chat and models that this server can meet, on the routes it is for.

The language model is a real server that misbehaves as its models' names say.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from secondlook.api.errors import TABLE
from secondlook.errors import GeneratorError, OverloadedError
from secondlook.models.openai_compatible import OpenAICompatible
from secondlook.ports import Vector
from tests.llm_server import running
from tests.wire.conftest import BROKEN, LEGACY, NEW, Wire, error_of

pytestmark = pytest.mark.server

USER = {"role": "user", "content": "when does the fog horn sound"}
IMAGE = {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}]}
SEARCH: dict[str, Any] = {"query": "oil"}
CHAT: dict[str, Any] = {"messages": [USER]}


def filters(where: object) -> dict[str, Any]:
    return {"ai_search_options": {"retrieval": {"filters": where}}}


def eq(key: str, value: object, kind: str = "eq") -> dict[str, Any]:
    return {"type": kind, "key": key, "value": value}


ASKED: list[tuple[int, int, str, dict[str, Any]]] = [
    (400, 7010, "invalid_model", {"ai_search_options": {"reranking": {"enabled": True, "model": "no/such"}}}),
    (400, 7015, "filter_or_operator_only_supports_eq_filters",
     filters({"type": "or", "filters": [eq("folder", "a", "gt")]})),
    (400, 7016, "filter_or_operator_does_not_support_different_keys",
     filters({"type": "or", "filters": [eq("folder", "a"), eq("filename", "b")]})),
    (400, 7057, "invalid_datetime_filter_value", filters({"timestamp": "yesterday"})),
    (400, 7058, "invalid_metadata_filter", filters({"no_such_field": 1})),
    (400, 7058, "invalid_metadata_filter", filters({"$or": []})),
    (400, 7080, "vectorize_filter_not_serializable", filters({"timestamp": {"$lt": 10**400}})),
    (400, 7070, "invalid_retrieval_type", {"ai_search_options": {"retrieval": {"retrieval_type": "vector"}}}),
    (400, 7400, "invalid_request", {"ai_search_options": {"retrieval": {"max_num_results": 51}}}),
    (500, 7073, "all_search_methods_failed",
     {"ai_search_options": {"reranking": {"enabled": True, "model": BROKEN, "on_failure": "error"}}}),
]  # fmt: skip
"""Status, code, message, and what makes both a search and a chat end in it."""


@pytest.fixture(scope="module")
def wire(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wire]:
    """``words`` has keywords only; ``handbook`` both; nobody changes them."""
    found = Wire(tmp_path_factory.mktemp("codes"))
    found.fill()
    found.fill("words", index_method={"vector": False, "keyword": True})
    yield found
    found.close()


@pytest.mark.parametrize("route", ["search", "chat/completions"])
@pytest.mark.parametrize("row", ASKED, ids=lambda row: str(row[1]))
def test_codes_of_what_is_asked(wire: Wire, row: tuple[int, int, str, dict[str, Any]], route: str) -> None:
    *wanted, body = row
    question = SEARCH if route == "search" else CHAT
    assert error_of(wire.post(f"{NEW}/words/{route}", {**question, **body})) == tuple(wanted)


@pytest.mark.parametrize(
    ("path", "body", "wanted"),
    [
        (f"{NEW}/absent/search", SEARCH, (404, 7002, "ai_search_not_found")),
        (f"{NEW}/absent/chat/completions", CHAT, (404, 7002, "ai_search_not_found")),
        (f"{LEGACY}/absent/ai-search", SEARCH, (404, 7002, "ai_search_not_found")),
        (f"{NEW.replace('instances', 'namespaces/x/instances')}/a/search", SEARCH, (404, 7063, "namespace_not_found")),
        (f"{NEW}/handbook/search", {}, (400, 7039, "missing_user_query")),
        (f"{NEW}/handbook/search", {"messages": [{**USER, "content": " "}]}, (400, 7039, "missing_user_query")),
        (f"{NEW}/handbook/chat/completions", {"messages": []}, (400, 7038, "missing_user_query")),
        (f"{NEW}/handbook/search", {"messages": [IMAGE]}, (400, 7089, "image_query_requires_vector_index")),
        (f"{NEW}/handbook/chat/completions", {"messages": [IMAGE]}, (400, 7089, "image_query_requires_vector_index")),
        (f"{NEW}/handbook/search", {**SEARCH, "messages": [USER]}, (400, 7400, "invalid_request")),
    ],
)
def test_codes_of_routes(wire: Wire, path: str, body: dict[str, Any], wanted: tuple[int, int, str]) -> None:
    assert error_of(wire.post(path, body)) == wanted


def test_without_a_token(wire: Wire) -> None:
    answer = wire.post(f"{NEW}/handbook/search", SEARCH, headers={"Authorization": "Bearer sl_wrong"})
    assert error_of(answer) == (401, 10000, "Authentication error")


def test_retrieval_that_fails_and_may_not(tmp_path: Path) -> None:
    wire = Wire(tmp_path)
    wire.fill()
    wire.embedder.fails = True
    strict = {"ai_search_options": {"retrieval": {"return_on_failure": False}}}
    for route, body in (("search", SEARCH), ("chat/completions", CHAT)):
        answer = wire.post(f"{NEW}/handbook/{route}", {**body, **strict})
        assert error_of(answer) == (500, 7073, "all_search_methods_failed")
        assert "vector search failed: the embedder is down" in answer.json()["errors"][0]["detail"]
    answer = wire.post(f"{LEGACY}/handbook/search", SEARCH)
    assert error_of(answer) == (503, 7017, "unable_to_connect_to_ai_search")
    wire.close()


def test_a_full_queue_is_told_whatever_may_fail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wire = Wire(tmp_path)
    wire.fill()

    async def refuse(text: str) -> Vector:
        raise OverloadedError("too much waits", 3)

    monkeypatch.setattr(wire.embedder, "embed_query", refuse)
    answer = wire.post(f"{NEW}/handbook/search", SEARCH)
    assert error_of(answer) == (429, 2003, "Rate limited")
    assert answer.headers["retry-after"] == "3"
    wire.close()


MODELS: list[tuple[str, int, int, str]] = [
    ("busy", 429, 2003, "Rate limited"),
    ("forbids", 424, 2016, "Prompt blocked due to security configurations"),
    ("gateway-prompt", 424, 2016, "Prompt blocked due to security configurations"),
    ("gateway-answer", 424, 2017, "Response blocked due to security configurations"),
    ("muzzled", 424, 2017, "Response blocked due to security configurations"),
    ("unknown", 400, 7010, "invalid_model"),
    ("@cf/x/babbles", 500, 7011, "workers_ai_fail_to_return_a_valid_response"),
    ("@cf/x/refuses", 400, 7019, "workers_ai_error"),
    ("@cf/x/slow", 400, 7030, "workers_ai_timeout"),
    ("slow", 400, 7031, "ai_gateway_timeout"),
    ("times-out", 400, 7031, "ai_gateway_timeout"),
    ("refuses", 502, 7033, "ai_gateway_exception"),
    ("babbles", 502, 7033, "ai_gateway_exception"),
    ("denies", 401, 7077, "ai_gateway_authentication_error"),
    ("unpaid", 402, 7078, "ai_gateway_billing_error"),
    ("unpaid-402", 402, 7078, "ai_gateway_billing_error"),
    ("full", 413, 7079, "ai_gateway_context_window_exceeded"),
    ("full-llama", 413, 7079, "ai_gateway_context_window_exceeded"),
]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with running() as found:
        yield found


class Behaving(OpenAICompatible):
    """Sends every name on as it is, so that the server behaves as the name says."""

    def name(self, asked: str) -> str:
        """The model that will answer."""
        return asked or "ok"


@pytest.fixture(scope="module")
def chatty(tmp_path_factory: pytest.TempPathFactory, url: str) -> Iterator[Wire]:
    model = Behaving(url, key="secret", timeout=0.5)
    found = Wire(tmp_path_factory.mktemp("models"), model)
    found.fill()
    yield found
    found.run(model.close())
    found.close()


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("row", MODELS, ids=lambda row: f"{row[2]}-{row[0]}")
def test_codes_of_models(chatty: Wire, row: tuple[str, int, int, str], stream: bool) -> None:
    model, *wanted = row
    body = {**CHAT, "model": model, "stream": stream}
    answer = chatty.post(f"{NEW}/handbook/chat/completions", body)
    if stream and model.endswith("babbles"):
        assert f'"code": {wanted[1]}' in answer.text, "its first word had gone"
        return
    assert error_of(answer) == tuple(wanted)
    assert model != "busy" or answer.headers["retry-after"] == "7"
    if not stream:
        legacy = chatty.post(f"{LEGACY}/handbook/ai-search", {"query": "fog horn", "model": model})
        assert error_of(legacy) == tuple(wanted)


NO_KEY = (400, 7096, "ai_gateway_credential_not_found")


def test_a_key_that_is_wanted_and_not_set(tmp_path: Path, url: str) -> None:
    model = Behaving(url)
    wire = Wire(tmp_path, model)
    wire.fill()
    assert error_of(wire.post(f"{NEW}/handbook/chat/completions", {**CHAT, "model": "denies"})) == NO_KEY
    wire.run(model.close())
    wire.close()


def test_no_error_of_a_language_model_is_left_out() -> None:
    ours = {(status, code, message) for kind, status, code, message in TABLE if issubclass(kind, GeneratorError)}
    assert ours == {(status, code, message) for _, status, code, message in MODELS if code != 7010} | {NO_KEY}
