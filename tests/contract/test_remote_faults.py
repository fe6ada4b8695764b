"""However a remote reranker fails, the search keeps its retrieval order, and the receipt says what happened."""

from pathlib import Path

import pytest

from secondlook.domain.candidate import Ranking
from secondlook.domain.options import Plan, Reranking
from secondlook.models.breaker import CircuitBreaker
from secondlook.models.remote_config import PROVIDERS, open_remote
from secondlook.models.remote_reranker import Endpoint, RemoteReranker
from secondlook.stages.rerank import rerank_candidates
from tests.rerank_server import FAULTS, RerankServer
from tests.unit.stages.conftest import Bench, ids, make_ranking, run

SCORES = [0.9, 0.8, 0.7, 0.6, 0.5]
REASONS = {
    "hangs": "did not answer within 300 ms",
    "drips": "did not answer within 300 ms",
    "refuses": "answered 500: overloaded",
    "moved": "answered 307: over there",
    "babbles": "did not send JSON",
    "half": "did not send JSON",
    "huge": "sent more than 8,388,608 bytes",
    "cut": "could not use",
    "short": "4 scores for 5|valid ranking",
    "many": "6 scores for 5|valid ranking",
    "outside": "passage 999, which is not one of 0 to 4|valid ranking",
    "nan": "not a number|valid ranking",
    "null": "None, which is not a number|valid ranking",
    "twice": "two scores for passage|valid ranking",
}


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(tmp_path_factory.mktemp("engine"))


def search(bench: Bench, endpoint: Endpoint) -> tuple[Ranking, Ranking]:
    """A ranking, and what became of it."""
    before = make_ranking(SCORES)

    async def work() -> Ranking:
        reranker = open_remote(endpoint)
        try:
            return await rerank_candidates(before, Plan("i", reranking=Reranking()), bench.tools(reranker))
        finally:
            await reranker.close()

    return before, run(work())


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_falls_back(bench: Bench, server: RerankServer, provider: str, fault: str) -> None:
    timeout = 0.3 if fault in ("hangs", "drips") else 30
    before, after = search(bench, Endpoint("far", provider, f"{server.url}/{fault}", "m", timeout=timeout))
    assert ids(after) == ids(before)
    assert [one.score for one in after.candidates] == SCORES
    assert all(one.evidence.relevance is None for one in after.candidates)
    assert after.receipt.status == "fell_back"
    assert any(reason in after.receipt.reason for reason in REASONS[fault].split("|")), after.receipt.reason
    assert not [path for path, _, _ in server.asked if path.startswith("/ok/moved")], "no redirect is followed"


@pytest.mark.parametrize("provider", PROVIDERS)
def test_without_a_fault_it_runs(bench: Bench, server: RerankServer, provider: str) -> None:
    _, after = search(bench, Endpoint("far", provider, f"{server.url}/ok", "m", timeout=30))
    assert after.receipt.status == "ran"
    assert after.receipt.model.startswith(f"{provider}:m@")
    assert after.candidates[0].chunk.text == "oil lamp in winter"


def test_a_server_that_comes_back_is_asked_again(bench: Bench, server: RerankServer) -> None:
    now = [0.0]
    breaker = CircuitBreaker("the reranker far", failures=2, pause=30, clock=lambda: now[0])

    async def work() -> list[tuple[str, str]]:
        reranker = RemoteReranker(Endpoint("far", "cohere", f"{server.url}/x", "m", timeout=30), breaker=breaker)
        found = []
        for mode, passed in (("refuses", 0), ("cut", 0), ("ok", 0), ("babbles", 31), ("ok", 1), ("ok", 31), ("ok", 0)):
            server.mode = mode
            now[0] += passed
            after = await rerank_candidates(
                make_ranking(SCORES), Plan("i", reranking=Reranking()), bench.tools(reranker)
            )
            found.append((after.receipt.status, after.receipt.reason))
        await reranker.close()
        return found

    asked = len(server.asked)
    found = run(work())
    server.mode = ""
    assert [status for status, _ in found] == [*["fell_back"] * 5, "ran", "ran"]
    assert "after 2 failures in a row" in found[2][1]
    assert len(server.asked) - asked == 5, "an open breaker asks nothing"


def test_an_unreachable_server_falls_back(bench: Bench, tmp_path: Path) -> None:
    _, after = search(bench, Endpoint("far", "tei", "http://127.0.0.1:9"))
    assert after.receipt.status == "fell_back"
    assert "could not use far" in after.receipt.reason
