"""The legacy generation: what a request means, and what its rows and frames look like."""

import asyncio
import json
import logging
from dataclasses import replace

import pytest

from secondlook.api.autorag import SearchBody, page_of, row_of, stream_of, to_ask
from secondlook.api.body import validate
from secondlook.domain.filters import AllOf, Comparison
from secondlook.domain.instance import Instance, InstanceSettings
from secondlook.errors import GeneratorError, InvalidOptionError
from secondlook.ports import Delta
from secondlook.services.generating import Answer
from secondlook.services.searching import Ask
from tests.unit.api.conftest import CANDIDATE, CHUNK, EVERYTHING, RANKING, deltas_of

INSTANCE = Instance("u1", "acc", "default", "docs", InstanceSettings(), 1, 1)


def ask(**raw: object) -> Ask:
    return to_ask(validate(SearchBody, raw), INSTANCE, EVERYTHING)


def test_nothing_said_cuts_nothing() -> None:
    assert ask() == Ask(min_score=0.0, min_relevance=None, cached=None, threshold_for_all=True)


def test_everything_said() -> None:
    found = ask(
        filters={"folder": "winter/"},
        max_num_results=3,
        ranking_options={"score_threshold": 0.5},
        reranking={"enabled": True, "model": "m"},
        rewrite_query=True,
    )
    assert found == Ask(
        min_score=0.5,
        top_k=3,
        where=AllOf((Comparison("folder", "eq", "winter/"),)),
        rerank=True,
        reranker="m",
        min_relevance=None,
        rewriting=True,
        cached=None,
        threshold_for_all=True,
    )


@pytest.mark.parametrize("name", ["max_num_results", "max_num_of_results"])
@pytest.mark.parametrize("count", [0, 51, "3", 2.5])
def test_a_result_limit_out_of_range_is_refused(name: str, count: object) -> None:
    with pytest.raises(InvalidOptionError, match="max_num"):
        ask(**{name: count})
    assert ask(**{name: 50}).top_k == 50


def test_a_row() -> None:
    assert row_of(CANDIDATE) == {
        "file_id": "c1",
        "filename": "winter/oil.md",
        "score": 0.876543,
        "attributes": {
            "modified_date": 1782864000123,
            "timestamp": 1782864000123,
            "folder": "winter/",
            "filename": "winter/oil.md",
            "file": {"colour": "red"},
        },
        "content": [{"id": "c1", "type": "text", "text": "Warm it."}],
    }
    bare = replace(CANDIDATE, chunk=replace(CHUNK, metadata={}))
    attributes = row_of(bare)["attributes"]
    assert isinstance(attributes, dict)
    assert attributes["folder"] == ""
    assert "file" not in attributes


def test_a_page() -> None:
    page = page_of(RANKING, SearchBody())
    assert (page["object"], page["search_query"]) == ("vector_store.search_results.page", "oil?")
    assert page["data"] == [row_of(CANDIDATE)]
    assert (page["has_more"], page["next_page"]) == (False, None)
    assert "trace" not in page
    assert page_of(RANKING, SearchBody(explain=True))["trace"]


def frames(pieces: list[Delta], error: Exception | None = None) -> list[str]:
    async def work() -> bytes:
        deltas = deltas_of(pieces, error)
        return b"".join([frame async for frame in stream_of(Answer(RANKING, "m", deltas), deltas)])

    text = asyncio.run(work()).decode()
    return [block.removeprefix("data: ") for block in text.removesuffix("\n\n").split("\n\n")]


def test_a_stream_is_the_answer_alone() -> None:
    found = frames([Delta("Warm "), Delta("it."), Delta("", "stop", 1, 1)])
    assert [json.loads(one) for one in found[:-1]] == [{"response": "Warm "}, {"response": "it."}]
    assert found[-1] == "[DONE]"


@pytest.mark.parametrize(("error", "logged"), [(GeneratorError("down"), 0), (RuntimeError("swordfish"), 1)])
def test_a_stream_that_breaks_says_so_and_ends(error: Exception, logged: int, caplog: pytest.LogCaptureFixture) -> None:
    first, broken, last = frames([Delta("Warm")], error)
    assert json.loads(first) == {"response": "Warm"}
    assert json.loads(broken)["success"] is False
    assert "swordfish" not in broken
    assert last == "[DONE]"
    assert len([one for one in caplog.records if one.levelno >= logging.ERROR]) == logged
