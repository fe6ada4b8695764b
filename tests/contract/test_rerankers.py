"""What every reranker keeps to: aligned scores in [0, 1], a pair the same in any company, no text too long."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from secondlook.domain.candidate import Evidence
from secondlook.models.cross_encoder import CrossEncoder
from secondlook.models.encoder import Encoder
from secondlook.models.fakes import FakeReranker
from secondlook.models.late_interaction import LateInteraction
from secondlook.models.onnx_cross_encoder import OnnxCrossEncoder
from secondlook.models.remote_config import open_remote
from secondlook.models.remote_reranker import Endpoint
from secondlook.ports import Passage, Reranker, Scores, declared
from secondlook.provision import load_encoder
from secondlook.settings import Settings
from tests.rerank_server import serve_reranker
from tests.tiny_models import make_model
from tests.unit.models.test_onnx_cross_encoder import export

TEXTS = ["the oil lamp freezes", "fog horn", "", "日本語 🦊 lamp", "warm it before lighting the lamp " * 450]


@dataclass
class Bench:
    """A reranker, the loop it lives in, and how many of the texts it cuts."""

    reranker: Reranker
    runner: asyncio.Runner
    cuts: int

    def score(self, texts: list[str]) -> Scores:
        return self.runner.run(self.reranker.score("oil lamp", [Passage(text) for text in texts]))


Opened = AbstractContextManager[tuple[Reranker, int]]


@contextmanager
def late_interaction(folder: Path, runner: asyncio.Runner) -> Iterator[tuple[Reranker, int]]:
    encoder = load_encoder(Settings(data_dir=folder, offline=True))
    yield LateInteraction(encoder), 1
    encoder.close()


def cross_encoder(kind: str) -> Callable[[Path, asyncio.Runner], Opened]:
    @contextmanager
    def make(folder: Path, runner: asyncio.Runner) -> Iterator[tuple[Reranker, int]]:
        made = CrossEncoder(Encoder(make_model(folder, kind).folder, head=True, threads=2))
        yield made, 1
        runner.run(made.close())

    return make


@contextmanager
def graph(folder: Path, runner: asyncio.Runner) -> Iterator[tuple[Reranker, int]]:
    made = CrossEncoder(OnnxCrossEncoder(export(folder), threads=2), max_tokens=60)
    yield made, 1
    runner.run(made.close())


@contextmanager
def fake(folder: Path, runner: asyncio.Runner) -> Iterator[tuple[Reranker, int]]:
    yield FakeReranker(), 0


def remote(provider: str) -> Callable[[Path, asyncio.Runner], Opened]:
    """What a server cuts is not known, so nothing is counted; a language model is shown the cut text by us."""

    @contextmanager
    def make(folder: Path, runner: asyncio.Runner) -> Iterator[tuple[Reranker, int]]:
        with serve_reranker() as server:
            made = open_remote(Endpoint("far", provider, server.url + "/ok", "m", timeout=60, batch=2))
            yield made, int(provider == "listwise")
            runner.run(made.close())

    return make


ADAPTERS: dict[str, Callable[[Path, asyncio.Runner], Opened]] = {
    "late interaction": late_interaction,
    "bert": cross_encoder("bert"),
    "xlm-roberta": cross_encoder("xlm-roberta"),
    "graph": graph,
    "fake": fake,
    **{name: remote(name) for name in ("cohere", "jina", "voyage", "tei", "workers-ai", "listwise")},
}


@pytest.fixture(scope="module", params=ADAPTERS)
def bench(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with asyncio.Runner() as runner:
        opened = ADAPTERS[request.param](tmp_path_factory.mktemp("model"), runner)
        with opened as (made, cuts):
            yield Bench(made, runner, cuts)


def test_one_score_a_passage_in_range(bench: Bench) -> None:
    found = bench.score(TEXTS)
    assert len(found.values) == len(TEXTS)
    assert all(0 <= value <= 1 for value in found.values)
    assert len(set(found.values)) > 1


def test_the_same_pair_scores_the_same_in_any_company(bench: Bench) -> None:
    """A ``rank`` is the one kind that is made of the company, and then the order is what must hold."""
    together = bench.score(TEXTS).values
    if bench.reranker.score_kind == "rank":
        assert sorted(together, reverse=True) == [61 / (60 + rank) for rank in range(1, len(TEXTS) + 1)]
        assert (together[0] > together[1]) == (bench.score(TEXTS[:2]).values[0] == 1)
        return
    alone = [bench.score([text]).values[0] for text in TEXTS]
    turned = bench.score(TEXTS[::-1]).values[::-1]
    assert alone == pytest.approx(together, abs=1e-5)
    assert turned == pytest.approx(together, abs=1e-5)


def test_no_passages_no_scores(bench: Bench) -> None:
    assert bench.score([]) == Scores(())


def test_a_long_passage_is_counted_not_refused(bench: Bench) -> None:
    assert bench.score(TEXTS).truncated == bench.cuts


def test_it_has_a_name_and_says_what_its_scores_mean(bench: Bench) -> None:
    assert bench.reranker.identity
    assert isinstance(bench.reranker.wants_stored, bool)
    assert bench.reranker.score_kind in ("logit", "probability", "cosine", "rank", "unknown")
    assert declared(bench.reranker).slice_size >= 0


def test_the_evidence_matters_only_where_it_is_declared(bench: Bench) -> None:
    bare, known = Passage(TEXTS[0]), Passage(TEXTS[0], None, Evidence(cosine=0.9, vector_rank=1))
    values = bench.runner.run(bench.reranker.score("oil lamp", [bare, known])).values
    if bench.reranker.score_kind != "rank":
        assert (values[0] != values[1]) == declared(bench.reranker).uses_evidence
