"""Completions, streams and namespaces of the AI Search generation."""

import asyncio
import json
import logging
import re
from typing import Any

import pytest

from secondlook.api.ai_search.namespaces import namespace_of
from secondlook.api.ai_search.routes import completion_of, stream_of
from secondlook.api.ai_search.wire import ChatBody, chunk_of
from secondlook.api.body import validate
from secondlook.api.wire import Written
from secondlook.domain.instance import Namespace
from secondlook.errors import GeneratorError
from secondlook.ports import Delta
from secondlook.services.generating import Answer
from tests.unit.api.conftest import CANDIDATE, RANKING, deltas_of
from tests.wire.conftest import NEW, Wire, error_of

PIECES = [Delta("Warm "), Delta("it."), Delta("", "stop", 7, 2)]
USAGE = {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9}
BARE = {"ai_search_options": {"retrieval": {"metadata_only": True}}}


def answer() -> Answer:
    return Answer(RANKING, "m", deltas_of([]))


def test_a_completion() -> None:
    found = completion_of(answer(), Written("Warm it.", "stop", USAGE), ChatBody())
    assert re.fullmatch(r"id-[0-9a-f]{16}", str(found["id"]))
    assert (found["object"], found["model"], found["usage"]) == ("chat.completion", "m", USAGE)
    assert found["choices"] == [
        {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Warm it."}}
    ]
    assert found["chunks"] == [chunk_of(CANDIDATE)]
    assert "trace" not in found


def test_a_completion_explained_bare_and_without_usage() -> None:
    found = completion_of(answer(), Written("x"), validate(ChatBody, {"explain": True, **BARE}))
    [chunk] = found["chunks"]  # type: ignore[misc]  # a list
    assert chunk.pop("explain")["stages"][-1] == {"stage": "final", "rank": 1, "score": 0.876543}
    assert chunk == chunk_of(CANDIDATE, bare=True)
    assert found["trace"]
    assert "usage" not in found


def frames(pieces: list[Delta], error: Exception | None = None, *, bare: bool = False) -> list[tuple[str, Any]]:
    async def work() -> bytes:
        return b"".join([frame async for frame in stream_of(answer(), deltas_of(pieces, error), bare=bare)])

    found = []
    for block in asyncio.run(work()).decode().removesuffix("\n\n").split("\n\n"):
        name, _, data = block.rpartition("data: ")
        found.append((name.strip().removeprefix("event: "), data if data == "[DONE]" else json.loads(data)))
    return found


@pytest.mark.parametrize("bare", [False, True])
def test_a_stream(bare: bool) -> None:
    chunks, *words, last, done = frames(PIECES, bare=bare)
    assert chunks == ("chunks", [chunk_of(CANDIDATE, bare=bare)])
    assert [frame["choices"][0]["delta"] for _, frame in words] == [{"content": "Warm "}, {"content": "it."}]
    assert len({frame["id"] for _, frame in [*words, last]}) == 1
    assert last[1]["choices"] == [{"index": 0, "delta": {}, "finish_reason": "stop"}]
    assert last[1]["usage"] == USAGE
    assert last[1]["reranking"]["status"] == "ran"
    assert done == ("", "[DONE]")


@pytest.mark.parametrize(("error", "logged"), [(GeneratorError("down"), 0), (RuntimeError("swordfish"), 1)])
def test_a_stream_that_breaks_says_so_and_ends(error: Exception, logged: int, caplog: pytest.LogCaptureFixture) -> None:
    *_, broken, done = frames(PIECES[:1], error)
    assert broken[1]["choices"][0]["finish_reason"] == "error"
    assert broken[1]["success"] is False
    assert "swordfish" not in json.dumps(broken[1])
    assert done == ("", "[DONE]")
    assert len([one for one in caplog.records if one.levelno >= logging.ERROR]) == logged


def test_a_namespace() -> None:
    found = namespace_of(Namespace("team", "", 1000))
    assert (found["name"], found["description"], found["created_at"]) == ("team", None, "1970-01-01T00:00:01.000Z")
    assert namespace_of(Namespace("team", "Ours", 0))["description"] == "Ours"


def test_pages_of_instances(wire: Wire) -> None:
    for name in ("a", "b", "c"):
        wire.make(name)
    found = wire.get(NEW, page=2, per_page=2).json()
    assert len(found["result"]) == 1
    assert found["result_info"] == {"count": 1, "page": 2, "per_page": 2, "total_count": 3}
    assert wire.get(NEW, page=9).json()["result"] == []


def test_a_conversation_without_a_question_has_a_code_of_its_own(filled: Wire) -> None:
    chat = filled.post(f"{NEW}/handbook/chat/completions", {"messages": [{"role": "system", "content": "x"}]})
    assert error_of(chat) == (400, 7038, "missing_user_query")
    assert error_of(filled.post(f"{NEW}/handbook/search", {})) == (400, 7039, "missing_user_query")
