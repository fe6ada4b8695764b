"""What both generations of the wire share: receipts, traces, answers as server-sent events."""

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

from secondlook.domain.candidate import Candidate, Ranking
from secondlook.ports import Delta


def receipt_of(ranking: Ranking) -> dict[str, object]:
    """What reranking did; an extra key that Cloudflare does not send."""
    receipt = ranking.receipt
    return {
        "status": receipt.status,
        "reason": receipt.reason,
        "model": receipt.model,
        "asked_model": receipt.asked,
        "candidates_in": receipt.candidates_in,
        "candidates_out": receipt.candidates_out,
        "scored": receipt.scored,
        "truncated": receipt.truncated,
        "windowed": receipt.windowed,
        "cached": receipt.cached,
        "ms": round(receipt.milliseconds, 3),
        "stages": [
            {
                "status": line.status,
                "reason": line.reason,
                "model": line.model,
                "asked_model": line.asked,
                "in": line.candidates_in,
                "out": line.candidates_out,
                "scored": line.scored,
                "ms": round(line.milliseconds, 3),
            }
            for line in receipt.stages
        ],
    }


def trace_of(ranking: Ranking) -> list[dict[str, object]]:
    """Each stage with its wall time."""
    return [
        {"stage": step.stage, "ms": round(step.milliseconds, 3), "candidates": step.candidates, "note": step.note}
        for step in ranking.trace
    ]


def shown_score(candidate: Candidate) -> float:
    """What the final order is sorted by, in [0, 1]."""
    return round(min(1.0, max(0.0, candidate.score)), 6)


def custom_metadata(candidate: Candidate) -> dict[str, object]:
    """Metadata without the built-ins."""
    built_in = ("folder", "filename", "timestamp")
    return {name: value for name, value in candidate.chunk.metadata.items() if name not in built_in}


def event(data: object, name: str = "") -> bytes:
    """One server-sent event; text data goes as it is."""
    text = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {text}\n\n".encode()


DONE = event("[DONE]")
STREAM_HEADERS = {"cache-control": "no-cache", "x-accel-buffering": "no"}
"""Nothing between us and the client may hold frames back."""


@dataclass(slots=True)
class Written:
    """An answer as it grows, with its end and its cost."""

    text: str = ""
    finish_reason: str = "stop"
    usage: Mapping[str, int] = field(default_factory=dict)

    def add(self, delta: Delta) -> None:
        """Take the next piece."""
        self.text += delta.text
        self.finish_reason = delta.finish_reason or self.finish_reason
        if delta.prompt_tokens or delta.completion_tokens:
            self.usage = {
                "prompt_tokens": delta.prompt_tokens,
                "completion_tokens": delta.completion_tokens,
                "total_tokens": delta.prompt_tokens + delta.completion_tokens,
            }


async def collect(deltas: AsyncIterator[Delta]) -> Written:
    """The whole answer."""
    written = Written()
    async for delta in deltas:
        written.add(delta)
    return written


async def primed(deltas: AsyncIterator[Delta]) -> AsyncIterator[Delta]:
    """The same pieces, the first one already here: a model that fails at once fails before any byte is sent."""
    first = await anext(deltas, None)

    async def rest() -> AsyncIterator[Delta]:
        if first is not None:
            yield first
        async for delta in deltas:
            yield delta

    return rest()
