"""What both generations share: receipts, traces, events, and answers as they grow."""

import asyncio
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secondlook.api.wire import (
    DONE,
    Written,
    collect,
    custom_metadata,
    event,
    primed,
    receipt_of,
    shown_score,
    trace_of,
)
from secondlook.domain.candidate import Ranking
from secondlook.domain.query import Query
from secondlook.errors import GeneratorError
from secondlook.ports import Delta
from tests.unit.api.conftest import CANDIDATE, RANKING, deltas_of

PIECES = [Delta("Warm "), Delta("it."), Delta("", "length", 7, 2)]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab\n", max_size=2), inner, max_size=3),
    max_leaves=6,
)


def test_a_receipt() -> None:
    assert receipt_of(RANKING) == {
        "status": "ran",
        "reason": "",
        "model": "m@1",
        "asked_model": "m",
        "candidates_in": 5,
        "candidates_out": 1,
        "scored": 0,
        "truncated": 2,
        "windowed": 0,
        "query_truncated": False,
        "threshold": None,
        "below_threshold": 0,
        "cached": 0,
        "ms": 3.457,
        "stages": [],
    }
    assert receipt_of(Ranking(Query("q")))["status"] == "skipped"


def test_a_trace() -> None:
    assert trace_of(RANKING) == [
        {"stage": "retrieve", "ms": 1.235, "candidates": 5, "note": ""},
        {"stage": "rerank", "ms": 2.0, "candidates": 1, "note": "ran"},
    ]


@pytest.mark.parametrize(("score", "shown"), [(0.87654321, 0.876543), (1.0000001, 1.0), (-0.1, 0.0)])
def test_a_shown_score_lies_in_range(score: float, shown: float) -> None:
    assert shown_score(replace(CANDIDATE, score=score)) == shown


def test_custom_metadata_is_without_the_built_ins() -> None:
    assert custom_metadata(CANDIDATE) == {"colour": "red"}


@given(JSON, st.sampled_from(["", "chunks"]))
def test_an_event_can_be_read_again(data: object, name: str) -> None:
    lines = event(data if not isinstance(data, str) else [data], name).decode().split("\n")
    assert lines[-2:] == ["", ""]
    if name:
        assert lines.pop(0) == "event: chunks"
    assert len(lines) == 3
    assert json.loads(lines[0].removeprefix("data: ")) == (data if not isinstance(data, str) else [data])


def test_the_sentinel() -> None:
    assert DONE == b"data: [DONE]\n\n"


def test_an_answer_grows() -> None:
    written = asyncio.run(collect(deltas_of(PIECES)))
    assert written == Written("Warm it.", "length", {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9})
    assert asyncio.run(collect(deltas_of([]))) == Written("", "stop", {})


@pytest.mark.parametrize("pieces", [[], PIECES])
def test_priming_changes_no_piece(pieces: list[Delta]) -> None:
    async def work() -> list[Delta]:
        return [delta async for delta in await primed(deltas_of(pieces))]

    assert asyncio.run(work()) == pieces


def test_what_fails_at_once_fails_before_the_first_byte() -> None:
    async def work(pieces: list[Delta]) -> str:
        try:
            deltas = await primed(deltas_of(pieces, GeneratorError("down")))
        except GeneratorError:
            return "before"
        with pytest.raises(GeneratorError):
            [delta async for delta in deltas]
        return "after"

    assert asyncio.run(work([])) == "before"
    assert asyncio.run(work([Delta("Warm")])) == "after"


def test_pieces_of_tool_calls_become_calls() -> None:
    pieces: list[dict[str, object]] = [
        {"index": 1, "id": "b", "type": "function", "function": {"name": "tide", "arguments": ""}},
        {"index": 0, "id": "a", "type": "function", "function": {"name": "tide", "arguments": "{}"}},
        {"index": 1, "id": "", "function": {"name": None, "arguments": '{"place":'}},
        {"index": 1, "function": {"arguments": ' "north"}'}},
    ]
    written = Written()
    for piece in pieces:
        written.add(Delta("", tool_calls=(piece,)))
    assert written.message() == {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {"id": "a", "type": "function", "function": {"name": "tide", "arguments": "{}"}},
            {"id": "b", "type": "function", "function": {"name": "tide", "arguments": '{"place": "north"}'}},
        ],
    }
    assert pieces[0]["function"] == {"name": "tide", "arguments": ""}, "what came is not changed"
    assert Written("text").message() == {"role": "assistant", "content": "text"}
