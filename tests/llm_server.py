"""An OpenAI-compatible language model server, as a process of its own: it answers from what it was sent.

    python -m tests.llm_server

The model's name says how it behaves, whatever stands before its last ``/`` (``@cf/x/slow`` is ``slow``):
``ok`` cites the first document; ``whole`` does not stream; ``calls`` wants a tool; ``slow`` never answers;
``breaks`` ends its stream without an end mark; ``babbles`` sends no JSON; ``fails`` sends an error in its
stream; ``hostile`` writes Markdown that would harm a page; ``muzzled`` ends at a filter before its first word;
``old`` refuses ``stream_options``; and those of ``REFUSALS`` answer a status with an error body, as servers in the
field do.
"""

import asyncio
import json
import re
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

app = FastAPI()
seen: list[dict[str, Any]] = []

REFUSALS: Mapping[str, tuple[int, Any]] = {
    "refuses": (500, {"error": {"message": "overloaded"}}),
    "busy": (429, {"error": {"message": "Rate limit reached", "type": "requests", "code": "rate_limit_exceeded"}}),
    "denies": (401, {"error": {"message": "Incorrect API key", "type": "invalid_request_error"}}),
    "unpaid": (429, {"error": {"message": "You exceeded your current quota", "code": "insufficient_quota"}}),
    "unpaid-402": (402, {"error": {"message": "Payment required"}}),
    "full": (400, {"error": {"message": "the maximum context length is 10", "code": "context_length_exceeded"}}),
    "full-llama": (400, {"error": {"code": 400, "message": "the request exceeds the available context size"}}),
    "forbids": (400, {"error": {"message": "the prompt triggered a policy", "code": "content_filter"}}),
    "gateway-prompt": (424, {"success": False, "error": [{"code": 2016, "message": "Prompt blocked"}]}),
    "gateway-answer": (424, {"success": False, "error": [{"code": 2017, "message": "Response blocked"}]}),
    "unknown": (404, {"error": {"message": "The model `unknown` does not exist", "code": "model_not_found"}}),
    "times-out": (504, "upstream request timeout"),
}

HOSTILE = """# A heading

<script>window.harmed = "script"</script>
<img src="http://127.0.0.1:9/raw.png" onerror="window.harmed = 'img'">
<iframe src="javascript:parent.harmed='frame'"></iframe>
<a href="javascript:window.harmed='raw'" onclick="window.harmed='click'">raw link</a>
<style>body { display: none }</style>

[script link](javascript:window.harmed='link'), [mixed case](JaVaScRiPt:window.harmed='case'),
[entity](&#106;avascript:window.harmed='entity'), [data link](data:text/html,<script>parent.harmed=1</script>),
[file link](file:///etc/passwd), <javascript:window.harmed='auto'> and a [safe link](https://example.com/page).

![a picture](http://127.0.0.1:9/tracker.png) and **bold text**

| part | price |
|--|--|
| lamp | 7 |

```html
<script>window.harmed = "code"</script>
```
"""
"""What a model may write, or repeat from a document that somebody else wrote."""


END = 'data: {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}\n\ndata: [DONE]\n\n'


def said(content: object) -> str:
    """A frame with that content, its characters as they are."""
    return f"data: {json.dumps({'choices': [{'index': 0, 'delta': {'content': content}}]}, ensure_ascii=False)}\n\n"


STREAMS: Mapping[str, str] = {
    "separates": said("one\u2028two\u2029three\u0085four\x0bfive") + END,
    "parts": said(
        [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}, {"type": "text", "text": "Warm "}]
    )
    + said([{"type": "text", "text": "it."}])
    + END,
    "pads": ": hello\n\ndata:\n\ndata: null\n\ndata: {}\n\n"
    + 'data: {"choices": [null]}\n\ndata: {"choices": null, "usage": null}\n\n'
    + 'data: {"choices": [{"index": 0, "delta": null}]}\n\n'
    + 'data: {"choices": [{"index": 0,\ndata: "delta": {"content": "Warm it."}}]}\n\n'
    + END,
    "returns": (said("Warm it.") + END).replace("\n", "\r\n"),
    "forgets": said("Warm it.") + END.rstrip("\n"),
    "thinks": said("<think>Which oil?</think>\n```\n") + said("“lamp oil”\n```") + END,
}
"""Streams as some server writes them."""


@app.get("/requests")
async def requests() -> list[dict[str, Any]]:
    """Every body that came, in order, with its authorization header."""
    return seen


@app.post("/v1/chat/completions")
async def complete(request: Request) -> Response:
    """A completion, streamed or whole."""
    body = await request.json()
    seen.append({**body, "authorization": request.headers.get("authorization", "")})
    model = body["model"].rpartition("/")[2]
    if model == "slow":
        await asyncio.sleep(3600)
    if model in REFUSALS:
        status, said = REFUSALS[model]
        return JSONResponse(said, status, headers={"retry-after": "7"} if status == 429 else None)
    if model == "old" and "stream_options" in body:
        return JSONResponse({"error": {"message": "unknown field stream_options"}}, 422)
    if model in STREAMS:
        return Response(STREAMS[model].encode(), media_type="text/event-stream")
    text = HOSTILE if model == "hostile" else write_answer(body["messages"])
    if model == "whole" or not body.get("stream"):
        message = {"role": "assistant", "content": text}
        usage = {"prompt_tokens": 7, "completion_tokens": len(text.split())}
        choices = [{"index": 0, "message": message, "finish_reason": "stop"}]
        return JSONResponse({"model": model, "choices": choices, "usage": usage})
    return StreamingResponse(stream(model, text, body), media_type="text/event-stream")


def write_answer(messages: list[dict[str, Any]]) -> str:
    """The first document's first line with its key, or the question itself where there is none."""
    found = re.search(r'<document-[0-9a-f]{8} key="([^"]+)"[^>]*>\n([^\n]+)', messages[0]["content"])
    return f"{found.group(2)} [{found.group(1)}]" if found else f"No document about: {messages[-1]['content']}"


async def stream(model: str, text: str, body: Mapping[str, Any]) -> AsyncIterator[bytes]:
    """Word by word, then the end; the usage comes in a frame of its own, and only if it is asked for."""
    reason = "stop"
    if model == "calls" and body["messages"][-1]["role"] != "tool":
        for piece in call_pieces(body["tools"][0]["function"]["name"]):
            yield frame({"choices": [{"index": 0, "delta": {"tool_calls": [piece]}}]})
        reason, text = "tool_calls", ""
    elif model == "muzzled":
        reason, text = "content_filter", ""
    for word in re.findall(r"\S+\s*", text) if model == "hostile" else [f"{one} " for one in text.split()]:
        yield frame({"choices": [{"index": 0, "delta": {"content": word}}]})
        if model == "breaks":
            return
        if model == "babbles":
            yield b"data: {not json\n\n"
            return
        if model == "fails":
            yield frame({"error": {"message": "CUDA error", "code": 500}})
            return
    yield frame({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
    if body.get("stream_options", {}).get("include_usage"):
        yield frame({"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": len(text.split())}})
    yield b"data: [DONE]\n\n"


def call_pieces(name: str) -> list[dict[str, Any]]:
    """Two calls of the tool, as OpenAI streams them: the head first, the arguments bit by bit."""
    pieces: list[dict[str, Any]] = []
    for index, place in enumerate(("north", "south")):
        head = {"id": f"call_{index}", "type": "function", "function": {"name": name, "arguments": ""}}
        pieces.append({"index": index, **head})
        pieces.extend({"index": index, "function": {"arguments": bit}} for bit in ('{"place":', f' "{place}"}}'))
    return pieces


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
