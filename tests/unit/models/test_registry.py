"""Names become rerankers; nothing is guessed."""

import asyncio
from pathlib import Path

import pytest

from secondlook.errors import InvalidModelError, SetupError
from secondlook.models.fakes import FakeReranker
from secondlook.models.registry import (
    BUILT_IN_RERANKER,
    CROSS_ENCODERS,
    RerankerShelf,
    find_known,
    find_pinned,
    list_models,
)
from secondlook.models.weights import ALL_MINILM, add_model
from secondlook.ports import Passage
from tests.tiny_models import make_model


def shelf(cache: Path) -> RerankerShelf:
    return RerankerShelf(cache, FakeReranker("built-in@1"), threads=1)


def test_the_built_in_one(tmp_path: Path) -> None:
    found = shelf(tmp_path)
    assert found.find("") is found.default
    assert found.find(BUILT_IN_RERANKER) is found.default


def test_an_unknown_name_lists_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(InvalidModelError, match=r"no/such.*BAAI/bge-reranker-base.*models add"):
        shelf(tmp_path).find("no/such")


@pytest.mark.parametrize("name", ["@cf/baai/bge-reranker-base", "BAAI/bge-reranker-base"])
def test_known_but_not_here(tmp_path: Path, name: str) -> None:
    with pytest.raises(SetupError, match="models pull BAAI/bge-reranker-base"):
        shelf(tmp_path).find(name)


def test_an_added_model_serves_under_its_name_and_alias(tmp_path: Path) -> None:
    make_model(tmp_path / "tiny", "xlm-roberta")
    add_model("BAAI/bge-reranker-base", tmp_path / "tiny", tmp_path)
    add_model("mine", tmp_path / "tiny", tmp_path)
    found = shelf(tmp_path)
    by_alias, by_name = found.find("@cf/baai/bge-reranker-base"), found.find("BAAI/bge-reranker-base")
    assert by_alias is by_name
    before = by_name.identity
    scores = asyncio.run(by_name.score("oil lamp", [Passage("fog horn"), Passage("oil lamp")])).values
    assert len(set(scores)) == 2
    assert by_name.identity != before
    assert "int8" in by_name.identity
    assert asyncio.run(found.find("mine").score("oil lamp", [Passage("fog horn")])).values[0] == scores[0]


def test_broken_weights_are_told_at_the_first_score(tmp_path: Path) -> None:
    folder = add_model("mine", make_model(tmp_path / "tiny").folder, tmp_path)
    (folder / "model.safetensors").write_bytes(b"broken")
    with pytest.raises(SetupError, match="cannot be read"):
        asyncio.run(shelf(tmp_path).find("mine").score("oil", [Passage("lamp")]))


def test_the_list(tmp_path: Path) -> None:
    make_model(tmp_path / "tiny")
    add_model("mine/tiny", tmp_path / "tiny", tmp_path)
    rows = {row.name: row for row in list_models(tmp_path)}
    assert rows[BUILT_IN_RERANKER].built_in
    assert rows["mine/tiny"].cached
    assert not rows["BAAI/bge-reranker-base"].cached
    assert rows["BAAI/bge-reranker-base"].licence == "MIT"


def test_what_can_be_downloaded() -> None:
    assert find_pinned("@cf/baai/bge-reranker-base") is CROSS_ENCODERS[0]
    assert find_pinned("sentence-transformers/all-MiniLM-L6-v2") is ALL_MINILM
    assert find_known("openai/text-embedding-3-small") is None
    with pytest.raises(InvalidModelError, match="cannot be downloaded"):
        find_pinned("no/such")
