"""The list of models."""

from pathlib import Path

from secondlook.models.listing import list_models
from secondlook.models.registry import BUILT_IN_RERANKER
from secondlook.models.weights import add_model
from tests.tiny_models import make_model


def test_the_list(tmp_path: Path) -> None:
    make_model(tmp_path / "tiny")
    add_model("mine/tiny", tmp_path / "tiny", tmp_path)
    rows = {row.name: row for row in list_models(tmp_path)}
    assert rows[BUILT_IN_RERANKER].built_in
    assert rows["mine/tiny"].cached
    assert not rows["BAAI/bge-reranker-base"].cached
    assert rows["BAAI/bge-reranker-base"].licence == "MIT"


def test_aliases_are_listed_with_their_models(tmp_path: Path) -> None:
    aliases = {"reranker": BUILT_IN_RERANKER, "rerank-v3.5": "@cf/baai/bge-reranker-base"}
    rows = {row.name: row.aliases for row in list_models(tmp_path, aliases=aliases)}
    assert rows[BUILT_IN_RERANKER] == ("reranker",)
    assert rows["BAAI/bge-reranker-base"] == ("@cf/baai/bge-reranker-base", "rerank-v3.5")
    assert rows["BAAI/bge-reranker-large"] == ()
