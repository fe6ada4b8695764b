"""While many clients rerank, the server still answers everything else."""

import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.acceptance.server_process import ServerProcess

pytestmark = pytest.mark.server

CLIENTS = 32
ACCOUNT = "busy"
BASE = f"/accounts/{ACCOUNT}/ai-search/instances"
QUERY = "what must I do when the oil in the lamp is frozen?"
PASSAGE = "When lamp oil freezes, warm the reservoir to 12 degrees before lighting. "
PATIENCE = 60.0
"""Seconds; the test is about answering at all, benchmarks/speed/load.py says how fast."""


@pytest.fixture(scope="module")
def client(server: ServerProcess, token: str) -> httpx.Client:
    limits = httpx.Limits(max_connections=CLIENTS + 4)
    headers = {"authorization": f"Bearer {token}"}
    return httpx.Client(base_url=server.url, headers=headers, timeout=PATIENCE, limits=limits)


def test_health_and_keyword_search_answer_while_many_rerank(client: httpx.Client) -> None:
    index = {"id": "words", "index_method": {"vector": False, "keyword": True}}
    assert client.post(BASE, json=index).status_code == 200
    form = {"wait_for_completion": "true"}
    uploaded = client.post(f"{BASE}/words/items", files={"file": ("oil.md", PASSAGE.encode())}, data=form)
    assert uploaded.json()["result"]["status"] == "completed"
    stop = threading.Event()
    begun = threading.Barrier(CLIENTS + 1)

    def rerank(number: int) -> set[int]:
        documents = [f"{number} {place} {PASSAGE}" for place in range(30)]
        begun.wait(PATIENCE)
        seen = set()
        while not seen or not stop.is_set():
            answer = client.post("/v2/rerank", json={"query": QUERY, "documents": documents})
            seen.add(answer.status_code)
            if answer.status_code == 200:
                assert len(answer.json()["results"]) == len(documents)
            else:
                assert int(answer.headers["retry-after"]) >= 1
        return seen

    with ThreadPoolExecutor(CLIENTS) as pool:
        running = [pool.submit(rerank, number) for number in range(CLIENTS)]
        try:
            begun.wait(PATIENCE)
            for _ in range(10):
                assert client.get("/health").json()["status"] == "ok"
                found = client.post(f"{BASE}/words/search", json={"query": "lamp oil"})
                assert [chunk["item"]["key"] for chunk in found.json()["result"]["chunks"]] == ["oil.md"]
            assert not all(one.done() for one in running), "they reranked meanwhile"
        finally:
            stop.set()
        statuses = set().union(*(one.result(PATIENCE) for one in running))
    assert 200 in statuses
    assert statuses <= {200, 429}
