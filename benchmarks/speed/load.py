"""Loads a server process with clients that rerank, and times what else it is asked meanwhile.

    python benchmarks/speed/load.py --out FIGURES.json [--seconds 20] [--clients 1 8 32] [--documents 50]

Every client sends one rerank after the other, of documents that no other request has, and waits as long as
``Retry-After`` says when it is refused. Two more ask for ``/health`` and for a keyword search five times a
second. Written are requests and documents a second, latency percentiles, refusals, and memory, for each
number of clients; and the same two probes on the idle server.
"""

import argparse
import json
import os
import platform
import random
import re
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from search import BASE, Server, start

WORDS = (
    "the lamp oil freezes in winter so warm its reservoir before lighting a station reports wind and rain every ten"
    " minutes over radio to one gateway which keeps a day of readings when battery voltage falls below four volts"
    " check solar panel mast anchor cable and seal then restart"
).split()
WORDS_A_DOCUMENT = 90
PAUSE = 0.2
"""Seconds between two probes of a kind."""


@dataclass
class Tally:
    """What one kind of request met; seconds of those that were served."""

    seconds: list[float] = field(default_factory=list)
    refused: int = 0
    failed: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, seconds: float, status: int) -> None:
        """One answer."""
        with self.lock:
            if status == 200:
                self.seconds.append(seconds)
            elif status == 429:
                self.refused += 1
            else:
                self.failed += 1

    def figures(self, wall: float) -> dict[str, float]:
        """Percentiles in milliseconds, and served a second."""
        found = {"served": len(self.seconds), "refused": self.refused, "failed": self.failed}
        if len(self.seconds) < 2:
            return found
        cuts = statistics.quantiles([1000 * one for one in self.seconds], n=100, method="inclusive")
        times = {f"p{at}_ms": round(cuts[at - 1], 2) for at in (50, 95, 99)}
        return {**found, "served_a_second": round(len(self.seconds) / wall, 3), **times}


def make_document(chance: random.Random) -> str:
    """About 110 tokens."""
    return " ".join(chance.choices(WORDS, k=WORDS_A_DOCUMENT))


def rerank_until(stop: threading.Event, client: httpx.Client, tally: Tally, seed: int, documents: int) -> None:
    """One client."""
    chance = random.Random(seed)
    while not stop.is_set():
        body = {
            "query": "what when the lamp oil freezes",
            "documents": [make_document(chance) for _ in range(documents)],
        }
        started = time.perf_counter()
        answer = client.post("/v2/rerank", json=body)
        tally.add(time.perf_counter() - started, answer.status_code)
        if answer.status_code == 429:
            stop.wait(float(answer.headers["retry-after"]))


def probe_until(stop: threading.Event, ask: Callable[[], httpx.Response], tally: Tally) -> None:
    """One kind of probe."""
    while not stop.is_set():
        started = time.perf_counter()
        answer = ask()
        tally.add(time.perf_counter() - started, answer.status_code)
        stop.wait(PAUSE)


def memory_mb(server: Server) -> dict[str, float]:
    """Resident now, and at most so far."""
    status = Path(f"/proc/{server.process.pid}/status").read_text(encoding="utf-8")
    found = {name: re.search(rf"{name}:\s+(\d+) kB", status) for name in ("VmRSS", "VmHWM")}
    now, peak = (round(int(one.group(1)) / 1024, 1) if one else 0.0 for one in found.values())
    return {"rss_mb": now, "peak_rss_mb": peak}


def load(server: Server, clients: int, seconds: float, documents: int) -> dict[str, Any]:
    """The figures of so many clients over so many seconds; requests that are under way then are waited for."""
    stop = threading.Event()
    tallies = {"rerank": Tally(), "health": Tally(), "keyword_search": Tally()}
    web = server.client

    def search() -> httpx.Response:
        options = {"retrieval": {"retrieval_type": "keyword", "keyword_match_mode": "or"}}
        return web.post(f"{BASE}/words/search", json={"query": "lamp oil", "ai_search_options": options})

    started = time.perf_counter()
    with ThreadPoolExecutor(clients + 2) as pool:
        jobs = [
            pool.submit(rerank_until, stop, web, tallies["rerank"], 1000 * clients + at, documents)
            for at in range(clients)
        ]
        jobs.append(pool.submit(probe_until, stop, lambda: web.get("/health"), tallies["health"]))
        jobs.append(pool.submit(probe_until, stop, search, tallies["keyword_search"]))
        stop.wait(seconds)
        stop.set()
        for job in jobs:
            job.result()
    wall = time.perf_counter() - started
    made: dict[str, Any] = {name: one.figures(wall) for name, one in tallies.items()}
    made["documents_a_second"] = round(len(tallies["rerank"].seconds) * documents / wall, 2)
    return {"clients": clients, "seconds": round(wall, 1), **made, **memory_mb(server)}


def prepare(server: Server) -> None:
    """An index of words to search meanwhile."""
    chance = random.Random(1)
    made = server.client.post(BASE, json={"id": "words", "index_method": {"vector": False, "keyword": True}})
    made.raise_for_status()
    for number in range(200):
        page = make_document(chance).encode()
        form = {"wait_for_completion": "true"}
        files = {"file": (f"{number}.md", page)}
        server.client.post(f"{BASE}/words/items", files=files, data=form).raise_for_status()


def main() -> None:
    """Start a server, load it, stop it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 8, 32])
    parser.add_argument("--documents", type=int, default=50)
    given = parser.parse_args()
    figures: dict[str, Any] = {
        "machine": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "load_average_before": round(os.getloadavg()[0], 2),
        "documents_a_request": given.documents,
        "words_a_document": WORDS_A_DOCUMENT,
        "rounds": [],
    }
    with tempfile.TemporaryDirectory() as folder:
        server = start(Path(folder))
        server.client = httpx.Client(
            base_url=server.client.base_url,
            headers=server.client.headers,
            timeout=600,
            limits=httpx.Limits(max_connections=max(given.clients) + 2),
        )
        try:
            prepare(server)
            receipt = server.client.post("/v2/rerank", json={"query": "oil", "documents": ["lamp"]}).json()[
                "secondlook"
            ]
            figures["model"] = receipt["model"]
            for clients in (0, *given.clients):
                figures["rounds"].append(load(server, clients, given.seconds, given.documents))
                print(json.dumps(figures["rounds"][-1], indent=1), flush=True)
        finally:
            server.process.terminate()
            server.process.wait(60)
    given.out.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
