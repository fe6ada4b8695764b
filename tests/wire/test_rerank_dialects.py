"""One rerank service for clients of many: the body decides the shape, hosted names are substituted and said so."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from tests.wire.conftest import BGE, MISSING, NEW, Wire, error_of
from tests.wire.test_rerank import QUERY, TEXTS

PLAIN = ("/v1/rerank", "/v2/rerank", "/rerank")
HOSTED = ("rerank-v3.5", "rerank-2.5", "jina-reranker-v2-base-multilingual", "Qwen/Qwen3-Reranker-0.6B", "reranker")
NONSENSE = ("no/such", "rerank-nonsense", "gpt-4o", "@cf/meta/llama-3.1-8b-instruct")
RUN = "/client/v4/accounts/acc/ai/run"


def receipt_of(answer: Any) -> dict[str, Any]:
    """The receipt in the header, which is that of the body where there is one."""
    told: dict[str, Any] = json.loads(answer.headers["x-secondlook-receipt"])
    body = answer.json()
    inner = body.get("result", body) if isinstance(body, dict) else {}
    assert inner.get("secondlook", told) == told
    return told


BODIES: Sequence[tuple[dict[str, Any], type]] = (
    ({"documents": TEXTS}, dict),
    ({"documents": TEXTS, "texts": None}, dict),
    ({"documents": TEXTS, "texts": TEXTS[:1], "return_text": True}, dict),
    ({"documents": [{"text": text} for text in TEXTS], "top_n": 3}, dict),
    ({"texts": TEXTS}, list),
    ({"texts": TEXTS, "documents": None}, list),
    ({"texts": TEXTS, "top_n": 1}, list),
)


def test_the_body_decides_what_rerank_answers(wire: Wire) -> None:
    for more, shape in BODIES:
        body = {"model": "", "query": QUERY, **more}
        found = wire.post("/rerank", body).json()
        assert isinstance(found, shape), more
        rows = found if isinstance(found, list) else found["results"]
        assert [row["index"] for row in rows] == [1, 2, 0], more
        if isinstance(found, dict):
            same = wire.post("/v1/rerank", body).json()
            assert set(found) == set(same)
            assert (found["results"], found["meta"]) == (same["results"], same["meta"])


def test_errors_of_rerank_are_read_by_clients_of_either_shape(wire: Wire) -> None:
    wrong: Sequence[tuple[dict[str, Any], int]] = (
        ({"documents": []}, 400),
        ({"documents": TEXTS, "query": ""}, 400),
        ({"documents": "oil"}, 400),
        ({"documents": TEXTS, "model": "no/such"}, 404),
        ({"texts": [], "model": ""}, 400),
    )
    for body, status in wrong:
        answer = wire.post("/rerank", {"query": QUERY, **body})
        assert error_of(answer)[0] == status, body
        assert answer.json()["message"] == answer.json()["error"] == answer.json()["errors"][0]["detail"]
        assert answer.json()["error_type"] == "validation"


def test_info_as_text_embeddings_inference_tells_it(wire: Wire) -> None:
    found = wire.get("/info").json()
    assert found["model_id"] == "made/built-in"
    assert list(found["model_type"]) == ["reranker"]
    assert found["model_type"]["reranker"]["id2label"]["0"] in found["model_type"]["reranker"]["label2id"]
    assert (found["max_input_length"], found["max_client_batch_size"], found["auto_truncate"]) == (64, 1000, True)
    assert found["version"]
    secret = wire.run(wire.services.access.create("run", permission="run"))[1]
    assert wire.ask("GET", "/info", headers={"authorization": f"Bearer {secret}"}).json() == found
    assert wire.ask("GET", "/info", headers={"authorization": "Bearer none"}).status_code == 401


def test_a_name_of_others_is_substituted_and_said_so(wire: Wire) -> None:
    for path in PLAIN:
        for model in HOSTED:
            answer = wire.post(path, {"model": model, "query": QUERY, "documents": TEXTS})
            assert [row["index"] for row in answer.json()["results"]] == [1, 2, 0], "in the new order"
            receipt = receipt_of(answer)
            told = (receipt["status"], receipt["asked_model"], receipt["model"])
            assert told == ("substituted", model, "built-in@1"), path
            assert model in receipt["reason"] and "built-in reranker" in receipt["reason"]


def test_the_same_in_the_shape_of_text_embeddings_inference(wire: Wire) -> None:
    for model in HOSTED:
        answer = wire.post("/rerank", {"model": model, "query": QUERY, "texts": TEXTS})
        assert [row["index"] for row in answer.json()] == [1, 2, 0]
        assert receipt_of(answer)["status"] == "substituted", model


def test_nonsense_stays_an_error(wire: Wire) -> None:
    for model in NONSENSE:
        for path in PLAIN:
            documents = wire.post(path, {"model": model, "query": QUERY, "documents": TEXTS})
            assert error_of(documents) == (404, 7010, "invalid_model"), model
        texts = wire.post("/rerank", {"model": model, "query": QUERY, "texts": TEXTS})
        assert error_of(texts) == (400, 7010, "invalid_model"), model


def test_a_search_knows_no_names_of_others(filled: Wire) -> None:
    reranking = {"enabled": True, "model": "rerank-v3.5"}
    messages = [{"role": "user", "content": "oil"}]
    for verb in ("search", "chat/completions"):
        body = {"messages": messages, "ai_search_options": {"reranking": reranking}}
        assert error_of(filled.post(f"{NEW}/handbook/{verb}", body)) == (400, 7010, "invalid_model")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/rerank", {"documents": ["lamp oil", "fog horn", "bell"]}),
        ("/v1/rerank", {"documents": ["lamp oil", "fog horn", "bell"], "top_n": 1}),
        ("/rerank", {"texts": ["lamp oil", "fog horn", "bell"]}),
        ("/rerank", {"documents": ["lamp oil", "fog horn", "bell"], "top_n": 2, "model": "rerank-v3.5"}),
    ],
)
def test_the_receipt_agrees_with_itself(wire: Wire, path: str, body: dict[str, Any]) -> None:
    receipt = receipt_of(wire.post(path, {"query": "oil", **body}))
    [stage] = receipt["stages"]
    assert (receipt["candidates_in"], receipt["scored"], stage["in"], stage["scored"]) == (3, 3, 3, 3)
    assert receipt["candidates_out"] == stage["out"] == body.get("top_n", 3)
    for name in ("status", "reason", "model", "asked_model", "ms"):
        assert stage[name] == receipt[name], name


def test_every_answer_has_its_receipt_in_a_header(wire: Wire) -> None:
    contexts = [{"text": text} for text in TEXTS]
    for model, status in (("", "ran"), (BGE, "ran"), (MISSING, "substituted")):
        for path in PLAIN:
            answer = wire.post(path, {"model": model, "query": QUERY, "documents": TEXTS})
            assert receipt_of(answer)["status"] == status, path
        if model:
            run = wire.post(f"{RUN}/{model}", {"query": QUERY, "contexts": contexts})
            assert receipt_of(run)["status"] == status
        body, named = {"inputs": {"query": QUERY, "contexts": contexts}}, {"cf-consn-model-id": model}
        assert receipt_of(wire.post("/run", body, headers=named))["status"] == status


def test_usage_and_data_are_beside_the_results(wire: Wire) -> None:
    for path in PLAIN:
        plain = wire.post(path, {"query": QUERY, "documents": TEXTS, "top_n": 2}).json()
        assert plain["object"] == "list"
        assert plain["data"] == plain["results"]
        words = 2 * 3 + sum(len(text.split()) for text in TEXTS)
        assert plain["usage"] == {"prompt_tokens": words, "total_tokens": words}
        cut = wire.post(path, {"query": QUERY, "documents": TEXTS, "max_tokens_per_doc": 1}).json()
        assert cut["usage"]["total_tokens"] == 2 * 3 + 3, "what was read"
        pages: list[Any] = [{"text": "oil lamp", "id": 7}, "oil"]
        whole = wire.post(path, {"query": QUERY, "documents": pages, "return_documents": True}).json()
        assert [row["document"] for row in whole["results"]] == [pages[0], {"text": "oil"}]
        assert [row["document"] for row in whole["data"]] == ["oil lamp", "oil"]


ON = ("true", "True", " TRUE ", "1", 1, True)
OFF = ("false", "False", "0", 0, None, False)


def test_switches_as_text(wire: Wire) -> None:
    for raw in (*ON, *OFF):
        wanted = raw in ON
        for path in PLAIN:
            found = wire.post(path, {"query": QUERY, "documents": TEXTS, "return_documents": raw, "top_n": "2"}).json()
            assert ["document" in row for row in found["results"]] == [wanted] * 2, raw
        rows = wire.post("/rerank", {"query": QUERY, "texts": TEXTS, "return_text": raw, "raw_scores": raw}).json()
        assert ["text" in row for row in rows] == [wanted] * 3, raw
        assert (rows[0]["score"] > 1) is wanted


def test_other_text_is_refused(wire: Wire) -> None:
    for more in ({"return_documents": "perhaps"}, {"return_documents": 2}, {"return_documents": []}, {"top_n": "two"},
                 {"top_n": "-1"}, {"top_n": "0"}, {"top_n": ""}):  # fmt: skip
        for path in PLAIN:
            answer = wire.post(path, {"query": QUERY, "documents": TEXTS, **more})
            assert error_of(answer) == (400, 7400, "invalid_request"), more
            assert next(iter(more)) in answer.json()["message"]


def test_a_model_for_another_task_is_refused_before_its_body_is_read(wire: Wire) -> None:
    bodies: Sequence[Any] = (
        {"messages": [{"role": "user", "content": "hi"}]},
        {"prompt": "hi"},
        {"text": ["hi"]},
        {},
        None,
    )
    for model in ("@cf/meta/llama-3.1-8b-instruct", "@cf/baai/bge-m3", "no/such", "rerank-v3.5"):
        for body in bodies:
            answers = [wire.post(f"{base}/accounts/acc/ai/run/{model}", body) for base in ("/client/v4", "")]
            answers.append(wire.post("/run", {"inputs": body}, headers={"cf-consn-model-id": model}))
            picture = {"content": b"\x89PNG not json", "headers": {"content-type": "image/png"}}
            answers.append(wire.ask("POST", f"{RUN}/{model}", **picture))
            assert {error_of(one) for one in answers} == {(400, 7010, "invalid_model")}, (model, body)
