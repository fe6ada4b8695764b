"""Reranking as a service, in each shape that clients ask in."""

import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from secondlook.errors import OverloadedError, RerankerBusyError
from secondlook.models.cross_encoder import CrossEncoder
from secondlook.models.encoder import Encoder
from secondlook.models.fakes import FakeReranker
from secondlook.ports import Passage, Scores
from tests.tiny_models import make_model
from tests.wire.conftest import BGE, BROKEN, LEGACY, MISSING, NEW, Wire, error_of

QUERY = "oil lamp"
TEXTS = ["fog horn", "the oil lamp", "some oil"]
RUN = "/client/v4/accounts/acc/ai/run"
BUSY = "models/busy"
NARROW = "models/narrow"


class Busy(FakeReranker):
    """Refuses everything."""

    async def score(self, query: str, passages: Sequence[Passage]) -> Scores:
        raise OverloadedError("overloaded: 9 tokens wait", 2.2)


class Limited(FakeReranker):
    """A remote one whose server wants to be left alone for a while."""

    async def score(self, query: str, passages: Sequence[Passage]) -> Scores:
        raise RerankerBusyError("mine takes no more requests now", 7)


def ask(wire: Wire, path: str = "/v2/rerank", **body: Any) -> Any:
    answer = wire.post(path, {"model": "", "query": QUERY, "documents": TEXTS, **body})
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize(("path", "version"), [("/v1/rerank", "1"), ("/v2/rerank", "2")])
def test_the_shape_of_cohere(wire: Wire, path: str, version: str) -> None:
    found = ask(wire, path, top_n=2)
    assert found["results"] == [{"index": 1, "relevance_score": 1.0}, {"index": 2, "relevance_score": 0.5}]
    assert found["meta"]["api_version"] == {"version": version}
    assert found["id"] != ask(wire, path)["id"]
    receipt = found["secondlook"]
    assert (receipt["status"], receipt["model"]) == ("ran", "built-in@1")
    assert (receipt["candidates_in"], receipt["candidates_out"]) == (3, 2)


def test_the_aliases_of_others(wire: Wire) -> None:
    answer = wire.post("/v1/rerank", {"query": QUERY, "texts": TEXTS, "top_k": 1, "truncation": True})
    assert [row["index"] for row in answer.json()["results"]] == [1]


def test_documents_come_back_when_that_is_asked(wire: Wire) -> None:
    pages = [{"text": "fog"}, {"text": "oil lamp", "id": 7}, "oil"]
    found = ask(wire, documents=pages, return_documents=True)
    assert [row["document"] for row in found["results"]] == [pages[1], {"text": "oil"}, pages[0]]
    assert "document" not in ask(wire, documents=pages)["results"][0]


def test_fields_to_rank_by(wire: Wire) -> None:
    pages = [{"title": "oil", "body": "lamp"}, {"title": "fog", "body": "lamp"}]
    found = ask(wire, "/v1/rerank", documents=pages, rank_fields=["title", "body"])
    assert [row["relevance_score"] for row in found["results"]] == [1.0, 0.5]
    refused = wire.post("/v1/rerank", {"query": QUERY, "documents": pages})
    assert error_of(refused) == (400, 7400, "invalid_request")
    assert "documents.0" in refused.json()["message"]


def test_passages_are_cut_when_that_is_asked(wire: Wire) -> None:
    found = ask(wire, documents=["oil and then a lamp"], max_tokens_per_doc=2)
    assert found["results"][0]["relevance_score"] == 0.5
    assert found["secondlook"]["truncated"] == 1


def test_the_end_is_cut_whatever_is_asked(wire: Wire) -> None:
    body = {"query": QUERY, "texts": ["oil and " * 400], "truncate": True, "return_text": True}
    found = [wire.post("/rerank", {**body, **side}).json() for side in ({}, {"truncation_direction": "Left"})]
    assert found[0] == found[1]
    assert found[0][0]["index"] == 0


def test_models(wire: Wire) -> None:
    assert ask(wire, model=BGE)["results"][0]["index"] == 0
    assert ask(wire, model=MISSING)["secondlook"]["status"] == "substituted"
    broken = wire.post("/v2/rerank", {"model": BROKEN, "query": QUERY, "documents": TEXTS})
    assert error_of(broken) == (500, 7073, "all_search_methods_failed")
    assert "out of memory" in broken.json()["message"]


def test_an_unknown_model_as_each_client_expects_it(wire: Wire) -> None:
    cohere = wire.post("/v2/rerank", {"model": "no/such", "query": QUERY, "documents": TEXTS})
    assert error_of(cohere) == (404, 7010, "invalid_model")
    assert "no/such" in cohere.json()["message"]
    run = wire.post(f"{RUN}/@cf/meta/llama-3.1-8b-instruct", {"query": QUERY, "contexts": [{"text": "oil"}]})
    assert error_of(run) == (400, 7010, "invalid_model")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"query": " ", "documents": TEXTS}, 7039),
        ({"documents": TEXTS}, 7039),
        ({"query": QUERY}, 7400),
        ({"query": QUERY, "documents": []}, 7400),
        ({"query": QUERY, "documents": ["x"] * 1001}, 7400),
        ({"query": QUERY, "documents": [3]}, 7400),
        ({"query": QUERY, "documents": TEXTS, "top_n": 0}, 7400),
        ({"query": "x" * 20_000, "documents": TEXTS}, 7400),
        ({"query": QUERY, "documents": ["x" * (9 << 20)]}, 7400),
    ],
)
def test_bad_requests(wire: Wire, body: dict[str, Any], code: int) -> None:
    answer = wire.post("/v2/rerank", body)
    assert error_of(answer)[:2] == (400, code)
    assert answer.json()["message"] == answer.json()["errors"][0]["detail"]


def test_the_shape_of_text_embeddings_inference(wire: Wire) -> None:
    answer = wire.post("/rerank", {"query": QUERY, "texts": TEXTS, "return_text": True})
    assert answer.json() == [
        {"index": 1, "score": 1.0, "text": TEXTS[1]},
        {"index": 2, "score": 0.5, "text": TEXTS[2]},
        {"index": 0, "score": 0.0, "text": TEXTS[0]},
    ]
    assert json.loads(answer.headers["x-secondlook-receipt"])["status"] == "ran"


def test_raw_scores_are_logits(wire: Wire) -> None:
    rows = wire.post("/rerank", {"query": QUERY, "texts": TEXTS, "raw_scores": True}).json()
    assert [row["index"] for row in rows] == [1, 2, 0]
    assert rows[1]["score"] == 0.0
    assert rows[0]["score"] == pytest.approx(-rows[2]["score"])
    assert all(math.isfinite(row["score"]) for row in rows)


def test_texts_that_may_not_be_cut(wire: Wire) -> None:
    class Short(FakeReranker):
        async def score(self, query: str, passages: Sequence[Passage]) -> Scores:
            return Scores((0.5,) * len(passages), 1)

    wire.rerankers["short"] = Short()
    body = {"model": "short", "query": QUERY, "texts": TEXTS}
    assert wire.post("/rerank", body).status_code == 200
    refused = wire.post("/rerank", {**body, "truncate": False})
    assert error_of(refused) == (413, 7400, "invalid_request")
    assert refused.json()["error_type"] == "validation"
    assert "1 text is longer" in refused.json()["error"]


@pytest.mark.parametrize("base", ["/client/v4", ""])
def test_the_shape_of_workers_ai(wire: Wire, base: str) -> None:
    body = {
        "query": QUERY,
        "contexts": [{"text": text} for text in TEXTS],
        "top_k": 2,
        "options": {"rejectIfBusy": True},
    }
    answer = wire.post(f"{base}/accounts/acc/ai/run/{BGE}", body)
    assert answer.status_code == 200, answer.text
    assert answer.json()["success"] is True
    result = answer.json()["result"]
    assert [row["id"] for row in result["response"]] == [0, 2]
    assert all(set(row) == {"id", "score"} for row in result["response"])
    assert result["secondlook"]["model"] == "bge@1"


def test_what_the_workers_ai_binding_sends(wire: Wire) -> None:
    body = {"inputs": {"query": QUERY, "contexts": [{"text": text} for text in TEXTS]}, "options": {}}
    answer = wire.post("/run", body, params={"version": 3}, headers={"cf-consn-model-id": BGE})
    assert answer.headers["content-type"] == "application/json"  # the binding compares it as a whole
    assert [row["id"] for row in answer.json()["response"]] == [0, 2, 1]
    assert answer.json()["secondlook"]["model"] == "bge@1"
    other = wire.post("/run", body, headers={"cf-consn-model-id": "@cf/meta/llama-3.1-8b-instruct"})
    assert error_of(other) == (400, 7010, "invalid_model")


@pytest.mark.parametrize("path", ["/v1/rerank", "/v2/rerank", "/rerank", f"{RUN}/{BUSY}"])
def test_too_much_at_once(wire: Wire, path: str) -> None:
    wire.rerankers[BUSY] = Busy()
    body = {"model": BUSY, "query": QUERY, "documents": TEXTS, "texts": TEXTS, "contexts": [{"text": "oil"}]}
    answer = wire.post(path, body)
    assert error_of(answer) == (429, 2003, "Rate limited")
    assert answer.headers["retry-after"] == "3"


def test_a_search_falls_back_when_its_rerank_is_refused(filled: Wire) -> None:
    filled.rerankers[BUSY] = Busy()
    body = {"query": "oil", "ai_search_options": {"reranking": {"enabled": True, "model": BUSY}}}
    answer = filled.post("/client/v4/accounts/acc/ai-search/instances/handbook/search", body)
    receipt = answer.json()["result"]["reranking"]
    assert receipt["status"] == "fell_back"
    assert "overloaded" in receipt["reason"]
    assert answer.json()["result"]["chunks"]


def test_a_remote_reranker_that_takes_no_more_is_handed_on(filled: Wire) -> None:
    """As 429 with its time where reranking is all that is asked for; a search falls back."""
    filled.rerankers[BROKEN] = Limited("limited@1")
    for path, body in (
        ("/v1/rerank", {"documents": ["a", "b"]}),
        ("/rerank", {"texts": ["a", "b"]}),
        (f"{NEW}/handbook/search", {"ai_search_options": {"reranking": {"enabled": True, "on_failure": "error"}}}),
    ):
        asked = {"query": "oil", **body}
        if path.endswith("/search"):
            asked["ai_search_options"]["reranking"]["model"] = BROKEN  # type: ignore[index]
        else:
            asked["model"] = BROKEN
        answer = filled.post(path, asked)
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "7"), path
    options = {"reranking": {"enabled": True, "model": BROKEN}}
    receipt = filled.post(f"{NEW}/handbook/search", {"query": "oil", "ai_search_options": options}).json()["result"]
    assert receipt["reranking"]["status"] == "fell_back"
    assert "takes no more requests now" in receipt["reranking"]["reason"]


@pytest.mark.parametrize("path", [f"{NEW}/handbook/search", f"{NEW}/handbook/chat/completions",
                                  f"{LEGACY}/handbook/search", f"{LEGACY}/handbook/ai-search"])  # fmt: skip
def test_a_search_that_would_rather_fail_hears_when_to_come_again(filled: Wire, path: str) -> None:
    filled.rerankers[BUSY] = Busy()
    strict = {"enabled": True, "model": BUSY, "on_failure": "error"}
    asked = {"messages": [{"role": "user", "content": "oil"}]} if path.endswith("completions") else {"query": "oil"}
    answer = filled.post(path, {**asked, "reranking": strict, "ai_search_options": {"reranking": strict}})
    assert error_of(answer) == (429, 2003, "Rate limited")
    assert answer.headers["retry-after"] == "3"


def test_an_instance_that_would_rather_fail_is_overloaded_too(wire: Wire) -> None:
    wire.rerankers[BUSY] = Busy()
    wire.fill(reranking=True, reranking_model=BUSY, reranking_on_failure="error")
    answer = wire.post(f"{NEW}/handbook/search", {"query": "oil"})
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "3")


def test_a_query_that_was_cut_is_told(filled: Wire) -> None:
    class Short(FakeReranker):
        async def score(self, query: str, passages: Sequence[Passage]) -> Scores:
            return Scores((0.5,) * len(passages), query_truncated=True)

    filled.rerankers["short"] = Short()
    assert ask(filled, model="short")["secondlook"]["query_truncated"] is True
    assert ask(filled)["secondlook"]["query_truncated"] is False
    refused = filled.post("/rerank", {"model": "short", "query": QUERY, "texts": TEXTS, "truncate": False})
    assert error_of(refused) == (413, 7400, "invalid_request")
    body = {"query": "oil", "ai_search_options": {"reranking": {"enabled": True, "model": "short"}}}
    found = filled.post(f"{NEW}/handbook/search", body).json()["result"]["reranking"]
    assert (found["status"], found["query_truncated"]) == ("ran", True)


@pytest.mark.parametrize(("path", "key"), [("/v2/rerank", "message"), ("/rerank", "error"), (f"{RUN}/{BGE}", "errors")])
def test_a_token_is_needed(wire: Wire, path: str, key: str) -> None:
    wire.client.headers.pop("Authorization")
    answer = wire.post(path, {"query": QUERY, "documents": TEXTS})
    assert answer.status_code == 401
    assert answer.json()[key]


@pytest.fixture
def narrow(filled: Wire, tmp_path: Path) -> Iterator[Wire]:
    """An API with a cross-encoder that reads 60 tokens."""
    encoder = Encoder(make_model(tmp_path / "narrow").folder, head=True, threads=1)
    filled.rerankers[NARROW] = CrossEncoder(encoder, max_tokens=60)
    yield filled
    encoder.close()


@pytest.mark.parametrize(
    ("path", "more"),
    [
        ("/v1/rerank", {"message"}),
        ("/v2/rerank", {"message"}),
        ("/rerank", {"message", "error", "error_type"}),
        (f"{RUN}/{NARROW}", set()),
    ],
)
def test_a_query_that_the_model_cannot_read_whole(narrow: Wire, path: str, more: set[str]) -> None:
    def ask_for(words: int) -> Any:
        texts = {"documents": TEXTS, "texts": TEXTS, "contexts": [{"text": text} for text in TEXTS]}
        return narrow.post(path, {"model": NARROW, "query": "oil " * words, **texts})

    assert ask_for(40).status_code == 200
    refused = ask_for(50)
    assert error_of(refused) == (400, 7400, "invalid_request")
    body = refused.json()
    assert set(body) == {"success", "errors", "messages", "result"} | more
    words = body["errors"][0]["detail"]
    assert "the query has 50 tokens" in words and "reads 60 of query and passage" in words
    assert body.get("message", words) == body.get("error", words) == words
    assert body.get("error_type", "validation") == "validation"


@pytest.mark.parametrize("strict", [False, True])
def test_a_search_with_such_a_query_falls_back_as_for_any_failure(narrow: Wire, strict: bool) -> None:
    reranking = {"enabled": True, "model": NARROW, "on_failure": "error" if strict else "fall_back"}
    body = {"query": "oil " * 50, "ai_search_options": {"reranking": reranking}}
    answer = narrow.post(f"{NEW}/handbook/search", body)
    if strict:
        assert error_of(answer) == (500, 7073, "all_search_methods_failed")
        return
    found = answer.json()["result"]
    assert found["reranking"]["status"] == "fell_back"
    assert "the query has 50 tokens" in found["reranking"]["reason"]
    assert found["chunks"]
