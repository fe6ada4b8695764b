"""A server process under attack: what one request to ``/health`` costs meanwhile, in processor time of the process."""

import http.client
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from tests.acceptance.server_process import ServerProcess, run_cli, start_server

ACCOUNT = "acc"
BASE = f"/client/v4/accounts/{ACCOUNT}/ai-search/instances"
WORDS = {"vector": False, "keyword": True}
PATIENCE = 120.0
QUIET = 0.02
"""Seconds of processor time."""


class Attacked:
    """A server of its own with the keyword instance ``handbook``, which has a public endpoint."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder = folder
        self.token = run_cli("token", "create", "--name", "attack", "--quiet", data_dir=folder)
        self.process: ServerProcess = start_server(folder, **environment)
        self.url = self.process.url
        self.host, self.port = str(urlsplit(self.url).hostname), int(urlsplit(self.url).port or 0)
        self.client = httpx.Client(
            base_url=self.url, headers={"Authorization": f"Bearer {self.token}"}, timeout=PATIENCE
        )
        params = {"enabled": True, "mcp": {"disabled": False}, "rate_limit": {"period_ms": 60000, "requests": 100000}}
        body = {"id": "handbook", "index_method": WORDS, "public_endpoint_params": params}
        made = self.client.post(BASE, json=body)
        assert made.status_code == 200, made.text
        self.label = made.json()["result"]["public_endpoint_id"]
        self.put("oil.md", "Warm the lamp oil reservoir before lighting when the oil freezes.")
        self._settle()

    def _settle(self) -> None:
        """Return once the server has nothing left to do from its start."""
        while True:
            with self.watching() as costs:
                assert self.client.get("/openapi.json").status_code == 200
                assert self.client.post(f"{BASE}/handbook/search", json={"query": "oil"}).status_code == 200
            if max(costs) < QUIET:
                return

    def put(self, key: str, text: str, name: str = "handbook", **form: str) -> httpx.Response:
        """The answer to an upload, once it is indexed."""
        data = {"wait_for_completion": "true", **form}
        return self.client.post(f"{BASE}/{name}/items", files={"file": (key, text.encode())}, data=data)

    def stop(self) -> None:
        self.client.close()
        self.process.stop()

    def spent(self) -> float:
        """Seconds of processor time that the process has used."""
        return time.clock_gettime((~self.process.process.pid << 3) | 2)

    def worst(self, attack: Callable[[], None], bound: float) -> float:
        """The most that a request to ``/health`` costs during an attack; beyond the bound, of three attacks the least.

        What other threads of the server do meanwhile is counted too.
        """
        least = float("inf")
        for _ in range(3):
            with self.watching() as costs:
                attack()
            least = min(least, max(costs))
            if least <= bound:
                break
        return least

    @contextmanager
    def watching(self) -> Iterator[list[float]]:
        """What each of the requests to ``/health`` cost that are made meanwhile, one after the other."""
        costs: list[float] = []
        ended = threading.Event()

        def ask() -> None:
            line = http.client.HTTPConnection(self.host, self.port, timeout=PATIENCE)
            while not ended.is_set():
                before = self.spent()
                line.request("GET", "/health")
                assert line.getresponse().read().startswith(b'{"status":"ok"')
                costs.append(self.spent() - before)
            line.close()

        watch = threading.Thread(target=ask)
        watch.start()
        try:
            yield costs
        finally:
            ended.set()
            watch.join()
