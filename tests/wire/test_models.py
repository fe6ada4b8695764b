"""The list of models that an instance can name."""

from tests.wire.conftest import Wire, error_of

MODELS = "/client/v4/accounts/acc/ai-search/models"


def test_each_model_tells_what_a_choice_needs(wire: Wire) -> None:
    embedder, reader, far = wire.get(MODELS).json()["result"]
    assert embedder["status"] == "built_in"
    assert reader == {
        "name": "made/reader", "aliases": ["@cf/x"], "task": "reranking", "licence": "MIT", "languages": ["en", "zh"],
        "multilingual": False, "parameters": 278_000_000, "max_tokens": 512, "score_kind": None, "status": "absent",
        "note": "pull it",
    }  # fmt: skip
    assert (far["languages"], far["multilingual"], far["parameters"], far["status"]) == ([], True, None, "remote")


def test_one_task_alone(wire: Wire) -> None:
    found = wire.get(MODELS, task="reranking").json()["result"]
    assert [one["name"] for one in found] == ["made/reader", "made/far"]
    assert error_of(wire.get(MODELS, task="cooking"))[0] == 400
