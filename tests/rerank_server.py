"""A reranking server on localhost that speaks every dialect, and fails in each known way.

    python -m tests.rerank_server

The first part of the path says how it behaves: ``ok``; ``hangs``; ``drips`` sends a byte now and then; ``refuses``
answers 500, ``busy`` 429; ``moved`` sends elsewhere; ``short`` leaves a result out; ``many`` gives one too many;
``outside`` names a passage that is not there; ``nan`` and ``null`` give no number; ``twice`` names a passage twice;
``babbles`` sends no JSON; ``half`` sends half of it; ``cut`` ends in the middle of its body; ``huge`` has nine
megabytes. The score of a passage is the share of the query's words that it holds.
"""

import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from tests.thread_server import QuietHandler, serve_in_thread

FAULTS = (
    "hangs", "drips", "refuses", "moved", "short", "many", "outside", "nan", "null", "twice", "babbles", "half", "cut",
    "huge",
)  # fmt: skip
WORD = re.compile(r"\w+")
Asked = tuple[str, dict[str, Any], str]


@dataclass
class RerankServer:
    """Where it is, and what it was asked.

    Attributes:
        mode: overrides what the path says, when set.
        asked: path, body and authorization header of each request.
    """

    url: str = ""
    mode: str = ""
    asked: list[Asked] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)


def share(query: str, text: str) -> float:
    """The share of the query's words in the text."""
    wanted = set(WORD.findall(query.lower()))
    return len(wanted & set(WORD.findall(text.lower()))) / len(wanted)


def answer(path: str, body: dict[str, Any], mode: str) -> object:
    """What the dialect of that path answers."""
    if path.endswith("/chat/completions"):
        return {"choices": [{"message": {"role": "assistant", "content": order(body, mode)}}]}
    texts = body.get("texts") or body.get("documents") or [one["text"] for one in body["contexts"]]
    if path.endswith("/rerank") and "texts" in body and len(texts) > 32:
        raise ValueError("batch size > maximum allowed batch size 32")
    scores = [share(body["query"], text) for text in texts]
    if body.get("raw_scores", "contexts" in body):
        scores = [8 * one - 4 for one in scores]
    rows: list[tuple[int, Any]] = spoil(sorted(enumerate(scores), key=lambda row: -row[1]), mode)
    if "contexts" in body:
        return {"success": True, "result": {"response": [{"id": at, "score": one} for at, one in rows]}}
    if "texts" in body:
        return [{"index": at, "score": one} for at, one in rows]
    return {"data" if "top_k" in body else "results": [{"index": at, "relevance_score": one} for at, one in rows]}


def spoil(rows: list[tuple[int, Any]], mode: str) -> list[tuple[int, Any]]:
    """The places and scores, best first, with the fault of that mode."""
    first, score = rows[0]
    spoilt: dict[str, list[tuple[int, Any]]] = {
        "short": rows[:-1],
        "many": [*rows, (len(rows), 0.5)],
        "outside": [(999, score), *rows[1:]],
        "nan": [(first, float("nan")), *rows[1:]],
        "null": [(first, None), *rows[1:]],
        "twice": [rows[-1], *rows[1:]],
    }
    return spoilt.get(mode, rows)


def order(body: dict[str, Any], mode: str) -> str | None:
    """The order of the passages in a prompt, best first."""
    prompt = body["messages"][1]["content"]
    query = prompt.splitlines()[0].removeprefix("Query: ")
    texts = {int(at): json.loads(text) for at, text in re.findall(r"^\[(\d+)\] (\".*\")$", prompt, re.MULTILINE)}
    places = sorted(texts, key=lambda at: -share(query, texts[at]))
    if mode == "null":
        return None
    shown = [str(one) for one, _ in spoil([(at, 0) for at in places], mode)]
    if mode == "nan":
        shown[0] = "NaN"
    return "<think>[1] is no answer</think>" + " > ".join(f"[{at}]" for at in shown)


@contextmanager
def serve_reranker(asked: list[Asked] | None = None) -> Iterator[RerankServer]:
    """A server that lives as long as the block; what it is asked goes into that list."""
    found = RerankServer(asked=[] if asked is None else asked)

    class Handler(QuietHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            found.asked.append((self.path, body, self.headers.get("Authorization", "")))
            mode = found.mode or self.path.split("/")[1]
            if mode in ("hangs", "drips"):
                self.wait_long(drip=mode == "drips")
                return
            if any(not text.strip() for text in body.get("documents", ())):
                mode = "blank"  # as the hosted services do
            status = {"refuses": 500, "moved": 307, "busy": 429, "blank": 400}.get(mode, 200)
            try:
                sent = json.dumps(answer(self.path, body, mode)).encode()
            except ValueError as error:
                status, sent = 413, str(error).encode()
            changed = {
                "refuses": b"overloaded",
                "busy": b"slow down",
                "blank": b"documents must not be empty",
                "moved": b"over there",
                "babbles": b"<html>good day</html>",
                "half": sent[: len(sent) // 2],
                "huge": b" " * (9 << 20) + sent,
            }
            sent = changed.get(mode, sent)
            heads = {"moved": {"Location": f"{found.url}/ok{self.path}"}, "busy": {"Retry-After": "7"}}
            with suppress(ConnectionError):  # who asked may have heard enough
                self.send_head(status, len(sent), **heads.get(mode, {}))
                self.wfile.write(sent[: len(sent) // 2] if mode == "cut" else sent)
            self.close_connection = mode in ("cut", "huge")

        def wait_long(self, *, drip: bool) -> None:
            with suppress(ConnectionError):
                if drip:
                    self.send_head(200, 1000)
                while drip and not found.over.wait(0.05):
                    self.wfile.write(b" ")
            found.over.wait(60)
            self.close_connection = True

    with serve_in_thread(Handler) as found.url:
        try:
            yield found
        finally:
            found.over.set()


@contextmanager
def serve_process() -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """A server of its own process and its URL; it prints the path of each request once it has read it."""
    process = subprocess.Popen([sys.executable, "-m", "tests.rerank_server"], stdout=subprocess.PIPE, text=True)
    try:
        yield process, process.stdout.readline().strip() if process.stdout else ""
    finally:
        process.kill()
        process.wait(10)


class Announced(list[Asked]):
    """Tells each request on the standard output."""

    def append(self, one: Asked) -> None:
        """Keep and tell it."""
        super().append(one)
        print(one[0], flush=True)


def main() -> None:
    """Serve on a free port, whose URL is the first line printed."""
    with serve_reranker(Announced()) as server:
        print(server.url, flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
