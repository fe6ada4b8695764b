"""The answer comes from the ranking's chunks, best first."""

from dataclasses import replace

import pytest

from secondlook.domain.candidate import Failure
from secondlook.domain.options import Generation
from secondlook.domain.query import Query
from secondlook.errors import GeneratorError
from secondlook.models.fakes import FakeGenerator
from secondlook.ports import Delta
from secondlook.stages.generate import NOTHING_FOUND, SEARCH_FAILED, generate_answer
from tests.unit.stages.conftest import make_ranking, run


def test_the_best_chunk_is_cited() -> None:
    async def work() -> str:
        deltas = generate_answer(make_ranking([0.9, 0.1]), Query("oil?"), Generation(), FakeGenerator())
        return "".join([delta.text async for delta in deltas])

    assert run(work()).strip() == "See [k0.md]."


def test_with_nothing_found_the_model_is_not_asked() -> None:
    async def work() -> list[Delta]:
        broken = FakeGenerator(error=GeneratorError("asked all the same"))
        return [delta async for delta in generate_answer(make_ranking([]), Query("oil?"), Generation(), broken)]

    assert run(work()) == [Delta(NOTHING_FOUND, "stop")]


def test_a_model_that_fails_is_an_error() -> None:
    async def work() -> list[Delta]:
        broken = FakeGenerator(error=GeneratorError("down"))
        return [delta async for delta in generate_answer(make_ranking([0.5]), Query("oil?"), Generation(), broken)]

    with pytest.raises(GeneratorError, match="down"):
        run(work())


def test_a_search_that_failed_is_not_told_as_nothing_found() -> None:
    async def work() -> list[Delta]:
        ranking = replace(make_ranking([]), failures=(Failure("vector", "down"),))
        return [delta async for delta in generate_answer(ranking, Query("oil?"), Generation(), FakeGenerator())]

    assert run(work()) == [Delta(SEARCH_FAILED, "stop")]
