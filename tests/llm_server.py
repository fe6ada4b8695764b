"""An OpenAI-compatible language model server, as a process of its own: it answers from what it was sent.

    python -m tests.llm_server

The model's name says how it behaves: ``ok`` cites the first document; ``slow`` never answers;
``refuses`` answers 500; ``breaks`` ends its stream without an end mark; ``babbles`` sends no JSON.
"""

import asyncio
import json
import re
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

app = FastAPI()
seen: list[dict[str, Any]] = []


@app.get("/requests")
async def requests() -> list[dict[str, Any]]:
    """Every body that came, in order, with its authorization header."""
    return seen


@app.post("/v1/chat/completions")
async def complete(request: Request) -> Response:
    """A completion, streamed or whole."""
    body = await request.json()
    seen.append({**body, "authorization": request.headers.get("authorization", "")})
    model = body["model"]
    if model == "slow":
        await asyncio.sleep(3600)
    if model == "refuses":
        return JSONResponse({"error": {"message": "overloaded"}}, 500)
    text = write_answer(body["messages"])
    if not body.get("stream"):
        message = {"role": "assistant", "content": text}
        return JSONResponse({"model": model, "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]})
    return StreamingResponse(stream(model, text), media_type="text/event-stream")


def write_answer(messages: list[dict[str, str]]) -> str:
    """The first document's first line with its key, or the question itself where there is none."""
    found = re.search(r'<document key="([^"]+)"[^>]*>\n([^\n]+)', messages[0]["content"])
    return f"{found.group(2)} [{found.group(1)}]" if found else f"No document about: {messages[-1]['content']}"


async def stream(model: str, text: str) -> AsyncIterator[bytes]:
    """Word by word, then the end."""
    for word in text.split(" "):
        yield frame({"choices": [{"index": 0, "delta": {"content": word + " "}}]})
        if model == "breaks":
            return
        if model == "babbles":
            yield b"data: {not json\n\n"
            return
    usage = {"prompt_tokens": 7, "completion_tokens": len(text.split())}
    yield frame({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "usage": usage})
    yield b"data: [DONE]\n\n"


def frame(data: object) -> bytes:
    """One server-sent event."""
    return f"data: {json.dumps(data)}\n\n".encode()


@contextmanager
def running() -> Iterator[str]:
    """The base URL (with /v1) of a server that lives as long as the block."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.llm_server"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        line = process.stdout.readline() if process.stdout else ""
        url = line.strip()
        until = time.monotonic() + 30
        while time.monotonic() < until:
            try:
                httpx.get(f"{url}/requests", timeout=2)
                break
            except httpx.HTTPError:
                continue
        yield f"{url}/v1"
    finally:
        process.kill()
        process.wait(10)


def main() -> None:
    """Serve on a free port, whose URL is the first line printed."""
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error")
    held = config.bind_socket()
    print(f"http://127.0.0.1:{held.getsockname()[1]}", flush=True)
    asyncio.run(uvicorn.Server(config).serve([held]))


if __name__ == "__main__":
    main()
