"""Times ingest and search of a corpus as a user meets them: a server process, asked over HTTP.

    python benchmarks/speed/search.py CORPUS.jsonl QUERIES.jsonl --out FIGURES.json [--pages N] [--data-dir D]

CORPUS and QUERIES are in BEIR layout. Every page is a Markdown file of a folder, which an instance has
as its source. Ingest is the first sync, from the creation of the instance to the end of its job; then
one page of a hundred is changed, and synced again. Then each query is asked with and without
reranking, and without it under filters that 1, 5 and 50 % of the pages satisfy, in turn, after a warm-up,
so that all arms meet the same machine. At last the encoder alone,
with all the machine to itself, embeds the passages that the index holds, in the batches that indexing
makes of them: its tokens a second are the ceiling of those of ingest.

A data folder that holds the corpus already is searched only, by whatever release is installed.

Prints and writes medians and 95th percentiles in milliseconds, pages and chunks a minute, tokens a
second and their share of the ceiling, seconds to sync again, the server's peak memory, and disk per
1,000 chunks.
"""

import argparse
import asyncio
import json
import os
import re
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from secondlook.domain.chunk import Chunk
from secondlook.models.embedder import EncoderEmbedder
from secondlook.models.late_interaction import LateInteraction
from secondlook.provision import load_encoder
from secondlook.services.chunking import PASSAGES_A_TURN
from secondlook.services.working import WORKERS
from secondlook.settings import load_settings

BASE = "/accounts/bench/ai-search/instances"
SHARES = {"none": 100, "filter_1": 1, "filter_5": 5, "filter_50": 50}
"""Of the hundred folders, those that a filter allows; of all there is no filter."""
CHANGED = 100
"""One page of so many is changed before the second sync."""
SAMPLE = 20_000
"""Passages that the encoder alone embeds at most."""
SPECIAL = 2
"""Tokens that the encoder puts around each passage."""
WARM_UP = 20
BETWEEN_COUNTS = 10.0
"""Seconds; each question takes the server's time from indexing."""


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


def start(data_dir: Path, folder: Path) -> Server:
    """A server on a free port over the data folder, which may read the other."""
    command = [sys.executable, "-m", "secondlook"]
    made = subprocess.run(
        [*command, "token", "create", "--name", "bench", "--quiet", "--data-dir", str(data_dir)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    own = {"PYTHONUNBUFFERED": "1", "SECONDLOOK_FOLDER_ROOTS": str(folder), "SECONDLOOK_SYNC_COOLDOWN": "0"}
    process = subprocess.Popen(
        [*command, "serve", "--port", "0", "--data-dir", str(data_dir)],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={**os.environ, **own},
    )  # fmt: skip
    for line in process.stdout or ():
        if found := re.search(r"Listening on (http://\S+)", line):
            headers = {"authorization": f"Bearer {made.stdout.strip()}"}
            return Server(process, httpx.Client(base_url=found.group(1), headers=headers, timeout=120))
    raise SystemExit("the server did not start")


def write_pages(folder: Path, pages: list[dict[str, Any]]) -> list[Path]:
    """Each page as a file, in a hundred folders of which a filter may name a few."""
    written = []
    for number, page in enumerate(pages):
        name = re.sub(r"[^A-Za-z0-9/_.-]", "-", page["_id"].strip("/"))[-110:] or "index"
        path = folder / f"{number % 100:02}" / f"{name}-{number}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"# {page['title']}\n\n{page['text']}", encoding="utf-8")
        written.append(path)
    return written


def first_sync(server: Server, folder: Path) -> float:
    """Seconds from the creation of the instance until every page is indexed."""
    started = time.perf_counter()
    source = {"type": "folder", "source": str(folder), "sync_interval": 86400}
    settings = {"id": "docs", "index_method": {"vector": True, "keyword": True}, "score_threshold": 0, **source}
    server.client.post(BASE, json=settings).raise_for_status()
    await_job(server, 1)
    return time.perf_counter() - started


def sync_again(server: Server, files: list[Path]) -> dict[str, float]:
    """Seconds of a sync in which one page of a hundred has changed, and of one in which none has."""
    made: dict[str, float] = {}
    changed = files[::CHANGED]
    for path in changed:
        path.write_text(path.read_text(encoding="utf-8") + "\n\nThis page was changed.\n", encoding="utf-8")
    for number, name in enumerate(("seconds", "seconds_unchanged"), 2):
        started = time.perf_counter()
        server.client.post(f"{BASE}/docs/jobs", json={}).raise_for_status()
        await_job(server, number)
        made[name] = time.perf_counter() - started
    return {"pages": len(files), "changed": len(changed), **made}


def await_job(server: Server, number: int) -> None:
    """Return when the job of that number has ended well; it is asked for less and less often."""
    started, told = time.monotonic(), 0.0
    while True:
        jobs = server.client.get(f"{BASE}/docs/jobs").json()["result"]
        if len(jobs) >= number and "ended_at" in jobs[0]:
            if jobs[0]["end_reason"] != "completed":
                raise SystemExit(f"the sync ended with {jobs[0]['end_reason']}")
            return
        waited = time.monotonic() - started
        if waited > told + BETWEEN_COUNTS:
            told = waited
            print(f"\rstill to index: {count(server, 'queued') + count(server, 'running')}   ", end="", flush=True)
        time.sleep(min(1.0, 0.05 + waited / 20))


def ceiling(data_dir: Path) -> dict[str, float]:
    """Tokens in all, and tokens a second of the encoder alone on a sample, as many turns at once as indexing has."""
    [index] = (data_dir / "indexes").glob("*.sqlite")
    with closing(sqlite3.connect(index)) as connection:
        rows = connection.execute("SELECT context, text FROM chunks ORDER BY rowid").fetchall()
    passages = [Chunk("", "", "", text, context=context).passage for context, text in rows]
    encoder = load_encoder(load_settings(data_dir=data_dir))
    embedder = EncoderEmbedder(encoder, LateInteraction(encoder))
    sizes = [embedder.count_tokens(one) + SPECIAL for one in passages]
    sample = passages[:: max(1, len(passages) // SAMPLE)]
    turns = iter([sample[at : at + PASSAGES_A_TURN] for at in range(0, len(sample), PASSAGES_A_TURN)])

    async def work() -> None:
        for turn in turns:
            await embedder.embed_passages(turn)

    async def run() -> float:
        await embedder.embed_passages(sample[:PASSAGES_A_TURN])
        started = time.perf_counter()
        await asyncio.gather(*(work() for _ in range(WORKERS)))
        return time.perf_counter() - started

    seconds = asyncio.run(run())
    tokens = sum(embedder.count_tokens(one) + SPECIAL for one in sample)
    encoder.close()
    return {"tokens": sum(sizes), "ceiling_tokens_per_second": tokens / seconds, "sampled_passages": len(sample)}


def count(server: Server, status: str) -> int:
    """Items of that status."""
    answer = server.client.get(f"{BASE}/docs/items", params={"status": status, "per_page": 1})
    return int(answer.json()["result_info"]["total_count"])


def measure(server: Server, queries: list[str]) -> dict[str, dict[str, float]]:
    """Milliseconds of a search seen by the client, and of the rerank stage as the receipt has it."""
    times: dict[str, list[float]] = {name: [] for name in (*SHARES, "reranked")}
    stage, differences = [], []
    for number, query in enumerate(queries):
        for arm in times if number % 2 else reversed(times):
            milliseconds, receipt = ask(server, query, SHARES.get(arm, 100), rerank=arm == "reranked")
            if number < WARM_UP:
                continue
            times[arm].append(milliseconds)
            if arm == "reranked":
                if receipt["status"] != "ran" or receipt["candidates_in"] != 50:
                    raise SystemExit(f"the reranker did not read 50 candidates: {receipt}")
                stage.append(receipt["ms"])
        if number >= WARM_UP:
            differences.append(times["reranked"][-1] - times["none"][-1])
    made = {name: summary(values) for name, values in times.items()}
    return {**made, "rerank_stage": summary(stage), "added_by_reranking": summary(differences)}


def ask(server: Server, query: str, share: int, *, rerank: bool) -> tuple[float, dict[str, Any]]:
    """Milliseconds of one search in that share of the folders, and the receipt of the rerank stage."""
    where = {} if share == 100 else {"filters": {"folder": {"$lt": f"{share:02}"}}}
    body = {
        "query": query,
        "ai_search_options": {
            "retrieval": {"keyword_match_mode": "or", **where},
            "reranking": {"enabled": rerank, "match_threshold": 0},
        },
    }
    started = time.perf_counter()
    answer = server.client.post(f"{BASE}/docs/search", json=body)
    milliseconds = (time.perf_counter() - started) * 1000
    found = answer.raise_for_status().json()["result"]
    if not found["chunks"]:
        raise SystemExit(f"nothing was found in {share} of the folders: {query}")
    return milliseconds, found["reranking"]


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


def name_of_processor() -> str:
    """As the kernel has it."""
    found = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text(encoding="utf-8"))
    return found.group(1) if found else "unknown processor"


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
    parser.add_argument("--queries-most", type=int, default=0, help="only the first N queries")
    parser.add_argument("--data-dir", type=Path, default=None)
    given = parser.parse_args()
    pages = read_rows(given.corpus)[: given.pages or None]
    data_dir = given.data_dir or Path(tempfile.mkdtemp())
    figures: dict[str, Any] = {"machine": name_of_processor(), "cores": os.cpu_count()}
    folder = Path(tempfile.mkdtemp()) / "pages"
    files = write_pages(folder, pages)
    server = start(data_dir, folder)
    try:
        fresh = server.client.get(f"{BASE}/docs").status_code != 200
        if fresh:
            seconds = first_sync(server, folder)
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
            figures["sync_again"] = sync_again(server, files)
            print("\r" + json.dumps(figures["sync_again"], indent=1), flush=True)
    finally:
        server.process.terminate()
        server.process.wait(60)
    server = start(data_dir, folder)
    try:
        asked = [row["text"] for row in read_rows(given.queries)][: given.queries_most or None]
        figures["search"] = measure(server, asked)
        figures["search"]["server_peak_mb"] = server.peak_memory_mb()
    finally:
        server.process.terminate()
        server.process.wait(60)
    print(json.dumps(figures["search"], indent=1))
    if fresh:
        told = ceiling(data_dir)
        rate = told["tokens"] / figures["ingest"]["seconds"]
        share = rate / told["ceiling_tokens_per_second"]
        figures["ingest"] |= {**told, "tokens_per_second": rate, "share_of_ceiling": share}
        print(json.dumps(figures["ingest"], indent=1))
    given.out.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
