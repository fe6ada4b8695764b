"""What both generations of the wire share: receipts, traces, answers as server-sent events."""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import cast

from secondlook.api.notices import messages
from secondlook.domain.candidate import Candidate, Ranking, Receipt
from secondlook.domain.server_sent import as_json
from secondlook.ports import Delta

Row = dict[str, object]
Dress = Callable[[Row], Row]
"""Makes an object of an answer into what this caller is shown of it."""

NO_ACCOUNT = "default"
"""The Workers binding names no account."""


def undressed(shown: Row) -> Row:
    """The object as it is."""
    return shown


def receipt_of(ranking: Ranking) -> dict[str, object]:
    """What fusion and reranking did, now or for an earlier question; an extra key that Cloudflare does not send."""
    shown = shown_receipt(ranking.receipt)
    if ranking.fusion:
        shown["fusion"] = ranking.fusion
    if ranking.reuse:
        shown["from_cache"] = {"similarity": round(ranking.reuse.likeness, 4), "age_s": round(ranking.reuse.age, 1)}
    return shown


def thresholds_of(ranking: Ranking) -> Row:
    """``thresholds`` of an answer: each that was applied, and how many candidates it dropped; an extra key."""
    names = {"match": "match_threshold", "reranking": "reranking.match_threshold"}
    rows = [{"name": names[one.kind], "value": one.value, "dropped": one.dropped} for one in ranking.thresholds]
    return {"thresholds": rows}


def notices_of() -> Row:
    """``messages`` of an answer that has no envelope, where something is to be said of the request; an extra key."""
    notices = messages()
    return {"messages": notices} if notices else {}


def failures_of(ranking: Ranking) -> Row:
    """``errors`` of an answer to which not every method of retrieval gave its part; nothing when all did."""
    lines = [{"method": one.method, "message": "search_failed", "detail": one.reason} for one in ranking.failures]
    return {"errors": lines} if lines else {}


def query_id_of(ranking: Ranking) -> Row:
    """``query_id`` of an answer that the query log of its instance knows; an extra key."""
    return {"query_id": ranking.logged} if ranking.logged else {}


def cache_headers(ranking: Ranking) -> dict[str, str]:
    """Whether the similarity cache answered (contract, 1)."""
    return {"cf-aig-cache-status": "HIT" if ranking.reuse else "MISS"}


def shown_receipt(receipt: Receipt) -> dict[str, object]:
    """A receipt as the wire has it."""
    return {
        **({"language": receipt.language} if receipt.language else {}),
        "status": receipt.status,
        "reason": receipt.reason,
        "model": receipt.model,
        "asked_model": receipt.asked,
        "candidates_in": receipt.candidates_in,
        "candidates_out": receipt.candidates_out,
        "scored": receipt.scored,
        "truncated": receipt.truncated,
        "windowed": receipt.windowed,
        "query_truncated": receipt.query_truncated,
        "threshold": receipt.threshold,
        "below_threshold": receipt.below,
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


def explanation_of(candidate: Candidate, rank: int, *, bare: bool = False) -> dict[str, object]:
    """Rank and score of a candidate at each stage it passed, and, unless ``bare``, the sentence that carries it."""
    evidence = candidate.evidence
    stages: list[Row] = [
        {"stage": "vector", "rank": evidence.vector_rank, "score": evidence.vector_score},
        {"stage": "keyword", "rank": evidence.keyword_rank, "score": evidence.keyword_score},
        {"stage": "fuse", "rank": evidence.fused_rank, "score": evidence.fused_score},
        {"stage": "retrieval", "rank": evidence.retrieval_rank, "score": evidence.retrieval_score},
        *(
            {"stage": "rerank", "rank": look.rank, "score": look.score, "relevance": look.relevance,
             "model": look.model}
            for look in evidence.looks
        ),
        {"stage": "final", "rank": rank, "score": shown_score(candidate)},
    ]  # fmt: skip
    shown: dict[str, object] = {"stages": [_rounded(one) for one in stages if one["score"] is not None]}
    if evidence.boost is not None:
        shown["boost"] = round(evidence.boost, 6)
    if evidence.sentence_relevance is not None and not bare:
        shown["sentence"] = {"text": evidence.sentence, "score": round(evidence.sentence_relevance, 6)}
    return shown


def dropped_of(ranking: Ranking) -> list[dict[str, object]]:
    """What each stage let go, in that order."""
    return [
        {
            "item": {"key": one.candidate.chunk.item_key},
            "id": one.candidate.chunk.id,
            "stage": one.stage,
            "rank": one.rank,
            "reason": one.reason,
        }
        for one in ranking.dropped
    ]


def explained(ranking: Ranking, shown: Row, rows: str, *, bare: bool = False) -> Row:
    """The answer with the trace, what was dropped, and ``explain`` in each of its rows, which stand in this order."""
    told = [
        {**row, "explain": explanation_of(one, rank, bare=bare)}
        for rank, (row, one) in enumerate(zip(cast(list[Row], shown[rows]), ranking.candidates, strict=True), 1)
    ]
    return {**shown, rows: told, "trace": trace_of(ranking), "dropped": dropped_of(ranking)}


def _rounded(stage: Mapping[str, object]) -> dict[str, object]:
    shown = {name: round(one, 6) if isinstance(one, float) else one for name, one in stage.items()}
    return {name: one for name, one in shown.items() if one is not None}


def shown_score(candidate: Candidate) -> float:
    """What the final order is sorted by, in [0, 1]."""
    return round(min(1.0, max(0.0, candidate.score)), 6)


def custom_metadata(candidate: Candidate) -> dict[str, object]:
    """Metadata without the built-ins."""
    built_in = ("folder", "filename", "timestamp")
    return {name: value for name, value in candidate.chunk.metadata.items() if name not in built_in}


def event(data: object, name: str = "") -> bytes:
    """One server-sent event; text data goes as it is."""
    text = data if isinstance(data, str) else as_json(data)
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {text}\n\n".encode()


DONE = event("[DONE]")
STREAM_HEADERS = {"cache-control": "no-store", "x-accel-buffering": "no"}
"""Nothing between us and the client may hold frames back."""


@dataclass(slots=True)
class Written:
    """An answer as it grows, with its end, its cost, and the calls of tools that the model wants, by their index."""

    text: str = ""
    finish_reason: str = "stop"
    usage: Mapping[str, int] = field(default_factory=dict)
    calls: dict[object, Row] = field(default_factory=dict)

    def add(self, delta: Delta) -> None:
        """Take the next piece."""
        self.text += delta.text
        for piece in delta.tool_calls:
            index = piece.get("index", 0)
            self.calls[index] = joined(self.calls.get(index, {}), {k: v for k, v in piece.items() if k != "index"})
        self.finish_reason = delta.finish_reason or self.finish_reason
        if delta.prompt_tokens or delta.completion_tokens:
            self.usage = {
                "prompt_tokens": delta.prompt_tokens,
                "completion_tokens": delta.completion_tokens,
                "total_tokens": delta.prompt_tokens + delta.completion_tokens,
            }

    def message(self) -> Row:
        """The message of a completion; with calls of tools and no words its content is null, as OpenAI has it."""
        if not self.calls:
            return {"role": "assistant", "content": self.text}
        calls = [call for _, call in sorted(self.calls.items(), key=lambda one: str(one[0]).zfill(9))]
        return {"role": "assistant", "content": self.text or None, "tool_calls": calls}


def joined(begun: Row, piece: Row) -> Row:
    """A call of a tool with the next piece of it: arguments are put together, the rest is said once."""
    made = dict(begun)
    for name, value in piece.items():
        before = made.get(name)
        if isinstance(value, dict):
            made[name] = joined(cast(Row, before) if isinstance(before, dict) else {}, value)
        elif name == "arguments" and isinstance(before, str) and isinstance(value, str):
            made[name] = before + value
        elif value not in (None, "") or name not in made:
            made[name] = value
    return made


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
