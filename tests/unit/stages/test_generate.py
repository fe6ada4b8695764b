"""The answer comes from the ranking's chunks, best first."""

from secondlook.domain.options import Generation
from secondlook.domain.query import Query
from secondlook.models.fakes import FakeGenerator
from secondlook.stages.generate import generate_answer
from tests.unit.stages.conftest import make_ranking, run


def test_the_best_chunk_is_cited() -> None:
    async def work() -> str:
        deltas = generate_answer(make_ranking([0.9, 0.1]), Query("oil?"), Generation(), FakeGenerator())
        return "".join([delta.text async for delta in deltas])

    assert run(work()).strip() == "See [k0.md]."
