"""Rerankers that fail for real: the answer is that of a search without one, and only the receipt tells.

Servers are asked over HTTP, a process is killed while it works, and memory that is not there is asked for.
"""

import os
import signal
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from secondlook.models.batching import Floats, Ids
from secondlook.models.breaker import CircuitBreaker
from secondlook.models.cross_encoder import CrossEncoder
from secondlook.models.pairs import PairModel
from secondlook.models.reading import Reader
from secondlook.models.remote_config import open_remote
from secondlook.models.remote_reranker import Endpoint, RemoteReranker
from tests.rerank_server import FAULTS, RerankServer, serve_process
from tests.tiny_models import write_tokenizer
from tests.wire.conftest import LEGACY, NEW, Wire, error_of, keys_of

QUERY = "oil lamp"
FAR = "far"
STRICTEST = 1.0
"""A threshold that nothing here would pass, so that holding it against retrieval scores would show."""
REASONS = {
    "hangs": "did not answer within 200 ms",
    "drips": "did not answer within 200 ms",
    "refuses": "answered 500",
    "moved": "answered 307",
    "short": "2 scores for 3",
    "many": "4 scores for 3",
    "outside": "passage 999, which is not one of 0 to 2",
    "nan": "nan, which is not a number",
    "null": "None, which is not a number",
    "twice": "two scores for passage",
    "babbles": "did not send JSON",
    "half": "did not send JSON",
    "cut": "could not use",
    "huge": "sent more than",
}


def search(wire: Wire, generation: str = NEW, **reranking: Any) -> httpx.Response:
    """The answer to the query of this file, in either generation."""
    options = {"reranking": reranking, "retrieval": {"match_threshold": 0}}
    body = {"query": QUERY, "reranking": reranking, "ai_search_options": options}
    return wire.post(f"{generation}/handbook/search", body)


def falls_back(wire: Wire, **more: Any) -> str:
    """The reason, once both generations have answered as without a rerank but for the receipt."""
    reasons = set()
    for generation in (NEW, LEGACY):
        plain = search(wire, generation, enabled=False).json()["result"]
        strict = {"match_threshold": STRICTEST} if generation == NEW else {}
        found = search(wire, generation, enabled=True, model=FAR, **strict, **more).json()["result"]
        receipt = found.pop("reranking")
        assert plain.pop("reranking")["status"] == "skipped"
        assert found == plain
        assert len(plain.get("chunks", plain.get("data"))) == 3
        assert (receipt["status"], receipt["asked_model"], receipt["scored"]) == ("fell_back", FAR, 0)
        assert (receipt["candidates_in"], receipt["candidates_out"]) == (3, 3)
        reasons.add(receipt["reason"])
    assert len(reasons) == 1
    return str(reasons.pop())


def is_an_error(wire: Wire) -> str:
    """What the error says to a caller who would rather have one."""
    answer = search(wire, enabled=True, model=FAR, on_failure="error")
    assert error_of(answer) == (500, 7073, "all_search_methods_failed")
    return str(answer.json()["errors"][0]["detail"])


@pytest.mark.parametrize("fault", FAULTS)
def test_a_server_that_fails(filled: Wire, server: RerankServer, fault: str) -> None:
    timeout = 0.2 if fault in ("hangs", "drips") else 30
    filled.rerankers[FAR] = open_remote(Endpoint(FAR, "cohere", f"{server.url}/{fault}", "m", timeout=timeout))
    assert REASONS[fault] in falls_back(filled)
    assert REASONS[fault] in is_an_error(filled)


def test_the_same_server_without_a_fault(filled: Wire, server: RerankServer) -> None:
    filled.rerankers[FAR] = open_remote(Endpoint(FAR, "cohere", f"{server.url}/ok", "m", timeout=30))
    for generation in (NEW, LEGACY):
        answer = search(filled, generation, enabled=True, model=FAR, match_threshold=0)
        assert answer.json()["result"]["reranking"]["status"] == "ran"
        assert sorted(keys_of(answer)) == sorted(keys_of(search(filled, generation, enabled=False)))


def test_a_server_that_hangs_longer_than_the_search_may_take(filled: Wire, server: RerankServer) -> None:
    filled.rerankers[FAR] = open_remote(Endpoint(FAR, "cohere", f"{server.url}/hangs", "m", timeout=60))
    assert "scored nothing within its budget of 150 ms" in falls_back(filled, budget_ms=150)


@pytest.mark.server
def test_a_server_that_is_killed_while_it_works(filled: Wire) -> None:
    with serve_process() as (process, url):
        filled.rerankers[FAR] = open_remote(Endpoint(FAR, "cohere", f"{url}/hangs", "m", timeout=60))
        heard: list[str] = []

        def kill_once_asked() -> None:
            heard.append(process.stdout.readline().strip() if process.stdout else "")
            os.kill(process.pid, signal.SIGKILL)

        killer = threading.Thread(target=kill_once_asked)
        killer.start()
        plain = search(filled, enabled=False).json()["result"]
        found = search(filled, enabled=True, model=FAR, match_threshold=STRICTEST).json()["result"]
        killer.join(30)
        assert (process.wait(10), heard) == (-signal.SIGKILL, ["/hangs/rerank"])
        assert "could not use far" in found["reranking"]["reason"]
        assert (found["reranking"]["status"], found["chunks"]) == ("fell_back", plain["chunks"])
        assert "could not use far" in falls_back(filled), "nobody listens any more"
        assert "could not use far" in is_an_error(filled)


def test_a_breaker_opens_and_one_search_tries_again(filled: Wire, server: RerankServer) -> None:
    now = [0.0]
    breaker = CircuitBreaker("the reranker far", failures=3, pause=30, clock=lambda: now[0])
    filled.rerankers[FAR] = RemoteReranker(Endpoint(FAR, "cohere", f"{server.url}/x", "m", timeout=30), breaker=breaker)
    before = len(server.asked)

    def ask(mode: str) -> tuple[str, int]:
        server.mode = mode
        receipt = search(filled, enabled=True, model=FAR, match_threshold=0).json()["result"]["reranking"]
        return receipt["status"], len(server.asked) - before

    try:
        assert [ask(mode) for mode in ("refuses", "cut", "short")] == [("fell_back", at) for at in (1, 2, 3)]
        assert (ask("ok"), breaker.state) == (("fell_back", 3), "open")
        assert "after 3 failures in a row" in falls_back(filled)
        now[0] += 31
        assert (breaker.state, ask("refuses"), breaker.state) == ("half open", ("fell_back", 4), "open")
        assert ask("ok") == ("fell_back", 4), "the try that failed begins the pause anew"
        now[0] += 31
        assert [ask("ok"), ask("ok")] == [("ran", 5), ("ran", 6)]
        assert breaker.state == "closed"
    finally:
        server.mode = ""


class Hungry:
    """A runtime that asks for more memory than there is when a run has more than so many tokens."""

    name = "hungry"
    tokens_a_run = 200
    pads = False

    def __init__(self, most: int) -> None:
        self.most = most
        self.failed = 0

    def infer(self, ids: Sequence[Ids], types: Sequence[Ids]) -> list[Floats]:
        if sum(map(len, ids)) > self.most:
            self.failed += 1
            np.empty(1 << 60, np.int8)
        return [np.array([len(one) / 10 - 1], np.float32) for one in ids]


class Scorer(PairModel):
    """Pairs that are read by a real reader and scored by ``Hungry`` in the real queue."""

    identity = "hungry@1"

    def __init__(self, folder: Path, session: Hungry) -> None:
        write_tokenizer(folder, "bert")
        super().__init__(Reader(folder, max_positions=64), session, threads=1)


def test_memory_that_suffices_for_parts_changes_nothing(filled: Wire, tmp_path: Path) -> None:
    shown = []
    for most in (10**6, 20):
        session = Hungry(most)
        scorer = Scorer(tmp_path, session)
        filled.rerankers[FAR] = CrossEncoder(scorer, max_tokens=60)
        answer = search(filled, enabled=True, model=FAR, match_threshold=0)
        scorer.close()
        assert answer.json()["result"]["reranking"]["status"] == "ran"
        assert (session.failed > 0) == (most == 20)
        shown.append(answer.json()["result"]["chunks"])
    assert shown[0] == shown[1]


def test_memory_that_does_not_suffice_for_one(filled: Wire, tmp_path: Path) -> None:
    scorer = Scorer(tmp_path, Hungry(3))
    filled.rerankers[FAR] = CrossEncoder(scorer, max_tokens=60)
    assert "out of memory on a sequence of" in falls_back(filled)
    assert "out of memory on a sequence of" in is_an_error(filled)
    scorer.close()
