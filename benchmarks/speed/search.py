"""Times ingest and search of a corpus as a user meets them: a server process, asked over HTTP.

    python benchmarks/speed/search.py CORPUS.jsonl QUERIES.jsonl --out FIGURES.json [--pages N] [--data-dir D]

CORPUS and QUERIES are in BEIR layout. Every page is uploaded as a Markdown file. Then each query is
asked with and without reranking, in turn, after a warm-up, so that both arms meet the same machine.
Prints and writes medians and 95th percentiles in milliseconds, pages and chunks a minute, the
server's peak memory, and disk per 1,000 chunks.
"""

import argparse
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

BASE = "/accounts/bench/ai-search/instances"
WARM_UP = 20


@dataclass
class Server:
    """A running server and a client of it."""

    process: "subprocess.Popen[str]"
    client: httpx.Client

    def peak_memory_mb(self) -> float:
        """The most that has been resident so far."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="utf-8")
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        return int(found.group(1)) / 1024 if found else 0.0


def start(data_dir: Path) -> Server:
    """A server on a free port over the data folder."""
    command = [sys.executable, "-m", "secondlook.cli"]
    made = subprocess.run(
        [*command, "token", "create", "--name", "bench", "--quiet", "--data-dir", str(data_dir)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    process = subprocess.Popen(
        [*command, "serve", "--port", "0", "--data-dir", str(data_dir)],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    for line in process.stdout or ():
        if found := re.search(r"serves on (http://\S+)", line):
            headers = {"authorization": f"Bearer {made.stdout.strip()}"}
            return Server(process, httpx.Client(base_url=found.group(1), headers=headers, timeout=120))
    raise SystemExit("the server did not start")


def upload(server: Server, pages: list[dict[str, Any]]) -> float:
    """Seconds from the first upload until every page is indexed."""
    settings = {"id": "docs", "index_method": {"vector": True, "keyword": True}, "score_threshold": 0}
    made = server.client.post(BASE, json=settings)
    made.raise_for_status()
    started = time.perf_counter()
    for number, page in enumerate(pages, 1):
        key = re.sub(r"[^A-Za-z0-9/_.-]", "-", page["_id"].strip("/"))[-110:] or "index"
        text = f"# {page['title']}\n\n{page['text']}"
        answer = server.client.post(f"{BASE}/docs/items", files={"file": (f"{key}.md", text.encode(), "text/markdown")})
        answer.raise_for_status()
        if number % 20 == 0:
            print(f"\ruploaded {number} of {len(pages)}", end="", flush=True)
    while waiting := count(server, "queued") + count(server, "running"):
        print(f"\rstill to index: {waiting}   ", end="", flush=True)
        time.sleep(2)
    return time.perf_counter() - started


def count(server: Server, status: str) -> int:
    """Items of that status."""
    answer = server.client.get(f"{BASE}/docs/items", params={"status": status, "per_page": 1})
    return int(answer.json()["result_info"]["total_count"])


def measure(server: Server, queries: list[str]) -> dict[str, dict[str, float]]:
    """Milliseconds of a search seen by the client, and of the rerank stage as the receipt has it."""
    times: dict[str, list[float]] = {"off": [], "on": []}
    stage, differences = [], []
    for number, query in enumerate(queries):
        for arm in ("off", "on") if number % 2 else ("on", "off"):
            body = {
                "query": query,
                "ai_search_options": {
                    "retrieval": {"keyword_match_mode": "or"},
                    "reranking": {"enabled": arm == "on", "match_threshold": 0},
                },
            }
            started = time.perf_counter()
            answer = server.client.post(f"{BASE}/docs/search", json=body)
            milliseconds = (time.perf_counter() - started) * 1000
            receipt = answer.json()["result"]["reranking"]
            if number < WARM_UP:
                continue
            times[arm].append(milliseconds)
            if arm == "on":
                if receipt["status"] != "ran" or receipt["candidates_in"] != 50:
                    raise SystemExit(f"the reranker did not read 50 candidates: {receipt}")
                stage.append(receipt["ms"])
        if number >= WARM_UP:
            differences.append(times["on"][-1] - times["off"][-1])
    made = {name: summary(values) for name, values in times.items()}
    return {**made, "rerank_stage": summary(stage), "added_by_reranking": summary(differences)}


def summary(values: list[float]) -> dict[str, float]:
    """Median and 95th percentile."""
    return {"p50_ms": statistics.median(values), "p95_ms": statistics.quantiles(values, n=20)[-1], "n": len(values)}


def disk(folder: Path) -> int:
    """Bytes of the files."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def count_chunks(server: Server) -> int:
    """Chunks of all items."""
    total, page = 0, 1
    while rows := server.client.get(f"{BASE}/docs/items", params={"page": page, "per_page": 50}).json()["result"]:
        total += sum(row["chunks_count"] or 0 for row in rows)
        page += 1
    return total


def read_rows(path: Path) -> list[dict[str, Any]]:
    """The objects of a file of JSON lines."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def main() -> None:
    """Index unless the data folder holds the corpus already, then measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("queries", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--pages", type=int, default=0, help="only the first N pages")
    parser.add_argument("--data-dir", type=Path, default=None)
    given = parser.parse_args()
    pages = read_rows(given.corpus)[: given.pages or None]
    data_dir = given.data_dir or Path(tempfile.mkdtemp())
    figures: dict[str, Any] = {"machine": platform.processor() or platform.machine(), "cores": os.cpu_count()}
    server = start(data_dir)
    try:
        if server.client.get(f"{BASE}/docs").status_code != 200:
            seconds = upload(server, pages)
            chunks = count_chunks(server)
            used = {name: disk(data_dir / name) for name in ("indexes", "files")}
            figures["ingest"] = {
                "pages": len(pages),
                "failed": count(server, "error"),
                "chunks": chunks,
                "seconds": seconds,
                "pages_per_minute": len(pages) / seconds * 60,
                "chunks_per_minute": chunks / seconds * 60,
                "index_mb_per_1000_chunks": used["indexes"] / chunks / 1000,
                "files_mb_per_1000_chunks": used["files"] / chunks / 1000,
                "server_peak_mb": server.peak_memory_mb(),
            }
            print("\r" + json.dumps(figures["ingest"], indent=1), flush=True)
    finally:
        server.process.terminate()
        server.process.wait(60)
    server = start(data_dir)
    try:
        figures["search"] = measure(server, [row["text"] for row in read_rows(given.queries)])
        figures["search"]["server_peak_mb"] = server.peak_memory_mb()
    finally:
        server.process.terminate()
        server.process.wait(60)
    print(json.dumps(figures["search"], indent=1))
    given.out.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
