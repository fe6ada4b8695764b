"""A model that gives other scores than when it was first loaded, or a wrong order, is not used."""

import asyncio
import json
import logging
from pathlib import Path

import pytest

from secondlook.errors import RerankerError
from secondlook.models.encoder import Encoder
from secondlook.models.fakes import FakeReranker
from secondlook.models.golden import PAIRS, RECORD, check_model
from secondlook.models.late_interaction import LateInteraction
from secondlook.ports import Passage

RELEVANT = {pair.relevant for pair in PAIRS}


def model(good: float = 0.9, bad: float = 0.1, name: str = "m@1") -> FakeReranker:
    def scorer(query: str, passage: Passage) -> float:
        return good if passage.text in RELEVANT else bad

    return FakeReranker(name, scorer=scorer)


def check(made: FakeReranker, *, trained: bool = False, folder: Path | None = None) -> None:
    asyncio.run(check_model(made, trained=trained, folder=folder))


def test_a_trained_model_must_know_the_order() -> None:
    check(model(), trained=True)
    check(model(0.1, 0.9), trained=False)
    with pytest.raises(RerankerError, match=r"m@1 failed its self-test.*capital of France.*0\.1000.*0\.9000"):
        check(model(0.1, 0.9), trained=True)
    with pytest.raises(RerankerError, match="is not used"):
        check(model(0.5, 0.5), trained=True)


def test_the_first_scores_are_recorded_and_held_against_later_ones(tmp_path: Path) -> None:
    check(model(0.9, 0.1), folder=tmp_path)
    assert json.loads((tmp_path / RECORD).read_text())["m@1"] == [0.9, 0.1] * len(PAIRS)
    check(model(0.915, 0.09), folder=tmp_path)
    with pytest.raises(RerankerError, match=r"0\.9000 when it was first loaded and gives 0\.8700 now.*golden\.json"):
        check(model(0.87, 0.1), folder=tmp_path)
    assert json.loads((tmp_path / RECORD).read_text())["m@1"][0] == 0.9


def test_another_identity_has_scores_of_its_own(tmp_path: Path) -> None:
    check(model(), folder=tmp_path)
    check(model(0.2, 0.1, "m@1/other-runtime"), folder=tmp_path)
    assert len(json.loads((tmp_path / RECORD).read_text())) == 2


@pytest.mark.parametrize("text", ["{", "[1]", '{"m@1": [0.9]}', '{"m@1": "high"}'])
def test_a_record_that_cannot_be_read(tmp_path: Path, text: str) -> None:
    (tmp_path / RECORD).write_text(text, encoding="utf-8")
    with pytest.raises(RerankerError, match=r"golden\.json.*remove"):
        check(model(), folder=tmp_path)


def test_a_folder_that_cannot_be_written(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        check(model(), folder=tmp_path / "gone")
    assert "Could not write" in caplog.text


def test_the_built_in_reranker_knows_the_order(real_encoder: Encoder) -> None:
    asyncio.run(check_model(LateInteraction(real_encoder), trained=True))
