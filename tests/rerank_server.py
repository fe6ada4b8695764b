"""A reranking server on localhost that speaks every dialect, and fails in each known way.

The first part of the path says how it behaves: ``ok``; ``hangs``; ``refuses`` answers 500; ``short`` leaves
a result out; ``nan`` gives no number; ``twice`` names a passage twice; ``babbles`` sends no JSON; ``cut``
ends in the middle of its body. The score of a passage is the share of the query's words that it holds.
"""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.thread_server import QuietHandler, serve_in_thread

FAULTS = ("hangs", "refuses", "short", "nan", "twice", "babbles", "cut")
WORD = re.compile(r"\w+")


@dataclass
class RerankServer:
    """Where it is, and what it was asked.

    Attributes:
        mode: overrides what the path says, when set.
        asked: path, body and authorization header of each request.
    """

    url: str = ""
    mode: str = ""
    asked: list[tuple[str, dict[str, Any], str]] = field(default_factory=list)
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
    scores: list[Any] = [share(body["query"], text) for text in texts]
    rows = sorted(enumerate(scores), key=lambda row: -row[1])
    if mode == "short":
        rows = rows[:-1]
    if mode == "nan":
        rows[0] = (rows[0][0], float("nan"))
    if mode == "twice":
        rows[0] = rows[-1]
    if "contexts" in body:
        return {"success": True, "result": {"response": [{"id": at, "score": 8 * one - 4} for at, one in rows]}}
    if "texts" in body:
        return [{"index": at, "score": 8 * one - 4 if body["raw_scores"] else one} for at, one in rows]
    return {"data" if "top_k" in body else "results": [{"index": at, "relevance_score": one} for at, one in rows]}


def order(body: dict[str, Any], mode: str) -> str:
    """The order of the passages in a prompt, best first."""
    prompt = body["messages"][1]["content"]
    query = prompt.splitlines()[0].removeprefix("Query: ")
    texts = {int(at): json.loads(text) for at, text in re.findall(r"^\[(\d+)\] (\".*\")$", prompt, re.MULTILINE)}
    places = sorted(texts, key=lambda at: -share(query, texts[at]))
    if mode == "short":
        places = places[:-1]
    if mode in ("twice", "nan"):
        places[0] = places[-1] if mode == "twice" else 0
    return "<think>[1] is no answer</think>" + " > ".join(f"[{at}]" for at in places)


@contextmanager
def serve_reranker() -> Iterator[RerankServer]:
    """A server that lives as long as the block."""
    found = RerankServer()

    class Handler(QuietHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            found.asked.append((self.path, body, self.headers.get("Authorization", "")))
            mode = found.mode or self.path.split("/")[1]
            if mode == "hangs":
                found.over.wait(60)
                self.close_connection = True
                return
            status, sent = 200, b""
            try:
                sent = json.dumps(answer(self.path, body, mode)).encode()
            except ValueError as error:
                status, sent = 413, str(error).encode()
            if mode == "refuses":
                status, sent = 500, b"overloaded"
            if mode == "babbles":
                sent = b"<html>good day</html>"
            self.send_response(status)
            self.send_header("Content-Length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent[: len(sent) // 2] if mode == "cut" else sent)
            self.close_connection = mode == "cut"

    with serve_in_thread(Handler) as found.url:
        try:
            yield found
        finally:
            found.over.set()
