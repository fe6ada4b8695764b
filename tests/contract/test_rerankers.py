"""What every reranker keeps to: aligned scores in [0, 1], a pair the same in any company, no text too long."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from secondlook.bootstrap import load_encoder
from secondlook.domain.candidate import Evidence
from secondlook.models.cross_encoder import CrossEncoder
from secondlook.models.encoder import Encoder
from secondlook.models.fakes import FakeReranker
from secondlook.models.late_interaction import LateInteraction
from secondlook.ports import Passage, Reranker, Scores, declared
from secondlook.settings import Settings
from tests.tiny_models import make_model

TEXTS = ["the oil lamp freezes", "fog horn", "", "日本語 🦊 lamp", "warm it before lighting the lamp " * 300]


def late_interaction(folder: Path) -> tuple[Reranker, Encoder | None]:
    encoder = load_encoder(Settings(data_dir=folder, offline=True))
    return LateInteraction(encoder), encoder


def cross_encoder(kind: str) -> Callable[[Path], tuple[Reranker, Encoder | None]]:
    def make(folder: Path) -> tuple[Reranker, Encoder | None]:
        encoder = Encoder(make_model(folder, kind).folder, head=True, threads=2)
        return CrossEncoder(encoder), encoder

    return make


def fake(folder: Path) -> tuple[Reranker, Encoder | None]:
    return FakeReranker(), None


ADAPTERS = {
    "late interaction": late_interaction,
    "bert": cross_encoder("bert"),
    "xlm-roberta": cross_encoder("xlm-roberta"),
    "fake": fake,
}


@pytest.fixture(scope="module", params=ADAPTERS)
def reranker(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reranker]:
    made, encoder = ADAPTERS[request.param](tmp_path_factory.mktemp("model"))
    yield made
    if encoder:
        encoder.close()


def score(reranker: Reranker, texts: list[str]) -> Scores:
    return asyncio.run(reranker.score("oil lamp", [Passage(text) for text in texts]))


def test_one_score_a_passage_in_range(reranker: Reranker) -> None:
    found = score(reranker, TEXTS)
    assert len(found.values) == len(TEXTS)
    assert all(0 <= value <= 1 for value in found.values)
    assert len(set(found.values)) > 1


def test_the_same_pair_scores_the_same_in_any_company(reranker: Reranker) -> None:
    together = score(reranker, TEXTS).values
    alone = [score(reranker, [text]).values[0] for text in TEXTS]
    turned = score(reranker, TEXTS[::-1]).values[::-1]
    assert alone == pytest.approx(together, abs=1e-5)
    assert turned == pytest.approx(together, abs=1e-5)


def test_no_passages_no_scores(reranker: Reranker) -> None:
    assert score(reranker, []) == Scores(())


def test_a_long_passage_is_counted_not_refused(reranker: Reranker) -> None:
    expected = 0 if isinstance(reranker, FakeReranker) else 1
    assert score(reranker, TEXTS).truncated == expected


def test_it_has_a_name(reranker: Reranker) -> None:
    assert reranker.identity
    assert isinstance(reranker.wants_stored, bool)
    assert declared(reranker).slice_size >= 0


def test_the_evidence_matters_only_where_it_is_declared(reranker: Reranker) -> None:
    bare, known = Passage(TEXTS[0]), Passage(TEXTS[0], None, Evidence(vector_score=0.9, vector_rank=1))
    values = asyncio.run(reranker.score("oil lamp", [bare, known])).values
    assert (values[0] != values[1]) == declared(reranker).uses_evidence
